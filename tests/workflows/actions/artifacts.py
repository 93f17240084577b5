"""actions/upload-artifact and actions/download-artifact, over the real protocol to act's server."""

import fnmatch
import glob
import hashlib
import io
import json
import os
import sys
import urllib.request
import zipfile
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

from toolkit import WORKSPACE, fail, inputs, output, record, yes

FORBIDDEN = set('":<>|*?\r\n\\/')


def backend() -> dict[str, str]:
    """The identifiers of run and job that the runner's token carries."""
    body = os.environ["ACTIONS_RUNTIME_TOKEN"].split(".")[1]
    scopes = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))["scp"].split()
    run, job = next(s for s in scopes if s.startswith("Actions.Results:")).split(":")[1:]
    return {"workflow_run_backend_id": run, "workflow_job_run_backend_id": job}


def ask(method: str, **message: Any) -> dict[str, Any]:
    """Call the artifact service."""
    address = os.environ["ACTIONS_RESULTS_URL"] + "twirp/github.actions.results.api.v1."
    request = urllib.request.Request(
        f"{address}ArtifactService/{method}",
        json.dumps({**backend(), **message}).encode(),
        {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {os.environ['ACTIONS_RUNTIME_TOKEN']}",
        },
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def listed() -> list[dict[str, Any]]:
    """The run's artifacts."""
    return ask("ListArtifacts").get("artifacts", [])


def send(name: str, content: bytes, overwrite: bool = False) -> tuple[str, str]:
    """Store an artifact; returns its id and digest."""
    if not name or FORBIDDEN & set(name):
        fail(f"The artifact name is not valid: {name!r}")
    if not overwrite and any(artifact["name"] == name for artifact in listed()):
        fail(f"Conflict: an artifact with the name {name} already exists on the workflow run")
    address = ask("CreateArtifact", name=name, version=4)["signedUploadUrl"]
    for query, body in (("&comp=block&blockid=MDAw", content), ("&comp=blocklist", b"")):
        request = urllib.request.Request(address + query, body, method="PUT")
        urllib.request.urlopen(request).close()
    digest = hashlib.sha256(content).hexdigest()
    done = ask("FinalizeArtifact", name=name, size=str(len(content)), hash=f"sha256:{digest}")
    return str(done["artifactId"]), digest


def found(pattern: str, hidden: bool) -> tuple[Path, list[Path]]:
    """A pattern's root, and the files it names."""
    full = os.path.normpath(WORKSPACE / Path(pattern).expanduser())
    parts = Path(full).parts
    plain = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    root = Path(*parts[:plain])
    files = set()
    for match in map(Path, glob.glob(full, recursive=True, include_hidden=True)):
        inside = match.rglob("*") if match.is_dir() else [match]
        files |= {path for path in inside if path.is_file() and (hidden or seen(path, root))}
    return (root.parent if root.is_file() else root), sorted(files)


def seen(path: Path, root: Path) -> bool:
    """Whether nothing from the pattern's root on has a hidden name: the real action's rule."""
    return not any(p.startswith(".") for p in (root.name, *path.relative_to(root).parts))


def upload() -> None:
    """Pack the files as the real action does: below their least common folder."""
    given = inputs()
    lines = [line.strip() for line in given["path"].splitlines() if line.strip()]
    hidden = yes(given["include-hidden-files"])
    hits = [found(line, hidden) for line in lines if not line.startswith("!")]
    banned = {f for line in lines if line.startswith("!") for f in found(line[1:], True)[1]}
    files = sorted({file for _, some in hits for file in some} - banned)
    if not files:
        message = f"No files were found with the provided path: {given['path']}"
        if given["if-no-files-found"] == "error":
            fail(message)
        print(f"::warning::{message}" if given["if-no-files-found"] == "warn" else message)
        return
    name, content = given["name"], b""
    if yes(given["archive"]):
        content = packed(files, Path(os.path.commonpath([root for root, _ in hits])))
    elif len(files) > 1:
        fail("When 'archive' is false, only a single file can be uploaded")
    else:
        name, content = files[0].name, files[0].read_bytes()
    number, digest = send(name, content, yes(given["overwrite"]))
    record("actions/upload-artifact", name=name, files=[file.name for file in files])
    page = f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}/actions/runs"
    address = f"{page}/{os.environ['GITHUB_RUN_ID']}/artifacts/{number}"
    output(artifact_id=number, artifact_url=address, artifact_digest=digest)


def packed(files: list[Path], root: Path) -> bytes:
    """A zip of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(file.relative_to(root).as_posix(), file.read_bytes())
    return buffer.getvalue()


def chosen(given: dict[str, str]) -> list[dict[str, Any]]:
    """The artifacts that the inputs name."""
    artifacts = listed()
    if given["name"]:
        artifacts = [one for one in artifacts if one["name"] == given["name"]]
    elif given["artifact-ids"]:
        numbers = [number.strip() for number in given["artifact-ids"].split(",")]
        artifacts = [one for one in artifacts if str(one["databaseId"]) in numbers]
    else:
        pattern = given["pattern"] or "*"
        return [one for one in artifacts if fnmatch.fnmatchcase(one["name"], pattern)]
    if not artifacts:
        fail(f"Unable to download artifact(s): not found: {given['name'] or given['artifact-ids']}")
    return artifacts


def download() -> None:
    """Fetch and unpack."""
    given = inputs()
    if given["run-id"] not in ("", os.environ["GITHUB_RUN_ID"]):
        fail("another run's artifacts are not part of this test")
    base = WORKSPACE / Path(given["path"]).expanduser()
    artifacts = chosen(given)
    direct = bool(given["name"]) or (bool(given["artifact-ids"]) and len(artifacts) == 1)
    for artifact in artifacts:
        flat = direct or yes(given["merge-multiple"])
        folder = base if flat else base / artifact["name"]
        folder.mkdir(parents=True, exist_ok=True)
        address = ask("GetSignedArtifactURL", name=artifact["name"])["signedUrl"]
        with urllib.request.urlopen(address) as answer:
            content = answer.read()
        if zipfile.is_zipfile(io.BytesIO(content)) and not yes(given["skip-decompress"]):
            zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
        else:
            (folder / artifact["name"]).write_bytes(content)
    record("actions/download-artifact", names=[artifact["name"] for artifact in artifacts])
    output(download_path=base)


if __name__ == "__main__":
    {"upload": upload, "download": download}[sys.argv[1]]()
