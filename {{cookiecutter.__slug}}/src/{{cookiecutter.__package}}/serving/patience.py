"""HTTP with an end to room and patience: uvicorn reads a head for as long as it comes."""

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .request import SLOWEST_BODY

LARGEST_HEAD = 64_000  # bytes of a request beside its body
SLOWEST = SLOWEST_BODY + 5  # seconds: a slow body is told so before its connection is cut


class Connection(HttpToolsProtocol):
    """A connection that knows since when it waits for the rest of a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # ty: ignore[invalid-method-override]
        """Somebody came, and has said nothing."""
        super().connection_made(transport)
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
