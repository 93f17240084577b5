"""The service as a plain ASGI application: predict, live, ready.

Requests that reach the event loop in one turn are scored in one call: no timer, no thread.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import orjson

from ..store.encode import Input, Inputs, encode
from ..store.model import Model

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGEST_BODY = 1_000_000
LARGEST_BATCH = 10_000
LONGEST_SHOWN = 40


class Refused(Exception):
    """A request that gets another answer than 200."""

    def __init__(self, status: int, message: str) -> None:
        """Keep the HTTP status beside the message."""
        super().__init__(message)
        self.status = status


@dataclass
class Batcher:
    """Collects the rows of requests that wait together, and scores them as one."""

    model: Model
    waiting: list[tuple[Inputs, asyncio.Future]] = field(default_factory=list)

    async def predict(self, inputs: Inputs) -> np.ndarray:
        """Answers to these rows, scored together with whatever else waits in this turn."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self.waiting.append((inputs, future))
        if len(self.waiting) == 1:
            loop.call_soon(self._score)
        return await future

    def _score(self) -> None:
        batch, self.waiting = self.waiting, []
        try:
            names = batch[0][0].keys()
            together = {
                name: np.concatenate([inputs[name] for inputs, _ in batch]) for name in names
            }
            answers, start = self.model.predict(together), 0
            for inputs, future in batch:
                end = start + len(next(iter(inputs.values())))
                if not future.cancelled():
                    future.set_result(answers[start:end])
                start = end
        except Exception as error:  # noqa: BLE001 - handed to each request that waits for it
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)


def build_app(model: Model, version: str) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """The application for one loaded model."""
    batcher = Batcher(model)

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            status, body = await _answer(scope, receive, batcher, version)
        except Refused as refused:
            status, body = refused.status, {"error": str(refused)}
        content = orjson.dumps(body)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return app


async def _answer(
    scope: Message, receive: Receive, batcher: Batcher, version: str
) -> tuple[int, object]:
    match scope["method"], scope["path"]:
        case "GET", "/health/live":
            return 200, {"status": "live"}
        case "GET", "/health/ready":
            return 200, {"status": "ready", "version": version}
        case "POST", "/predict":
            inputs = read_rows(await _body(receive), batcher.model)
            predicted = await batcher.predict(inputs)
            return 200, write_answers(batcher.model, predicted, version)
        case _, "/health/live" | "/health/ready" | "/predict":
            raise Refused(405, "method not allowed")
    raise Refused(404, "not found: there are /predict, /health/live and /health/ready")


async def _body(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "the client went away")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise Refused(413, f"the body has more than {LARGEST_BODY} bytes")
        more = message.get("more_body", False)
    return b"".join(parts)


def read_rows(body: bytes, model: Model) -> Inputs:
    """`{"rows": [{column: value}]}` as model inputs; a refusal names what does not fit."""
    try:
        rows = orjson.loads(body)["rows"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Refused(422, 'send JSON as {"rows": [{column: value, …}, …]}') from error
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refused(422, "rows: a list with at least one object is needed")
    if len(rows) > LARGEST_BATCH:
        raise Refused(413, f"rows: {len(rows)} rows, at most {LARGEST_BATCH} a request")
    wrong = [
        message for place, row in enumerate(rows[:100]) for message in _wrong(place, row, model)
    ]
    if not wrong and len(rows) > 100:
        wrong = [message for place, row in enumerate(rows) for message in _wrong(place, row, model)]
    if wrong:
        raise Refused(422, "; ".join(wrong[:10]))
    inputs = model.signature.inputs
    return encode({column.name: [row[column.name] for row in rows] for column in inputs}, inputs)


def _wrong(place: int, row: dict[str, Any], model: Model) -> list[str]:
    messages = []
    for column in model.signature.inputs:
        found = _wrong_value(row.get(column.name, Refused), column)
        if found:
            messages.append(f"rows[{place}].{column.name}: {found}")
    return messages


def _wrong_value(value: Any, column: Input) -> str | None:
    """What is wrong with a value, by the rules that the training rows had to keep."""
    if value is Refused or (value is None and not column.nullable):
        return "missing"
    if value is None:
        return None
    if not _is_a(value, column.kind):
        return f"{_shown(value)} is no {column.kind}"
    if column.range and not column.range[0] <= value <= column.range[1]:
        return f"{_shown(value)} is outside {column.range[0]:g} to {column.range[1]:g}"
    if column.values is not None and value not in column.values:
        return f"{_shown(value)} is not among the {len(column.values)} known values"
    return None


def _is_a(value: Any, kind: str) -> bool:
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in ("category", "text"):
        return isinstance(value, (str, int, bool))
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _shown(value: object) -> str:
    """A short value as it was sent, else its kind: what a client nests is not walked."""
    short = isinstance(value, (str, int, float, bool)) and len(str(value)) <= LONGEST_SHOWN
    return json.dumps(value) if short else f"a {type(value).__name__}"


def write_answers(model: Model, predicted: np.ndarray, version: str) -> dict[str, object]:
    """Predictions in the target's words, with probabilities where there are classes."""
    answer: dict[str, object] = {"predictions": model.signature.labels(predicted)}
    if model.signature.classes:
        answer["classes"] = list(model.signature.classes)
        answer["probabilities"] = predicted.tolist()
    return answer | {"version": version}
