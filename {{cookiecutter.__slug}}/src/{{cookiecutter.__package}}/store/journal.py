"""Replaces several files as one: after a crash either all of them are new, or none is."""

import shutil
from collections.abc import Mapping
from pathlib import Path

PREPARED, DECIDED = "adopt", "adopting"


def replace_files(root: Path, files: Mapping[str, str | Path]) -> None:
    """Write texts, or copies of files, to these paths under the root.

    All are written aside first. One rename decides; from then on whoever opens the project puts
    them in their places.
    """
    finish(root)
    prepared = root / ".ml" / PREPARED
    shutil.rmtree(prepared, ignore_errors=True)
    for name, content in files.items():
        path = prepared / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8", newline="\n")
        else:
            shutil.copyfile(content, path)
    prepared.rename(root / ".ml" / DECIDED)
    finish(root)


def finish(root: Path) -> None:
    """Put the files of a decided change in their places, also of one that was interrupted."""
    decided = root / ".ml" / DECIDED
    if not decided.is_dir():
        return
    for path in sorted(p for p in decided.rglob("*") if p.is_file()):
        target = root / path.relative_to(decided)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    shutil.rmtree(decided)
