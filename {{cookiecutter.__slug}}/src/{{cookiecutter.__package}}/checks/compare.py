"""A batch beside the reference, column by column: an effect size decides, a test guards it.

Every difference must be large enough to matter and more than chance at five standard errors or
p = 1e-6 (Kolmogorov's bound), because a table has hundreds of them and nobody likes a false alarm.
"""

from collections.abc import Iterator
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ..contract import Rule
from .reference import LEVELS, ColumnReference

Difference = tuple[Rule, str]

FEWEST = 50
APART = 0.1
KOLMOGOROV = 2.7
ERRORS = 5.0


def compare_nulls(nulls: float, known: ColumnReference, rows: int) -> Iterator[Difference]:
    """More or fewer missing values than there were."""
    before, error = known.nulls, standard_error(known.nulls, nulls, known.rows, rows)
    if abs(nulls - before) > max(0.03, 0.4 * before) and abs(nulls - before) > ERRORS * error:
        yield "nulls", f"{nulls:.1%} are missing where the reference had {before:.1%}"


def many(share: float, before: float, rows: int) -> bool:
    """Whether that is far more rows than a Poisson count of the expected ones would bring."""
    expected = before * rows
    return share * rows > expected + 6 * sqrt(expected) + 6


def standard_error(before: float, now: float, known_rows: int, rows: int) -> float:
    """Standard error of the difference of two shares; never 0, as one row more could be."""
    n, m = max(known_rows, 1), max(rows, 1)
    pooled = (before * n + now * m) / (n + m)
    pooled = min(max(pooled, 1 / (n + m)), 1 - 1 / (n + m))
    return sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))


def distance(numbers: NDArray, known: ColumnReference) -> float:
    """Kolmogorov-Smirnov distance to the reference, never more than its quantiles prove."""
    grid, levels = np.asarray(known.quantiles), np.asarray(LEVELS)
    ordered = np.sort(numbers)
    places = np.unique(grid)
    found = np.searchsorted(ordered, places, "right") / len(ordered)
    last = np.searchsorted(grid, places, "right")
    low = levels[last - 1]
    high = np.append(levels, 1.0)[last]
    below = np.searchsorted(ordered, places, "left") / len(ordered)
    first = np.searchsorted(grid, places, "left")
    high_below = levels[first]
    return float(max((low - found).max(), (found - high).max(), (below - high_below).max()))


def proven(apart: float, rows: int, known_rows: int) -> bool:
    """Whether a Kolmogorov-Smirnov distance is large, and larger than chance would make it."""
    effective = rows * known_rows / max(1, rows + known_rows)
    return apart > APART and apart * sqrt(effective) > KOLMOGOROV
