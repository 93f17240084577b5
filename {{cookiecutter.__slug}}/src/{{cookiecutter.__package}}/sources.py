"""Reads tables: the sample, or CSV, Parquet and JSON lines by path or pattern."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import get_args

import polars as pl

from . import sample
from .errors import Status, Stop
from .settings import Task

READERS: dict[str, Callable[[str], pl.LazyFrame]] = {
    ".csv": lambda path: pl.scan_csv(path, infer_schema=False, null_values=[""]),
    ".parquet": pl.scan_parquet,
    ".jsonl": lambda path: pl.scan_ndjson(path, infer_schema_length=None),
}


def read(source: str, since: date, until: date) -> pl.LazyFrame:
    """Rows of a source: `sample:TASK` between two dates, else every row of the file or pattern."""
    if source.startswith("sample:"):
        task = next((t for t in get_args(Task) if source == f"sample:{t}"), None)
        if task is None:
            raise Stop(
                Status.SETTINGS, f"[data] source {source!r}: use {', '.join(get_args(Task))}."
            )
        return sample.rows(task, since, until).lazy()
    return read_file(source)


def read_file(path: str) -> pl.LazyFrame:
    """Rows of one file or pattern. CSV columns stay text; the contract gives them types.

    Raises:
        Stop: no such file, or not a table.
    """
    reader = READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise Stop(Status.DATA, f"{path}: not a table that can be read; use {', '.join(READERS)}.")
    if not any(Path(path).parent.glob(Path(path).name)):
        raise Stop(Status.DATA, f"{path}: no such file.")
    try:
        table = reader(path)
        table.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Stop(Status.DATA, f"{path}: not readable as a table: {_first_line(error)}") from error
    return table


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
