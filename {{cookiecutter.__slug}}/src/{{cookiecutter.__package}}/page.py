"""reports/data.html: each column now, beside the reference, on one page without a script."""

from collections.abc import Sequence
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from .batch import Batch
from .checks.findings import Finding
from .checks.numbers import as_numbers
from .checks.reference import LEVELS, ColumnReference, is_number
from .checks.summarize import relative, shares
from .contract import Column
from .project import Project

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_COLUMNS = 80
MOST_BARS = 8
NOW, BEFORE = "#d55e00", "#0072b2"  # safe for the colour-blind
STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;
max-width:72rem;padding:0 1rem}.grid{display:grid;gap:1rem;
grid-template-columns:repeat(auto-fill,minmax(20rem,1fr))}.card{border:1px solid #8884;
border-radius:8px;padding:.8rem}.card h2{font-size:1rem;margin:0;overflow-wrap:anywhere}
.fail{border-left:6px solid #d55e00}.warn{border-left:6px solid #e69f00}small{opacity:.75}
svg{width:100%;height:auto;background:#fff;border-radius:4px}p{margin:.3rem 0}
"""


def write_page(project: Project, batch: Batch, file: Path | None) -> Path:
    """Write the page and return its path; columns with findings come first."""
    table = relative(batch.validation.seen.sketch.table(), project.contract)
    found: dict[str, list[Finding]] = {}
    for one in batch.findings:
        found.setdefault(one.column, []).append(one)
    entries = project.contract.columns
    order = sorted(entries, key=lambda name: (not found.get(name), list(entries).index(name)))
    cards = [
        _card(name, entries[name], table, batch, found.get(name, []))
        for name in order[:MOST_COLUMNS]
    ]
    others = [name for name in found if name not in entries]
    whole = "".join(
        f"<p><b>{escape(name)}</b></p>{_sentence(one)}" for name in others for one in found[name]
    )
    left = len(order) - len(cards)
    more = f"<p><small>{left} more columns without a finding.</small></p>" if left > 0 else ""
    place = project.root / "reports" / "data.html"
    place.parent.mkdir(exist_ok=True)
    place.write_text(_html(project, batch, file, whole, cards, more), encoding="utf-8")
    return place


def _html(
    project: Project, batch: Batch, file: Path | None, whole: str, cards: Sequence[str], more: str
) -> str:
    rows, fails = batch.validation.seen.rows, len(batch.failures)
    source = escape(str(file or project.settings.data.place))
    verdict = f"{len(batch.findings)} findings, {fails} of them fail" if batch.findings else "sound"
    known = (
        f"<b style='color:{NOW}'>now</b> (filled) beside "
        f"<b style='color:{BEFORE}'>the reference</b> (outlined)"
        if batch.reference
        else "no reference yet: train a model first"
    )
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{source}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{STYLE}</style>"
        f"<h1>{source}: {verdict}</h1><p>{rows:,} rows; {known}.</p>{whole}"
        f"<div class='grid'>{''.join(cards)}</div>{more}</html>\n"
    )


def _card(
    name: str, column: Column, table: pl.DataFrame, batch: Batch, found: list[Finding]
) -> str:
    grade = min((one.severity for one in found), default="")
    told = "".join(_sentence(one) for one in found)
    known = batch.reference.columns.get(name) if batch.reference else None
    picture = ""
    if column.personal:
        picture = "<p><small>personal: not shown</small></p>"
    elif name in table.columns and table[name].null_count() < len(table):
        picture = _named(draw(table[name], column, known), name)
    kind = f"{column.type}, {column.role}"
    head = f"<h2>{escape(name)}</h2><small>{kind}</small>"
    return f"<div class='card {grade}'>{head}{told}{picture}</div>"


def _named(svg: str, name: str) -> str:
    """With what a screen reader says instead of the picture."""
    told = f"How the values of {name} are distributed"
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(told)}"', 1)


def _sentence(one: Finding) -> str:
    shown = f" <small>{escape('; '.join(one.examples))}</small>" if one.examples else ""
    return f"<p><b>{one.rule}</b> ({one.severity}): {escape(one.message)}{shown}</p>"


def draw(values: pl.Series, column: Column, known: ColumnReference | None) -> str:
    """One column as an SVG: a histogram of numbers and lengths, bars of words."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4, 1.8), layout="constrained")
    axes = figure.subplots()
    few = values.n_unique() <= MOST_BARS
    if column.role == "time":
        _histogram(axes, as_numbers(values.cast(pl.Date).drop_nulls()), known)
        axes.xaxis_date()
        axes.tick_params("x", rotation=20)
    elif is_number(column) and few and values.dtype.is_integer():
        counted = values.cast(pl.Float64).cast(pl.String)
        _bars(axes, counted, known.model_copy(update={"levels": known.atoms}) if known else None)
    elif is_number(column):
        _histogram(axes, as_numbers(values.drop_nulls()), known)
    elif column.role in ("key", "id", "group", "text"):
        lengths = values.drop_nulls().cast(pl.String).str.len_chars()
        _histogram(axes, lengths.cast(pl.Float64).to_numpy(), known)
        axes.set_xlabel("length", fontsize=8)
    else:
        _bars(axes, values, known)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    out = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "ml"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def _histogram(axes: "Axes", numbers: np.ndarray, known: ColumnReference | None) -> None:
    quantiles = known.quantiles if known else []
    ends = [
        *np.quantile(numbers, [0.001, 0.999]),
        *([quantiles[1], quantiles[-2]] if quantiles else []),
    ]
    low, high = min(ends), max(ends)
    edges = np.linspace(low, high if high > low else low + 1, 31)
    counts, _ = np.histogram(numbers, edges)
    axes.stairs(counts / max(1, len(numbers)), edges, color=NOW, fill=True, alpha=0.45)
    if quantiles:
        grid, place = np.unique(quantiles, return_index=True)
        last = len(quantiles) - 1 - np.unique(quantiles[::-1], return_index=True)[1]
        levels = (np.asarray(LEVELS)[place] + np.asarray(LEVELS)[last]) / 2
        axes.stairs(np.diff(np.interp(edges, grid, levels)), edges, color=BEFORE, linewidth=1.6)
    axes.set_yticks([])


def _bars(axes: "Axes", values: pl.Series, known: ColumnReference | None) -> None:
    now = shares(values.drop_nulls().cast(pl.String), 1000, 0.0)
    before = known.levels if known else {}
    words = sorted({*now, *before}, key=lambda w: -max(now.get(w, 0), before.get(w, 0)))[:MOST_BARS]
    places = np.arange(len(words))
    axes.barh(places + 0.2, [now.get(w, 0) for w in words], 0.4, color=NOW, alpha=0.7)
    if before:
        lengths = [before.get(w, 0) for w in words]
        axes.barh(places - 0.2, lengths, 0.4, fill=False, edgecolor=BEFORE, linewidth=1.6)
    shown = [w.removesuffix(".0") for w in words]
    axes.set_yticks(places, [w if len(w) < 18 else f"{w[:17]}…" for w in shown])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
