"""Which rows train and which judge: by time, else by a stable hash; never at random per run."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray
from pandas.util import hash_pandas_object

from ..contract import Contract
from ..errors import Status, Stop

HASHES = NDArray[np.uint64]
SPREAD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Split:
    """Two disjoint parts of the rows, with a 64-bit hash of each row.

    Where owners were parted, and not moments, the hashes of the owners as well.
    """

    training: pl.DataFrame
    holdout: pl.DataFrame
    training_hashes: HASHES
    holdout_hashes: HASHES
    how: str
    training_owners: HASHES | None = None
    holdout_owners: HASHES | None = None

    @property
    def holdout_id(self) -> str:
        """Names the holdout by its content, whatever the order of its rows."""
        return _digest(self.holdout_hashes)


def split(rows: pl.DataFrame, contract: Contract, holdout: float, horizon: int = 1) -> Split:
    """Keep the newest share `holdout` of the rows to judge; a hashed share without time.

    A forecast for `horizon` moments ahead may not learn from answers that were not known when
    the first one that is judged was made: those of the last `horizon` - 1 moments before it.
    """
    hashes, owners = row_hashes(rows), None
    if contract.time_column:
        clock = rows[contract.time_column]
        cut = clock.sort()[min(int(len(clock) * (1 - holdout)), len(clock) - 1)]
        if cut == clock.min():  # most rows are of the first moment: what follows it judges
            cut = clock.filter(clock > cut).min() or cut
        judge = (clock >= cut).to_numpy()
        trains = (clock < _first_unknown(clock, cut, horizon)).to_numpy()
        how = f"observed from {cut} on"
    else:
        owner = contract.group_column or contract.key_column
        owners = row_hashes(rows.select(owner)) if owner else None
        judge = (hashes if owners is None else owners) < np.uint64(int(holdout * 2**64))
        trains = ~judge
        how = f"by a hash of {owner or 'the row'}"
    if not trains.any() or not judge.any():
        side = "holdout" if trains.any() else "training"
        raise Stop(
            Status.DATA,
            f"No row is left for the {side} part ({how}): "
            "give more rows or change [split] holdout.",
        )
    parts = (rows.filter(trains), rows.filter(judge), hashes[trains], hashes[judge], how)
    return Split(*parts) if owners is None else Split(*parts, owners[trains], owners[judge])


def _first_unknown(clock: pl.Series, cut: Any, horizon: int) -> Any:
    """The moment from which on answers were not known at the cut."""
    before = clock.filter(clock < cut).unique().sort()
    late = min(horizon - 1, len(before))
    return before[len(before) - late] if late else cut


def row_hashes(rows: pl.DataFrame) -> HASHES:
    """A 64-bit hash of each row, the same on every machine and in every order of columns."""
    columns, beyond = {}, np.zeros(len(rows), dtype=np.uint64)
    for name in sorted(rows.columns):
        column = rows[name]
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            columns[name] = column.cast(pl.Float64).fill_null(float("nan")).to_numpy() + 0.0
            if column.dtype.is_integer():
                beyond += _beyond_float(column)
        else:
            columns[name] = column.cast(pl.String).fill_null("\0").to_numpy().astype(object)
    # pandas declares the function as an object
    hashes = hash_pandas_object(pd.DataFrame(columns), index=False)  # ty: ignore[not-callable]
    return hashes.to_numpy(dtype=np.uint64) ^ beyond


def _beyond_float(column: pl.Series) -> HASHES:
    """What a float64 loses of large integers, spread over 64 bits; 0 for all others."""
    whole = column.cast(pl.Int64).fill_null(0)
    lost = whole - whole.cast(pl.Float64).cast(pl.Int64, strict=False).fill_null(0)
    return lost.to_numpy().astype(np.uint64) * SPREAD


def _digest(hashes: HASHES) -> str:
    return hashlib.sha256(np.sort(hashes).astype("<u8").tobytes()).hexdigest()[:16]
