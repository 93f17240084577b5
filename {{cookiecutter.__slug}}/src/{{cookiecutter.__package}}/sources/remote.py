"""Tables behind a URL, through fsspec: s3://, gs://, abfs://, https://, sftp:// and others."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import polars as pl

from ..errors import Status, Stop
from .files import ending, is_pattern, join, read_file, scratch

LIBRARIES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), "adlfs"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
    "lakefs": "lakefs-spec",
}


def read_url(url: str) -> pl.LazyFrame:
    """Rows of one object, or of all that a pattern names; keys come from the environment.

    Parquet is read where it lies, only the row groups and columns that are asked for; other
    formats are copied first.

    Raises:
        Stop: the library for this kind of URL is not installed, or nothing could be read.
    """
    with told(url):
        tables = _tables(url)
    if not tables:
        raise Stop(Status.DATA, f"{url}: nothing is named so.")
    return join(url, tables)


def objects(url: str) -> list[str]:
    """The URLs of all that a pattern names, in their order; one by itself."""
    if not is_pattern(url):
        return [url]
    with told(url):
        system, path = fsspec.url_to_fs(url)
        return [system.unstrip_protocol(one) for one in sorted(system.glob(path))] or [url]


@contextmanager
def told(url: str) -> Generator[None]:
    """Each way in which a URL cannot be read, in one line."""
    try:
        yield
    except ImportError as error:
        library = LIBRARIES.get(url.partition("://")[0], "its library")
        message = f"{url}: {_line(error)}: `uv add --group train {library}` first."
        raise Stop(Status.SETTINGS, message) from error
    except Stop:
        raise
    except FileNotFoundError as error:
        raise Stop(Status.DATA, f"{url}: nothing is named so.") from error
    except Exception as error:  # every file system has errors of its own
        raise Stop(Status.DATA, f"{url}: could not be read: {_line(error)}") from error


def filesystem(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a URL, and the path in it.

    Raises:
        ImportError: nobody knows this kind of URL, or its library is not installed.
    """
    kind = url.partition("://")[0].partition("::")[0]
    if kind not in fsspec.available_protocols():
        raise ImportError(f"{kind}:// is not known")
    return fsspec.url_to_fs(url)


def _tables(url: str) -> list[pl.LazyFrame]:
    system, path = filesystem(url)
    found = sorted(system.glob(path)) if is_pattern(path) else [path]
    if found and ending(Path(found[0])) in (".parquet", ".pq"):
        from pyarrow.dataset import dataset

        parts = (dataset(one, filesystem=system, format="parquet") for one in found)
        return [pl.scan_pyarrow_dataset(part) for part in parts]
    return [_copied(system, one) for one in found]


def _copied(system: fsspec.AbstractFileSystem, path: str) -> pl.LazyFrame:
    copy = Path(tempfile.mkdtemp(dir=scratch().name), path.rsplit("/", 1)[-1])
    system.get_file(path, str(copy))
    try:
        return read_file(str(copy))
    except Stop as stop:
        message = str(stop).replace(str(copy), system.unstrip_protocol(path))
        raise Stop(stop.status, message) from stop


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:300] if str(error) else type(error).__name__
