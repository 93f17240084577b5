"""How columns hang together: what shuffling, swapping or shifting one of them would break."""

from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..contract import Contract
from ..settings import _Section
from .clusters import BLOCKS
from .scores import Scale, find_guides, scale, scores

MOST_COLUMNS = 400
STRONG = 0.3
PARTNERS = 3
RIDGE = 1e-3
FEWEST = 8


class Tie(_Section):
    """A correlation, and how much it varies from one stretch of time to the next."""

    r: float = 0.0
    spread: float = 0.0


class Dependence(_Section):
    """Rank correlations of pairs, and how well all inputs together tell the target."""

    rows: int = 0
    scales: dict[str, Scale] = {}
    pairs: list[tuple[str, str, Tie]] = []
    weights: dict[str, float] = {}
    target: Tie = Tie()
    alone: dict[str, Tie] = {}


def dependence(table: pl.DataFrame, contract: Contract, groups: NDArray | None) -> Dependence:
    """Measure it on sampled rows; a column with one value has none.

    `groups` says which stretch of time each row is of; without time, rows are dealt out.
    """
    names = compared(table, contract)
    target = contract.target if contract.target in table.columns else None
    if not names or len(table) < 50:
        return Dependence()
    used = [*names, *([target] if target else [])]
    guides = find_guides(table, used, target)
    scales = {name: scale(table[name], guides) for name in used}
    matrix = scores(table, scales)
    dealt = np.arange(len(table)) % BLOCKS if groups is None else groups
    found = correlations(matrix)
    varies = spreads(matrix, dealt)
    weights, fit = _weights(matrix, dealt) if target else (np.zeros(0), Tie())
    return Dependence(
        rows=len(table),
        scales=scales,
        pairs=[(used[a], used[b], _tie(found, varies, a, b)) for a, b in _strong(found)],
        weights=dict(zip(names, (round(float(w), 6) for w in weights), strict=False)),
        target=fit,
        alone={n: _tie(found, varies, i, -1) for i, n in enumerate(names)} if target else {},
    )


def _tie(found: NDArray, varies: NDArray, a: int, b: int) -> Tie:
    return Tie(r=round(float(found[a, b]), 6), spread=round(float(varies[a, b]), 6))


def spreads(matrix: NDArray, groups: NDArray) -> NDArray[np.float64]:
    """Standard deviation of the correlations over the groups, shape (d, d)."""
    parts = [matrix[groups == group] for group in np.unique(groups)]
    within = [correlations(part) for part in parts if len(part) >= FEWEST]
    if len(within) < 3:
        return np.full((matrix.shape[1],) * 2, 1.0)
    return np.std(within, axis=0, ddof=1)


def compared(table: pl.DataFrame, contract: Contract) -> list[str]:
    """The inputs whose dependence is looked at; of very many, the first."""
    names = [
        name
        for name, column in contract.columns.items()
        if column.role in ("number", "category") and not column.personal and name in table.columns
    ]
    most = {
        name: len(table) if table[name].dtype.is_numeric() else len(table) / 20 for name in names
    }
    return [name for name in names if 1 < table[name].n_unique() <= most[name] + 1][:MOST_COLUMNS]


def correlations(matrix: NDArray) -> NDArray[np.float64]:
    """Correlations of the columns of (n, d), shape (d, d); 0 for a constant column."""
    centred = matrix - matrix.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    length[length == 0] = np.inf
    unit = centred / length
    return unit.T @ unit


def _strong(found: NDArray) -> list[tuple[int, int]]:
    """The strongest partners of each column, the target (the last one) left out."""
    strength = np.abs(found) - np.eye(len(found)) * 9
    pairs = set()
    for place in range(len(found)):
        for other in np.argsort(-strength[place])[:PARTNERS]:
            if strength[place, other] >= STRONG:
                pairs.add((min(place, int(other)), max(place, int(other))))
    return sorted(pairs)


def _weights(matrix: NDArray, groups: NDArray) -> tuple[NDArray, Tie]:
    """Ridge weights of the inputs' scores for the target's (last), and how well they tell it."""
    x, y = matrix[:, :-1] - 0.5, matrix[:, -1] - matrix[:, -1].mean()
    half = len(x) // 2  # fitted on one half, measured on the other: many columns fit anything
    both = np.column_stack([x[half:] @ _ridge(x[:half], y[:half]), y[half:]])
    varies = spreads(both, groups[half:])
    return _ridge(x, y), _tie(correlations(both), varies * sqrt(0.5), 0, 1)


def _ridge(x: NDArray, y: NDArray) -> NDArray:
    gram = x.T @ x
    penalty = (
        (RIDGE * len(x) + x.shape[1])
        * np.eye(x.shape[1])
        * max(gram.trace() / x.shape[1] / len(x), 1e-9)
    )
    return np.linalg.solve(gram + penalty, x.T @ y)


def correlation(a: NDArray, b: NDArray) -> float:
    """Pearson's correlation; 0 where one of them is constant."""
    return float(correlations(np.column_stack([a, b]))[0, 1]) if len(a) > 1 else 0.0
