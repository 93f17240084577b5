"""One model's score: the value of a metric, and each row's influence on it.

A difference of two scores then has the standard error of the paired difference of influences.
"""

import numpy as np

from ..settings import Metric
from .ranking import Score, average_precision, f1_macro, roc_auc
from .scored import Numbers, labels

SMALLEST = 1e-15
REGRESSION = ("mae", "mse")
RANKINGS = {"roc_auc": roc_auc, "average_precision": average_precision}


def score(answers: Numbers, predicted: Numbers, metric: Metric, threshold: float = 0.5) -> Score:
    """Value and influences; higher is better, so a loss has a minus.

    An answer of -1 is a class that the model does not know. Rows of one class have no order to be
    right about: their ranking is no number.
    """
    if rank := RANKINGS.get(metric):
        positive = answers == 1
        if positive.all() or not positive.any():
            return Score(np.nan, np.full(len(answers), np.nan))
        return rank(positive, predicted[:, 1])
    if metric == "f1_macro":
        return f1_macro(answers, labels(predicted, threshold), predicted.shape[1])
    gains = _gains(answers, predicted, metric, threshold)
    return Score(float(gains.mean()), gains - gains.mean())


def _gains(answers: Numbers, predicted: Numbers, metric: Metric, threshold: float) -> Numbers:
    """Each row's own part of a metric that is a mean over rows."""
    match metric:
        case "log_loss":
            own = predicted[np.arange(len(answers)), answers.astype(int)]
            return np.log(np.clip(np.where(answers < 0, 0, own), SMALLEST, 1))
        case "brier":
            wanted = np.eye(predicted.shape[1])[answers.astype(int)] * (answers >= 0)[:, None]
            classes = 2 if predicted.shape[1] == 2 else 1
            return -(((predicted - wanted) ** 2).sum(axis=1) + (answers < 0)) / classes
        case "accuracy":
            return (labels(predicted, threshold) == answers).astype(np.float64)
        case "mae":
            return -np.abs(predicted - answers)
        case "mse":
            return -((predicted - answers) ** 2)
    raise ValueError(f"{metric} is no mean over rows")
