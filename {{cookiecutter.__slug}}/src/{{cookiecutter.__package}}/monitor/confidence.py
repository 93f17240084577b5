"""What a model's answers were when it was judged, and what the score will be while labels are late.

The idea of a score from the model's own confidence is NannyML's CBPE: probabilities that came true
in the past stand in for answers. Here answers are drawn from them, and scored as real ones are.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.special import expit, logit

from ..checks.reference import LEVELS
from ..checks.summarize import quantiles
from ..metrics.errors import standard_error
from ..metrics.scored import Numbers
from ..metrics.scores import score
from ..settings import Metric

CONFIDENCE = "confidence.json"
BINS = 10
DRAWS = 30
MOST_ROWS = 20_000
MOST_CLASSES = 50
SURE = 1e-9


class Confidence(BaseModel):
    """A model's answers on the rows that judged it, and how they came true.

    `quantiles` are those of each class's probability, or of the numbers. `said` and `came` are the
    means of bins of equal size: probability and observed share by class, or number and, as
    `residuals`, the quantiles of what was true beyond it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    quantiles: list[list[float]]
    said: list[list[float]]
    came: list[list[float]] = []
    residuals: list[list[float]] = []


def learn(answers: Numbers, predicted: Numbers) -> Confidence:
    """From answers of shape (n,) and predictions of shape (n,) or (n, classes)."""
    columns = [predicted] if predicted.ndim == 1 else list(predicted.T[:MOST_CLASSES])
    spread = [quantiles(column) for column in columns]
    if predicted.ndim == 1:
        places = _bins(predicted)
        said = [[float(predicted[part].mean()) for part in places]]
        beyond = [quantiles(answers[part] - predicted[part]) for part in places]
        return Confidence(rows=len(answers), quantiles=spread, said=said, residuals=beyond)
    said, came = [], []
    for label, column in enumerate(columns):
        places = _bins(column)
        said.append([float(column[part].mean()) for part in places])
        came.append([float((answers[part] == label).mean()) for part in places])
    return Confidence(rows=len(answers), quantiles=spread, said=said, came=came)


def read_confidence(folder: Path) -> Confidence | None:
    """What a bundle tells of its answers; None where it was made before that was kept."""
    try:
        return Confidence.model_validate_json((folder / CONFIDENCE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _bins(values: Numbers) -> list[NDArray[np.intp]]:
    order = np.argsort(values, kind="stable")
    return [part for part in np.array_split(order, min(BINS, len(values))) if len(part)]


def expect(
    known: Confidence, predicted: Numbers, metric: Metric, threshold: float, seed: int = 0
) -> tuple[float, float]:
    """Value and standard error of the score that these predictions would get.

    It holds while the same answers follow from the same predictions: what has changed in the world
    beyond the inputs, it cannot see.
    """
    random = np.random.default_rng(seed)
    if len(predicted) > MOST_ROWS:
        predicted = predicted[random.choice(len(predicted), MOST_ROWS, replace=False)]
    draw = _numbers(known, predicted) if predicted.ndim == 1 else _classes(known, predicted)
    drawn = [score(draw(random), predicted, metric, threshold) for _ in range(DRAWS)]
    found = [one for one in drawn if np.isfinite(one.value)]  # not of draws of one class
    if not found:
        return float("nan"), float("inf")
    errors = [standard_error(one.influence) for one in found]
    return float(np.mean([one.value for one in found])), float(np.mean(errors))


Draw = Callable[[np.random.Generator], Numbers]


def _classes(known: Confidence, predicted: Numbers) -> Draw:
    """Class positions, as often as such a probability came true."""
    likely = predicted.copy()
    for label, (said, came) in enumerate(zip(known.said, known.came, strict=True)):
        rows = known.rows / len(said)
        likely[:, label] = _mended(predicted[:, label], np.asarray(said), np.asarray(came), rows)
    total = likely.sum(axis=1, keepdims=True)
    upper = np.cumsum(np.divide(likely, total, out=predicted.copy(), where=total > 0), axis=1)

    def draw(random: np.random.Generator) -> Numbers:
        drawn = random.random((len(upper), 1)) * upper[:, -1:]
        return np.minimum((drawn > upper).sum(axis=1), upper.shape[1] - 1).astype(np.float64)

    return draw


def _mended(predicted: Numbers, said: Numbers, came: Numbers, rows: float) -> Numbers:
    """Probabilities moved as those of their bin were wrong, in log-odds.

    Beyond the outer bins their correction goes on: of a rare class one bin holds nearly all. Each
    bin of so many rows counts one more that came as it was said, so none is quite sure.
    """
    true = (came * rows + said) / (rows + 1)
    odds, of_said, of_true = (logit(np.clip(p, SURE, 1 - SURE)) for p in (predicted, said, true))
    return expit(odds + np.interp(odds, of_said, of_true - of_said))


def _numbers(known: Confidence, predicted: Numbers) -> Draw:
    """The number and a residual of those that were seen near it."""
    said = np.asarray(known.said[0])
    place = np.searchsorted((said[1:] + said[:-1]) / 2, predicted)
    beyond, levels = np.asarray(known.residuals), np.asarray(LEVELS)

    def draw(random: np.random.Generator) -> Numbers:
        drawn = random.random(len(predicted))
        left = np.clip(np.searchsorted(levels, drawn, "right") - 1, 0, len(levels) - 2)
        share = (drawn - levels[left]) / (levels[left + 1] - levels[left])
        low, high = beyond[place, left], beyond[place, left + 1]
        return predicted + low + share * (high - low)

    return draw
