"""One version as a folder with a digest: enough to judge, serve and explain it without its code."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import Status, Stop

MANIFEST = "manifest.json"


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(folder: Path, facts: Mapping[str, Any]) -> str:
    """Write the manifest over every file of the folder and return the bundle's digest."""
    files = {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    text = json.dumps({**facts, "files": files}, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return sha256(folder / MANIFEST)


def verify(folder: Path, digest: str | None = None) -> str:
    """Check every file against the manifest, and the manifest against `digest`.

    Raises:
        Stop: a file is missing, changed or unknown.
    """
    if not (folder / MANIFEST).is_file():
        raise Stop(Status.EVIDENCE, f"{folder} is not a bundle: it has no {MANIFEST}.")
    found = sha256(folder / MANIFEST)
    if digest is not None and found != digest:
        raise Stop(
            Status.EVIDENCE,
            f"{folder}: digest {found[:12]} where {digest[:12]} was expected; refused.",
        )
    listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {
        MANIFEST
    }
    changed = [
        name for name in listed if name not in there or sha256(folder / name) != listed[name]
    ]
    if changed or there - set(listed):
        names = ", ".join(sorted([*changed, *(there - set(listed))]))
        raise Stop(Status.EVIDENCE, f"{folder}: not what the manifest says: {names}; refused.")
    return found
