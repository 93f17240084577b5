"""Columns as scores between 0 and 1, so that numbers and words can be correlated.

A number's score is its rank among the reference's quantiles; a word's is the mean rank, where it
stands, of the column that it tells the most of. Correlations of scores are rank correlations
(Spearman, 1904), and words take part in them.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..settings import _Section

GRID = tuple(n / 40 for n in range(41))
MOST_WORDS = 100
MOST_GUIDES = 40


class Scale(_Section):
    """How a column's values become scores: quantiles of numbers, or a score for each word."""

    quantiles: list[float] = []
    words: dict[str, float] = {}


def find_guides(table: pl.DataFrame, names: list[str], target: str | None) -> NDArray[np.float64]:
    """Ranks in (0, 1) by which words may be ordered: of the target and of the first numbers."""
    numbers = [n for n in names if table[n].dtype.is_numeric() and n != target][:MOST_GUIDES]
    ranks = [
        table[n].rank("average").fill_null(strategy="mean").to_numpy()
        for n in filter(None, [target, *numbers])
    ]
    return np.column_stack(ranks) / (len(table) + 1) if ranks else np.zeros((len(table), 1))


def scale(values: pl.Series, guides: NDArray) -> Scale:
    """How this column's values become scores; words by the guide that they tell the most of."""
    if values.dtype.is_numeric() or values.dtype.is_temporal():
        numbers = _numbers(values)
        there = numbers[np.isfinite(numbers)]
        grid = np.quantile(there, GRID, method="inverted_cdf") if len(there) else []
        return Scale(quantiles=[float(q) for q in grid])
    words = values.cast(pl.String)
    usual = words.drop_nulls().value_counts(sort=True, name="n")
    most = usual.sort("n", values.name, descending=[True, False]).head(MOST_WORDS)[values.name]
    code = words.replace_strict(
        most.to_list(), list(range(len(most))), default=-1, return_dtype=pl.Int64
    )
    known = code.fill_null(-1).to_numpy()
    there = known >= 0
    counts = np.bincount(known[there], minlength=len(most))
    sums = np.column_stack([np.bincount(known[there], g, len(most)) for g in guides[there].T])
    means = sums / np.maximum(counts, 1)[:, None]
    told = (counts[:, None] * (means - guides.mean(axis=0)) ** 2).sum(axis=0)
    told = told / np.maximum(((guides - guides.mean(axis=0)) ** 2).sum(axis=0), 1e-12)
    best = means[:, int(np.argmax(told))]
    return Scale(words={w: round(float(r), 6) for w, r in zip(most, best, strict=True)})


def _numbers(values: pl.Series) -> NDArray[np.float64]:
    return values.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()


def scores(table: pl.DataFrame, scales: dict[str, Scale]) -> NDArray[np.float64]:
    """Scores of shape (n, columns); one half where a value is missing or unknown."""
    return np.column_stack([_score(table[name], one) for name, one in scales.items()])


def _score(values: pl.Series, one: Scale) -> NDArray[np.float64]:
    if one.quantiles:
        if not (values.dtype.is_numeric() or values.dtype.is_temporal()):
            return np.full(len(values), 0.5)
        numbers, grid = _numbers(values), np.asarray(one.quantiles)
        low, high = np.searchsorted(grid, numbers, "left"), np.searchsorted(grid, numbers, "right")
        inside = np.interp(numbers, *_steps(grid))
        between = np.where(high > low, (low + high) / 2 / len(grid), inside)
        return np.where(np.isfinite(numbers), between, 0.5)
    found = values.cast(pl.String).replace_strict(one.words, default=0.5, return_dtype=pl.Float64)
    return found.fill_null(0.5).to_numpy()


def _steps(grid: NDArray) -> tuple[NDArray, NDArray]:
    """Distinct quantiles, and the middle of the levels that each stands for."""
    values, first, counts = np.unique(grid, return_index=True, return_counts=True)
    return values, (first + counts / 2) / len(grid)
