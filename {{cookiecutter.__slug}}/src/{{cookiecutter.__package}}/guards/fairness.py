"""Rates by group of a sensitive column: are the gaps between groups larger than before?"""

from collections.abc import Iterator
from itertools import combinations, islice

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from ..evidence import GroupRate, Guard, Harm
from ..metrics.errors import freedom, standard_error, unstretched
from ..metrics.scored import Codes, Labels, Numbers, Scored
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
    known = {name: basis(scored, name) for name in models}
    for column, labels in scored.sensitive.items():
        for group, everybody in labels.members():
            for measure, (counts, _) in known["challenger"].items():
                rows, values = everybody[counts[everybody]], {}
                if len(rows) >= settings.fairness_min_rows:
                    values = {n: float(known[n][measure][1][rows].mean()) for n in models}
                own, other = values.get("challenger"), values.get("champion")
                yield GroupRate(column, group, measure, len(rows), own, other)


def fairness_harms(scored: Scored, settings: GateSettings) -> Iterator[Harm]:
    """For each pair of groups: is the challenger's gap larger than the champion's?"""
    own, other = basis(scored, "challenger"), basis(scored, "champion")
    for column, labels in scored.sensitive.items():
        for measure, (counts, value) in own.items():
            large = _large(labels, counts, settings.fairness_min_rows)
            for (one, a), (two, b) in combinations(islice(large.items(), MOST_GROUPS), 2):
                gap, influence = _gap(value, a, b)
                before, earlier = _gap(other[measure][1], a, b)
                change = np.abs(before) - np.abs(gap)
                signed = np.sign(before) * earlier - np.sign(gap) * influence
                known = scored.dependence.of(np.concatenate([a, b]))
                error = standard_error(signed, known)
                size, where = len(signed), f"{column}: {one} and {two}"
                p = one_sided(change, error, size, known)
                limit = settings.slice_max_drop
                yield Harm("fairness", where, measure, size, change, error, p, limit)


def fairness_guards(scored: Scored, settings: GateSettings) -> Iterator[Guard]:
    """Warnings: a gap of the worst pair that is proven to be large; four fifths, for the record."""
    for column, labels in scored.sensitive.items():
        for measure, (counts, value) in basis(scored, "challenger").items():
            large = _large(labels, counts, settings.fairness_min_rows)
            if len(large) < 2:
                text = f"{column}: fewer than two groups have {settings.fairness_min_rows} rows"
                yield Guard("fairness", "report", None, f"{text} for the {measure}")
                continue
            means = {group: float(value[rows].mean()) for group, rows in large.items()}
            low, high = min(means, key=lambda g: means[g]), max(means, key=lambda g: means[g])
            lower = _lower(scored, value, large[high], large[low], len(large))
            text = f"{column}: {measure} {means[high]:.3f} of {high}, {means[low]:.3f} of {low}"
            yield Guard("fairness", "warn", lower <= settings.fairness_max_gap, text)
            if measure == "selection rate":
                yield _four_fifths(column, list(means.values()))


def _lower(scored: Scored, value: Numbers, a: Codes, b: Codes, groups: int) -> float:
    """Lower bound of a gap, as of the worst of all pairs of these groups."""
    gap, influence = _gap(value, a, b)
    known = scored.dependence.of(np.concatenate([a, b]))
    error = unstretched(standard_error(influence, known), len(influence), known)
    pairs = groups * (groups - 1) / 2
    return gap - float(t.isf(0.05 / pairs, max(freedom(len(influence), known), 1))) * error


def _four_fifths(column: str, found: list[float]) -> Guard:
    ratio = min(found) / max(found) if max(found) > 0 else 1.0
    text = f"{column}: the lowest selection rate is {ratio:.0%} of the highest"
    return Guard("four fifths", "report", ratio >= FOUR_FIFTHS, text)


def _large(labels: Labels, counts: NDArray[np.bool_], fewest: int) -> dict[str, Codes]:
    """Groups with enough rows to judge, the largest first, and these rows."""
    found = ((group, rows[counts[rows]]) for group, rows in labels.members())
    enough = [one for one in found if len(one[1]) >= fewest]
    return dict(sorted(enough, key=lambda one: -len(one[1])))


def _gap(value: Numbers, a: Codes, b: Codes) -> tuple[float, Numbers]:
    """Difference of two groups' means, and the influence on it of the rows of both."""
    first, second, size = value[a], value[b], len(a) + len(b)
    means = float(first.mean()), float(second.mean())
    parts = (first - means[0]) * size / len(a), (means[1] - second) * size / len(b)
    return means[0] - means[1], np.concatenate(parts)
