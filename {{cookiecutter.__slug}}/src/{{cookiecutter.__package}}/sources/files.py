"""Tables in files: CSV in any dialect, Parquet, JSON lines, Excel; gzip as well."""

import glob
import gzip
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import polars as pl

from ..errors import Status, Stop
from .dialect import sniff

ENDINGS = ".csv, .tsv, .txt, .parquet, .jsonl, .json, .xlsx; the text ones also with .gz"
BINARY = {b"%PDF": "a PDF", b"PK\x03\x04": "a ZIP or Office file", b"\x89PNG": "a picture"}
TAIL = 10_000


def read_file(path: str) -> pl.LazyFrame:
    """Rows of one file or pattern. CSV columns stay text; the contract gives them types.

    Raises:
        Stop: no such file, or not a table.
    """
    files = matching(path)
    if files == [path]:
        return _read_one(Path(path))
    return join(path, [_read_one(Path(file)) for file in files])


def matching(path: str) -> list[str]:
    """The files that a pattern names, in their order; a file by itself.

    Raises:
        Stop: none is named so.
    """
    if not is_pattern(path) or Path(path).exists():
        return [path]
    files = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 - a pattern may be absolute
    if not files:
        raise Stop(Status.DATA, f"{path}: no file is named so.")
    return files


def is_pattern(path: str) -> bool:
    """Whether it may name several files or objects."""
    return any(sign in path for sign in "*?[")


def join(name: str, tables: list[pl.LazyFrame]) -> pl.LazyFrame:
    """The rows of all tables, and all of their columns.

    Raises:
        Stop: a column is of one kind in one table and of another kind in another.
    """
    kinds: dict[str, set[str]] = defaultdict(set)
    for table in tables:
        for column, dtype in table.collect_schema().items():
            kinds[column].add("Number" if dtype.is_numeric() else str(dtype.base_type()))
    for column, found in kinds.items():
        nested = found & {"List", "Array", "Struct", "Binary"}
        if len(found - {"Null", "String"}) > 1 or (nested and len(found) > 1):
            words = " and ".join(sorted(found))
            raise Stop(Status.DATA, f"{name}: {column} is {words}, by file: mend one of them.")
    return tables[0] if len(tables) == 1 else pl.concat(tables, how="diagonal_relaxed")


def _read_one(path: Path) -> pl.LazyFrame:
    reader = READERS.get(ending(path))
    if path.is_dir():
        raise Stop(
            Status.DATA, f"{path}: a folder; name a file, or a pattern such as {path}/*.csv."
        )
    if reader is None:
        raise Stop(Status.DATA, f"{path}: not a table that can be read; use {ENDINGS}.")
    if not path.is_file():
        raise Stop(Status.DATA, f"{path}: no such file.")
    if not path.stat().st_size:
        raise Stop(Status.DATA, f"{path}: the file is empty.")
    try:
        table = reader(path)
        names = table.collect_schema().names()
    except Stop:
        raise
    except Exception as error:  # every reader has errors of its own
        raise Stop(Status.DATA, f"{path}: not readable as a table: {_line(error)}") from error
    if not names:
        raise Stop(Status.DATA, f"{path}: a table without columns.")
    return table


def ending(path: Path) -> str:
    """The ending that tells the format, without `.gz`."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def oddities(path: Path) -> Iterator[tuple[str, str]]:
    """How a text table is read, where that was a guess: what, and why."""
    if READERS.get(ending(path)) is not _read_csv or not path.is_file():
        return
    dialect = sniff(_unzipped(path))
    if dialect.encoding not in ("utf-8", "utf-16"):
        yield f"read as {dialect.encoding}", "the bytes are no UTF-8; this fits best"
    if dialect.delimiter not in ",\t":
        yield f"columns parted by {dialect.delimiter!r}", "so most lines have as many as the header"
    written = [cell.strip() for cell in dialect.header]
    for old, new in zip(written, dialect.names(len(written)), strict=True):
        if new != old.strip("\ufeff"):
            yield (
                f"{new}: a column written {old!r}",
                "the same name is there twice" if old else "it has no name",
            )


def _read_csv(path: Path) -> pl.LazyFrame:
    plain = _unzipped(path)
    with plain.open("rb") as file:
        head = file.read(4)
    for start, what in BINARY.items():
        if head.startswith(start):
            raise Stop(Status.DATA, f"{path}: this is {what}, not a table; use {ENDINGS}.")
    dialect = sniff(plain)
    if len(dialect.header) > 1:
        plain = _trimmed(plain)
    return pl.scan_csv(
        plain if dialect.encoding == "utf-8" else _decoded(plain, dialect.encoding),
        separator=dialect.delimiter,
        glob=False,
        infer_schema=False,
        null_values=[""],
        with_column_names=lambda found: dialect.names(len(found)),
    )


def _read_jsonl(path: Path) -> pl.LazyFrame:
    return pl.scan_ndjson(glob.escape(str(_unzipped(path))), infer_schema_length=None)


def _read_excel(path: Path) -> pl.LazyFrame:
    table = pl.read_excel(path, infer_schema_length=None)
    return table.rename(lambda name: name.strip() or "column").lazy()


@cache
def scratch() -> tempfile.TemporaryDirectory:
    """Where unzipped and decoded copies are, until the command ends."""
    return tempfile.TemporaryDirectory(prefix="ml-read-")


def _unzipped(path: Path) -> Path:
    if path.suffix.lower() != ".gz":
        return path
    target = Path(scratch().name, f"{abs(hash(path.resolve()))}-{path.stem}")
    with gzip.open(path) as packed, target.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    return target


def _trimmed(path: Path) -> Path:
    """Without the empty lines at its end, which Polars takes for rows."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        tail = file.read()
    useless = len(tail) - len(tail.rstrip(b"\r\n"))
    if tail[len(tail) - useless :] in (b"", b"\n", b"\r\n"):
        return path
    target = Path(scratch().name, f"{abs(hash(path.resolve()))}-trimmed")
    shutil.copyfile(path, target)
    os.truncate(target, path.stat().st_size - useless)
    return target


def _decoded(path: Path, encoding: str) -> Path:
    target = Path(scratch().name, f"{abs(hash(path.resolve()))}-utf8")
    with (
        path.open(encoding=encoding, newline="") as text,
        target.open("w", encoding="utf-8", newline="") as plain,
    ):
        shutil.copyfileobj(text, plain)
    return target


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


READERS: dict[str, Callable[[Path], pl.LazyFrame]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab"), _read_csv),
    **dict.fromkeys((".parquet", ".pq"), partial(pl.scan_parquet, glob=False)),
    **dict.fromkeys((".jsonl", ".ndjson"), _read_jsonl),
    ".json": lambda path: pl.read_json(_unzipped(path)).lazy(),
    **dict.fromkeys((".xlsx", ".xls", ".xlsb", ".ods"), _read_excel),
}
