"""One test of harm, and the family of all of them."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import t

from ..evidence import Harm
from ..metrics.errors import freedom, standard_error, unstretched
from ..metrics.scored import Dependence, Numbers, Scored
from ..metrics.scores import score
from ..settings import Metric

ALPHA = 0.05


def harm_of(scored: Scored, metric: Metric, guard: str, where: str, limit: float) -> Harm:
    """Whether the challenger scores less than the champion on these rows; paired, one-sided."""
    own, other = (
        score(scored.answers, scored.predictions[name], metric, scored.threshold)
        for name in ("challenger", "champion")
    )
    error = standard_error(own.influence - other.influence, scored.dependence)
    delta = own.value - other.value
    p = one_sided(delta, error, len(scored.answers), scored.dependence)
    return Harm(guard, where, metric, len(scored.answers), delta, error, p, limit)


def one_sided(delta: float, error: float, rows: int, dependence: Dependence) -> float:
    """How likely a difference this low is when there is none; sure where nothing varies."""
    if not np.isfinite(error):
        return 1.0
    if not error > 0:
        return 0.0 if delta < 0 else 1.0
    own = unstretched(error, rows, dependence)
    return float(t.cdf(delta / own, max(freedom(rows, dependence), 1)))


def holm(p: Sequence[float]) -> Numbers:
    """Adjusted p-values of Holm (1979): below 5 % is harm, with 5 % for the whole family."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = (len(values) - np.arange(len(values))) * values[order]
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def proven(harms: Sequence[Harm]) -> list[Harm]:
    """Those of the family that are harm: significant after Holm, and larger than their limit."""
    adjusted = holm([one.p for one in harms])
    pairs = zip(harms, adjusted, strict=True)
    return [one for one, p in pairs if p < ALPHA and one.delta < -one.limit]
