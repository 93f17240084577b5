"""One version as a folder with a digest: enough to judge, serve and explain it without its code."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import Status, Stop

MANIFEST, TRAINING = "manifest.json", "training.json"
HASHES = NDArray[np.uint64]
FINGERPRINTS = 1_000_000


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


def write_fingerprints(
    folder: Path, hashes: HASHES, owners: HASHES | None = None, until: str = ""
) -> None:
    """Keep what the training rows were: their hashes, the lowest million of more.

    Beside them those of their owners where owners were parted, and their last moment.
    """
    _write_lowest(folder / "fingerprints.npy", hashes)
    if owners is not None:
        _write_lowest(folder / "owners.npy", np.unique(owners))
    facts = {"rows": len(hashes), "until": until}
    (folder / TRAINING).write_text(json.dumps(facts) + "\n", encoding="utf-8")


def _write_lowest(path: Path, hashes: HASHES) -> None:
    np.save(path, np.sort(hashes)[:FINGERPRINTS], allow_pickle=False)


def leaked_rows(folder: Path, hashes: HASHES) -> int:
    """How many of these rows the model has trained on, as far as its fingerprints reach."""
    return _known(folder / "fingerprints.npy", hashes)


def leaked_owners(folder: Path, owners: HASHES) -> int:
    """How many of these owners had rows in the training, as far as is known."""
    path = folder / "owners.npy"
    return _known(path, np.unique(owners)) if path.is_file() else 0


def _known(path: Path, hashes: HASHES) -> int:
    return int(np.isin(hashes, np.load(path, allow_pickle=False)).sum())


def trained_until(folder: Path) -> str:
    """The last moment of the training rows in ISO 8601; empty where there is no time column."""
    path = folder / TRAINING
    return json.loads(path.read_text(encoding="utf-8"))["until"] if path.is_file() else ""
