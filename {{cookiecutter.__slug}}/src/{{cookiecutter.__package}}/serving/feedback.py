"""True answers that come later, by the id of the request that they belong to."""

import asyncio
import math
from datetime import UTC, datetime
from typing import Any

from ..store.model import Signature
from .bodies import Refused, parse
from .log import Label, Log
from .rules import shown

MOST = 10_000
WANTED = 'send {"id": the request\'s id, "labels": [a true answer for each row]}'


async def keep_labels(log: Log | None, body: bytes, signature: Signature) -> int:
    """Write the labels of one request, or of a list of them; returns how many.

    Raises:
        Refused: the service keeps no log, or a label cannot be one.
    """
    if log is None:
        raise Refused(409, "this service keeps no prediction log: start it with --log FOLDER")
    found = parse(body)
    labels = [one for told in _as_list(found) for one in _read(told, signature)]
    if len(labels) > MOST:
        raise Refused(413, f"{len(labels)} labels, at most {MOST} a request")
    try:
        await asyncio.gather(*map(asyncio.wrap_future, log.label(labels)))
    except Exception as error:
        raise Refused(503, f"the log cannot be written: {error}") from error
    return len(labels)


def _as_list(found: Any) -> list[Any]:
    listed = found.get("feedback", [found]) if isinstance(found, dict) else found
    if not isinstance(listed, list) or not listed:
        raise Refused(422, WANTED)
    return listed


def _read(told: Any, signature: Signature) -> list[Label]:
    known = isinstance(told, dict) and isinstance(told.get("id"), str) and told["id"]
    labels = told.get("labels", [told["label"]] if "label" in told else None) if known else None
    if not isinstance(labels, list) or not labels:
        raise Refused(422, WANTED)
    now = datetime.now(UTC)
    for label in labels:
        if label is not None and not _is_answer(label, signature):
            classes = ", ".join(map(str, signature.classes[:20]))
            wanted = f"one of {classes}" if signature.classes else "a number"
            raise Refused(422, f"labels: {shown(label)} is no {signature.target}: {wanted}")
    return [
        Label(now, told["id"][:128], row, label)
        for row, label in enumerate(labels)
        if label is not None  # not known yet
    ]


def _is_answer(label: Any, signature: Signature) -> bool:
    if signature.classes:
        same = type(label) is type(signature.classes[0])
        return same and label in signature.classes
    return type(label) in (int, float) and math.isfinite(label)
