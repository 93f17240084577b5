"""The prediction log: what was asked and answered, for monitoring. A thread writes, in parts.

A part is whole or not at all. Its lines are made where the model was asked, while the rows are at
hand; packing and writing are the thread's, and hold up nobody.
"""

import contextlib
import gzip
import os
import socket
import threading
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from itertools import count
from random import random
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from ..store.model import Signature
from . import part as parts
from .part import LINE, Part, line
from .place import Place

if TYPE_CHECKING:
    from .batcher import Scored, Waiting

MOST_WAITING = 20_000  # rows; what comes on top of them is dropped, and counted


class Label(NamedTuple):
    """The truth that came later for a row of a request."""

    at: datetime
    id: str
    row: int
    label: Any


def logged(signature: Signature) -> list[str]:
    """The columns that are kept: no free text, for nobody knows what people write into it."""
    return [column.name for column in signature.inputs if column.kind != "text"]


class Log:
    """Takes answers without waiting. Each number is changed by one thread alone."""

    def __init__(self, place: Place, sample: float = 1.0, days: int = 0) -> None:
        """Begin to write."""
        self.place, self.sample, self.days = place, sample, days
        self.kept = self.failed = self.refused = 0  # rows
        self._came = self._went = 0  # rows: asked, packed
        self._lines: deque[tuple[bytes, int]] = deque()
        self._labels: deque[tuple[Label, Future]] = deque()
        self._part, self._numbers = Part(), count()
        self._wake, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def add(
        self,
        version: str,
        names: list[str],
        batch: list["Waiting"],
        scored: "Scored",
        answers: list[Any],
    ) -> None:
        """Keep what one call of the model answered, if the sample and the room allow it."""
        columns = {name: scored.columns[name] for name in names}
        if self.sample < 1:
            batch, columns, answers = self._sampled(batch, columns, answers)
        rows = len(answers)
        if self._came - self._went >= MOST_WAITING:
            self.refused += rows
        elif rows:
            self._came += rows
            asked = [(one.id, len(one.rows)) for one in batch]
            told = line(datetime.now(UTC), version, asked, columns, answers)
            self._lines.append((told, rows))

    def _sampled(
        self, batch: list["Waiting"], columns: dict[str, list[Any]], answers: list[Any]
    ) -> tuple[list["Waiting"], dict[str, list[Any]], list[Any]]:
        """Some of the requests, with their rows."""
        kept, places, start = [], [], 0
        for one in batch:
            end = start + len(one.rows)
            if random() < self.sample:  # noqa: S311 - no secret
                kept.append(one)
                places += range(start, end)
            start = end
        chosen = {name: [column[n] for n in places] for name, column in columns.items()}
        return kept, chosen, [answers[n] for n in places]

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
            self._wake.wait(parts.SECONDS / 10)
            self._wake.clear()
            self._write_labels()
            self._pack()
            if self._part.is_due:
                self._write_part()
        self._write_labels()  # what came while the last part was written
        self._pack()
        self._write_part()

    def _pack(self) -> None:
        ready = [self._lines.popleft() for _ in range(len(self._lines))]
        rows = sum(kept for _, kept in ready)
        self._part.add(b"".join(content for content, _ in ready), rows)
        self._went += rows

    def _write_part(self) -> None:
        part, self._part = self._part, Part()
        if not part.rows:
            return
        if self._keep("predictions", part.close()) is None:
            self.kept += part.rows
            self.place.prune(self.days, datetime.now(UTC).date())
        else:
            self.failed += part.rows

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
