"""Margin and floor from the baseline's own scores."""

from dataclasses import replace
from math import ceil

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .. import pipeline
from ..metrics.compare import measure
from ..metrics.errors import Z
from ..metrics.scored import Scored
from ..pipeline import Outcome
from ..project import Project
from ..scoring import answers_of, dependence_of
from ..settings import Settings, best_value
from ..steps.gate import POWER_Z
from ..steps.split import Split, split
from ..steps.validate import typed_rows
from ..store import export, model
from ..store.encode import encode_rows
from ..store.loads import Load
from ..store.tracking import Registry
from ..store.versions import Version
from .choice import Notes

LEAST, MOST, USUAL = 0.02, 0.25, 0.05
ENOUGH = 1_000_000
KEPT = np.uint64(int(0.8 * 2**64))


def calibrate(project: Project, outcome: Outcome, data: Load, notes: Notes) -> Settings:
    """Settings whose margin lets an equal retraining pass, and whose floor a broken one hits."""
    margin = USUAL
    baseline = outcome.version or Registry(project.root, project.settings.name).champion()
    if data.rows <= ENOUGH and baseline:
        margin = find_margin(project, baseline, data) or USUAL
    why = "with it a retraining that is as good is proven so four times out of five"
    notes.say(f"margin: {margin:g} of the champion's loss", why, "[gate] max_loss_increase")
    change: dict[str, object] = {"max_loss_increase": margin}
    decision = outcome.decision
    constant = next((c for c in decision.comparisons if c.against == "dummy"), None)
    if constant and constant.lower > 0 and decision.challenger is not None:
        middle = abs(constant.rival + decision.challenger) / 2
        change["floor"] = float(f"{middle:.3g}")
        what = f"floor: {decision.metric} {change['floor']:g}"
        notes.say(what, "half way from a constant answer to the baseline", "[gate] floor")
    gate = project.settings.gate.model_copy(update=change)
    return project.settings.model_copy(update={"gate": gate})


def find_margin(project: Project, version: Version, data: Load) -> float | None:
    """The margin that a model trained on four fifths of the rows shows to be needed.

    Its score differs from the baseline's as a retraining's would. The margin is (z + z_power)
    standard errors of that paired difference, as a share of the baseline's loss.
    """
    answered = pl.col(project.contract.target).is_not_null()
    rows = typed_rows(data.read(), project.contract).filter(answered).collect()
    parts = split(rows, project.contract, project.settings.split.holdout)
    registry = Registry(project.root, project.settings.name)
    baseline = model.load(registry.fetch(version), version.digest)
    kept = _spread(parts.training_hashes) < KEPT
    fewer = replace(
        parts, training=parts.training.filter(kept), training_hashes=parts.training_hashes[kept]
    )
    other = pipeline.fit(project, fewer)
    if other.classes != baseline.signature.classes:
        return None
    spread = measure(_both(project, parts, baseline, other.estimator))
    loss = best_value(project.settings.metric) - spread.values["baseline"]
    error = spread.error({"baseline": 1.0, "other": -1.0})
    wanted = (Z + POWER_Z) * error / loss if loss > 0 else USUAL
    return min(MOST, max(LEAST, ceil(wanted * 100) / 100))


def _spread(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Other hashes of the same rows: the first ones have already parted them."""
    return (hashes ^ (hashes >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)


def _both(project: Project, parts: Split, baseline: model.Model, other: object) -> Scored:
    settings, rows = project.settings, parts.holdout
    inputs = encode_rows(rows, project.inputs)
    predicted = export.answers(other, settings.task, inputs)
    return Scored(
        task=settings.task,
        metric=settings.metric,
        answers=answers_of(project, baseline, rows).astype(np.float64),
        predictions={"baseline": baseline.predict(inputs), "other": predicted},
        threshold=settings.train.threshold,
        dependence=dependence_of(rows, project.contract, settings.gate.horizon),
    )
