"""Tables behind a URL, through fsspec: s3://, gs://, abfs://, https://, sftp:// and others."""

from pathlib import Path

import fsspec
import polars as pl

from ..errors import Status, Stop
from .files import ending, read_file


def read_url(url: str) -> pl.LazyFrame:
    """Rows of one object, or of all that a pattern names; keys come from the environment.

    Parquet is read where it lies, only the row groups and columns that are asked for; other
    formats are copied first.

    Raises:
        Stop: the library for this kind of URL is not installed, or nothing could be read.
    """
    try:
        tables = _tables(url)
    except ImportError as error:
        raise Stop(Status.SETTINGS, f"{url}: {error}: `uv add --group train` it.") from error
    except Stop:
        raise
    except Exception as error:  # every file system has errors of its own
        raise Stop(Status.DATA, f"{url}: could not be read: {_line(error)}") from error
    if not tables:
        raise Stop(Status.DATA, f"{url}: nothing is named so.")
    return tables[0] if len(tables) == 1 else pl.concat(tables, how="diagonal_relaxed")


def _tables(url: str) -> list[pl.LazyFrame]:
    system, path = fsspec.url_to_fs(url)
    found = sorted(system.glob(path)) if any(sign in path for sign in "*?[") else [path]
    if found and ending(Path(found[0])) in (".parquet", ".pq"):
        from pyarrow.dataset import dataset

        return [pl.scan_pyarrow_dataset(dataset(found, filesystem=system, format="parquet"))]
    copies = fsspec.open_local([f"simplecache::{system.unstrip_protocol(one)}" for one in found])
    return [read_file(copy) for copy in copies]


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
