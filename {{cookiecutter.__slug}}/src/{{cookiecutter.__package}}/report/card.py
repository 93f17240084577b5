"""The model card of a version, under the headings of Mitchell et al. (2019)."""

from collections.abc import Iterator

import polars as pl

from ..decision import Decision
from ..metrics.errors import Z
from ..project import Project
from ..steps.split import Split
from ..trial import Trial
from .markdown import cell

UNSAID = "*Not said yet: write it into [card] of settings.toml.*"


def card(
    project: Project, parts: Split, trial: Trial, decision: Decision, facts: dict[str, object]
) -> str:
    """Markdown; `facts` are those of the bundle's manifest."""
    sections = {
        "Model details": _details(project, trial, facts),
        "Intended use": _use(project),
        "Factors": _factors(project, trial),
        "Metrics": _metrics(project, decision),
        "Evaluation data": _evaluation(project, parts, trial),
        "Training data": _training(project, parts, trial),
        "Quantitative analyses": _analyses(trial, decision),
        "Ethical considerations": _ethics(project),
        "Caveats and recommendations": _caveats(project, trial, decision),
    }
    lines = [f"# Model card: {cell(project.settings.name)}", ""]
    for heading, content in sections.items():
        lines += [f"## {heading}", "", *content, ""]
    return "\n".join(lines).rstrip() + "\n"


def _details(project: Project, trial: Trial, facts: dict[str, object]) -> list[str]:
    signature, versions = trial.challenger.signature, facts.get("versions")
    libraries = versions if isinstance(versions, dict) else {}
    classes = f": one of {cell(', '.join(map(str, signature.classes)))}" * bool(signature.classes)
    names = cell(", ".join(column.name for column in signature.inputs[:40]))
    made = ", ".join(f"{name} {number}" for name, number in libraries.items())
    return [
        f"- **Predicts** {cell(signature.target)} ({signature.task}){classes}",
        f"- **From** {len(signature.inputs)} columns: {names}",
        f"- **Made** {facts.get('created')} with Python {facts.get('python')}, {made}",
        f"- **Code** {facts.get('git_commit') or 'outside git'}; lock {_short(facts)}",
        f"- **Format** {signature.format}; **threshold** {signature.threshold:g}",
        f"- **Owner** {cell(project.settings.card.owner) or UNSAID}",
    ]


def _short(facts: dict[str, object]) -> str:
    return str(facts.get("lock_sha256") or "none")[:12]


def _use(project: Project) -> list[str]:
    said = project.settings.card
    return [cell(said.use) or UNSAID, "", f"Not for: {cell(said.not_for) or UNSAID}"]


def _factors(project: Project, trial: Trial) -> list[str]:
    columns = project.contract.columns.items()
    sensitive = [name for name, column in columns if column.sensitive]
    slices = ", ".join(trial.scored.slices) or "none"
    told = cell(", ".join(sensitive)) or "none is marked `sensitive` in contract.yaml"
    return [
        f"Sensitive columns, never inputs: {told}.",
        "",
        f"Scores are compared by slices of: {cell(slices)}.",
    ]


def _metrics(project: Project, decision: Decision) -> list[str]:
    gate = project.settings.gate
    margin = f"{gate.max_loss_increase:.0%} of the champion's loss"
    if gate.margin is not None:
        margin = f"{gate.margin:g}"
    return [
        f"{decision.metric} decides, with a margin of {margin}; intervals are of 90 %.",
        "Rows of one group or of neighbouring moments count as dependent where contract.yaml or",
        "settings.toml says so; docs/gate.md explains the rule.",
    ]


def _evaluation(project: Project, parts: Split, trial: Trial) -> list[str]:
    lines = [f"{len(parts.holdout):,} rows, {trial.how}; holdout {trial.holdout_id}."]
    lines.append(f"Their times: {_span(parts.holdout, project.contract.time_column)}.")
    return lines


