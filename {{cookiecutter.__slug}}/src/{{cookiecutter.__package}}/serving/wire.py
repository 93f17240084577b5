"""HTTP with an end to room and patience, and an answer that leaves in one piece.

uvicorn reads a head for as long as it comes, and writes head and body of an answer apart: two
system calls, which cost more than all that is done with a row.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .request import SLOWEST_BODY

LARGEST_HEAD = 64_000  # bytes of a request beside its body
SLOWEST = SLOWEST_BODY + 5  # seconds: a slow body is told so before its connection is cut


class OnePiece:
    """A transport that sends at once what was written in one turn of the event loop."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing is held back yet."""
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Hold it until the turn is over."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def _flush(self) -> None:
        if self._held:
            self._transport.write(b"".join(self._held))
            self._held.clear()

    def close(self) -> None:
        """Send what is held, and close."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """The rest is the transport's."""
        return getattr(self._transport, name)


class Connection(HttpToolsProtocol):
    """A connection that knows since when it waits for the rest of a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Somebody came, and has said nothing."""
        super().connection_made(OnePiece(transport, self.loop))  # ty: ignore[invalid-argument-type]
        self.since, self.size = self.loop.time(), 0

    def data_received(self, data: bytes) -> None:
        """Read on, unless a head does not end."""
        self.size += len(data)
        super().data_received(data)
        if self.size > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.since, self.size = self.loop.time(), 0

    def on_body(self, body: bytes) -> None:
        """What belongs to a body has a limit of its own."""
        super().on_body(body)
        self.size = 0

    def on_message_complete(self) -> None:
        """The request is whole: from now on it is the client who waits."""
        super().on_message_complete()
        self.since, self.size = float("inf"), 0


def cut_the_late(connections: Iterable[object], now: float) -> None:
    """End the connections whose requests do not come to an end."""
    for one in [*connections]:
        if isinstance(one, Connection) and now - one.since > SLOWEST:
            one.transport.abort()
