"""Standard errors of a score or of a difference of scores, from the influences of its rows."""

import numpy as np
from scipy.stats import t

from .scored import Codes, Dependence, Numbers

Z = 1.645
INDEPENDENT = Dependence()


def standard_error(influence: Numbers, dependence: Dependence = INDEPENDENT) -> float:
    """Standard error for rows that are independent, of groups, or of neighbouring moments.

    Scaled so that 1.645 standard errors bound a one-sided 5 % also where few groups or moments
    make the t distribution the right one.
    """
    n = len(influence)
    if n < 2:
        return float("inf")
    if dependence.steps is not None:
        return _forecast(influence, dependence.steps, dependence.horizon)
    if dependence.groups is not None:
        return _clustered(influence, dependence.groups)
    return float(np.sqrt(np.sum(influence**2) / (n * (n - 1))))


def _clustered(influence: Numbers, groups: Codes) -> float:
    """Cluster-robust: the rows of a group add up before they are squared (Liang & Zeger 1986)."""
    sums = _sums(influence, groups)
    count = len(sums)
    if count < 2:
        return float("inf")
    variance = count / (count - 1) * float(np.sum(sums**2))
    return np.sqrt(variance) / len(influence) * stretch(count - 1)


def _forecast(influence: Numbers, steps: Codes, horizon: int) -> float:
    """Diebold & Mariano (1995) with the correction of Harvey, Leybourne & Newbold (1997).

    The losses of a moment add up; the autocovariances up to `horizon` - 1 steps count, weighted
    after Bartlett where the plain sum would not be positive.
    """
    sums = _sums(influence, steps)
    count = len(sums)
    if count < 2 or count <= horizon:
        return float("inf")
    lags = range(1, horizon)
    products = [float(sums[lag:] @ sums[:-lag]) for lag in lags]
    variance = float(sums @ sums) + 2 * sum(products)
    if variance <= 0:
        weighted = ((1 - lag / horizon) * p for lag, p in zip(lags, products, strict=True))
        variance = max(float(sums @ sums) + 2 * sum(weighted), float(np.finfo(float).tiny))
    correction = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
    if correction <= 0:
        return float("inf")
    return float(np.sqrt(variance / correction)) / len(influence) * stretch(count - 1)


def _sums(influence: Numbers, codes: Codes) -> Numbers:
    """Sums by code, in the codes' order, without codes that have no row."""
    _, places = np.unique(codes, return_inverse=True)
    return np.bincount(places, weights=influence).astype(np.float64)


def stretch(freedom: int) -> float:
    """How much wider than normal a one-sided 95 % bound has to be."""
    return float(t.ppf(0.95, freedom)) / Z


def freedom(rows: int, dependence: Dependence) -> int:
    """Degrees of freedom: independent rows, owners or moments, less one."""
    codes = dependence.groups if dependence.steps is None else dependence.steps
    return (rows if codes is None else len(np.unique(codes))) - 1


def unstretched(error: float, rows: int, dependence: Dependence) -> float:
    """A standard error as it is without the width that is right at 5 % alone."""
    if dependence.groups is None and dependence.steps is None:
        return error
    return error / stretch(max(freedom(rows, dependence), 1))


def tango_error(both: int, only_rival: int, only_own: int, neither: int, delta: float) -> float:
    """Standard error of a difference of two paired proportions, were it truly `delta`.

    The score statistic of Tango (1998), Statistics in Medicine 17: Wald's is wrong at 7-9 % where
    5 % is meant. The counts say how many rows both, one or neither of the two models got right.
    """
    n = both + only_rival + only_own + neither
    a = 2 * n
    b = -only_own - only_rival + (2 * n - only_own + only_rival) * delta
    c = -only_rival * delta * (1 - delta)
    restricted = (np.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    return float(np.sqrt(max(2 * restricted + delta * (1 - delta), 0.0) / n))
