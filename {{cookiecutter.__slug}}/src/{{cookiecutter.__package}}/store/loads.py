"""Data versions: every load as Parquet under the hash of its content, with a manifest beside it."""

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from ..errors import Status, Stop
from . import bundle
from .lock import writing

ROWS, MANIFEST = "rows.parquet", "manifest.json"
DIGITS = 16
GROUP_ROWS = 100_000


@dataclass(frozen=True)
class Load:
    """One data version, as its manifest tells it."""

    id: str
    sha256: str
    rows: int
    columns: int
    first: str | None
    last: str | None
    source: str
    created: str
    folder: Path

    def read(self) -> pl.LazyFrame:
        """Its rows, as they came."""
        return pl.scan_parquet(self.folder / ROWS, glob=False)


def keep(root: Path, table: pl.LazyFrame, source: str, clock: str | None) -> Load:
    """Write the rows once; the same content again is the same version.

    The folder appears whole or not at all: it is made aside and renamed.

    Raises:
        Stop: the rows cannot be read to their end.
    """
    place = root / ".ml" / "data"
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=".part-") as scratch:
        part = Path(scratch, "load")
        part.mkdir()
        try:
            table.sink_parquet(part / ROWS, row_group_size=GROUP_ROWS, maintain_order=True)
        except pl.exceptions.PolarsError as error:
            line = str(error).splitlines()[0]
            raise Stop(Status.DATA, f"{source}: not readable to the end: {line}") from error
        found = _describe(part, source, clock, bundle.sha256(part / ROWS))
        target = place / found.id
        with writing(root):  # another `ml` may load the same rows now
            if not _whole(target, found.sha256):
                (part / MANIFEST).write_text(_text(found), encoding="utf-8")
                shutil.rmtree(target, ignore_errors=True)
                part.rename(target)
            return read_load(target)


def _whole(folder: Path, digest: str) -> bool:
    return (folder / MANIFEST).is_file() and bundle.sha256(folder / ROWS) == digest


def _describe(part: Path, source: str, clock: str | None, digest: str) -> Load:
    rows = pl.scan_parquet(part / ROWS, glob=False)
    names = rows.collect_schema().names()
    ends = (None, None)
    if clock in names:
        ends = rows.select(pl.col(clock).min(), pl.col(clock).max().alias("last")).collect().row(0)
    first, last = (None if end is None else str(end) for end in ends)
    count = rows.select(pl.len()).collect().item()
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return Load(digest[:DIGITS], digest, count, len(names), first, last, source, now, part)


def _text(load: Load) -> str:
    facts = {key: value for key, value in asdict(load).items() if key != "folder"}
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def read_load(folder: Path) -> Load:
    """A version from its manifest."""
    return Load(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")), folder=folder)


def loads(root: Path) -> list[Load]:
    """All versions that are kept here, oldest first."""
    found = [read_load(path.parent) for path in (root / ".ml" / "data").glob(f"*/{MANIFEST}")]
    return sorted(found, key=lambda load: (load.created, load.id))


def prune(root: Path, newest: int, needed: set[str]) -> list[str]:
    """Remove all but the newest and those that somebody needs; returns the names of the removed."""
    old = [load for load in loads(root)[:-newest] if load.id not in needed]
    for load in old:
        (load.folder / MANIFEST).unlink()  # without it the rest is no version any more
        shutil.rmtree(load.folder, ignore_errors=True)
    return [load.id for load in old]
