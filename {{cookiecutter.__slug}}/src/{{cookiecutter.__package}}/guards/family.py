"""The tests of harm: secondary score, slices, calibration; fairness has a module of its own."""

from collections.abc import Iterator
from dataclasses import replace

from scipy.stats import norm

from ..evidence import Harm
from ..metrics.scored import Scored
from ..metrics.scores import REGRESSION, score
from ..settings import GateSettings, Metric
from .calibrate import spiegelhalter
from .fairness import fairness_harms
from .harms import harm_of

SECOND: dict[str, Metric] = {"log_loss": "brier", "mae": "mse", "mse": "mae"}
MOST_SLICES = 100
FEWEST_OF_CLASS = 10


def family(scored: Scored, settings: GateSettings) -> Iterator[Harm]:
    """All hypothesis tests beside the main one; none without a champion."""
    if "champion" not in scored.predictions:
        return
    second = secondary_metric(scored)
    loss = -score(scored.answers, scored.predictions["champion"], second, scored.threshold).value
    limit = settings.max_loss_increase * loss
    yield harm_of(scored, second, "secondary score", second, limit)
    yield from slice_harms(scored, settings)
    if scored.task != "regression":
        yield calibration_harm(scored, settings)
    yield from fairness_harms(scored, settings)


def secondary_metric(scored: Scored) -> Metric:
    """A second opinion: log loss on ranks and shares, squared error on absolute, and so on."""
    usual: Metric = "mse" if scored.task == "regression" else "log_loss"
    return usual if scored.custom else SECOND.get(scored.metric, usual)


def slice_metric(scored: Scored) -> Metric:
    """What is compared inside a slice: the metric itself where it is a mean over rows, or AUC."""
    if scored.metric in ("roc_auc", "average_precision"):
        return "roc_auc"
    if scored.custom is None and scored.metric in ("log_loss", "brier", *REGRESSION):
        return scored.metric
    return "mae" if scored.task == "regression" else "log_loss"


def slice_harms(scored: Scored, settings: GateSettings) -> Iterator[Harm]:
    """A test for each slice that is large enough, at most a hundred."""
    metric, made = slice_metric(scored), 0
    limit = settings.slice_max_drop * (1.0 if metric == "roc_auc" else _constant_loss(scored))
    both = ("challenger", "champion")
    rivals = replace(scored, predictions={name: scored.predictions[name] for name in both})
    for column, slices in scored.slices.items():
        for label, rows in slices.members():
            if made == MOST_SLICES or len(rows) < settings.slice_min_rows:
                continue
            part = rivals.of(rows)
            if _judgeable(part, metric):
                made += 1
                yield harm_of(part, metric, "slices", f"{column} = {label}", limit)


def _constant_loss(scored: Scored) -> float:
    """The loss of a constant answer: what a share of a loss is a share of."""
    metric = slice_metric(scored)
    rival = "dummy" if "dummy" in scored.predictions else "champion"
    return -score(scored.answers, scored.predictions[rival], metric, scored.threshold).value


def _judgeable(part: Scored, metric: Metric) -> bool:
    if metric != "roc_auc":
        return True
    positive = int((part.answers == 1).sum())
    return FEWEST_OF_CLASS <= positive <= len(part.answers) - FEWEST_OF_CLASS


def calibration_harm(scored: Scored, settings: GateSettings) -> Harm:
    """Miscalibrated and worse in log loss: both have to be shown, so the larger p counts."""
    loss = -score(scored.answers, scored.predictions["champion"], "log_loss").value
    limit = settings.max_loss_increase * loss
    harm = harm_of(scored, "log_loss", "calibration", "all rows", limit)
    z = spiegelhalter(scored, "challenger")
    return replace(harm, p=max(harm.p, float(2 * norm.sf(abs(z)))))
