"""Newer rows, of the log and of the data, beside the champion: measured, nothing decided."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl

from ..checks.findings import Finding
from ..checks.summarize import build_reference
from ..project import Project
from ..steps.drift import Drift, drift, drift_of_numbers, judged
from ..steps.validate import validate
from ..store.model import Model
from .score import expected_score, newest_day, predicted, score_newest, window
from .seen import Champion, Watch
from .traffic import ANSWER, AT, VERSION, Traffic

OWN, LOG = "data", "prediction log"
SAID_ELSEWHERE = ("missing", "distribution", "overlap", "duplicates")


def compare(
    project: Project,
    watched: Champion,
    fresh: pl.DataFrame,
    findings: tuple[Finding, ...],
    traffic: Traffic | None,
    today: date,
) -> Watch:
    """Everything that is measured; nothing is decided here."""
    settings, metric = project.settings.monitor, project.settings.watched
    served = _served(project, watched, fresh, traffic, today)
    asked = traffic is not None and served["source"] == LOG
    rows, clock = (traffic.rows, AT) if traffic and asked else (fresh, project.contract.time_column)
    recent = window(rows, clock, settings.window_days, settings.min_rows)
    scored = _scored(project, watched, recent, fresh, traffic)
    told: dict[str, Any] = {"broken": _broken(findings), **served, **scored}
    told["findings"] = (*findings, *served.get("findings", ()))
    return Watch(
        due=False,
        reason="",
        version=watched.number,
        metric=metric,
        rows=len(rows),
        judged=watched.at_gate(metric),
        own=watched.facts.get("own"),
        drift=_drift(project, watched, recent, clock),
        answers=_answers(watched, recent),
        age_days=watched.age(today),
        **told,
    )


def _broken(findings: tuple[Finding, ...]) -> str:
    """The first rule that the data's newer rows break; that they are old is told elsewhere."""
    failed = (one for one in findings if one.severity == "fail" and one.rule != "stale")
    return next((f"{one.column}: {one.rule}: {one.message}" for one in failed), "")


def _served(
    project: Project, watched: Champion, fresh: pl.DataFrame, traffic: Traffic | None, today: date
) -> dict[str, Any]:
    """What the log alone can tell, if it has enough rows."""
    if traffic is None:
        return {"source": OWN}
    told = {"source": OWN, "oddities": traffic.oddities, "versions": traffic.versions}
    few = len(traffic.rows) < project.settings.monitor.min_rows
    if few or not _is_whole(watched.model, traffic):
        return told
    return told | {
        "source": LOG,
        "findings": _of_inputs(project, watched, traffic.rows, today),
        "skew": skew(watched, traffic.rows),
        "skewed": _between(project, traffic.rows, fresh),
    }


def _scored(
    project: Project,
    watched: Champion,
    recent: pl.DataFrame,
    fresh: pl.DataFrame,
    traffic: Traffic | None,
) -> dict[str, Any]:
    """The score of labelled rows; what is expected of all of them where labels are few."""
    model, least = watched.model, project.settings.monitor.min_rows
    labelled, clock = _labelled(project, model, fresh, traffic)
    told = {"labelled": len(labelled), "newest_label": newest_day(labelled, clock)}
    told["learnable"] = int(fresh[project.contract.target].is_not_null().sum())
    if len(labelled) < least:
        known = watched.confidence
        return told | {"expected": expected_score(project, model, known, recent, labelled)}
    if watched.at_gate(project.settings.watched) is None:
        return told
    return told | {"scores": score_newest(project, model, labelled, clock)}


def _is_whole(model: Model, traffic: Traffic) -> bool:
    """Whether the log has every input: free text is not logged, and a new column was not."""
    return all(column.name in traffic.rows.columns for column in model.signature.inputs)


def _labelled(
    project: Project, model: Model, fresh: pl.DataFrame, traffic: Traffic | None
) -> tuple[pl.DataFrame, str | None]:
    """Rows whose answer is known, and their clock: the log's if there are enough, or the data's."""
    known, least = pl.col(project.contract.target).is_not_null(), project.settings.monitor.min_rows
    own = fresh.filter(known)
    if traffic is not None and _is_whole(model, traffic):
        told = traffic.rows.filter(known)
        if len(told) >= least or len(told) > len(own):
            return told, AT
    return own, project.contract.time_column


def _of_inputs(
    project: Project, watched: Champion, rows: pl.DataFrame, today: date
) -> tuple[Finding, ...]:
    """What traffic breaks of the contract; drift and dependence have sections of their own."""
    contract = project.contract
    inputs = [name for name in contract.inputs if name in rows.columns]
    known, raw = watched.reference, rows.lazy().select(inputs)
    found = validate(raw, contract, today, labelled=False, reference=known).findings
    return tuple(one for one in found if one.column in inputs and one.rule not in SAID_ELSEWHERE)


def skew(watched: Champion, rows: pl.DataFrame) -> float | None:
    """How far what the service said is from what the bundle says of the same rows.

    None where it answered none of them.
    """
    names = (f"v{watched.number}", watched.digest[:12])
    own = rows.filter(pl.col(VERSION).is_in(names))
    if not len(own):
        return None
    bundle = predicted(watched.model, own)
    said = np.asarray(own[ANSWER].to_list(), dtype=np.float64).reshape(bundle.shape)
    return float(np.abs(said - bundle).max() / max(1.0, float(np.abs(bundle).max())))


def _between(project: Project, traffic: pl.DataFrame, fresh: pl.DataFrame) -> tuple[Drift, ...]:
    """Inputs that differ between what is served and the data of the same days."""
    clock = project.contract.time_column
    if clock is None or len(fresh) < project.settings.monitor.min_rows:
        return ()
    days = traffic[AT].dt.date()
    same = fresh.filter(pl.col(clock).cast(pl.Date).is_between(days.min(), days.max()))
    if len(same) < project.settings.monitor.min_rows:
        return ()
    known = build_reference(same.lazy(), project.contract)
    served = traffic.drop(clock, strict=False).with_columns(_as_clock(project, clock))
    return tuple(one for one in drift(served, project.contract, known) if one.drifted)


def _as_clock(project: Project, name: str) -> pl.Expr:
    """When rows were asked, in the type that the project's own clock has: a day has no hours."""
    at = pl.col(AT).dt.replace_time_zone(None)
    return (at.dt.date() if project.contract.columns[name].type == "date" else at).alias(name)


def _drift(
    project: Project, watched: Champion, rows: pl.DataFrame, clock: str | None
) -> tuple[Drift, ...]:
    own = project.contract.time_column
    if clock == AT and own and own not in rows.columns:  # when it was asked is when it was
        rows = rows.with_columns(_as_clock(project, own))
    return drift(rows, project.contract, watched.reference)


def _answers(watched: Champion, rows: pl.DataFrame) -> Drift | None:
    """The champion's answers to these rows beside those that the gate saw."""
    known, model = watched.confidence, watched.model
    if known is None or not len(rows):
        return None
    said = predicted(model, rows)
    columns = said.reshape(-1, 1) if said.ndim == 1 else said
    classes = model.signature.classes or (model.signature.target,)
    places = [1] if len(classes) == 2 else range(len(known.quantiles))
    found = [
        drift_of_numbers(str(classes[n]), columns[:, n], known.quantiles[n], known.rows)
        for n in places
    ]
    return judged(found)[0]
