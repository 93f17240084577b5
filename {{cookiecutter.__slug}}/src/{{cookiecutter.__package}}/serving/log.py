"""The prediction log: what was asked and answered, for monitoring. A thread writes, in parts.

A part is gzipped JSON lines, whole or not at all. Parquet would need Arrow, which is larger than
the rest of the image; whoever reads the parts has it.
"""

import contextlib
import gzip
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import random
from typing import Any, NamedTuple

import orjson

from ..errors import Status, Stop
from ..store.model import Signature
from .rules import Row

MOST_WAITING = 200_000  # rows; what comes on top of them is dropped, and counted
AT_ONCE = 50_000
SECONDS = 10.0
LINE = orjson.OPT_APPEND_NEWLINE


class Answered(NamedTuple):
    """One request as it is logged."""

    at: datetime
    id: str
    version: str
    rows: list[Row]
    answers: list[Any]


class Label(NamedTuple):
    """The truth that came later for a row of a request."""

    at: datetime
    id: str
    row: int
    label: Any


@dataclass(frozen=True)
class Place:
    """A folder, or the URL of one that fsspec knows."""

    url: str

    @classmethod
    def open(cls, url: str) -> "Place":
        """Try it once, before the first request.

        Raises:
            Stop: it cannot be written to, or its URL needs a package that is not installed.
        """
        place = cls(url.rstrip("/"))
        try:
            place.write("started.txt", datetime.now(UTC).isoformat().encode())
        except Exception as error:
            hint = "give a folder that may be written to"
            if "://" in url:
                hint = "the option `log` brings fsspec, and s3fs or gcsfs is for you to add"
            raise Stop(Status.SETTINGS, f"--log {url}: {error}; {hint}.") from error
        return place

    def write(self, name: str, content: bytes) -> None:
        """Keep a file under this name: on a disk aside first, and renamed."""
        if "://" in self.url:
            import fsspec

            with fsspec.open(f"{self.url}/{name}", "wb") as file:
                file.write(content)
            return
        path = Path(self.url, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)


class Log:
    """Takes answers without waiting; `counted` is told what was written and what was dropped."""

    def __init__(
        self,
        place: Place,
        signature: Signature,
        sample: float = 1.0,
        counted: Callable[[str, int], None] = lambda _name, _rows: None,
    ) -> None:
        """Begin to write. Free text stays out: nobody knows what people write into it."""
        self.place, self.sample, self.counted = place, sample, counted
        self.columns = [column.name for column in signature.inputs if column.kind != "text"]
        self._answered: deque[Answered] = deque()
        self._labels: deque[tuple[Label, Future]] = deque()
        self._rows = 0
        self._numbers = count()
        self._wake, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def add(self, id_: str, version: str, rows: list[Row], answers: list[Any]) -> None:
        """Keep a request, if the sample or the room wants it so."""
        if self.sample < 1 and random() >= self.sample:  # noqa: S311 - no secret
            return
        if self._rows >= MOST_WAITING:
            self.counted("ml_log_dropped", len(rows))
            return
        self._rows += len(rows)
        self._answered.append(Answered(datetime.now(UTC), id_, version, rows, answers))
        if self._rows >= AT_ONCE:
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
            self._wake.wait(SECONDS)
            self._wake.clear()
            self._write_labels()
            self._write_answered()

    def _write_answered(self) -> None:
        lines: list[bytes] = []
        while self._answered and len(lines) < 2 * AT_ONCE:
            one = self._answered.popleft()
            self._rows -= len(one.rows)
            lines += self._lines(one)
        if lines and self._keep("predictions", lines) is None:
            self.counted("ml_log_rows", len(lines))
        elif lines:
            self.counted("ml_log_dropped", len(lines))

    def _lines(self, one: Answered) -> list[bytes]:
        at, names = one.at.isoformat(timespec="milliseconds"), self.columns
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
        lines = [orjson.dumps(_told(label), option=LINE) for label, _ in waiting]
        error = self._keep("labels", lines) if lines else None
        for _, future in waiting:
            with contextlib.suppress(Exception):  # whoever asked may be gone
                future.set_exception(error) if error else future.set_result(None)

    def _keep(self, kind: str, lines: list[bytes]) -> Exception | None:
        """Write a part; an error is for the caller, and the service goes on."""
        now = datetime.now(UTC)
        who = f"{socket.gethostname()}-{os.getpid()}-{next(self._numbers)}"
        name = f"{now:%Y-%m-%d}/{kind}-{now:%Y%m%dT%H%M%S}-{who}.jsonl.gz"
        try:
            self.place.write(name, gzip.compress(b"".join(lines), 1))
        except Exception as error:  # noqa: BLE001 - each file system raises its own
            return error
        return None


def _told(label: Label) -> Mapping[str, Any]:
    return {**label._asdict(), "at": label.at.isoformat(timespec="milliseconds")}
