"""Reads tables: the sample, files by path, pattern or URL, Delta Lake, a database, a function."""

from datetime import date
from pathlib import Path
from typing import get_args

import polars as pl

from .. import sample
from ..errors import Status, Stop
from ..settings import Task
from .database import read_query
from .delta import DELTA, read_delta
from .files import matching, read_file
from .function import read_function
from .remote import objects, read_url

__all__ = ["DELTA", "files_of", "read", "read_file"]


def read(source: str, since: date, until: date) -> pl.LazyFrame:
    """Rows of a source, observed from `since` up to, but without, `until`.

    `sample:TASK`, a query in a `.sql` file and `python:MODULE:FUNCTION` keep to these dates by
    themselves; of a file, a pattern, a URL or a Delta table every row comes, and whoever asked
    filters them.
    """
    if source.startswith("sample:"):
        task = next((t for t in get_args(Task) if source == f"sample:{t}"), None)
        if task is None:
            raise Stop(
                Status.SETTINGS, f"[data] source {source!r}: use {', '.join(get_args(Task))}."
            )
        return sample.rows(task, since, until).lazy()
    if source.startswith("python:"):
        return read_function(source.removeprefix("python:"), since, until)
    if source.startswith(DELTA):
        return read_delta(source.removeprefix(DELTA))
    if source.endswith(".sql"):
        return read_query(source, since, until)
    return read_url(source) if "://" in source else read_file(source)


def files_of(source: str) -> list[str]:
    """The files or URLs that a pattern names, in their order; any other source is one by itself.

    Files have their whole paths: a worker was started somewhere else.
    """
    if source.startswith(("sample:", "python:", DELTA)) or source.endswith(".sql"):
        return [source]
    if "://" in source:
        return objects(source)
    return [str(Path(file).absolute()) for file in matching(source)]
