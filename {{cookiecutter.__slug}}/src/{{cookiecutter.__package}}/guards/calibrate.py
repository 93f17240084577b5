"""Does a probability of 30 % happen in 30 % of the rows?"""

import warnings

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import norm

from ..evidence import Reliability
from ..metrics.errors import standard_error
from ..metrics.ranking import steps
from ..metrics.scored import Numbers, Scored

BINS = 10
EDGE = 1e-6


def spiegelhalter(scored: Scored, name: str) -> float:
    """The z of Spiegelhalter (1986): 0 if calibrated; of the worst class, corrected.

    The sum of (y - p)(1 - 2p), over its standard deviation were the probabilities right. Rows of
    one group are added up first.
    """
    predicted = scored.predictions[name]
    classes = [1] if predicted.shape[1] == 2 else range(predicted.shape[1])
    found = [_z(scored, predicted[:, label], scored.answers == label) for label in classes]
    worst = max(found, key=abs)
    if len(found) == 1:
        return worst
    p = min(1.0, 2 * float(norm.sf(abs(worst))) * len(found))  # Bonferroni, and back to a z
    return float(np.sign(worst) * norm.isf(p / 2))


def _z(scored: Scored, p: Numbers, happened: Numbers) -> float:
    terms = (happened - p) * (1 - 2 * p)
    if scored.dependence.groups is not None or scored.dependence.steps is not None:
        error = standard_error(terms - terms.mean(), scored.dependence) * len(terms)
    else:
        error = float(np.sqrt(np.sum((1 - 2 * p) ** 2 * p * (1 - p))))
    total = float(terms.sum())
    if error > 0:
        return total / error
    return 0.0 if abs(total) < EDGE else float(np.sign(total)) * np.inf


def reliability(scored: Scored, name: str) -> Reliability:
    """Ten bins of equal size; of more than two classes, the probability of the one that was said.

    Slope and intercept are those of a logistic fit on the logit (Cox 1958): 1 and 0 are right, a
    slope below 1 is over-confident.
    """
    predicted = scored.predictions[name]
    said = scored.labels(name)
    if predicted.shape[1] == 2:
        p, happened = predicted[:, 1], (scored.answers == 1).astype(np.float64)
    else:
        p = predicted[np.arange(len(said)), said]
        happened = (scored.answers == said).astype(np.float64)
    order = np.argsort(p)
    ranked, starts = p[order], steps(p[order])
    often = np.diff(starts, append=len(p))  # rows of one p have no order, so they share
    shared = np.repeat(np.add.reduceat(happened[order], starts) / often, often)
    bins = zip(np.array_split(ranked, BINS), np.array_split(shared, BINS), strict=True)
    means = [(float(own.mean()), float(seen.mean()), len(own)) for own, seen in bins if len(own)]
    ece = sum(count * abs(a - b) for a, b, count in means) / len(p)
    slope, intercept = logistic_line(p, happened)
    a, b, counts = (tuple(column) for column in zip(*means, strict=True))
    return Reliability(a, b, counts, slope, intercept, ece)


def logistic_line(p: Numbers, happened: Numbers) -> tuple[float, float]:
    """Slope and intercept of the logistic regression of what happened on the logit of p."""
    x = logit(np.clip(p, EDGE, 1 - EDGE))

    def loss(line: Numbers) -> tuple[float, Numbers]:
        z = line[0] * x + line[1]
        wrong = expit(z) - happened
        costs = np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)  # np.logaddexp takes far longer
        value = float(np.mean(costs - happened * z))
        return value, np.array([float(np.mean(wrong * x)), float(np.mean(wrong))])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS")
    return float(found.x[0]), float(found.x[1])
