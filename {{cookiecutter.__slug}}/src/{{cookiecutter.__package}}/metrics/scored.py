"""The table of predictions that the statistics see: no model, no feature, nothing to open."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..engine.local import LOCAL, Engine
from ..settings import Metric, Task

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]
Custom = Callable[[NDArray, Numbers], float]


@dataclass(frozen=True)
class Dependence:
    """Which rows are not independent of one another.

    `groups` numbers the rows of one owner alike, shape (n,). `steps` numbers the moments of a
    forecast in their order; one for `horizon` steps ahead errs alike in that many neighbours.
    """

    groups: Codes | None = None
    steps: Codes | None = None
    horizon: int = 1

    def of(self, rows: NDArray) -> "Dependence":
        """The same for some of the rows."""
        groups = None if self.groups is None else self.groups[rows]
        steps = None if self.steps is None else self.steps[rows]
        return Dependence(groups, steps, self.horizon)


@dataclass(frozen=True)
class Labels:
    """A word for each row, as its place in `names`: codes have shape (n,)."""

    names: tuple[str, ...]
    codes: NDArray[np.integer]

    @classmethod
    def of(cls, words: NDArray) -> "Labels":
        """From the words themselves."""
        names, codes = np.unique(words, return_inverse=True)
        kind = np.int16 if len(names) < 2**15 else np.int64
        return cls(tuple(map(str, names)), codes.astype(kind))

    def members(self) -> Iterator[tuple[str, Codes]]:
        """Each word that occurs, and the places of its rows in their order."""
        ends = np.cumsum(np.bincount(self.codes, minlength=len(self.names)))
        places = np.split(np.argsort(self.codes, kind="stable"), ends[:-1])
        known = zip(self.names, places, strict=True)
        return ((name, rows) for name, rows in known if len(rows))


@dataclass(frozen=True)
class Scored:
    """Answers and everybody's predictions on the same rows.

    `answers` are class positions or numbers, shape (n,); predictions are probabilities of shape
    (n, classes), or numbers of shape (n,). `slices` and `sensitive` hold a label for each row.
    """

    task: Task
    metric: Metric
    answers: Numbers
    predictions: Mapping[str, Numbers]
    threshold: float = 0.5
    dependence: Dependence = Dependence()
    slices: Mapping[str, Labels] = field(default_factory=dict)
    sensitive: Mapping[str, Labels] = field(default_factory=dict)
    custom: Custom | None = None
    engine: Engine = LOCAL

    def of(self, rows: NDArray) -> "Scored":
        """The same for some of the rows, without slices."""
        predictions = {name: predicted[rows] for name, predicted in self.predictions.items()}
        return replace(
            self,
            answers=self.answers[rows],
            predictions=predictions,
            dependence=self.dependence.of(rows),
            slices={},
            sensitive={},
        )

    def labels(self, name: str) -> Codes:
        """The class that a model says, by threshold or as the likeliest."""
        return labels(self.predictions[name], self.threshold)


def labels(predicted: Numbers, threshold: float) -> Codes:
    """Class positions from probabilities of shape (n, classes)."""
    if predicted.shape[1] == 2:
        return (predicted[:, 1] >= threshold).astype(np.int64)
    return predicted.argmax(axis=1)
