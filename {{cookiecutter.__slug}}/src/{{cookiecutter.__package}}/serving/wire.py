"""HTTP with an end to room and patience, and an answer that leaves in one piece.

A prediction whose request came in one piece as well is answered without a task. Bounds are needed,
because uvicorn reads a head for as long as it comes; and it writes head and body apart: two system
calls, which cost more than all that is done with a row.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .asker import Asker
from .direct import Direct
from .request import SLOWEST_BODY

NOBODY: dict[bytes, Asker] = {}
NEVER = float("inf")
KEPT_ALIVE = 75.0  # seconds that a connection may say nothing between two requests
LARGEST_HEAD = 64_000  # bytes of a request beside its body
SLOWEST = SLOWEST_BODY + 5  # seconds: a slow body is told so before its connection is cut


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"  # the one thing that is written before an answer


class OnePiece:
    """A transport that holds what is written until the answer is whole."""

    __slots__ = ("_held", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        """Nothing is held back yet."""
        self._transport, self.is_closing = transport, transport.is_closing
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Hold it until the answer is whole."""
        if data == CONTINUE:
            self._transport.write(data)
        else:
            self._held.append(data)

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            self._transport.write(b"".join(self._held))
            self._held.clear()

    def close(self) -> None:
        """Send what is held, and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """The rest is the transport's."""
        return getattr(self._transport, name)


class Connection(HttpToolsProtocol):
    """A connection that knows since when it waits for the rest of a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Somebody came, and has said nothing."""
        self.piece = OnePiece(transport)
        super().connection_made(self.piece)  # ty: ignore[invalid-argument-type]
        self.since, self.size = self.loop.time(), 0
        self.idle = NEVER
        self.asker: Asker | None = None  # while a request may still come in one piece
        self.body: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        """Read on, unless a head does not end."""
        self.size += len(data)
        super().data_received(data)
        if self.asker:
            self._go_on()
        if self.size > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.since, self.size, self.idle = self.loop.time(), 0, NEVER

    def on_headers_complete(self) -> None:
        """Whoever answers at this address waits for the body; all else is uvicorn's."""
        self.asker = self._who()
        if self.asker is None:
            super().on_headers_complete()

    def _who(self) -> Asker | None:
        """Who answers without a task; nobody where the connection has more to think of."""
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy or self.flow.write_paused or self.expect_100_continue:
            return None
        parser: Any = self.parser
        plain = parser.get_method() == b"POST" and parser.get_http_version() == "1.1"
        if not plain or not parser.should_keep_alive() or parser.should_upgrade():
            return None
        return getattr(self.app, "askers", NOBODY).get(self.url)

    def _go_on(self) -> None:
        """The rest of the body is still to come: from here on a task waits for it."""
        self.asker, body, self.body = None, self.body, []
        super().on_headers_complete()
        for part in body:
            super().on_body(part)

    def on_body(self, body: bytes) -> None:
        """What belongs to a body has a limit of its own."""
        if self.asker:
            self.body.append(body)
        else:
            super().on_body(body)
        self.size = 0

    def on_response_complete(self) -> None:
        """The answer is whole, and leaves."""
        self.piece.flush()
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self.idle = self.loop.time()  # a look a second is cheaper than a timer a request

    def on_message_complete(self) -> None:
        """The request is whole: from now on it is the client who waits."""
        self.since, self.size = NEVER, 0
        if self.asker is None:
            super().on_message_complete()
            return
        app: Any = self.app
        self.cycle = cycle = Direct(self, app, self.asker)  # ty: ignore[invalid-assignment]
        self.asker, body, self.body = None, self.body, []
        cycle.begin(body[0] if len(body) == 1 else b"".join(body))


def cut_the_late(connections: Iterable[object], now: float) -> None:
    """End the connections whose requests do not come to an end, and those that are not used."""
    for one in [*connections]:
        if isinstance(one, Connection):
            if now - one.since > SLOWEST:
                one.transport.abort()
            elif now - one.idle > KEPT_ALIVE:
                one.transport.close()
