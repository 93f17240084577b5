"""Score models on the same rows, so that every difference between them has a standard error.

A score is the mean of per-row influences: for AUC those of DeLong, DeLong & Clarke-Pearson (1988),
computed from ranks as in Sun & Xu (2014); for a loss, the row's own loss. The variance of a
difference of two scores is then that of the paired difference of their influences.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ..evidence import Evidence, Gap, Rival
from ..settings import Metric

Numbers = NDArray[np.float64]
SMALLEST = 1e-15
REGRESSION = ("mae", "mse")


@dataclass(frozen=True)
class Score:
    """A metric's value, higher is better, and each row's influence on it, shape (n,)."""

    value: float
    influence: Numbers


def evaluate(
    answers: Numbers,
    predictions: Mapping[str, Numbers],
    metric: Metric,
    problems: Sequence[str] = (),
) -> Evidence:
    """Compare the challenger with its rivals on the same rows.

    Predictions are probabilities, shape (n, classes), or numbers, shape (n,); `answers` are class
    positions or numbers, shape (n,). What makes the evidence unsound is collected as problems,
    beside those already known; nothing is raised.
    """
    found = [*problems, *_unsound(answers, predictions, metric)]
    if found:
        return Evidence(metric, len(answers), problems=tuple(found))
    scores = {name: score(answers, predicted, metric) for name, predicted in predictions.items()}
    challenger = scores.pop("challenger")
    rivals: tuple[Rival, ...] = ("champion", "anchor", "dummy")
    gaps = {name: _gap(challenger, scores[name]) for name in rivals if name in scores}
    champion = predictions.get("champion")
    same = champion is not None and np.array_equal(champion, predictions["challenger"])
    return Evidence(
        metric, len(answers), _smallest_class(answers, metric), challenger.value, gaps, (), same
    )


def _gap(challenger: Score, rival: Score) -> Gap:
    error = paired_standard_error(challenger, rival)
    return Gap(rival.value, challenger.value - rival.value, error)


def _unsound(answers: Numbers, predictions: Mapping[str, Numbers], metric: Metric) -> Iterator[str]:
    for name, predicted in predictions.items():
        if len(predicted) != len(answers):
            yield f"the {name} answered {len(predicted)} of {len(answers)} rows"
        elif not np.isfinite(predicted).all():
            wrong = int(np.sum(~np.isfinite(predicted)))
            yield f"the {name} gave {wrong} answers that are no finite number"
    if "challenger" not in predictions:
        yield "the challenger gave no answer"
    if not np.isfinite(answers).all():
        yield "the holdout has answers that are no finite number"
    elif metric not in REGRESSION and (answers < 0).any():
        yield f"{int((answers < 0).sum())} holdout rows have a class that no training row had"
    elif metric == "roc_auc" and len(np.unique(answers)) < 2:
        yield "the holdout has one class only, so AUC is not defined"


def _smallest_class(answers: Numbers, metric: Metric) -> int | None:
    return None if metric in REGRESSION else int(np.unique(answers, return_counts=True)[1].min())


def score(answers: Numbers, predicted: Numbers, metric: Metric) -> Score:
    """One model's score on these rows."""
    match metric:
        case "roc_auc":
            return _roc_auc(answers == 1, predicted[:, 1])
        case "log_loss":
            own = predicted[np.arange(len(answers)), answers.astype(int)]
            losses = -np.log(np.clip(own, SMALLEST, 1))
        case "brier":
            wanted = np.eye(predicted.shape[1])[answers.astype(int)]
            losses = ((predicted - wanted) ** 2).sum(axis=1) / (2 if predicted.shape[1] == 2 else 1)
        case "mae":
            losses = np.abs(predicted - answers)
        case "mse":
            losses = (predicted - answers) ** 2
    return Score(-float(losses.mean()), losses.mean() - losses)


def paired_standard_error(one: Score, other: Score) -> float:
    """Standard error of `one.value - other.value`, both scored on the same rows."""
    difference = one.influence - other.influence
    n = len(difference)
    return float(np.sqrt(np.sum(difference**2) / (n * (n - 1)))) if n > 1 else float("inf")


def _roc_auc(positive: NDArray[np.bool_], scores: Numbers) -> Score:
    n, n1 = len(scores), int(positive.sum())
    n0 = n - n1
    ranks = rankdata(scores)
    own = np.empty(n)
    own[positive] = (ranks[positive] - rankdata(scores[positive])) / n0
    own[~positive] = 1 - (ranks[~positive] - rankdata(scores[~positive])) / n1
    area = float(own[positive].mean())
    share = np.where(positive, n1, n0)
    scale = np.sqrt((n - 1) / np.maximum(share - 1, 1) / share) * np.sqrt(n)
    return Score(area, (own - area) * scale)
