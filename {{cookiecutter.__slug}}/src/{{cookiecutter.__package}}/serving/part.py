"""A part of the prediction log: gzipped JSON, a line for some hundred rows, columns of values.

A line of columns costs a third of a line for each row. Parquet would need Arrow, which is larger
than the rest of the image.
"""

import gzip
import io
import time
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from .rules import Row

LARGEST_PART = 50_000_000  # bytes before they are packed to a tenth
SECONDS = 10.0  # what a crash may cost
LINE = orjson.OPT_APPEND_NEWLINE


class Answered(NamedTuple):
    """One request as it is logged."""

    at: datetime
    id: str
    version: str
    rows: list[Row]
    answers: list[Any]
    columns: list[str]


def line(asked: list[Answered], columns: list[str]) -> bytes:
    """Rows as columns of values; those of one request stand together."""
    rows = [row for one in asked for row in one.rows]
    told = {
        "at": [one.at for one in asked for _ in one.rows],
        "id": [one.id for one in asked for _ in one.rows],
        "row": [place for one in asked for place in range(len(one.rows))],
        "version": [one.version for one in asked for _ in one.rows],
        "answer": [answer for one in asked for answer in one.answers],
        "inputs": {name: [row[name] for row in rows] for name in columns},
    }
    return orjson.dumps(told, option=LINE)


class Part:
    """Lines on their way to a file, packed in memory."""

    def __init__(self) -> None:
        """Empty."""
        self.rows, self.size, self.since = 0, 0, time.monotonic()
        self._packed = io.BytesIO()
        self._file = gzip.GzipFile(fileobj=self._packed, mode="wb", compresslevel=1, mtime=0)

    def add(self, line: bytes, rows: int) -> None:
        """Pack one more line."""
        self.size += self._file.write(line)
        self.rows += rows

    @property
    def is_due(self) -> bool:
        """Whether it is large or old enough to be written."""
        old = time.monotonic() - self.since >= SECONDS
        return bool(self.rows) and (old or self.size >= LARGEST_PART)

    def close(self) -> bytes:
        """All of it, as a file holds it."""
        self._file.close()
        return self._packed.getvalue()
