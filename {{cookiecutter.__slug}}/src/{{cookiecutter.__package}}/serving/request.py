"""One request: its body, its headers, the id that it goes by; and what is answered."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

import orjson

from .bodies import Refused
from .platforms import JSON, Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_BODY = 4_000_000
DIGITS = len(str(LARGEST_BODY))
SLOWEST_BODY = 30.0  # seconds
MOST_HELD = 32_000_000  # bytes of bodies that are not whole yet, together
_held = 0


class Gone(Exception):
    """The client closed its connection."""


class Answer(NamedTuple):
    """A status, a body and its type."""

    status: int
    content: bytes
    kind: bytes = JSON


class Request(NamedTuple):
    """What a handler may want to know."""

    receive: Receive
    headers: Headers
    id: str


Handler = Callable[[Request], Awaitable[Answer]]


async def read_body(request: Request) -> bytes:
    """The whole body, if it is not too large and comes in time.

    Raises:
        Refused: it does not.
        Gone: nobody is there any more.
    """
    told = request.headers.get(b"content-length", b"")
    if len(told) >= DIGITS and told.isdigit() and int(told) > LARGEST_BODY:
        raise _too_large()
    message = await request.receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        if len(message["body"]) > LARGEST_BODY:
            raise _too_large()
        return message["body"]
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            return await _rest(request.receive, message)
    except TimeoutError as error:
        raise Refused(408, f"the body did not arrive within {SLOWEST_BODY:g} s") from error


async def _rest(receive: Receive, message: Message) -> bytes:
    global _held  # noqa: PLW0603 - one process, one memory
    parts, size = [], 0
    try:
        while True:
            if message["type"] == "http.disconnect":
                raise Gone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            _held += len(parts[-1])
            if size > LARGEST_BODY:
                raise _too_large()
            if _held > MOST_HELD:
                raise Refused(503, "too many large bodies at once: try again in a second")
            if not message.get("more_body"):
                return b"".join(parts)
            message = await receive()
    finally:
        _held -= size


def _too_large() -> Refused:
    return Refused(413, f"the body has more than {LARGEST_BODY} bytes")


def always(value: object) -> Handler:
    """A handler with one answer."""
    answer = Answer(200, orjson.dumps(value))

    async def handler(_: Request) -> Answer:
        return answer

    return handler


def refusal(refused: Refused, id_: str) -> Answer:
    """What was wrong, and each broken rule by its place."""
    told: dict[str, Any] = {"error": str(refused), "id": id_}
    if refused.details:
        told["details"] = [
            {"path": one.path, "column": one.column, "rule": one.rule, "message": one.message}
            for one in refused.details
        ]
    return Answer(refused.status, orjson.dumps(told))
