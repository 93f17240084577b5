"""The scanners: they find nothing, but refuse what the real ones could not have read."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from artifacts import send
from toolkit import WORKSPACE, fail, inputs, output, record, said, yes

SARIF = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "none"}}, "results": []}]}


def target(given: dict[str, str], keys: tuple[str, ...]) -> str:
    """The one thing to be scanned, which must exist."""
    named = [key for key in keys if given[key]]
    if len(named) != 1:
        fail(f"exactly one of {', '.join(keys)} is needed")
    what = given[named[0]]
    if named == ["image"]:
        if said("docker", "image", "inspect", what) is None:
            fail(f"there is no image {what}")
    elif not (WORKSPACE / what).exists():
        fail(f"there is no {what}")
    return what


def written(path: str, content: dict) -> Path:
    """A report where it was asked for."""
    report = WORKSPACE / path
    report.write_text(json.dumps(content), encoding="utf-8")
    return report


def grype() -> None:
    """anchore/scan-action."""
    given = inputs()
    kind = given["output-format"]
    if kind not in ("json", "sarif", "table", "cyclonedx-xml", "cyclonedx-json"):
        fail(f"Invalid output-format: {kind}")
    if given["severity-cutoff"] not in ("negligible", "low", "medium", "high", "critical"):
        fail(f"Invalid severity-cutoff: {given['severity-cutoff']}")
    what = target(given, ("image", "path", "sbom"))
    record("anchore/scan-action", target=what, cutoff=given["severity-cutoff"])
    report = written(given["output-file"] or f"results.{kind}", SARIF)
    if kind in ("sarif", "json"):
        output(**{kind: report})


def sbom() -> None:
    """anchore/sbom-action."""
    given = inputs()
    if not given["image"] and not given["file"]:
        given["path"] = given["path"] or "."
    what = target(given, ("image", "path", "file"))
    content = {
        "spdxVersion": "SPDX-2.3",
        "name": what,
        "SPDXID": "SPDXRef-DOCUMENT",
        "packages": [],
    }
    if given["output-file"]:
        written(given["output-file"], content)
    if yes(given["upload-artifact"]):
        usual = (
            f"{os.environ['GITHUB_REPOSITORY'].split('/')[1]}-{os.environ['GITHUB_JOB']}.spdx.json"
        )
        send(given["artifact-name"] or usual, json.dumps(content).encode())
    record("anchore/sbom-action", target=what, file=given["output-file"])


def scorecard() -> None:
    """ossf/scorecard-action."""
    given = inputs()
    if given["results_format"] not in ("json", "sarif"):
        fail(f"results_format must be json or sarif, not {given['results_format']!r}")
    written(given["results_file"], SARIF)
    record("ossf/scorecard-action", publish=given["publish_results"])


def sarif() -> None:
    """github/codeql-action/upload-sarif."""
    given = inputs()
    place = WORKSPACE / given["sarif_file"]
    files = sorted(place.rglob("*.sarif")) if place.is_dir() else [place]
    if not files or not all(file.is_file() for file in files):
        fail(f"Path does not exist: {given['sarif_file']}")
    for file in files:
        if "runs" not in json.loads(file.read_text(encoding="utf-8")):
            fail(f"{file.name} is no SARIF")
    record("github/codeql-action/upload-sarif", category=given["category"])
    output(sarif_id="1")


def dependencies() -> None:
    """actions/dependency-review-action."""
    given = inputs()
    pull_request = os.environ["GITHUB_EVENT_NAME"].startswith("pull_request")
    if not pull_request and not (given["base-ref"] and given["head-ref"]):
        fail("Both a base ref and head ref must be provided outside of pull requests")
    if given["allow-licenses"] and given["deny-licenses"]:
        fail("You cannot specify both allow-licenses and deny-licenses")
    if given["config-file"] and not (WORKSPACE / given["config-file"]).is_file():
        fail(f"there is no {given['config-file']}")
    record("actions/dependency-review-action", severity=given["fail-on-severity"])


def zizmor() -> None:
    """zizmorcore/zizmor-action: the real zizmor where there is one, without its online audits."""
    given = inputs()
    record("zizmorcore/zizmor-action", persona=given["persona"])
    if shutil.which("zizmor") is None:
        print("::warning::zizmor is not on this machine")
        return
    options = ["--offline", "--no-progress", f"--persona={given['persona']}"]
    for key in ("min-severity", "min-confidence", "config"):
        options += [f"--{key}={given[key]}"] if given[key] else []
    command = ["zizmor", *options, *shlex.split(given["inputs"])]
    found = subprocess.run(command, cwd=WORKSPACE).returncode
    if found and not (yes(given["advanced-security"]) and found > 10):
        fail(f"zizmor ended with {found}")


SCANNERS = (grype, sbom, scorecard, sarif, dependencies, zizmor)
{scanner.__name__: scanner for scanner in SCANNERS}[sys.argv[1]]()
