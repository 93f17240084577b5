"""Predictions as they are asked for at one address: read, ruled, scored, written."""

from time import perf_counter
from typing import NamedTuple

from .batcher import Answers
from .bodies import Refused
from .counters import Counters, Times
from .loaded import Loaded
from .platforms import Headers, Platform, Reply
from .request import Answer, Request, read_body
from .rules import Row


class Question(NamedTuple):
    """One request on its way to the model, and when it came and was read."""

    rows: list[Row]
    headers: Headers
    body: bytes
    id: str
    came: float
    read: float


class Asker:
    """Answers from one bundle in one platform's words."""

    def __init__(
        self, loaded: Loaded, platform: Platform, counters: Counters, times: Times
    ) -> None:
        """Keep what each request needs."""
        self.signature, self.version = loaded.model.signature, loaded.version
        self.rules, self.batcher, self.platform = loaded.rules, loaded.batcher, platform
        self.counters, self.times = counters, times

    def read(self, body: bytes, headers: Headers, id_: str, came: float) -> Question:
        """The rows of a body.

        Raises:
            Refused: it is no table, or its rows break the contract.
        """
        rows = self.platform.read(body, headers, self.signature.inputs)
        if broken := self.rules.broken(rows):
            for one in broken:
                self.counters.sums["ml_broken_rules", one.column, one.rule] += 1
            raise Refused(422, "; ".join(f"{b.path}: {b.message}" for b in broken), broken)
        return Question(rows, headers, body, id_, came, perf_counter())

    def write(self, asked: Question, answers: Answers) -> Answer:
        """What the model said, in the platform's words; timed."""
        answered = perf_counter()
        told = (self.signature, answers, self.version, asked.id, asked.headers, asked.body)
        answer = Answer(200, *self.platform.write(Reply(*told)))
        self.times.add(asked.came, asked.read, answers.begun, answered, perf_counter())
        return answer

    async def __call__(self, request: Request) -> Answer:
        """Answer one request, as a handler does."""
        came = perf_counter()
        asked = self.read(await read_body(request), request.headers, request.id, came)
        return self.write(asked, await self.batcher.predict(asked.rows, asked.id))
