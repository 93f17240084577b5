"""Rates by group of a sensitive column: are the gaps between groups larger than before?"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from ..evidence import GroupRate, Guard, Harm
from ..metrics.errors import freedom, standard_error, unstretched
from ..metrics.scored import Numbers, Scored
from ..settings import GateSettings
from .harms import one_sided

MOST_GROUPS = 8
FOUR_FIFTHS = 0.8
Basis = dict[str, tuple[NDArray[np.bool_], Numbers]]


def basis(scored: Scored, name: str) -> Basis:
    """By measure: the rows that count for it, and each row's value; a group's rate is their mean.

    Binary: the share that is said to be positive, and of the truly positive. Multiclass: the share
    that is right. Regression: the absolute error, as a share of a constant answer's.
    """
    everybody = np.ones(len(scored.answers), dtype=bool)
    if scored.task == "regression":
        dummy = scored.predictions.get("dummy", np.median(scored.answers))
        scale = max(float(np.abs(dummy - scored.answers).mean()), np.finfo(float).tiny)
        error = np.abs(scored.predictions[name] - scored.answers) / scale
        return {"error": (everybody, error)}
    said = scored.labels(name)
    if scored.task == "multiclass":
        return {"accuracy": (everybody, (said == scored.answers).astype(np.float64))}
    chosen = (said == 1).astype(np.float64)
    return {
        "selection rate": (everybody, chosen),
        "true positive rate": (scored.answers == 1, chosen),
    }


def rates(scored: Scored, settings: GateSettings) -> Iterator[GroupRate]:
    """Every group's rates; of a group too small to judge only its size."""
    models = [name for name in ("challenger", "champion") if name in scored.predictions]
    found = {name: basis(scored, name) for name in models}
    for column, groups in scored.sensitive.items():
        for group in np.unique(groups):
            for measure in found["challenger"]:
                values = {}
                for name in models:
                    counts, value = found[name][measure]
                    rows = counts & (groups == group)
                    if rows.sum() >= settings.fairness_min_rows:
                        values[name] = float(value[rows].mean())
                size = int((found["challenger"][measure][0] & (groups == group)).sum())
                own, other = values.get("challenger"), values.get("champion")
                yield GroupRate(column, str(group), measure, size, own, other)


def fairness_harms(scored: Scored, settings: GateSettings) -> Iterator[Harm]:
    """For each pair of groups: is the challenger's gap larger than the champion's?"""
    own, other = basis(scored, "challenger"), basis(scored, "champion")
    for column, groups in scored.sensitive.items():
        for measure, (counts, value) in own.items():
            large = _large(groups, counts, settings.fairness_min_rows)
            for one, two in combinations(large[:MOST_GROUPS], 2):
                a, b = counts & (groups == one), counts & (groups == two)
                gap, influence = _gap(value, a, b)
                before, earlier = _gap(other[measure][1], a, b)
                rows = a | b
                change = np.abs(before) - np.abs(gap)
                signed = np.sign(before) * earlier - np.sign(gap) * influence
                known = scored.dependence.of(np.flatnonzero(rows))
                error = standard_error(signed[rows], known)
                size, where = int(rows.sum()), f"{column}: {one} and {two}"
                p = one_sided(change, error, size, known)
                limit = settings.slice_max_drop
                yield Harm("fairness", where, measure, size, change, error, p, limit)


def fairness_guards(scored: Scored, settings: GateSettings) -> Iterator[Guard]:
    """Warnings: a gap of the worst pair that is proven to be large; four fifths, for the record."""
    for column, groups in scored.sensitive.items():
        for measure, (counts, value) in basis(scored, "challenger").items():
            large = _large(groups, counts, settings.fairness_min_rows)
            if len(large) < 2:
                text = f"{column}: fewer than two groups have {settings.fairness_min_rows} rows"
                yield Guard("fairness", "report", None, f"{text} for the {measure}")
                continue
            yield _worst_pair(scored, settings, column, measure, large, counts, value)
            if measure == "selection rate":
                yield _four_fifths(column, [float(value[groups == g].mean()) for g in large])


def _worst_pair(
    scored: Scored,
    settings: GateSettings,
    column: str,
    measure: str,
    large: list,
    counts: NDArray[np.bool_],
    value: Numbers,
) -> Guard:
    groups = scored.sensitive[column]
    means = {group: float(value[counts & (groups == group)].mean()) for group in large}
    low, high = min(means, key=lambda g: means[g]), max(means, key=lambda g: means[g])
    a, b = counts & (groups == high), counts & (groups == low)
    gap, influence = _gap(value, a, b)
    rows = np.flatnonzero(a | b)
    known = scored.dependence.of(rows)
    error = unstretched(standard_error(influence[rows], known), len(rows), known)
    pairs = len(large) * (len(large) - 1) / 2
    lower = gap - float(t.isf(0.05 / pairs, max(freedom(len(rows), known), 1))) * error
    text = f"{column}: {measure} {means[high]:.3f} of {high}, {means[low]:.3f} of {low}"
    return Guard("fairness", "warn", lower <= settings.fairness_max_gap, text)


def _four_fifths(column: str, found: list[float]) -> Guard:
    ratio = min(found) / max(found) if max(found) > 0 else 1.0
    text = f"{column}: the lowest selection rate is {ratio:.0%} of the highest"
    return Guard("four fifths", "report", ratio >= FOUR_FIFTHS, text)


def _large(groups: NDArray, counts: NDArray[np.bool_], fewest: int) -> list:
    """Groups with enough rows to judge, the largest first."""
    names, sizes = np.unique(groups[counts], return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    return [names[place] for place in order if sizes[place] >= fewest]


def _gap(value: Numbers, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[float, Numbers]:
    """Difference of two groups' means, and each row's influence on it within both groups."""
    first, second = float(value[a].mean()), float(value[b].mean())
    size = int((a | b).sum())
    influence = np.zeros(len(value))
    influence[a] = (value[a] - first) * size / a.sum()
    influence[b] = -(value[b] - second) * size / b.sum()
    return first - second, influence
