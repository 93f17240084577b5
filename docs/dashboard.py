"""Draws the product's docs/dashboard.png: every panel, with what a real Prometheus answers to it.

A service is asked for three minutes, as tests/watched.py has it. Grafana is not needed, so the
picture is a likeness: the panels' places, titles, units and colours are those of dashboard.json.
usage: uv run --with matplotlib python docs/dashboard.py [PROJECT], after `make demo`
"""

import re
import sys
import tempfile
import time
from math import isnan, nan
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from watched import DASHBOARD, PANELS, PROJECT, Series, ask, watched  # noqa: E402

SECONDS = 180
DARK, PANEL, TEXT, FAINT = "#111217", "#181b1f", "#ccccdc", "#3c3f45"
MARK = DASHBOARD["annotations"]["list"][0]["iconColor"]
UNITS = {"reqps": " req/s", "suffix: rows/s": " rows/s"}
WIDE, HIGH, MARGIN, TOP = 13.0, 0.31, 0.006, 0.03  # inches, inches a grid row, shares of both
Panel = dict[str, Any]


def main() -> None:
    """Run the story, ask every query, draw."""
    project = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/demo/customer-model")
    if not (project / ".ml" / "bundles").is_dir():
        sys.exit("dashboard: run `make demo` first.")
    with (
        tempfile.TemporaryDirectory() as folder,
        watched(Path(folder), project.resolve()) as (url, (service,)),
    ):
        rows = service.rows("binary")
        start = time.time()
        service.story(rows, SECONDS)
        told = {
            panel["id"]: [
                one
                for target in panel["targets"]
                for one in ask(url, target, start, start + SECONDS, step(panel))
            ]
            for panel in PANELS
        }
        (note,) = DASHBOARD["annotations"]["list"]
        query = {"expr": note["expr"], "legendFormat": note["titleFormat"], "refId": "A"}
        marks = [one.at[0] for one in ask(url, query, start, start + SECONDS, 1)]
    draw(told, [moment for moment in marks if moment > 5], PROJECT / "docs" / "dashboard.png")


def step(panel: Panel) -> float:
    """Seconds from one point to the next."""
    return SECONDS / panel.get("maxDataPoints", SECONDS)


def draw(told: dict[int, list[Series]], marks: list[float], path: Path) -> None:
    """Every panel where the dashboard has it."""
    plt.rcParams.update({"font.size": 7, "text.color": TEXT, "xtick.color": TEXT})
    plt.rcParams.update({"ytick.color": TEXT, "axes.edgecolor": FAINT})
    high = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in DASHBOARD["panels"])
    figure = plt.figure(figsize=(WIDE, HIGH * high / (1 - TOP)), facecolor=DARK)
    figure.text(MARGIN, 1 - TOP / 2, DASHBOARD["title"], size=13, weight="bold", va="center")

    def box(panel: Panel) -> tuple[float, float, float, float]:
        place = panel["gridPos"]
        left, bottom = place["x"] / 24, (1 - TOP) * (1 - (place["y"] + place["h"]) / high)
        return left, bottom, place["w"] / 24, (1 - TOP) * place["h"] / high

    for panel in DASHBOARD["panels"]:
        left, bottom, width, height = box(panel)
        if panel["type"] == "row":
            figure.text(MARGIN, bottom + height / 2, panel["title"], size=9, va="center")
            continue
        inner = (left + MARGIN / 2, bottom + MARGIN / 4, width - MARGIN, height - MARGIN / 2)
        figure.add_artist(plt.Rectangle(inner[:2], *inner[2:], color=PANEL, zorder=-1))
        over = bottom + height - 0.0045
        figure.text(left + 2 * MARGIN, over, panel["title"], weight="bold", va="top")
        kinds = {"stat": stat, "timeseries": lines, "status-history": shades}
        room = (left + 0.05, bottom + 0.021, width - 0.062, height - 0.038)
        if panel["type"] == "stat":
            room = inner
        if panel["type"] == "status-history":
            room = (left + 0.13, bottom + 0.012, width - 0.14, height - 0.027)
        kinds[panel["type"]](figure.add_axes(room, facecolor=PANEL), panel, told[panel["id"]])
        if panel["type"] == "timeseries":
            for moment in marks:
                figure.axes[-1].axvline(moment, color=MARK, linewidth=0.9, linestyle="--")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=90, facecolor=DARK)
    Image.open(path).convert("RGB").quantize(160).save(path, optimize=True)  # a quarter the size


def stat(axes: Axes, panel: Panel, found: list[Series]) -> None:
    """The newest value, in the colour of the step that it has reached."""
    axes.axis("off")
    newest = max(found, key=lambda one: one.at[-1])
    value = [value for value in newest.values if not isnan(value)][-1]
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    colour = [one["color"] for one in steps if one["value"] is None or value >= one["value"]][-1]
    named = panel["options"].get("textMode") == "name"
    text = newest.name if named else written(value, unit(panel, newest))
    colour = "#56B4E9" if colour == steps[0]["color"] else colour  # its blue is dark on paper
    axes.text(0.5, 0.45, text, size=14, color=colour, ha="center", va="center", weight="bold")


