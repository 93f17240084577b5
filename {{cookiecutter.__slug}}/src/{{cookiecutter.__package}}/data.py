"""YOURS: where rows come from."""

from datetime import date

import polars as pl

from . import sources


def load(source: str, since: date, until: date) -> pl.LazyFrame:
    """Rows observed from `since` up to, but without, `until`.

    `source` is `[data] source` of settings.toml: the sample, a file or a pattern. For anything
    else (SQL, an API), query it here and return a table with the columns of contract.yaml;
    a pandas table becomes one with `pl.from_pandas(table).lazy()`.
    """
    return sources.read(source, since, until)
