"""The service as a plain ASGI application: what is asked where, and what is answered."""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from . import platforms
from .asker import Asker
from .bodies import Refused
from .counters import Counters, Times, exposition, shared
from .feedback import keep_labels
from .loaded import Loaded
from .log import Log, logged
from .platforms import Headers
from .request import (
    Answer,
    Gone,
    Handler,
    Message,
    Receive,
    Request,
    Send,
    read_body,
    refusal,
)
from .told import told
from .voice import used

BUSY = 503
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Where:
    """What whoever starts the service has decided of it."""

    health: str = ""  # more routes, as Vertex AI names them
    predict: str = ""
    shared: Path | None = None  # where the workers leave their counts
    worker: str = "0"


@dataclass
class App:
    """Answers from whatever bundle is loaded; the next one is taken in one step."""

    loaded: Loaded
    counters: Counters
    log: Log | None = None
    where: Where = field(default_factory=Where)
    draining: bool = False  # not ready any more, and still answering
    closing: bool = False  # each answer is the last one of its connection

    def __post_init__(self) -> None:
        """Begin to count."""
        self._ids, self._name = count(1), secrets.token_hex(4)
        self._times = Times(self.counters)
        self.counters.sums["ml_swaps", "done"] = self.counters.sums["ml_swaps", "refused"] = 0.0
        self.take(self.loaded)

    def take(self, loaded: Loaded) -> None:
        """Answer from this bundle, from the next request on."""
        signature, version = loaded.model.signature, loaded.version
        ways = platforms.asked(signature, version, self.where.predict)
        routes: dict[str, dict[str, Handler]] = {
            path: {"GET": handler}
            for path, handler in (told(loaded) | self._health(loaded)).items()
        }
        routes["/metrics"] = {"GET": self._metrics}
        if self.log:
            loaded.batcher.keep = partial(self.log.add, version, logged(signature))
        told_of = (self.counters, self._times)
        askers = {path: Asker(loaded, way, *told_of) for path, way in ways.items()}
        routes |= {path: {"POST": asker} for path, asker in askers.items()}
        routes["/feedback"] = {"POST": self._feedback}
        gauges = self.counters.gauges
        for key in [key for key in gauges if key[0] in ("ml_info", "ml_input_drift")]:
            del gauges[key]
        gauges["ml_info", signature.name, version, signature.task, signature.format] = 1
        self.loaded, self.routes = loaded, routes
        self.askers = {path.encode(): asker for path, asker in askers.items()}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, as ASGI wants it."""
        if scope["type"] != "http":
            return
        headers: Headers = dict(scope["headers"])
        id_, path = self.id_of(headers), scope["path"]
        methods = self.routes.get(path)
        try:
            if methods is None:
                path = "other"
                raise Refused(404, "not found: / names what there is")  # noqa: TRY301 - below
            handler = methods.get(scope["method"])
            if handler is None:
                raise Refused(405, f"method not allowed: {', '.join(methods)}")  # noqa: TRY301
            answer = await handler(Request(receive, headers, id_))
        except Gone:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            answer = self.failed(error, id_)
        told = self.headers_of(path, answer, id_)
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        await send({"type": "http.response.body", "body": answer.content})

    def id_of(self, headers: Headers) -> str:
        """The id that a request came with, or a new one."""
        given = headers.get(b"x-request-id")
        return given.decode("latin-1")[:128] if given else f"{self._name}-{next(self._ids)}"

    def failed(self, error: BaseException, id_: str) -> Answer:
        """A refusal as it is meant; anything else is the service's fault, and is logged."""
        if isinstance(error, Refused):
            return refusal(error, id_)
        logger.error("request %s failed", id_, exc_info=error)
        return Answer(500, orjson.dumps({"error": "the model failed", "id": id_}))

    def headers_of(self, path: str, answer: Answer, id_: str) -> list[tuple[bytes, bytes]]:
        """What is said before an answer, which is counted here."""
        self.counters.sums["ml_requests", path, str(answer.status)] += 1
        headers = [
            (b"content-type", answer.kind),
            (b"content-length", b"%d" % len(answer.content)),
            (b"x-request-id", id_.encode("latin-1")),
        ]
        if answer.status == BUSY:
            headers.append((b"retry-after", b"1"))
        if self.closing:
            headers.append((b"connection", b"close"))
        return headers

    def _health(self, loaded: Loaded) -> dict[str, Handler]:
        """Where each platform asks whether it may send requests."""
        name, version = loaded.model.signature.name, loaded.version
        v2, told = f"/v2/models/{name}", {"version": version}
        paths = ("/health/ready", "/ping", "/v2/health/ready", f"{v2}/ready", self.where.health)
        found = {path: self._ready(told, told) for path in paths}
        found[f"{v2}/versions/{version}/ready"] = self._ready(told, told)
        v1 = self._ready({"name": name, "ready": True}, {"name": name, "ready": False})
        return found | {f"/v1/models/{name}": v1}

    def _ready(self, yes: dict[str, Any], no: dict[str, Any]) -> Handler:
        ready = Answer(200, orjson.dumps({"status": "ready", **yes}))
        draining = Answer(BUSY, orjson.dumps({"status": "draining", **no}))

        async def handler(_: Request) -> Answer:
            return draining if self.draining else ready

        return handler

    async def _metrics(self, _: Request) -> Answer:
        self.count()
        together = shared(self.counters, self.where.shared, self.where.worker)
        content = await asyncio.to_thread(exposition, together)
        return Answer(200, content, b"text/plain; version=0.0.4; charset=utf-8")

    def count(self) -> None:
        """Bring up to date what is not counted at once."""
        self._times.count()
        used(self.counters)
        self.loaded.looks.look()
        self.counters.gauges["ml_queue_rows",] = self.loaded.batcher.rows
        self.counters.gauges["ml_queue_limit",] = self.loaded.batcher.queue
        if self.log:
            self.counters.sums["ml_log_rows",] = self.log.kept
            self.counters.sums["ml_log_dropped",] = self.log.failed + self.log.refused

    async def _feedback(self, request: Request) -> Answer:
        kept = await keep_labels(self.log, await read_body(request), self.loaded.model.signature)
        return Answer(200, orjson.dumps({"accepted": kept}))
