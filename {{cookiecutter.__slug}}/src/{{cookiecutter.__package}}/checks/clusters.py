"""How much less rows say that hang together in time: the weather of a day is one observation.

With an intraclass correlation ρ, m rows of one stretch of time say as much as m / (1 + (m − 1) ρ)
independent ones (Kish, 1965). Without it one unusual week would be an alarm.
"""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

BLOCKS = 20
FEWEST = 100


def block_days(days: list[date]) -> float:
    """The length of a twentieth of the time that these days span; 0 without a span."""
    return (max(days) - min(days)).days / BLOCKS if len(days) > BLOCKS / 2 else 0.0


def blocks(clock: pl.Series, length: float) -> NDArray[np.int64]:
    """Which stretch of time each row is of, shape (n,)."""
    seconds = clock.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64).fill_null(0).to_numpy()
    return np.floor((seconds - seconds.min()) / 8.64e10 / length).astype(np.int64)


def intraclass(numbers: NDArray, groups: NDArray) -> float:
    """ρ of numbers of shape (n,) in these groups, by analysis of variance; never negative."""
    there = np.isfinite(numbers)
    numbers, groups = numbers[there], groups[there]
    if len(numbers) < FEWEST:
        return 0.0
    ranks = np.argsort(np.argsort(numbers, kind="stable"), kind="stable").astype(np.float64)
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    k, n = len(sizes), len(ranks)
    if k < 3:
        return 0.0
    means = np.bincount(place, ranks) / sizes
    between = float((sizes * (means - ranks.mean()) ** 2).sum()) / (k - 1)
    within = float(((ranks - means[place]) ** 2).sum()) / (n - k)
    size = (n - float((sizes**2).sum()) / n) / (k - 1)
    found = (between - within) / (between + (size - 1) * within) if between > 0 else 0.0
    return max(0.0, found)


def effective(rows: int, stretches: float, rho: float) -> int:
    """Independent rows that say as much as these, spread over so many stretches of time."""
    each = rows / max(1.0, stretches)
    return max(1, int(rows / (1 + max(0.0, each - 1) * rho)))


def spread(days: list[date], length: float) -> float:
    """Over how many stretches of this length some days are spread, one at least."""
    return max(1.0, (max(days) - min(days)).days / length) if days and length else 1.0
