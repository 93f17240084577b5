"""Metrics that are no mean over rows, with the influence of each row on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """A metric's value, higher is better, and each row's influence on it, shape (n,)."""

    value: float
    influence: Numbers


def roc_auc(positive: NDArray[np.bool_], scores: Numbers) -> Score:
    """Area under the ROC curve; ties count half.

    Influence values of DeLong, DeLong & Clarke-Pearson (1988), from one sort: a row's is the share
    of the other class that it is on the right side of.
    """
    n, n1 = len(scores), int(positive.sum())
    n0 = n - n1
    order = np.argsort(scores)
    hit, starts = positive[order], steps(scores[order])
    rows = np.diff(starts, append=n)
    found = np.add.reduceat(hit, starts, dtype=np.int64)
    below = found.cumsum() - found / 2  # positive rows before the middle of each block
    others = starts + rows / 2 - below
    own = np.where(hit, np.repeat(others / n0, rows), np.repeat(1 - below / n1, rows))
    area = float(own[hit].mean())
    scale = [np.sqrt((n - 1) / max(share - 1, 1) / share) * np.sqrt(n) for share in (n0, n1)]
    influence = np.empty(n)
    influence[order] = (own - area) * np.where(hit, scale[1], scale[0])
    return Score(area, influence)


def steps(ranked: Numbers) -> NDArray[np.int64]:
    """Places where the next larger score begins."""
    return np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))


def average_precision(positive: NDArray[np.bool_], scores: Numbers) -> Score:
    """Mean over the positive rows of the precision at their score; equal scores are one step.

    With N(s) and F(s) the shares of positive and of all rows that score at least s, it is
    E[y N/F] / E[y]; the influence is the derivative of that in the weight of a row.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    found = np.cumsum(positive[order])[ends]
    block = np.empty(len(scores), dtype=np.int64)
    block[order] = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
    reached, new = ends + 1, np.diff(found, prepend=0)
    precision = found / reached
    below = np.cumsum((new / reached)[::-1])[::-1][block]
    expected = np.cumsum((new * precision / reached)[::-1])[::-1][block]
    share = float(positive.mean())
    value = float((new * precision).sum() / found[-1])
    change = positive * (precision[block] + below) - expected - value * share
    return Score(value, (change - value * (positive - share)) / share)


def f1_macro(answers: Numbers, said: NDArray[np.int64], classes: int) -> Score:
    """Mean over the classes of 2 TP / (answered + said); 0 of a class that is in neither.

    The influence is the derivative of that ratio of means in the weight of a row.
    """
    value, influence = 0.0, np.zeros(len(answers))
    for label in range(classes):
        own, told = answers == label, said == label
        either, right = own.astype(np.float64) + told, 2.0 * (own & told)
        share = max(float(either.mean()), float(np.finfo(float).tiny))
        f1 = float(right.mean()) / share
        value += f1
        influence += (right - f1 * either) / share
    return Score(value / classes, influence / classes)


def precision_of_chance(rows: int, positive: int) -> float:
    """Expected average precision of scores that know nothing: above the share of positives.

    The first rows of a random order: Bestgen (2015), the exact expected value.
    """
    if rows < 2:
        return float(positive)
    others = (positive - 1) / (rows - 1)
    return float(others + np.sum(1 / np.arange(1, rows + 1)) / rows * (1 - others))
