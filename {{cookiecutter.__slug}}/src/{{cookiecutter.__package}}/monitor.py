"""Does the champion still do what the gate saw? Its score on newer rows decides; drift explains."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from pathlib import Path

import polars as pl

from .checks.findings import Finding
from .checks.reference import REFERENCE, read_reference
from .errors import Status, Stop
from .load import load_rows
from .metrics.errors import Z, standard_error
from .metrics.scores import score
from .predict import champion
from .project import Project
from .report.findings import findings_markdown, findings_text
from .scoring import answers_of, dependence_of
from .steps.split import row_hashes
from .steps.validate import validate
from .store.bundle import MANIFEST
from .store.encode import encode_rows
from .store.fingerprints import trained_on
from .store.model import Model, answers_in_pieces
from .store.tracking import Registry


@dataclass(frozen=True)
class Estimate:
    """A score, higher is better, with its standard error."""

    value: float
    error: float

    @property
    def lower(self) -> float:
        """Lower end of the 90 % interval."""
        return self.value - Z * self.error

    @property
    def upper(self) -> float:
        """Upper end of the 90 % interval."""
        return self.value + Z * self.error

    def __str__(self) -> str:
        """As a report shows it."""
        return f"{self.value:.4f} ({self.lower:.4f} … {self.upper:.4f})"


@dataclass(frozen=True)
class Watch:
    """What was seen: whether a retraining is due, and the one reason why, or why not."""

    due: bool
    reason: str
    version: int | None = None
    metric: str = ""
    rows: int = 0
    labelled: int = 0
    judged: Estimate | None = None
    now: Estimate | None = None
    findings: tuple[Finding, ...] = ()


def watch(project: Project, registry: Registry, today: date) -> Watch:
    """Compare the rows that came after the champion's own with what the gate saw of it.

    Raises:
        Stop: the rows break the contract.
    """
    if registry.aliases().champion is None:
        return Watch(due=False, reason="there is no champion to watch yet")
    version, model = champion(registry)
    checked = validate(load_rows(project, today), project.contract, today, labelled=False)
    late = (project.contract.target, "nulls")  # answers come later than rows
    broken = [one for one in checked.failures if (one.column, one.rule) != late]
    if broken:
        raise Stop(Status.DATA, findings_text(broken))
    facts = json.loads((model.folder / MANIFEST).read_text(encoding="utf-8")).get("judged", {})
    rows = _newer(checked.rows.collect(), project, model, facts.get("until", ""))
    seen: dict = {"version": version.number, "rows": len(rows), "findings": ()}
    least = project.settings.monitor.min_rows
    if len(rows) < least:
        why = f"{len(rows)} rows are newer than those that v{version.number} was judged on"
        return Watch(due=False, reason=f"{why}; {least} are needed to say anything", **seen)
    reference = read_reference(model.folder / REFERENCE)
    moved = validate(rows.lazy(), project.contract, today, labelled=False, reference=reference)
    return _judged(project, model, rows, facts, {**seen, "findings": moved.findings})


def _judged(project: Project, model: Model, rows: pl.DataFrame, facts: dict, seen: dict) -> Watch:
    """The score on rows whose answers are known, beside the one that the gate saw."""
    labelled = rows.filter(pl.col(project.contract.target).is_not_null())
    metric = project.settings.watched
    seen = {**seen, "labelled": len(labelled), "metric": metric}
    if len(labelled) < project.settings.monitor.min_rows:
        why = f"{len(labelled)} newer rows have an answer: too few to score the champion"
        return Watch(due=False, reason=why, **seen)
    if facts.get("metric") != metric:
        why = f"the champion's bundle does not tell its {metric} at the gate; the next one will"
        return Watch(due=False, reason=why, **seen)
    found = score(
        answers_of(project, model, labelled),
        answers_in_pieces(model.predict, encode_rows(labelled, model.signature.inputs)),
        metric,
        model.signature.threshold,
    )
    dependence = dependence_of(labelled, project.contract, project.settings.gate.horizon)
    now = Estimate(found.value, standard_error(found.influence, dependence))
    then = Estimate(facts["value"], facts["error"])
    due = now.upper < then.lower
    said = "is proven below" if due else "is within reach of"
    why = f"{metric} {now} on {len(labelled):,} newer rows {said} the {then} that the gate saw"
    if not (isfinite(now.value) and isfinite(now.error)):
        due, why = False, f"{metric} is no number on the {len(labelled)} newer rows"
    return Watch(due=due, reason=why, judged=then, now=now, **seen)


def _newer(rows: pl.DataFrame, project: Project, model: Model, until: str) -> pl.DataFrame:
    """Rows after the last one that was judged; without a time column, those not trained on."""
    clock = project.contract.time_column
    if clock is None or not until:
        return rows.filter(~trained_on(model.folder, row_hashes(rows)))
    last = datetime.fromisoformat(until)
    kind = rows.schema[clock]
    zone = getattr(kind, "time_zone", None)
    moment = pl.lit(last.replace(tzinfo=None)).dt.replace_time_zone(zone)
    return rows.filter(pl.col(clock) > (moment.dt.date() if kind == pl.Date else moment))


def write_report(root: Path, seen: Watch) -> Path:
    """reports/monitor/report.md, as a job's summary shows it."""
    folder = root / "reports" / "monitor"
    folder.mkdir(parents=True, exist_ok=True)
    verdict = "a retraining is due" if seen.due else "nothing to do"
    lines = [f"## Monitor: {verdict}", "", f"{seen.reason[:1].upper()}{seen.reason[1:]}.", ""]
    if seen.judged and seen.now:
        lines += [f"| {seen.metric} | value (90 % interval) |", "|---|---|"]
        lines += [f"| at the gate | {seen.judged} |"]
        lines += [f"| on {seen.labelled:,} newer rows | {seen.now} |", ""]
    if seen.findings:
        lines += ["Newer rows beside those that the champion learnt from:", ""]
        lines += [findings_markdown(seen.findings)]
    elif seen.rows:
        lines += ["No column has moved far enough to matter.", ""]
    path = folder / "report.md"
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path
