"""Scores requests that wait together as one: no timer, and no thread where the model is quick."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from ..store.encode import Inputs, encode
from ..store.model import Model
from .bodies import LARGEST_BATCH, Refused
from .rules import Row

INLINE = 256  # rows that ONNX answers faster than a thread is asked


class Answered(Protocol):
    """Whoever waits for answers, as a future does."""

    def done(self) -> bool:
        """Whether it waits no more."""

    def cancelled(self) -> bool:
        """Whether it was given up before it was answered."""

    def set_result(self, answers: "Answers", /) -> None:
        """Here they are."""

    def set_exception(self, error: Exception, /) -> None:
        """There will be none."""


class Waiting(NamedTuple):
    """One request that waits: its rows, who is told of the answers, and what it is called."""

    rows: list[Row]
    future: Answered
    id: str


class Answers(NamedTuple):
    """What a request gets: labels in the target's words; numbers, or a list for each row."""

    labels: list[Any]
    values: list[Any]
    begun: float  # when the model took it up


class Scored(NamedTuple):
    """One call of the model: what it read, what it answered, in words too, and when it began."""

    columns: dict[str, list[Any]]
    inputs: Inputs
    answers: NDArray
    labels: list[Any]
    begun: float


@dataclass
class Batcher:
    """Collects the rows of one turn of the event loop; the rest waits until the model is free."""

    model: Model
    queue: int = 20_000
    scored: Callable[[Scored], None] = lambda _: None
    keep: Callable[[list[Waiting], Scored, list[Any]], None] | None = None  # the log's
    waiting: list[Waiting] = field(default_factory=list)
    rows: int = 0
    busy: bool = False
    loop: asyncio.AbstractEventLoop = field(init=False)  # of whoever asks
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "score"))

    def predict(self, rows: list[Row], id_: str = "") -> asyncio.Future[Answers]:
        """Answers to these rows, scored together with whatever else waits.

        Raises:
            Refused: too many rows wait already.
        """
        future = asyncio.get_running_loop().create_future()
        self.ask(rows, future, id_)
        return future

    def ask(self, rows: list[Row], future: Answered, id_: str = "") -> None:
        """The same, told to whatever is like a future.

        Raises:
            Refused: too many rows wait already.
        """
        if self.rows and self.rows + len(rows) > self.queue:
            raise Refused(503, f"{self.rows} rows wait already: try again in a second")
        if not self.busy:
            self.busy, self.loop = True, asyncio.get_running_loop()
            self.loop.call_soon(self._next)
        self.waiting.append(Waiting(rows, future, id_))
        self.rows += len(rows)

    def _next(self) -> None:
        """Take what waits, and score it here or, where that would hold up others, in a thread."""
        batch, rows = self._take()
        if not batch:
            self.busy = False
        elif len(rows) <= INLINE and self.model.signature.format == "onnx":
            self._done(batch, self._try(rows))
        else:
            asked = self.loop.run_in_executor(self.pool, self._try, rows)
            asked.add_done_callback(lambda told: self._done(batch, told.result()))

    def _done(self, batch: list[Waiting], found: Scored | Exception) -> None:
        """Hand the answers out, and go on with what came meanwhile."""
        if isinstance(found, Exception) and len(batch) > 1:
            for one in batch:  # whose fault it was
                self._settle([one], self._try(one.rows))
        else:
            self._settle(batch, found)
        if self.waiting:
            self._next()
        else:
            self.busy = False

    def _settle(self, batch: list[Waiting], found: Scored | Exception) -> None:
        if isinstance(found, Exception):
            for one in batch:
                if not one.future.done():
                    one.future.set_exception(found)
            return
        labels, values, start = found.labels, found.answers.tolist(), 0
        for rows, future, _ in batch:
            end = start + len(rows)
            if not future.done():
                future.set_result(Answers(labels[start:end], values[start:end], found.begun))
            start = end
        self.scored(found)
        if self.keep:
            self.keep(batch, found, values)

    def _take(self) -> tuple[list[Waiting], list[Row]]:
        """Requests that are still wanted, as many as one call may hold."""
        batch, rows, waiting = [], [], self.waiting
        self.waiting = []
        for place, one in enumerate(waiting):
            if batch and len(rows) + len(one.rows) > LARGEST_BATCH:
                self.waiting = waiting[place:]
                break
            self.rows -= len(one.rows)
            if not one.future.cancelled():
                batch.append(one)
                rows += one.rows
        return batch, rows

    def _try(self, rows: list[Row]) -> Scored | Exception:
        begun, signature = perf_counter(), self.model.signature
        try:
            columns = {c.name: [row[c.name] for row in rows] for c in signature.inputs}
            encoded = encode(columns, signature.inputs)
            answers = self.model.predict(encoded)
            labels = signature.labels(answers)
        except Exception as error:  # noqa: BLE001 - a model of the user's may raise anything
            return error
        return Scored(columns, encoded, answers, labels, begun)
