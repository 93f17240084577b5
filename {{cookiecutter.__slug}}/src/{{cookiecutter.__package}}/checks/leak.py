"""Does one input tell the target all by itself? Then it was probably known too late."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from ..contract import Contract
from .dependence import correlation
from .numbers import number

FEWEST = 100
LEAK = 0.995


def leaks(table: pl.DataFrame, contract: Contract) -> Iterator[tuple[str, float]]:
    """Inputs that alone tell the target (nearly) always, with how well: 1 is always."""
    if contract.target not in table.columns or len(table) < FEWEST:
        return
    answers = table[contract.target]
    numeric = answers.dtype.is_numeric() and answers.n_unique() > 20
    ranks = rankdata(answers.to_numpy()) if numeric else None
    for name in contract.inputs:
        if name not in table.columns:
            continue
        told = _tells(table[name], answers, ranks)
        if told >= LEAK:
            yield name, told


def _tells(values: pl.Series, answers: pl.Series, ranks: NDArray | None) -> float:
    """How well one column tells the target: |Spearman|, 2·|AUC − ½|, or gained accuracy by word."""
    if values.n_unique() < 2 or values.null_count() > 0.5 * len(values):
        return 0.0
    numeric_input = values.dtype.is_numeric() or values.dtype.is_temporal()
    if numeric_input:
        order = rankdata(values.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy())
        if ranks is not None:
            return abs(correlation(order, ranks))
        return _separates(order, answers)
    if ranks is not None or values.n_unique() > len(values) / 10:
        return 0.0
    pairs = pl.DataFrame({"word": values.cast(pl.String), "answer": answers})
    counts = pairs.group_by("word", "answer").len().group_by("word").agg(pl.col("len").max())
    usual = number(answers.value_counts()["count"].max())
    return (number(counts["len"].sum()) - usual) / max(1.0, len(answers) - usual)


def _separates(order: NDArray, answers: pl.Series) -> float:
    """How well a rank parts each class from the rest: the mean of 2·|AUC − ½|."""
    found = []
    for label in answers.drop_nulls().unique():
        own = (answers == label).fill_null(value=False).to_numpy()
        n1, n0 = int(own.sum()), int((~own).sum())
        if n1 and n0:
            area = (order[own].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)
            found.append(abs(2 * area - 1))
    return float(np.mean(found)) if found else 0.0
