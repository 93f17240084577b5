"""A part of the prediction log: gzipped JSON, a line for each call of the model, columns of values.

The columns are those that the model was asked with, so a line costs little more than its bytes.
Parquet would need Arrow, which is larger than the rest of the image.
"""

import gzip
import io
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

LARGEST_PART = 50_000_000  # bytes before they are packed to a tenth
SECONDS = 10.0  # what a crash may cost
LINE = orjson.OPT_APPEND_NEWLINE


def line(
    at: datetime,
    version: str,
    asked: Sequence[tuple[str, int]],
    columns: Mapping[str, list[Any]],
    answers: list[Any],
) -> bytes:
    """The rows of requests that were scored together; `asked` is id and number of rows of each."""
    rows = len(answers)
    told = {
        "at": [at] * rows,
        "id": [id_ for id_, count in asked for _ in range(count)],
        "row": [row for _, count in asked for row in range(count)],
        "version": [version] * rows,
        "answer": answers,
        "inputs": columns,
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
