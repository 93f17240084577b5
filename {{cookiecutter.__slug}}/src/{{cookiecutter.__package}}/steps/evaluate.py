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
SAME = 1e-6
RIVALS: tuple[Rival, ...] = ("champion", "anchor", "dummy")
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
    max_loss_increase: float = 0.05,
) -> Evidence:
    """Compare the challenger with its rivals on the same rows.

    Predictions are probabilities, shape (n, classes), or numbers, shape (n,); `answers` are class
    positions or numbers, shape (n,). What is unsound joins the problems; nothing is raised.
    """
    found = [*problems, *_unsound(answers, predictions, metric)]
    if found:
        return Evidence(metric, len(answers), problems=tuple(found))
    scores = {name: score(answers, predicted, metric) for name, predicted in predictions.items()}
    challenger = scores["challenger"]
    champion, best = scores.get("champion", challenger), 1.0 if metric == "roc_auc" else 0.0
    share = max_loss_increase if "champion" in scores else 0.0
    rivals = [name for name in RIVALS if name in scores]
    return Evidence(
        metric,
        len(answers),
        _smallest_class(answers, predictions["challenger"], metric),
        challenger.value,
        share * (best - champion.value),
        {name: _gap(challenger, scores[name], champion, share) for name in rivals},
        same_as_champion=_same(predictions),
    )


def _gap(challenger: Score, rival: Score, champion: Score, share: float) -> Gap:
    difference = challenger.influence - rival.influence
    return Gap(
        rival.value,
        challenger.value - rival.value,
        standard_error(difference),
        standard_error(difference - share * champion.influence),
    )


def _same(predictions: Mapping[str, Numbers]) -> bool:
    """Equal but for floating-point noise."""
    champion, challenger = predictions.get("champion"), predictions["challenger"]
    if champion is None:
        return False
    scale = float(np.abs(champion).max(initial=0.0))
    return bool(np.allclose(champion, challenger, rtol=0, atol=SAME * scale))


def _unsound(answers: Numbers, predictions: Mapping[str, Numbers], metric: Metric) -> Iterator[str]:
    for name, predicted in predictions.items():
        if len(predicted) != len(answers):
            yield f"the {name} answered {len(predicted)} of {len(answers)} rows"
        elif not np.isfinite(predicted).all():
            wrong = int(np.sum(~np.isfinite(predicted)))
            yield f"the {name} gave {wrong} answers that are no finite number"
    if not len(answers):
        yield "the holdout is empty"
    if "challenger" not in predictions:
        yield "the challenger gave no answer"
    if not np.isfinite(answers).all():
        yield "the holdout has answers that are no finite number"
    elif metric not in REGRESSION and (answers < 0).any():
        yield f"{int((answers < 0).sum())} holdout rows have a class that no training row had"
    elif metric == "roc_auc" and len(np.unique(answers)) < 2:
        yield "the holdout has one class only, so AUC is not defined"


def _smallest_class(answers: Numbers, predicted: Numbers, metric: Metric) -> int | None:
    """Rows of the rarest class that the model knows, none at all included."""
    if metric in REGRESSION:
        return None
    return int(np.bincount(answers.astype(int), minlength=predicted.shape[1]).min())


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


def standard_error(influence: Numbers) -> float:
    """Standard error of a score, or of a difference of scores, from its per-row influences."""
    n = len(influence)
    return float(np.sqrt(np.sum(influence**2) / (n * (n - 1)))) if n > 1 else float("inf")


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
