"""actions/attest: an unsigned statement of the subjects' digests, kept where `gh` finds it.

`gh attestation verify` (see gh.py) accepts exactly what was attested here before.
"""

import glob
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from toolkit import WORKSPACE, append, fail, inputs, output, record, yes


def subjects(given: dict[str, str]) -> list[dict[str, Any]]:
    """Names and digests, from exactly one of the three inputs."""
    ways = [key for key in ("subject-path", "subject-digest", "subject-checksums") if given[key]]
    if len(ways) != 1:
        fail("One of subject-path, subject-digest, or subject-checksums must be provided")
    if ways == ["subject-digest"]:
        if not re.fullmatch("sha256:[0-9a-f]{64}", given["subject-digest"]):
            fail('subject-digest must be in the format "sha256:<hex-digest>"')
        pairs = [(given["subject-name"], given["subject-digest"].removeprefix("sha256:"))]
        if not given["subject-name"]:
            fail("subject-name must be provided when using subject-digest")
    elif ways == ["subject-checksums"]:
        lines = (WORKSPACE / given["subject-checksums"]).read_text().splitlines()
        pairs = [(line.split(maxsplit=1)[1].lstrip("*"), line.split()[0]) for line in lines]
    else:
        patterns = [part.strip() for part in re.split("[\n,]", given["subject-path"])]
        paths = [path for one in patterns if one for path in glob.glob(str(WORKSPACE / one))]
        files = [Path(path) for path in sorted(paths) if Path(path).is_file()]
        pairs = [(f.name, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]
    if not pairs:
        fail(f"Could not find subject at path {given['subject-path']}")
    return [{"name": name, "digest": {"sha256": digest}} for name, digest in pairs]


def predicate(given: dict[str, str]) -> tuple[str, Any]:
    """What is said of the subjects: an SBOM, the caller's own statement, or the build."""
    if given["sbom-path"]:
        body = json.loads((WORKSPACE / given["sbom-path"]).read_text(encoding="utf-8"))
        if "spdxVersion" in body:
            return "https://spdx.dev/Document", body
        return ("https://cyclonedx.org/bom" if "bomFormat" in body else fail("no SBOM")), body
    if given["predicate-type"]:
        if bool(given["predicate"]) == bool(given["predicate-path"]):
            fail("One of predicate-path or predicate must be provided")
        text = given["predicate"] or (WORKSPACE / given["predicate-path"]).read_text()
        return given["predicate-type"], json.loads(text)
    commit = {"gitCommit": os.environ["GITHUB_SHA"]}
    return "https://slsa.dev/provenance/v1", {"buildDefinition": commit}


def main() -> None:
    """Attest."""
    given = inputs()
    if yes(given["push-to-registry"]) and not (given["subject-name"] and given["subject-digest"]):
        fail("subject-name and subject-digest are needed with push-to-registry")
    kind, body = predicate(given)
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects(given),
        "predicateType": kind,
        "predicate": body,
    }
    number = len(Path(os.environ["ML_TEST_ATTESTATIONS"]).read_text().splitlines()) + 1
    path = Path(os.environ["RUNNER_TEMP"], f"attestation-{number}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(statement), encoding="utf-8")
    append("ML_TEST_ATTESTATIONS", json.dumps(statement))
    record("actions/attest", subject=statement["subject"], predicate=kind)
    page = f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}/attestations"
    output(bundle_path=path, attestation_id=number, attestation_url=f"{page}/{number}")


main()
