"""Rows from a Python function: `python:MODULE:FUNCTION` in settings.toml."""

import importlib
from datetime import date
from typing import Any

import polars as pl

from ..errors import Status, Stop


def read_function(name: str, since: date, until: date) -> pl.LazyFrame:
    """Call `FUNCTION(since, until)`; it returns a Polars, pandas or Arrow table.

    Raises:
        Stop: no such module or function, or it returned no table.
    """
    module, _, function = name.partition(":")
    try:
        load = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise Stop(Status.SETTINGS, f"[data] source python:{name}: {error}.") from error
    if not callable(load):
        raise Stop(Status.SETTINGS, f"[data] source python:{name} is no function.")
    return _lazy(load(since, until), name)


def _lazy(table: Any, name: str) -> pl.LazyFrame:
    if isinstance(table, pl.LazyFrame):
        return table
    if isinstance(table, pl.DataFrame):
        return table.lazy()
    if hasattr(table, "__arrow_c_stream__"):  # pandas and Arrow tables
        return pl.DataFrame(table).lazy()
    raise Stop(Status.DATA, f"python:{name} returned a {type(table).__name__}, not a table.")
