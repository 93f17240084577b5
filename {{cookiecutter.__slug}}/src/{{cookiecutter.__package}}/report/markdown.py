"""The decision for people and machines: report.md, result.json and one picture."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .checks.findings import Finding
from .steps.gate import Comparison, Decision, Verdict
from .trial import Trial

SCHEMA = 1
COLOURS = {
    Verdict.PROMOTE: "#0072b2",
    Verdict.KEEP: "#595959",
    Verdict.REJECT: "#d55e00",
    Verdict.INVALID: "#d55e00",
}


def write(folder: Path, decision: Decision, trial: Trial) -> None:
    """Write the three files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    names = rivals(trial)
    (folder / "report.md").write_text(markdown(decision, names, trial.how), encoding="utf-8")
    (folder / "result.json").write_text(
        json.dumps(result(decision, trial), indent=1) + "\n", encoding="utf-8"
    )
    if decision.comparisons:
        draw(decision, names, folder / "gate.png")


def publish(root: Path, folder: Path) -> Path:
    """Put the newest report where people look; call it under the lock."""
    place, fresh, old = (root / "reports" / name for name in ("gate", ".fresh", ".old"))
    for leftover in (fresh, old):  # of a run that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(folder, fresh)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    return place / "report.md"


def rivals(trial: Trial) -> dict[str, str]:
    """What each rival is called in the report."""
    champion = f"champion v{trial.champion.number}" if trial.champion else "champion"
    anchor = f"anchor v{trial.anchor.number}" if trial.anchor else "anchor"
    return {"champion": champion, "anchor": anchor, "dummy": "constant answer"}


def markdown(decision: Decision, names: dict[str, str], how: str) -> str:
    """The report that a reviewer grasps in ten seconds."""
    lines = [
        f"## Model gate: {decision.verdict}. {decision.reason[:1].upper()}{decision.reason[1:]}",
        "",
    ]
    if decision.comparisons:
        lines += [
            f"| {decision.metric} | rival | challenger | Δ (90 % interval) | needed |",
            "|---|---|---|---|---|",
        ]
        lines += [_row(names[c.against], c, decision) for c in decision.comparisons]
        lines.append("")
    lines.append(
        f"Holdout: {decision.rows:,} rows, {how}. Higher is better; a loss is shown with a minus."
    )
    if decision.rows_to_settle:
        lines.append(f"About {decision.rows_to_settle:,} rows would settle an equal model.")
    return "\n".join(lines) + "\n"


def _row(name: str, c: Comparison, decision: Decision) -> str:
    needed = f"lower end > {c.needed:+.4f}" if c.against == "dummy" else f"Δ ≥ {c.needed:+.4f}"
    interval = f"{c.delta:+.4f} ({c.lower:+.4f} … {c.upper:+.4f})"
    return f"| {name} | {c.rival:.4f} | {decision.challenger:.4f} | {interval} | {needed} |"


def result(decision: Decision, trial: Trial) -> dict[str, object]:
    """Everything needed to redo the decision, for machines."""
    return {
        "schema": SCHEMA,
        **asdict(decision),
        "comparisons": [
            {**asdict(c), "lower": c.lower, "upper": c.upper} for c in decision.comparisons
        ],
        "champion": trial.champion.digest if trial.champion else None,
        "anchor": trial.anchor.digest if trial.anchor else None,
        "data": trial.data_id,
        "holdout": {"id": trial.holdout_id, "how": trial.how, "rows": decision.rows},
        "measures": dict(trial.measures),
    }


def draw(decision: Decision, names: dict[str, str], path: Path) -> None:
    """Δ against each rival with its 90 % interval, and the line it had to reach."""
    from matplotlib.figure import Figure

    shown = [c for c in decision.comparisons if c.against != "dummy"] or list(decision.comparisons)
    figure = Figure(figsize=(7, 1.3 + 0.7 * len(shown)), layout="constrained")
    axes = figure.subplots()
    colour = COLOURS[decision.verdict]
    for place, c in enumerate(shown):
        axes.plot(
            [c.lower, c.upper], [place, place], color=colour, linewidth=3, solid_capstyle="butt"
        )
        axes.plot(c.delta, place, "o", color=colour, markersize=8)
        axes.plot([c.needed, c.needed], [place - 0.3, place + 0.3], color="black", linestyle="--")
        ends = "point" if c.against == "champion" else "whole interval"
        axes.text(
            c.needed, place - 0.34, f"{ends} right of here", ha="center", va="bottom", fontsize=8
        )
    axes.axvline(0, color="#999999", linewidth=1, zorder=0)
    axes.set_yticks(range(len(shown)), [f"against {names[c.against]}" for c in shown])
    axes.set_ylim(len(shown) - 0.4, -0.75)
    axes.set_xlabel(f"difference in {decision.metric} (right is better), with its 90 % interval")
    axes.set_title(f"{decision.verdict}: {decision.reason}", loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def findings_text(findings: Sequence[Finding]) -> str:
    """Findings as plain lines."""
    lines = [f"The data break the contract ({len(findings)} rule{'s' * (len(findings) != 1)}):"]
    for found in findings:
        shown = f"; {', '.join(found.examples)}" if found.examples else ""
        lines.append(f"  {found.column}: {found.rule}: {found.message}{shown}")
    return "\n".join(lines)


def findings_markdown(findings: Sequence[Finding]) -> str:
    """Findings as a Markdown table, for the summary of a job."""
    if not findings:
        return "The data keep the contract.\n"
    lines = ["| column | rule | severity | what | examples |", "|---|---|---|---|---|"]
    for found in findings:
        shown = (found.column, found.rule, found.severity, found.message, "; ".join(found.examples))
        cells = (cell.replace("|", "\\|").replace("\n", " ") for cell in shown)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
