"""reports/simulate/: one picture, a table, and every week as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import Metric, is_loss
from .run import Lived, best_rival
from .sources import shown
from .year import BROKEN, POLICIES, Policy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES: dict[Policy, str] = {
    "loop": "this loop",
    "never": "never retrain",
    "always": "always promote",
    "naive": "promote if new > old",
}
STYLES: dict[Policy, dict] = {
    "never": {"color": "#999999", "linestyle": ":", "linewidth": 1.8},
    "always": {"color": "#e69f00", "linestyle": "--", "linewidth": 1.3},
    "naive": {"color": "#009e73", "linestyle": "-.", "linewidth": 1.3},
    "loop": {"color": "#0072b2", "linestyle": "-", "linewidth": 2.4},
}
MARKS = {
    "PROMOTE": ("o", "#0072b2", "promoted"),
    "KEEP": ("|", "#999999", "kept"),
    "REJECT": ("v", "#d55e00", "rejected"),
    "INVALID": ("x", "#d55e00", "invalid"),
    BROKEN: ("X", "#cc79a7", "batch stopped"),
}
ALARM = ("^", "#000000", "monitor: due")


def write_report(root: Path, lived: Sequence[Lived], metric: Metric) -> Path:
    """Write report.md, simulate.png and weeks.json; returns the report's path."""
    folder = root / "reports" / "simulate"
    folder.mkdir(parents=True, exist_ok=True)
    draw(lived, metric, folder / "simulate.png")
    told = json.dumps([asdict(one) for one in lived], indent=1, default=str)
    (folder / "weeks.json").write_text(told + "\n", encoding="utf-8")
    path = folder / "report.md"
    path.write_text("\n".join(_lines(lived, metric)) + "\n", encoding="utf-8")
    return path


def _lines(lived: Sequence[Lived], metric: Metric) -> Iterator[str]:
    yield "## What the loop buys"
    yield ""
    better = "less is better" if is_loss(metric) else "more is better"
    yield f"Mean true {metric} of the model in force ({better}), week by week:"
    yield ""
    yield f"| world | {' | '.join(NAMES[policy] for policy in POLICIES)} | promotions |"
    yield "|---" * (len(POLICIES) + 2) + "|"
    for one in lived:
        values = [f"{shown(metric, one.mean(policy)):.4f}" for policy in POLICIES]
        yield f"| {one.world} | {' | '.join(values)} | {one.promotions} of {len(one.weeks)} |"
    yield ""
    for one in lived:
        yield f"- **{one.world}**: {one.says}. {sentence(one, metric)}"
    yield ""
    yield "![True score of the model in force by policy, with the gate's verdicts](simulate.png)"


def sentence(lived: Lived, metric: Metric) -> str:
    """How the loop did beside the best of the others."""
    if not lived.compared:
        return "In no week had every policy a model, so nothing can be compared."
    rival, more = best_rival(lived)
    gained = f"{abs(more):.4f} {'better' if more >= 0 else 'worse'} than"
    stopped = sum(week.verdict == BROKEN for week in lived.weeks)
    halted = f"; {stopped} batches were stopped" if stopped else ""
    few = len(lived.compared) < len(lived.weeks)
    where = f" in the {len(lived.compared)} weeks in which all had a model" if few else ""
    return f"The loop's {metric} is {gained} the next best, {NAMES[rival]}{where}{halted}."


def draw(lived: Sequence[Lived], metric: Metric, path: Path) -> None:
    """A panel a world: the true score of each policy, and beneath it what the gate said."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    columns = min(3, len(lived))
    rows = -(-len(lived) // columns)
    figure = Figure(figsize=(max(7.0, 4.1 * columns), 0.9 + 2.9 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
    for panel in panels:
        panel.set_visible(False)
    floor, room = _range(lived, metric)
    for one, panel in zip(lived, figure.axes, strict=False):
        panel.set_visible(True)
        _panel(one, metric, panel, floor, room)
    lines = [Line2D([], [], label=NAMES[policy], **STYLES[policy]) for policy in POLICIES]
    marks = [
        Line2D([], [], linestyle="", marker=shape, color=colour, label=name)
        for shape, colour, name in (*MARKS.values(), ALARM)
        if name in _said(lived)
    ]
    figure.legend(handles=[*lines, *marks], loc="outside lower center", ncols=5, frameon=False)
    what = f"True {metric} of the model in force ({'down' if is_loss(metric) else 'up'} is better)"
    figure.suptitle(what, x=0.01, ha="left", fontsize=12)
    figure.savefig(path, dpi=120)


def _range(lived: Sequence[Lived], metric: Metric) -> tuple[float, float]:
    """The lowest score of all panels, and how far the highest is above it."""
    found = [shown(metric, v) for one in lived for week in one.weeks for v in week.scores.values()]
    real = [value for value in found if isfinite(value)] or [0.0]
    return min(real), max(max(real) - min(real), 1e-6)


def _said(lived: Sequence[Lived]) -> set[str]:
    weeks = [week for one in lived for week in one.weeks]
    found = {MARKS[week.verdict][2] for week in weeks if week.verdict in MARKS}
    return found | ({ALARM[2]} if any(week.due for week in weeks) else set())


def _panel(lived: Lived, metric: Metric, panel: "Axes", floor: float, room: float) -> None:
    numbers = [week.number + 1 for week in lived.weeks]
    for policy, style in STYLES.items():
        values = [shown(metric, week.scores.get(policy, float("nan"))) for week in lived.weeks]
        panel.plot(numbers, values, **style)
    for week in lived.weeks:
        if week.verdict in MARKS:
            shape, colour, _ = MARKS[week.verdict]
            panel.plot(week.number + 1, floor - 0.10 * room, shape, color=colour, markersize=5)
        if week.due:
            panel.plot(
                week.number + 1, floor - 0.20 * room, *ALARM[:1], color=ALARM[1], markersize=4
            )
    panel.set_ylim(floor - 0.27 * room, floor + 1.05 * room)
    panel.set_title(lived.world, loc="left", fontsize=10)
    panel.set_xlabel("week", fontsize=8)
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)
