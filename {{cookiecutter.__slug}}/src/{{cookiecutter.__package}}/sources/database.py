"""Rows of a SQL query, through SQLAlchemy. The connection string is in the environment."""

import os
import re
from datetime import date
from pathlib import Path

import polars as pl

from ..errors import Status, Stop

VARIABLE = "DATABASE_URL"
BATCH = 100_000
# A name in a comment is no parameter; what looks like a comment in quotes is none.
COMMENT = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|(?P<comment>--[^\n]*|/\*.*?\*/)""", re.DOTALL
)
DRIVERS = {
    "postgresql": "psycopg[binary]",
    "mysql": "pymysql",
    "mssql": "pyodbc",
    "oracle": "oracledb",
}


def read_query(file: str, since: date, until: date) -> pl.LazyFrame:
    """Rows of the query in a `.sql` file; `:since` and `:until` in it are bound, never spliced.

    Raises:
        Stop: no file, no DATABASE_URL, no driver, or the database's own error.
    """
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    query, url = _query(file), os.environ.get(VARIABLE)
    if not url:
        example = "postgresql://HOST/DATABASE, with USER:PASSWORD@ before HOST"
        raise Stop(Status.SETTINGS, f"{file}: set {VARIABLE} in the environment, as {example}.")
    try:
        tables = _run(query, url, {"since": since, "until": until})
    except ModuleNotFoundError as error:
        driver = DRIVERS.get(url.split(":")[0].split("+")[0], error.name)
        raise Stop(Status.SETTINGS, f'{file}: `uv add --group train "{driver}"` first.') from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise Stop(Status.SETTINGS, f"{VARIABLE} is no connection string that is known.") from error
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise Stop(Status.DATA, f"{file}: the database says: {_without(url, reason)}") from error
    except (pl.exceptions.PolarsError, AttributeError) as error:  # of a query that gives no table
        reason = str(error).splitlines()[0]
        raise Stop(Status.DATA, f"{file}: the query gives no table: {reason}") from error
    return pl.concat(tables, how="vertical_relaxed").lazy() if tables else pl.LazyFrame()


def _run(query: str, url: str, given: dict[str, date]) -> list[pl.DataFrame]:
    from sqlalchemy import create_engine, text

    wanted = text(COMMENT.sub(_kept, query))
    bound = {name: value for name, value in given.items() if name in wanted._bindparams}  # noqa: SLF001 - there is no public name
    with create_engine(_with_driver(url)).connect() as connection:
        parts = pl.read_database(
            wanted,
            connection,
            iter_batches=True,
            batch_size=BATCH,
            execute_options={"parameters": bound},
            infer_schema_length=None,
        )
        return list(parts)


def _kept(found: re.Match[str]) -> str:
    return " " if found["comment"] else found[0]


def _query(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Stop(Status.SETTINGS, f"{file}: no such file; [data] source names it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(Status.SETTINGS, f"{file}: not a query that can be read: {error}") from error


def _without(url: str, reason: str) -> str:
    """A sign that was not escaped may have put a part of the password into the host's name."""
    _, _, rest = url.partition("://")[2].partition(":")
    hidden = re.split("[@/:]", rest.rpartition("@")[0]) if rest.count("@") > 1 else []
    for part in filter(None, hidden):
        reason = reason.replace(part, "…")
    return reason


def _with_driver(url: str) -> str:
    """PostgreSQL through psycopg 3, which SQLAlchemy does not take by itself."""
    for name in ("postgresql://", "postgres://"):
        if url.startswith(name):
            return "postgresql+psycopg://" + url.removeprefix(name)
    return url
