"""Models whose true AUC is known by formula.

A row of class y has the score d·y + noise, so the true AUC is exactly Φ(d/√2).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

Numbers = NDArray[np.float64]

CHAMPION_AUC = 0.80
PREVALENCE = 0.3


def separation(auc: float | Numbers) -> Numbers:
    """Distance of the two classes' scores, in standard deviations, that has this true AUC."""
    return np.sqrt(2) * norm.ppf(auc)


def probabilities(answers: Numbers, noise: Numbers, auc: float | Numbers) -> Numbers:
    """A calibrated model of this true AUC, everywhere or row by row; shape (n, 2)."""
    distance = separation(auc)
    scores = distance * answers + noise
    positive = expit(distance * scores - distance**2 / 2 + logit(PREVALENCE))
    return np.column_stack([1 - positive, positive])


def draw_answers(random: np.random.Generator, rows: int) -> Numbers:
    """Fresh answers."""
    return (random.random(rows) < PREVALENCE).astype(np.float64)


def mix(shared: Numbers, own: Numbers, correlation: float) -> Numbers:
    """A retrain's noise: any two that share `shared` have this correlation."""
    return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
