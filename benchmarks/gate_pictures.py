"""The pictures: promotion rates, and the AUC in force over a year."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from gate_decision import DIFFERENCES, SIZES, WORSE_BY_MARGIN, Rates, signed
from gate_rules import COLOURS, OURS, PLAIN
from gate_worlds import WEEKS, Year

LEAST_SPREAD = 0.012  # of a panel
FLAT = 1e-9


def draw_rates(rates: Rates, path: Path) -> None:
    """Promotion rate by true difference: a line for each rule, a panel for each size."""
    figure, panels = plt.subplots(1, len(SIZES), figsize=(12, 5.2), sharey=True)
    ticks = [-0.02, -0.01, 0, 0.01, 0.02]
    for panel, rows in zip(panels, SIZES, strict=True):
        panel.axvspan(min(DIFFERENCES) - 0.002, WORSE_BY_MARGIN, color="0.92", zorder=0)
        panel.axhline(5, color="0.45", linewidth=0.8, zorder=1)
        for name, (colour, marker, dashes) in COLOURS.items():
            shares = [100 * rates.share(name, rows, difference) for difference in DIFFERENCES]
            style = {"color": colour, "marker": marker, "linestyle": dashes}
            width, front = (2.8, 5) if name == OURS else (1.5, 3)
            panel.plot(DIFFERENCES, shares, label=name, linewidth=width, zorder=front, **style)
        panel.set_title(f"{rows:,} holdout rows", fontsize=11)
        panel.set_xlim(min(DIFFERENCES) - 0.002, max(DIFFERENCES) + 0.002)
        panel.set_xticks(ticks, [signed(tick) for tick in ticks])
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(-2, 102)
    panels[0].set_ylabel("promoted, %")
    panels[0].text(-0.0213, 97, "worse by the margin\nor more", fontsize=9, va="top")
    panels[0].text(0.0218, 6, "5 %", fontsize=9, ha="right", va="bottom", color="0.3")
    same = "plain non-inferiority is\nnearly the black line here"
    panels[0].text(0.0218, 14, same, fontsize=9, ha="right", va="bottom", color=COLOURS[PLAIN][0])
    panels[1].set_xlabel("challenger's true AUC minus champion's")
    figure.suptitle("How often each rule promotes a challenger", x=0.065, ha="left", fontsize=13)
    _finish(figure, panels[0], path, 0.13)


def draw_worlds(found: Mapping[str, Sequence[Year]], title: str, path: Path, columns: int) -> None:
    """True AUC of the model in force: a panel for each world, a line for each rule."""
    columns = min(columns, len(found))
    rows = -(-len(found) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(12.3, 0.9 + 3.1 * rows), sharex=True, squeeze=False
    )
    weeks = np.arange(WEEKS + 1)
    for panel, (world, years) in zip(panels.flat, found.items(), strict=True):
        best = np.mean([[year.start, *year.best] for year in years], axis=0)
        panel.plot(weeks, best, color="0.7", linewidth=6, label="best model so far", zorder=1)
        for name, (colour, marker, dashes) in COLOURS.items():
            truth = [[year.start, *year.reigns[name].truth] for year in years]
            width, front = (2.6, 5) if name == OURS else (1.5, 3)
            places = (4 + 2 * list(COLOURS).index(name), 13)  # markers that do not hide each other
            panel.plot(
                weeks,
                np.mean(truth, axis=0),
                color=colour,
                linestyle=dashes,
                marker=marker,
                markersize=5,
                markevery=(places[0] % 13, places[1]),
                linewidth=width,
                label=name,
                zorder=front,
            )
        shown = np.concatenate([line.get_ydata() for line in panel.lines])
        spread = np.ptp(shown)
        reach = 0.55 * max(spread, LEAST_SPREAD)  # what is all the same stays flat
        middle = (shown.min() + shown.max()) / 2
        panel.set_ylim(middle - reach, middle + reach)
        if spread < FLAT:
            panel.text(26, shown.mean() + reach / 6, "all lines are here", ha="center", fontsize=9)
        panel.set_title(world, fontsize=11, loc="left")
        panel.set_xlim(0, WEEKS)
        panel.set_xticks([0, 13, 26, 39, 52])
        panel.grid(axis="y", color="0.92", linewidth=0.8)
        panel.spines[["top", "right"]].set_visible(False)
        panel.yaxis.set_major_formatter("{x:g}")
    for panel in panels[-1]:
        panel.set_xlabel("week")
    for row in panels:
        row[0].set_ylabel("true AUC in force")
    figure.suptitle(title, x=0.03, ha="left", fontsize=13)
    _finish(figure, panels.flat[0], path, 0.7 / (0.9 + 3.1 * rows))


def _finish(figure: plt.Figure, panel: plt.Axes, path: Path, foot: float) -> None:
    """One legend for all panels, below them."""
    names = panel.get_legend_handles_labels()
    figure.legend(*names, loc="lower center", ncols=4, frameon=False, handlelength=3.5)
    figure.tight_layout(rect=(0, foot, 1, 1))
    figure.savefig(path, dpi=130)
    plt.close(figure)
