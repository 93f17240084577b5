"""Everybody's score on the same rows, and the challenger's difference to each rival."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..evidence import RIVALS, Gap, Rival
from ..settings import best_value
from .errors import standard_error, tango_error
from .ranking import precision_of_chance
from .resample import custom, units
from .scored import Numbers, Scored
from .scores import score


class Spread(Protocol):
    """What knows the standard error of a weighted sum of models' scores."""

    @property
    def values(self) -> Mapping[str, float]:
        """Each model's score."""

    def error(self, weights: Mapping[str, float]) -> float:
        """Standard error of the sum of weight × score."""


@dataclass(frozen=True)
class Compared:
    """Everybody's scores, the margin in the metric's own units, and the differences."""

    spread: Spread
    margin: float
    gaps: Mapping[Rival, Gap]

    @property
    def values(self) -> Mapping[str, float]:
        """Each model's score, higher is better."""
        return self.spread.values


def compare(scored: Scored, max_loss_increase: float, margin: float | None = None) -> Compared:
    """Score everybody and take the differences.

    The margin is `max_loss_increase` of the champion's loss, which is measured on the same rows
    and so has an error of its own, or the fixed `margin`.
    """
    spread = measure(scored)
    values, rivals = spread.values, [name for name in RIVALS if name in spread.values]
    share = 0.0 if margin is not None or "champion" not in values else max_loss_increase
    allowed = margin or 0.0
    if share:
        allowed = share * (best_value(scored.metric) - values["champion"])
    elif "champion" not in values:
        allowed = 0.0
    gaps = {name: _gap(scored, spread, name, share, allowed) for name in rivals}
    return Compared(spread, allowed, gaps)


def _gap(scored: Scored, spread: Spread, rival: Rival, share: float, margin: float) -> Gap:
    weights = {"challenger": 1.0, rival: -1.0}
    error = spread.error(weights)
    if share:
        weights["champion"] = weights.get("champion", 0.0) - share
    with_margin = spread.error(weights) if share else error
    if scored.metric == "accuracy" and scored.dependence.groups is scored.dependence.steps is None:
        own, other = (scored.labels(n) == scored.answers for n in ("challenger", rival))
        counts = [int(((own == a) & (other == b)).sum()) for a, b in _OUTCOMES]
        extra = with_margin**2 - error**2
        error = tango_error(*counts, 0.0)
        with_margin = np.sqrt(max(tango_error(*counts, -margin) ** 2 + extra, 0.0))
    delta = spread.values["challenger"] - spread.values[rival]
    if scored.metric == "average_precision" and rival == "dummy":  # chance reaches more than that
        rows, positive = len(scored.answers), int(scored.answers.sum())
        delta -= precision_of_chance(rows, positive) - positive / rows
    return Gap(spread.values[rival], delta, error, float(with_margin))


_OUTCOMES = ((True, True), (False, True), (True, False), (False, False))


def measure(scored: Scored) -> Spread:
    """Values of all models, by influences where the metric has them, else by redrawing rows."""
    if scored.custom is not None:
        return Redrawn(*custom(scored), units(len(scored.answers), scored.dependence))
    return Influenced(scored)


class Influenced:
    """Scores whose rows have influences."""

    def __init__(self, scored: Scored) -> None:
        """Score every model once."""
        metric, threshold = scored.metric, scored.threshold
        found = {
            name: score(scored.answers, predicted, metric, threshold)
            for name, predicted in scored.predictions.items()
        }
        self.values = {name: one.value for name, one in found.items()}
        self._influence = {name: one.influence for name, one in found.items()}
        self._dependence = scored.dependence

    def error(self, weights: Mapping[str, float]) -> float:
        """From the weighted sum of the models' influences, row by row."""
        parts = (weight * self._influence[name] for name, weight in weights.items())
        return standard_error(sum(parts, start=np.zeros(1)), self._dependence)


@dataclass(frozen=True)
class Redrawn:
    """Scores that were measured on many draws of the rows."""

    values: Mapping[str, float]
    draws: Mapping[str, Numbers]
    units: int

    def error(self, weights: Mapping[str, float]) -> float:
        """The standard deviation of the weighted sum over the draws."""
        if self.units < 2:
            return float("inf")
        parts = (weight * self.draws[name] for name, weight in weights.items())
        return float(np.std(sum(parts, start=np.zeros(1)), ddof=1))
