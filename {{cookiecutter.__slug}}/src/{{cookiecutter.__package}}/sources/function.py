"""Rows from a Python function: `python:MODULE:FUNCTION` in settings.toml."""

from datetime import date
from typing import Any

import polars as pl

from ..errors import Status, Stop
from ..user_function import load_function


def read_function(name: str, since: date, until: date) -> pl.LazyFrame:
    """Call `FUNCTION(since, until)`; it returns a Polars, pandas or Arrow table.

    Raises:
        Stop: no such module or function, or it returned no table.
    """
    load = load_function(name, "[data] source")
    return _lazy(load(since, until), name)


def _lazy(table: Any, name: str) -> pl.LazyFrame:
    if isinstance(table, pl.LazyFrame):
        return table
    if isinstance(table, pl.DataFrame):
        return table.lazy()
    if hasattr(table, "__arrow_c_stream__"):  # pandas and Arrow tables
        return pl.DataFrame(table).lazy()
    raise Stop(Status.DATA, f"python:{name} returned a {type(table).__name__}, not a table.")
