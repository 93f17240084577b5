"""Search parameters by cross-validation inside the training part; the holdout is not passed in."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    BaseCrossValidator,
    GroupKFold,
    KFold,
    ParameterGrid,
    ParameterSampler,
    StratifiedKFold,
    TimeSeriesSplit,
)

FOLDS = 5
Folds = list[tuple[NDArray, NDArray]]
Parameters = Mapping[str, Any]
Trial = tuple[Parameters, int]  # and the fold that judges it


@dataclass(frozen=True)
class Budget:
    """When to stop: after so many trials, or so many minutes, whichever comes first."""

    trials: int = 30
    minutes: float = 10.0


@dataclass(frozen=True)
class Attempt:
    """Parameters and their score in each fold, higher is better; no parameters are the default."""

    parameters: Parameters
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the folds."""
        return float(np.mean(self.scores))


def folds(rows: int, answers: NDArray, groups: NDArray | None, order: NDArray | None) -> Folds:
    """Later rows judge earlier ones where there is an `order`; owners stay together; else shuffled.

    All arrays have shape (n,); `answers` are class positions, or numbers.
    """
    places = np.arange(rows)
    if order is not None:
        turned = np.argsort(order, kind="stable")
        parts = TimeSeriesSplit(FOLDS).split(turned)
        return [(turned[train], turned[judge]) for train, judge in parts]
    if groups is not None and len(np.unique(groups)) >= FOLDS:
        return list(GroupKFold(FOLDS).split(places, answers, groups))
    kind: type[BaseCrossValidator] = KFold
    if answers.dtype.kind == "i" and np.bincount(answers).min() >= FOLDS:
        kind = StratifiedKFold
    return list(kind(FOLDS, shuffle=True, random_state=0).split(places, answers))


def search(
    rate: Callable[[Iterable[Trial]], Iterator[float]],
    space: Mapping[str, Any],
    budget: Budget,
    seed: int,
) -> Iterator[Attempt]:
    """The default first, then sampled parameters, until the budget is used up.

    `rate` gives the score of each trial in their order, wherever and whenever it is made.
    """
    end = time.monotonic() + 60 * budget.minutes
    all_listed = all(isinstance(values, Sequence) for values in space.values())
    most = len(ParameterGrid(dict(space))) if all_listed else budget.trials
    sampled = ParameterSampler(dict(space), min(budget.trials, most), random_state=seed)
    tried = ({}, *map(_plain, sampled))
    scores = rate((parameters, fold) for parameters in tried for fold in range(FOLDS))
    for parameters in tried:
        yield Attempt(parameters, tuple(islice(scores, FOLDS)))
        if time.monotonic() > end:
            return


def _plain(parameters: Parameters) -> dict[str, Any]:
    """Values as JSON knows them."""
    return {n: v.item() if isinstance(v, np.generic) else v for n, v in parameters.items()}


def best(attempts: Sequence[Attempt]) -> Attempt:
    """The highest mean; the default where nothing is better."""
    return max(attempts, key=lambda one: one.mean)
