"""`gh attestation verify`, for a gh too old or too offline to have it; see attest.py."""

import hashlib
import json
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Accept what an attestation of this test names; refuse the rest."""
    verb, subject, *options = arguments
    if verb != "verify" or not {"--repo", "-R", "--owner", "-o"} & set(options):
        print("gh attestation verify SUBJECT --repo OWNER/NAME is what works here", file=sys.stderr)
        return 2
    if subject.startswith("oci://"):
        digest = subject.rpartition("@sha256:")[2]
    else:
        digest = hashlib.sha256(Path(subject).read_bytes()).hexdigest()
    lines = Path(os.environ["ML_TEST_ATTESTATIONS"]).read_text().splitlines()
    known = [subject for line in lines for subject in json.loads(line)["subject"]]
    if digest in [one["digest"]["sha256"] for one in known]:
        print(f"Verification succeeded: sha256:{digest}")
        return 0
    print(f"no attestations found for subject sha256:{digest}", file=sys.stderr)
    return 1


sys.exit(main(sys.argv[1:]))
