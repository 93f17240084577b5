"""What is kept of a table too long to hold: a sample of its rows, and its keys on disk.

Both can be merged: parts looked at one by one, in any order, give what the whole would have given.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

SEED = 7
SAMPLED_ROWS = 20_000
SAMPLED_CELLS = 4_000_000
BUCKETS = 64
HELD = 2_000_000
HASH, COPIES = "\0hash", "\0copies"  # no column of a table is called so


@dataclass(frozen=True)
class Sketch:
    """The distinct rows with the lowest hashes (`size` of them), each with its number of copies.

    A bottom-k sample (Cohen & Kaplan, 2007): uniform over distinct rows, whatever their order.
    """

    size: int
    rows: pl.DataFrame

    @classmethod
    def of(cls, piece: pl.DataFrame) -> "Sketch":
        """The sample of one piece."""
        size = max(2_000, min(SAMPLED_ROWS, SAMPLED_CELLS // max(1, piece.width)))
        hashes = piece.hash_rows(SEED).alias(HASH)
        lowest = hashes.unique().bottom_k(size).max() if len(hashes) else None
        low = piece.with_columns(hashes).filter(hashes <= lowest) if len(hashes) else None
        rows = piece.with_columns(hashes) if low is None else low
        return cls(size, _counted(rows.with_columns(pl.lit(1, dtype=pl.Int64).alias(COPIES))))

    def __add__(self, other: "Sketch") -> "Sketch":
        """The sample of both pieces together."""
        both = _counted(pl.concat([self.rows, other.rows]))
        return Sketch(self.size, both.head(self.size))

    @property
    def complete(self) -> bool:
        """Whether every distinct row of the table is here."""
        return len(self.rows) < self.size

    def table(self) -> pl.DataFrame:
        """Plain rows, copies as often as they occur; at most about `size` of them."""
        copies, total = self.rows[COPIES].to_numpy(), int(self.rows[COPIES].sum())
        if total > self.size:  # every total/size-th row, as a systematic sample takes them
            ends = (np.cumsum(copies) * self.size) // total
            copies = np.diff(ends, prepend=0)
        places = np.repeat(np.arange(len(copies)), copies)
        return self.rows.drop(HASH, COPIES)[places]

    @property
    def copied(self) -> float:
        """Share of the sampled rows that are a copy of another row."""
        total = int(self.rows[COPIES].sum())
        return 1 - len(self.rows) / total if total else 0.0


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each hash, in the order of the hashes, with the sum of its copies."""
    if rows[HASH].n_unique() == len(rows):
        return rows.sort(HASH)
    others = [name for name in rows.columns if name not in (HASH, COPIES)]
    wanted = [pl.col(others).first(), pl.col(COPIES).sum()]
    return rows.group_by(HASH).agg(wanted).select(rows.columns).sort(HASH)


@dataclass
class Keys:
    """Hashes of a column's values with their row numbers; beyond two million they lie on disk."""

    held: list[NDArray] = field(default_factory=list)
    rows: int = 0
    folder: tempfile.TemporaryDirectory | None = None

    def __getstate__(self) -> dict[str, object]:
        """Travels in memory: a folder of one machine is none of another's."""
        return {"held": list(self.parts()), "rows": self.rows, "folder": None}

    def add(self, values: pl.Series, offset: int) -> None:
        """Take the values that are not null."""
        there = values.is_not_null().to_numpy()
        pairs = np.empty((int(there.sum()), 2), dtype=np.uint64)
        pairs[:, 0] = values.hash(SEED).to_numpy()[there]
        pairs[:, 1] = np.flatnonzero(there) + offset
        self.take(pairs)

    def take(self, pairs: NDArray) -> None:
        """Take hashes with their rows, shape (n, 2)."""
        self.held.append(pairs)
        self.rows += len(pairs)
        if sum(len(part) for part in self.held) > HELD:
            self._spill()

    def _spill(self) -> None:
        self.folder = self.folder or tempfile.TemporaryDirectory(prefix="ml-keys-")
        together = np.concatenate(self.held or [np.empty((0, 2), np.uint64)])
        self.held = []
        bucket = (together[:, 0] >> np.uint64(58)).astype(np.uint8)
        order = np.argsort(bucket, kind="stable")
        ends = np.searchsorted(bucket[order], np.arange(BUCKETS + 1))
        for n in range(BUCKETS):
            with Path(self.folder.name, str(n)).open("ab") as file:
                together[order[ends[n] : ends[n + 1]]].tofile(file)

    def merge(self, other: "Keys") -> None:
        """Take what another part has seen."""
        for part in other.parts():
            self.take(part)

    def parts(self) -> Iterator[NDArray]:
        """All pairs of hash and row, equal hashes in one part."""
        if self.folder is None:
            yield np.concatenate(self.held) if self.held else np.empty((0, 2), np.uint64)
            return
        self._spill()
        for path in sorted(Path(self.folder.name).iterdir()):
            yield np.fromfile(path, dtype=np.uint64).reshape(-1, 2)

    def duplicated(self, shown: int) -> tuple[int, list[int]]:
        """How many rows share their value with another, and the first of them."""
        total, first = 0, []
        for pairs in self.parts():
            ordered = pairs[np.argsort(pairs[:, 0], kind="stable")]
            same = ordered[1:, 0] == ordered[:-1, 0]
            twice = np.concatenate([same, [False]]) | np.concatenate([[False], same])
            rows = ordered[twice[: len(ordered)], 1]
            total += len(rows)
            first = sorted([*first, *(int(row) for row in np.sort(rows)[:shown])])[:shown]
        return total, first
