"""Four pictures of a decision: the difference, the slices, the reliability, and the history."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..decision import Comparison, Decision, Verdict
from ..evidence import Harm, Reliability
from ..metrics.errors import Z
from ..store.versions import Past

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, GREY, ORANGE = "#0072b2", "#595959", "#d55e00"
COLOURS = {"PROMOTE": BLUE, "KEEP": GREY, "REJECT": ORANGE, "INVALID": ORANGE}
SHAPES = {"PROMOTE": "o", "KEEP": "s", "REJECT": "v", "INVALID": "x"}
MOST = 20


def figure_of(width: float, height: float) -> tuple[Any, "Axes"]:
    """An empty picture, in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def draw_gate(decision: Decision, names: Mapping[str, str], path: Path) -> None:
    """Δ against each rival with its 90 % interval, and the line it had to reach."""
    shown = [c for c in decision.comparisons if c.against != "dummy"] or list(decision.comparisons)
    figure, axes = figure_of(7, 1.3 + 0.7 * len(shown))
    for place, c in enumerate(shown):
        _interval(axes, c, place, COLOURS[decision.verdict])
    axes.axvline(0, color="#999999", linewidth=1, zorder=0)
    axes.set_yticks(range(len(shown)), [f"against {names[c.against]}" for c in shown])
    axes.set_ylim(len(shown) - 0.4, -0.75)
    axes.set_xlabel(f"difference in {decision.metric} (right is better), with its 90 % interval")
    axes.set_title(f"{decision.verdict}: {_short(decision.reason, 62)}", loc="left", fontsize=10)
    figure.savefig(path, dpi=120)


def _interval(axes: "Axes", c: Comparison, place: int, colour: str) -> None:
    axes.plot([c.lower, c.upper], [place] * 2, color=colour, linewidth=3, solid_capstyle="butt")
    axes.plot(c.delta, place, "o", color=colour, markersize=8)
    axes.plot([c.needed, c.needed], [place - 0.3, place + 0.3], color="black", linestyle="--")
    ends = "whole interval" if c.against == "dummy" else "point"
    text = f"{ends} right of here"
    axes.text(c.needed, place - 0.34, text, ha="center", va="bottom", fontsize=8)


def draw_slices(harms: Sequence[Harm], harmed: Sequence[Harm], path: Path) -> None:
    """The slices that lost most, with their intervals; proven harm in colour."""
    shown = sorted(harms, key=lambda one: one.delta)[:MOST]
    figure, axes = figure_of(7, 1.1 + 0.26 * len(shown))
    for place, one in enumerate(shown):
        colour, reach = (ORANGE if one in harmed else GREY), Z * one.standard_error
        ends = [one.delta - reach, one.delta + reach]
        axes.plot(ends, [place] * 2, color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(one.delta, place, "o", color=colour, markersize=5)
    axes.axvline(0, color="#999999", linewidth=1, zorder=0)
    axes.axvline(-shown[0].limit, color="black", linestyle="--", linewidth=1, zorder=0)
    labels = [f"{_short(one.where, 40)}  ({one.rows:,})" for one in shown]
    axes.set_yticks(range(len(shown)), labels, fontsize=8)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel(f"difference in {shown[0].metric} to the champion (right is better)")
    word = f"{len(harmed)} proven worse" if harmed else "none is proven worse"
    axes.set_title(f"Slices (rows): {word}", loc="left", fontsize=10)
    figure.savefig(path, dpi=120)


def draw_reliability(known: Mapping[str, Reliability], path: Path) -> None:
    """Observed against said shares, ten bins of equal size."""
    figure, axes = figure_of(4.6, 4.4)
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, zorder=0)
    styles = {"champion": (GREY, "s--"), "challenger": (BLUE, "o-")}
    for name, (colour, style) in styles.items():
        if name in known:
            one = known[name]
            label = f"{name}: slope {one.slope:.2f}, ECE {one.ece:.3f}"
            axes.plot(one.said, one.observed, style, color=colour, markersize=5, label=label)
    axes.set_xlabel("said probability")
    axes.set_ylabel("observed share")
    axes.set_title("Reliability: on the line is calibrated", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)


def draw_history(past: Sequence[Past], path: Path) -> None:
    """Every decision's difference to the anchor, in its order, by verdict."""
    figure, axes = figure_of(7, 3)
    for verdict in Verdict:
        found = [(n, one) for n, one in enumerate(past) if one.judgement.verdict == verdict]
        if not found:
            continue
        places, gaps = zip(*[(n, one.gaps["anchor"]) for n, one in found], strict=True)
        delta, reach = [gap[0] for gap in gaps], [Z * gap[1] for gap in gaps]
        axes.errorbar(
            places,
            delta,
            yerr=reach,
            fmt=SHAPES[verdict],
            color=COLOURS[verdict],
            label=str(verdict),
            markersize=5,
            linewidth=1,
        )
    axes.axhline(0, color="#999999", linewidth=1, zorder=0)
    days = [one.when.date().isoformat() for one in past]
    step = max(1, len(days) // 8)
    axes.set_xticks(range(0, len(days), step), days[::step], fontsize=8, rotation=30, ha="right")
    axes.set_ylabel("difference to the anchor")
    axes.set_title(f"{len(past)} decisions (up is better)", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8, ncols=4)
    figure.savefig(path, dpi=120)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
