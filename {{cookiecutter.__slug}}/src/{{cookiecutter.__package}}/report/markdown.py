"""The decision as a page that a reviewer grasps in ten seconds."""

from collections.abc import Iterator

from ..decision import Comparison, Decision
from ..evidence import Details, Guard
from ..trial import Trial

MARKS = {"invalid": "✗ invalid", "block": "✗ blocks", "warn": "! warns", "report": "· noted"}
PLOTS = {
    "gate.png": "Difference to champion and anchor, with the line that it had to reach",
    "slices.png": "Difference by slice, with those that are proven worse in colour",
    "reliability.png": "Said and observed shares",
    "history.png": "All decisions over time, against the anchor",
}


def rivals(trial: Trial) -> dict[str, str]:
    """What each rival is called in the report."""
    champion = f"champion v{trial.champion.number}" if trial.champion else "champion"
    anchor = f"anchor v{trial.anchor.number}" if trial.anchor else "anchor"
    return {"champion": champion, "anchor": anchor, "dummy": "constant answer"}


def markdown(decision: Decision, trial: Trial, plots: list[str]) -> str:
    """Verdict, numbers, what failed, what the model leans on; under sixty lines."""
    reason = decision.reason[:1].upper() + decision.reason[1:]
    lines = [f"## Model gate: {decision.verdict}. {cell(reason)}", ""]
    lines += _numbers(decision, rivals(trial))
    lines += _holdout(decision, trial)
    lines += _checks(decision.guards)
    lines += _leaning(trial.evidence.details)
    lines += _groups(trial.evidence.details)
    lines += [f"![{PLOTS[name]}]({name})" for name in plots]
    return "\n".join(lines).rstrip() + "\n"


def _numbers(decision: Decision, names: dict[str, str]) -> list[str]:
    if not decision.comparisons:
        return []
    head = f"| {decision.metric} | rival | challenger | Δ (90 % interval) | needed |"
    rows = [_row(names[c.against], c, decision) for c in decision.comparisons]
    return [head, "|---|---|---|---|---|", *rows, ""]


def _row(name: str, c: Comparison, decision: Decision) -> str:
    needed = f"lower end > {c.needed:+.4f}" if c.against == "dummy" else f"Δ ≥ {c.needed:+.4f}"
    interval = f"{c.delta:+.4f} ({c.lower:+.4f} … {c.upper:+.4f})"
    return f"| {name} | {c.rival:.4f} | {decision.challenger:.4f} | {interval} | {needed} |"


def _holdout(decision: Decision, trial: Trial) -> list[str]:
    text = f"Holdout: {decision.rows:,} rows, {trial.how}. Higher is better; a loss has a minus."
    if decision.rows_to_settle:
        text += f" About {decision.rows_to_settle:,} rows would settle an equal model."
    return [text, ""]


def _checks(guards: tuple[Guard, ...]) -> list[str]:
    """What failed, in a table; what held or could not be judged, in a line each."""
    bad = [one for one in guards if one.ok is False]
    rows = [f"| {MARKS[one.severity]} | {one.name} | {cell(one.text)} |" for one in bad[:12]]
    lines = ["| | check | what was found |", "|---|---|---|", *rows, ""] if rows else []
    held = dict.fromkeys(one.name for one in guards if one.ok)
    held = [name for name in held if name not in {one.name for one in bad}]
    if held:
        lines += [f"Held: {', '.join(held)}.", ""]
    open_ = [f"{one.name} ({one.text})" for one in guards if one.ok is None]
    return [*lines, f"Not judged: {cell('; '.join(open_))}.", ""] if open_ else lines


def _leaning(details: Details) -> list[str]:
    """The columns that matter most, and those that have moved."""
    lines = []
    if details.importances:
        head = ["| column | what shuffling it costs (90 % interval) | champion |", "|---|---|---|"]
        rows = [
            f"| {cell(one.column)} | {one.value:+.4f} ({one.lower:+.4f} … {one.upper:+.4f}) "
            f"| {'' if one.champion is None else f'{one.champion:+.4f}'} |"
            for one in details.importances[:5]
        ]
        lines += [*head, *rows, ""]
    moved = ", ".join(f"{cell(one.column)} {one.distance:.2f}" for one in details.shifts)
    text = f"Moved most since training (0 is alike, 1 is apart): {moved}."
    return [*lines, text, ""] if moved else lines


def _groups(details: Details) -> list[str]:
    """Rates by group of the sensitive columns; small groups are named without a rate."""
    shown = [one for one in details.rates if one.challenger is not None]
    small = sorted({f"{r.column} {r.group}" for r in details.rates if r.challenger is None})
    lines = []
    if shown:
        lines = ["| group | measure | rows | challenger | champion |", "|---|---|---|---|---|"]
        for one in shown[:12]:
            before = "" if one.champion is None else f"{one.champion:.3f}"
            group = cell(f"{one.column} = {one.group}")
            lines.append(
                f"| {group} | {one.measure} | {one.rows:,} | {one.challenger:.3f} | {before} |"
            )
        lines.append("")
    if small:
        lines += [f"Too few rows to judge: {cell(', '.join(small[:10]))}.", ""]
    return lines


def cell(text: str) -> str:
    """Text of the data that cannot break a table, nor become markup."""
    return "".join(_safe(text))


def _safe(text: str) -> Iterator[str]:
    for sign in text:
        if sign in "|<>[]`*\\":
            yield "\\" + sign if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign]
        else:
            yield " " if sign in "\r\n" else sign