def lines(axes: Axes, panel: Panel, found: list[Series]) -> None:
    """Lines, or areas on top of each other, and a legend with the newest values."""
    custom = panel["fieldConfig"]["defaults"]["custom"]
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    seconds = list(range(SECONDS + 1))
    below = [0.0] * len(seconds)
    for number, one in enumerate(found):
        colour = colour_of(panel, one, number, len(found))
        known = {round(at): value for at, value in zip(one.at, one.values, strict=True)}
        values = [known.get(second, nan) for second in seconds]
        label = f"{one.name}  {written(last(one), unit(panel, one))}"
        if stacked:
            top = [b + (0 if isnan(v) else v) for b, v in zip(below, values, strict=True)]
            axes.fill_between(seconds, below, top, color=colour, label=label, step="post", lw=0)
            below = top
        else:
            axes.plot(seconds, values, color=colour, linewidth=1.2, label=label)
            axes.fill_between(seconds, values, color=colour, alpha=0.08, lw=0)
    axes.set_xlim(0, SECONDS)
    axes.set_ylim(0, axes.get_ylim()[1] or 1)
    axes.grid(color=FAINT, linewidth=0.4)
    axes.set_xticks([0, 60, 120, 180], ["0:00", "1:00", "2:00", "3:00"])
    axes.locator_params(axis="y", nbins=4)
    form = unit(panel, found[0]) if found else "short"
    axes.yaxis.set_major_formatter(lambda value, _: written(value, form))
    axes.tick_params(length=0, labelsize=6)
    axes.legend(loc="upper center", bbox_to_anchor=(0.46, -0.1), ncols=4, frameon=False, fontsize=6)
    for side in axes.spines.values():
        side.set_visible(False)


def shades(axes: Axes, panel: Panel, found: list[Series]) -> None:
    """A row for each series, a cell for each moment: the darker, the more."""
    count, width = panel["maxDataPoints"], step(panel)
    rows = []
    for one in found:
        known = {round(at / width): value for at, value in zip(one.at, one.values, strict=True)}
        rows.append([known.get(cell, nan) for cell in range(count)])
    blues = LinearSegmentedColormap.from_list("blues", [PANEL, "#1f60c4", "#8ab8ff"])
    top = panel["fieldConfig"]["defaults"].get("max")
    axes.imshow(rows, aspect="auto", cmap=blues, vmin=0, vmax=top, interpolation="nearest")
    labels = [f"{one.name}  {written(last(one), unit(panel, one))}" for one in found]
    axes.set_yticks(range(len(found)), labels)
    axes.set_xticks([0, count / 3, 2 * count / 3], ["0:00", "1:00", "2:00"])
    axes.tick_params(length=0, labelsize=6)
    for row in range(1, len(found)):
        axes.axhline(row - 0.5, color=PANEL, linewidth=2)
    for side in axes.spines.values():
        side.set_visible(False)


def colour_of(panel: Panel, one: Series, number: int, count: int) -> Any:
    """What the dashboard says for a series: its own colour, or a shade."""
    chosen = panel["fieldConfig"]["defaults"]["color"]
    for override in panel["fieldConfig"]["overrides"]:
        matcher, (setting,) = override["matcher"], override["properties"]
        named = matcher["id"] == "byName" and matcher["options"] == one.name
        like = matcher["id"] == "byRegexp" and re.search(matcher["options"], one.name)
        if setting["id"] == "color" and (named or like):
            chosen = setting["value"]
    if chosen["mode"] == "fixed":
        return chosen["fixedColor"]
    share = (number + 1) / count if count > 1 else 0.6  # from the colour itself towards white
    return tuple(c + (1 - c) * 0.75 * (1 - share) for c in to_rgb(lighter(chosen["fixedColor"])))


def lighter(colour: str) -> tuple[float, ...]:
    """A colour that stands out from a dark ground."""
    return tuple(c + (1 - c) * 0.2 for c in to_rgb(colour))


def unit(panel: Panel, one: Series) -> str:
    """The panel's unit, or that of the series' own query."""
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"] == {"id": "byFrameRefID", "options": one.query}:
            return override["properties"][0]["value"]
    return panel["fieldConfig"]["defaults"]["unit"]


def last(one: Series) -> float:
    """The newest value that is a number."""
    return ([value for value in one.values if not isnan(value)] or [nan])[-1]


def written(value: float, form: str) -> str:
    """A value as Grafana would write it."""
    if isnan(value):
        return "-"
    if form == "percentunit":
        return f"{100 * value:.3g} %"
    if form == "s":
        return f"{value:.3g} s" if value >= 1 or value == 0 else f"{1000 * value:.3g} ms"
    if form == "bytes":
        return f"{value / 2**20:.0f} MiB"
    text = f"{value / 1000:.3g} K" if abs(value) >= 1000 else f"{value:.3g}"
    return text + UNITS.get(form, "")


if __name__ == "__main__":
    main()
