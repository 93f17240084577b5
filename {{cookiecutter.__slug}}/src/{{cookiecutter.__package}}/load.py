"""Rows from where settings.toml says, of the window that ends today, kept as a data version."""

import glob
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from . import sources
from .checks.typed import typed
from .data import load
from .project import Project
from .store import loads

EVER = date(1970, 1, 1)


def source_of(project: Project) -> str:
    """Where the user's rows come from; a path without a beginning is one of the project's."""
    source = str(project.table or project.settings.data.source)
    prefix = sources.DELTA if source.startswith(sources.DELTA) else ""
    told = source.removeprefix(prefix)
    if ":" in told or Path(told).is_absolute():
        return source
    place = project.root / told  # only what the setting itself says may be a pattern
    return prefix + str(place if place.exists() else Path(glob.escape(str(project.root)), told))


def load_rows(project: Project, today: date, source: str | None = None) -> pl.LazyFrame:
    """The user's rows of the window that ends with `today`; every row if the window is 0.

    With a `source`, those of that part alone.
    """
    days, clock = project.settings.data.window_days, project.contract.time_column
    since = today - timedelta(days=days) if days else EVER
    table = load(source or source_of(project), since, today)
    there = table.collect_schema()
    if not days or clock not in there:
        return table
    if there[clock] == pl.Date:  # a plain comparison is one that Parquet's statistics answer
        return table.filter(pl.col(clock).is_null() | (pl.col(clock) >= since))
    if isinstance(kind := there[clock], pl.Datetime):
        start = pl.lit(datetime.combine(since, time())).dt.replace_time_zone(kind.time_zone)
        return table.filter(pl.col(clock).is_null() | (pl.col(clock) >= start))
    moment = typed(clock, there[clock], project.contract.columns[clock]).cast(pl.Date)
    return table.filter(moment.is_null() | (moment >= since))


def keep_rows(project: Project, today: date) -> loads.Load:
    """The same rows as a data version: whatever is made of them can be made again."""
    place, clock = project.settings.data.place, project.contract.time_column
    return loads.keep(project.root, load_rows(project, today), place, clock)
