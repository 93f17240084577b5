"""Does the champion still do what the gate saw? Labels decide; while they are late, drift does."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from ..checks.findings import Finding
from ..checks.reference import REFERENCE, read_reference
from ..errors import Status, Stop
from ..load import load_rows
from ..predict import champion
from ..project import Project
from ..report.findings import findings_text
from ..report.result import read_result
from ..serving.place import Place
from ..steps.validate import validate
from ..store.bundle import MANIFEST
from ..store.tracking import Registry
from ..store.versions import Past, Version
from .compare import compare
from .confidence import read_confidence
from .seen import Champion, Watch
from .traffic import AT, Traffic, read_traffic
from .verdict import verdict

DAYS_OF_LOG = 180


def place_of_log(project: Project) -> str:
    """Where the service keeps what it answered; empty where it keeps nothing."""
    return project.place(os.environ.get("ML_LOG") or project.settings.serve.log)


def watch(project: Project, registry: Registry, today: date, log: str = "") -> Watch:
    """Compare the rows that came after the champion's own with what the gate saw of it.

    `log` is where the service keeps its prediction log, if it does.

    Raises:
        Stop: the project's own rows break the contract.
    """
    if registry.aliases().champion is None:
        return Watch(due=False, reason="there is no champion to watch yet")
    history = registry.history()
    watched = open_champion(registry, history)
    fresh, findings = _of_source(project, watched, today)
    traffic = _of_log(project, watched, today, log)
    seen = compare(project, watched, fresh, findings, traffic, today)
    past = [(today - one.when.date()).days for one in history]
    return verdict(project, seen, watched.worth, past)


def open_champion(registry: Registry, history: Sequence[Past] = ()) -> Champion:
    """The champion with everything that its bundle tells, and what the newest gate saw of it.

    Each gate judges it anew, beside a challenger: a monitor asks what has changed since then.
    """
    version, model = champion(registry)
    manifest = json.loads((model.folder / MANIFEST).read_text(encoding="utf-8"))
    made = manifest.get("created")
    return Champion(
        version.number,
        version.digest,
        model,
        _facts(manifest.get("judged", {}), version, history),
        datetime.fromisoformat(made).date() if made else None,
        read_reference(model.folder / REFERENCE),
        read_confidence(model.folder),
        importances(model.folder),
    )


def _facts(own: dict[str, Any], version: Version, history: Sequence[Past]) -> dict[str, Any]:
    """What the newest gate saw of it; `own` is then its score at the gate that it passed."""
    found = [one.stood for one in history if one.judgement.champion == version.digest and one.stood]
    newest = json.loads(found[-1]) if found else {}
    same = newest.get("metric") == own.get("metric")
    return {**own, **newest, **({"own": own["value"]} if newest and same else {})}


def importances(folder: Path) -> dict[str, float]:
    """What each column was worth at the gate; none where the bundle does not tell."""
    try:
        result, _ = read_result(folder / "gate" / "result.json")
    except Stop:
        return {}
    return {one.column: max(0.0, one.value) for one in result.evidence.details.importances}


def _of_source(
    project: Project, watched: Champion, today: date
) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """The project's newer rows in the contract's types, and what is odd of them."""
    contract = project.contract
    checked = validate(load_rows(project, today), contract, today, labelled=False)
    late = (contract.target, "nulls")  # answers come later than rows
    stale = tuple(one for one in checked.failures if one.rule == "stale")  # it is told
    broken = [one for one in checked.failures if (one.column, one.rule) != late]
    if len(broken) > len(stale):
        raise Stop(Status.DATA, findings_text(broken))
    rows = watched.newer(checked.rows.collect(), contract.time_column)
    if len(rows) < project.settings.monitor.min_rows:
        return rows, stale
    known = watched.reference
    moved = validate(rows.lazy(), contract, today, labelled=False, reference=known)
    return rows, tuple(moved.findings)


def _of_log(project: Project, watched: Champion, today: date, log: str) -> Traffic | None:
    """What the service was asked after the champion was judged; None where nothing was."""
    if not log:
        return None
    until = watched.facts.get("until", "")
    since, end = today - timedelta(days=DAYS_OF_LOG), today + timedelta(days=1)
    place = Place(log.rstrip("/"))
    inputs = [column.name for column in watched.model.signature.inputs]
    found = read_traffic(place, project.contract, since, end, inputs)
    if until:
        last = pl.lit(until).str.to_datetime(time_zone="UTC")
        day = pl.duration(days=int("T" not in until and " " not in until))  # a day has an end
        found = replace(found, rows=found.rows.filter(pl.col(AT) >= last + day))
    return found if len(found.rows) or found.oddities else None
