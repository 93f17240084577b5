"""Two pictures of what was seen: the score over time, and how far inputs have moved."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..report.plots import BLUE, GREY, ORANGE, figure_of
from ..settings import is_loss
from ..steps.drift import APART, Drift
from .seen import Watch

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 20


def draw_score(seen: Watch, path: Path) -> None:
    """Week by week with 90 % intervals; the band is what the gate last saw."""
    gate, sign = seen.judged, -1 if is_loss(seen.metric) else 1
    if gate is None:
        return
    figure, axes = figure_of(7, 3)
    axes.axhspan(sign * gate.lower, sign * gate.upper, color="#dddddd", zorder=0)
    axes.axhline(sign * gate.value, color=GREY, linewidth=1, label="at the gate (90 % interval)")
    _weeks(axes, seen, sign)
    told = seen.now or (seen.expected.score if seen.expected else None)
    if told:
        word = "newest rows" if seen.now else "expected, labels are late"
        style = "-" if seen.now else "--"
        axes.axhline(sign * told.value, color=ORANGE, linestyle=style, linewidth=2, label=word)
    better = "down" if sign < 0 else "up"
    axes.set_ylabel(f"{seen.metric} ({better} is better)")
    axes.set_title(f"The champion, v{seen.version}, after the gate", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)


def _weeks(axes: "Axes", seen: Watch, sign: int) -> None:
    weeks = seen.scores.weeks if seen.scores else ()
    if not weeks:
        axes.set_xticks([])
        return
    days = np.array([day for day, _ in weeks], dtype="datetime64[D]")
    values = [sign * one.value for _, one in weeks]
    reach = [one.upper - one.value for _, one in weeks]
    looks: dict[str, Any] = {
        "color": BLUE,
        "markersize": 4,
        "linewidth": 1,
        "label": "weeks of labelled rows",
    }
    axes.errorbar(days, values, yerr=reach, fmt="o-", **looks)
    axes.tick_params(axis="x", labelrotation=30, labelsize=8)


def draw_drift(moved: Sequence[Drift], path: Path) -> None:
    """A bar an input, and the line beyond which it matters."""
    shown = moved[:MOST]
    figure, axes = figure_of(7, 1.2 + 0.28 * len(shown))
    for place, one in enumerate(shown):
        colour, hatch = (ORANGE, "//") if one.drifted else (GREY, None)
        axes.barh(place, one.size, height=0.6, color=colour, hatch=hatch, edgecolor="white")
        note = f"{one.size:.2f}" + (" missing" if one.kind == "missing" else "")
        axes.text(one.size + 0.005, place, note, va="center", fontsize=8)
    axes.axvline(APART, color="black", linestyle="--", linewidth=1)
    axes.set_yticks(range(len(shown)), [one.column for one in shown], fontsize=8)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0, max(0.25, 1.15 * max(one.size for one in shown)))
    axes.set_xlabel("distance from the rows that it learnt from (0 is alike, 1 is apart)")
    count = sum(one.drifted for one in moved)
    axes.set_title(f"Inputs: {count or 'none'} moved far enough to matter", loc="left", fontsize=10)
    figure.savefig(path, dpi=120)
