"""What a model has learnt from, kept in its bundle: hashes of rows and owners, never the rows."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TRAINING = "training.json"
HASHES = NDArray[np.uint64]
FINGERPRINTS = 1_000_000


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


def trained_on(folder: Path, hashes: HASHES) -> NDArray[np.bool_]:
    """Which of these rows the model has trained on, as far as its fingerprints reach."""
    return _known(folder / "fingerprints.npy", hashes)


def leaked_rows(folder: Path, hashes: HASHES) -> int:
    """How many of these rows the model has trained on, as far as its fingerprints reach."""
    return int(trained_on(folder, hashes).sum())


def leaked_owners(folder: Path, owners: HASHES) -> int:
    """How many of these owners had rows in the training, as far as is known."""
    path = folder / "owners.npy"
    return int(_known(path, np.unique(owners)).sum()) if path.is_file() else 0


def _known(path: Path, hashes: HASHES) -> NDArray[np.bool_]:
    return np.isin(hashes, np.load(path, allow_pickle=False))


def trained_until(folder: Path) -> str:
    """The last moment of the training rows in ISO 8601; empty where there is no time column."""
    path = folder / TRAINING
    return json.loads(path.read_text(encoding="utf-8"))["until"] if path.is_file() else ""
