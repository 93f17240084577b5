"""How far rows have moved from the reference: a size decides, a test of one family guards it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import chi2, kstwobign, norm

from ..checks.clusters import BLOCKS, effective, spread
from ..checks.compare import distance, standard_error
from ..checks.numbers import as_numbers
from ..checks.reference import LEVELS, ColumnReference, Reference, is_number, is_words
from ..checks.summarize import relative
from ..contract import Contract

FEWEST = 500  # rows without which nothing is said
APART = 0.10
ALPHA = 0.05
EXPECTED = 5.0  # a level with fewer rows is counted with the rest
Kind = Literal["distance", "missing"]


@dataclass(frozen=True)
class Drift:
    """One column beside the reference.

    `size` is the Kolmogorov-Smirnov distance of numbers, the total variation of words (0 is alike,
    1 is apart), or the change in the share that is missing, if that is larger. `p` is corrected
    after Holm (1979) over all columns.
    """

    column: str
    kind: Kind
    size: float
    p: float
    drifted: bool


def drift(rows: pl.DataFrame, contract: Contract, reference: Reference) -> tuple[Drift, ...]:
    """Every input of these rows beside the reference, the farthest first; none of few rows."""
    if len(rows) < FEWEST:
        return ()
    clock = contract.time_column
    there = clock in rows.columns
    days = rows[clock].cast(pl.Date).drop_nulls().unique().to_list() if there else []
    stretches = spread(days, reference.block)
    moved = relative(rows, contract)
    found = []
    for name in contract.inputs:
        known, column = reference.columns.get(name), contract.columns[name]
        if known is None or name not in moved.columns or is_words(column):
            continue
        size = effective(len(moved), stretches, known.rho)
        known = known.model_copy(update={"rows": effective(known.rows, BLOCKS, known.rho)})
        compare = _numbers if is_number(column) else _words
        found.append(_column(name, moved[name], known, size, compare))
    return judged(found)


def judged(found: Sequence[Drift]) -> tuple[Drift, ...]:
    """The same with p after Holm, and what is large and proven marked; the farthest first."""
    order = sorted(range(len(found)), key=lambda place: found[place].p)
    worst, corrected = 0.0, {}
    for rank, place in enumerate(order):
        worst = max(worst, min(1.0, found[place].p * (len(found) - rank)))
        corrected[place] = worst
    marked = [
        replace(one, p=corrected[n], drifted=one.size > APART and corrected[n] < ALPHA)
        for n, one in enumerate(found)
    ]
    return tuple(sorted(marked, key=lambda one: (not one.drifted, -one.size)))


def drift_of_numbers(name: str, values: NDArray, quantiles: Sequence[float], rows: int) -> Drift:
    """Numbers beside the quantiles, at `checks.reference.LEVELS`, of so many rows; p as it is."""
    known = ColumnReference(rows=rows, quantiles=[*quantiles])
    size, p = _numbers(pl.Series(values), known, len(values))
    return Drift(name, "distance", size, p, drifted=False)


Compare = Callable[[pl.Series, ColumnReference, int], tuple[float, float]]


def _column(
    name: str, values: pl.Series, known: ColumnReference, rows: int, compare: Compare
) -> Drift:
    missing = values.null_count() / len(values)
    change = abs(missing - known.nulls)
    error = standard_error(known.nulls, missing, known.rows, rows)
    lost = Drift(name, "missing", change, float(2 * norm.sf(change / error)), drifted=False)
    there = values.drop_nulls()
    if not len(there):
        return lost
    size, p = compare(there, known, max(1, round(rows * (1 - missing))))
    return max(Drift(name, "distance", size, p, drifted=False), lost, key=lambda one: one.size)


def _numbers(values: pl.Series, known: ColumnReference, rows: int) -> tuple[float, float]:
    """Kolmogorov-Smirnov's distance, and its asymptotic p for two samples."""
    numbers = as_numbers(values)
    numbers = numbers[np.isfinite(numbers)]
    if len(known.quantiles) != len(LEVELS) or not len(numbers):
        return 0.0, 1.0
    apart = max(0.0, distance(numbers, known))
    return apart, float(kstwobign.sf(apart * sqrt(rows * known.rows / (rows + known.rows))))


def _words(values: pl.Series, known: ColumnReference, rows: int) -> tuple[float, float]:
    """Total variation, and the p of Pearson's chi-square for two samples."""
    words = values.cast(pl.String).value_counts(sort=False, name="n")
    now = {word: count / len(values) for word, count in words.iter_rows()}
    before = dict(known.levels)
    if not before or not known.rows:
        return 0.0, 1.0
    usual = {w for w, share in before.items() if share * min(rows, known.rows) >= EXPECTED}
    parts = [(before[word], now.get(word, 0.0)) for word in sorted(usual)]
    parts.append((1 - sum(one for one, _ in parts), 1 - sum(other for _, other in parts)))
    size = sum(abs(one - other) for one, other in parts) / 2
    statistic, weight = 0.0, rows * known.rows / (rows + known.rows)
    for one, other in parts:
        pooled = (one * known.rows + other * rows) / (known.rows + rows)
        statistic += weight * (one - other) ** 2 / pooled if pooled > 0 else 0.0
    return size, float(chi2.sf(statistic, max(1, len(parts) - 1)))
