"""The prediction log: what was asked and answered, for monitoring. A thread writes, in parts.

A part is gzipped JSON lines, whole or not at all. Parquet would need Arrow, which is larger than
the rest of the image; whoever reads the parts has it.
"""

import contextlib
import gzip
import io
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from itertools import count
from random import random
from typing import Any, NamedTuple

import orjson

from ..store.model import Signature
from .place import Place
from .rules import Row

MOST_WAITING = 20_000  # rows; what comes on top of them is dropped, and counted
AT_ONCE = 500  # rows as Python objects are large: they are packed soon
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


class Label(NamedTuple):
    """The truth that came later for a row of a request."""

    at: datetime
    id: str
    row: int
    label: Any


def logged(signature: Signature) -> list[str]:
    """The columns that are kept: no free text, for nobody knows what people write into it."""
    return [column.name for column in signature.inputs if column.kind != "text"]


class Part:
    """Lines on their way to a file, packed in memory."""

    def __init__(self) -> None:
        """Empty."""
        self.rows, self.size, self.since = 0, 0, time.monotonic()
        self._packed = io.BytesIO()
        self._file = gzip.GzipFile(fileobj=self._packed, mode="wb", compresslevel=1, mtime=0)

    def add(self, lines: list[bytes]) -> None:
        """Pack more lines."""
        self.size += self._file.write(b"".join(lines))
        self.rows += len(lines)

    @property
    def is_due(self) -> bool:
        """Whether it is large or old enough to be written."""
        old = time.monotonic() - self.since >= SECONDS
        return bool(self.rows) and (old or self.size >= LARGEST_PART)

    def close(self) -> bytes:
        """All of it, as a file holds it."""
        self._file.close()
        return self._packed.getvalue()


class Log:
    """Takes answers without waiting. Each number is changed by one thread alone."""

    def __init__(self, place: Place, sample: float = 1.0, days: int = 0) -> None:
        """Begin to write."""
        self.place, self.sample, self.days = place, sample, days
        self.kept = self.failed = self.refused = 0  # rows
        self._came = self._went = 0
        self._answered: deque[Answered] = deque()
        self._labels: deque[tuple[Label, Future]] = deque()
        self._part, self._numbers = Part(), count()
        self._wake, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def add(
        self, id_: str, version: str, rows: list[Row], answers: list[Any], columns: list[str]
    ) -> None:
        """Keep a request, if the sample and the room allow it."""
        if self.sample < 1 and random() >= self.sample:  # noqa: S311 - no secret
            return
        waiting = self._came - self._went
        if waiting >= MOST_WAITING:
            self.refused += len(rows)
            return
        self._came += len(rows)
        self._answered.append(Answered(datetime.now(UTC), id_, version, rows, answers, columns))
        if waiting < AT_ONCE <= waiting + len(rows):
            self._wake.set()

    def label(self, labels: Iterable[Label]) -> list[Future]:
        """Write true answers at once; a future is done when its label is on the disk."""
        waiting: list[tuple[Label, Future]] = [(label, Future()) for label in labels]
        self._labels.extend(waiting)
        self._wake.set()
        return [future for _, future in waiting]

    def close(self) -> None:
        """Write what is left."""
        self._ended = True
        self._wake.set()
        self._thread.join(timeout=20)

    def _run(self) -> None:
        while not self._ended:
            self._wake.wait(SECONDS / 10)
            self._wake.clear()
            self._write_labels()
            self._pack()
            if self._part.is_due:
                self._write_part()
        self._write_labels()  # what came while the last part was written
        self._pack()
        self._write_part()

    def _pack(self) -> None:
        while self._answered:
            one = self._answered.popleft()
            self._went += len(one.rows)
            self._part.add(self._lines(one))

    def _write_part(self) -> None:
        part, self._part = self._part, Part()
        if not part.rows:
            return
        if self._keep("predictions", part.close()) is None:
            self.kept += part.rows
            self.place.prune(self.days, datetime.now(UTC).date())
        else:
            self.failed += part.rows

    def _lines(self, one: Answered) -> list[bytes]:
        at, names = one.at.isoformat(timespec="milliseconds"), one.columns
        return [
            orjson.dumps(
                {
                    "at": at,
                    "id": one.id,
                    "row": place,
                    "version": one.version,
                    "answer": answer,
                    "inputs": {name: row[name] for name in names},
                },
                option=LINE,
            )
            for place, (row, answer) in enumerate(zip(one.rows, one.answers, strict=True))
        ]

    def _write_labels(self) -> None:
        waiting = [self._labels.popleft() for _ in range(len(self._labels))]
        if not waiting:
            return
        told = [{**label._asdict(), "at": label.at.isoformat()} for label, _ in waiting]
        lines = b"".join(orjson.dumps(one, option=LINE) for one in told)
        error = self._keep("labels", gzip.compress(lines, 1))
        for _, future in waiting:
            with contextlib.suppress(Exception):  # whoever asked may be gone
                future.set_exception(error) if error else future.set_result(None)

    def _keep(self, kind: str, content: bytes) -> Exception | None:
        """Write a file; an error is for the caller, and the service goes on."""
        now = datetime.now(UTC)
        who = f"{socket.gethostname()}-{os.getpid()}-{next(self._numbers)}"
        name = f"{now:%Y-%m-%d}/{kind}-{now:%Y%m%dT%H%M%S}-{who}.jsonl.gz"
        try:
            self.place.write(name, content)
        except Exception as error:  # noqa: BLE001 - each file system raises its own
            return error
        return None