def _training(project: Project, parts: Split, trial: Trial) -> list[str]:
    source = cell(project.settings.data.place)
    return [
        f"{len(parts.training):,} rows of data version {trial.data_id}, from {source}.",
        f"Their times: {_span(parts.training, project.contract.time_column)}.",
        "No row of the holdout is among them: the hashes of all training rows are in the bundle.",
    ]


def _span(rows: pl.DataFrame, clock: str | None) -> str:
    if clock is None:
        return "there is no time column"
    return f"{rows[clock].min()} to {rows[clock].max()}"


def _analyses(trial: Trial, decision: Decision) -> list[str]:
    lines = ["| metric | value (90 % interval) |", "|---|---|"]
    for name, value in trial.measures.items():
        reach = Z * trial.errors[name]
        lines.append(f"| {name} | {value:.4f} ({value - reach:.4f} … {value + reach:.4f}) |")
    lines += [
        "",
        f"Verdict when it was registered: **{decision.verdict}**, {cell(decision.reason)}.",
    ]
    lines += ["", "| against | difference (90 % interval) |", "|---|---|"]
    for c in decision.comparisons:
        lines.append(f"| {c.against} | {c.delta:+.4f} ({c.lower:+.4f} … {c.upper:+.4f}) |")
    lines += _slices(trial) + list(_fairness(trial)) + list(_leaning(trial))
    return lines


def _slices(trial: Trial) -> list[str]:
    worst = sorted(
        (one for one in trial.evidence.harms if one.guard == "slices"), key=lambda one: one.delta
    )[:10]
    if not worst:
        return ["", "Slices are compared with a champion; there was none."]
    head = ["", "| slice | rows | difference to the champion (90 % interval) |", "|---|---|---|"]
    rows = []
    for one in worst:
        ends = [one.delta + sign * Z * one.standard_error for sign in (-1, 1)]
        interval = f"{one.delta:+.4f} ({ends[0]:+.4f} … {ends[1]:+.4f})"
        rows.append(f"| {cell(one.where)} | {one.rows:,} | {one.metric} {interval} |")
    return [*head, *rows]


def _fairness(trial: Trial) -> Iterator[str]:
    rates = trial.evidence.details.rates
    if rates:
        yield from ("", "| group | measure | rows | rate |", "|---|---|---|---|")
    for one in rates:
        shown = "too few rows" if one.challenger is None else f"{one.challenger:.3f}"
        yield f"| {cell(f'{one.column} = {one.group}')} | {one.measure} | {one.rows:,} | {shown} |"


def _leaning(trial: Trial) -> Iterator[str]:
    found = trial.evidence.details.importances
    if found:
        yield from ("", "| column | what shuffling it costs (90 % interval) |", "|---|---|")
    for one in found:
        yield f"| {cell(one.column)} | {one.value:+.4f} ({one.lower:+.4f} … {one.upper:+.4f}) |"


def _ethics(project: Project) -> list[str]:
    personal = [n for n, column in project.contract.columns.items() if column.personal]
    told = f"Personal columns, never inputs and in no report: {cell(', '.join(personal))}."
    said = cell(project.settings.card.ethics) or UNSAID
    return [said, *(["", told] if personal else [])]


def _caveats(project: Project, trial: Trial, decision: Decision) -> list[str]:
    bad = [one for one in decision.guards if one.ok is False]
    open_ = [one for one in decision.guards if one.ok is None]
    lines = [cell(project.settings.card.caveats) or UNSAID, ""]
    lines += [f"- {one.name}: {cell(one.text)}" for one in bad]
    lines += [f"- Not judged, {one.name}: {cell(one.text)}" for one in open_]
    moved = [one for one in trial.evidence.details.shifts if one.distance > 0.1]
    if moved:
        names = ", ".join(f"{cell(one.column)} ({one.distance:.2f})" for one in moved)
        lines.append(f"- Moved between training and holdout: {names}.")
    return lines
