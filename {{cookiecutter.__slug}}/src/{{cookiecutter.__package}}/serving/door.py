"""Lets in whoever knocks, all at once: the loop's own server takes one client a turn.

Under load a turn is some milliseconds, and the last of many new clients would wait for all of them.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

AT_ONCE = 64  # clients in one turn


class Door:
    """Listening sockets, and the connections that are being made."""

    def __init__(self, make: Callable[[], asyncio.Protocol]) -> None:
        """Closed."""
        self._make = make
        self._coming: set[asyncio.Task] = set()

    def open(self, sockets: Sequence[socket.socket]) -> bool:
        """Let clients in from now on; False where the loop cannot watch a socket, as on Windows."""
        loop = asyncio.get_running_loop()
        try:
            for one in sockets:
                one.setblocking(False)
                loop.add_reader(one, self._let_in, one)
        except NotImplementedError:
            return False
        return True

    @property
    def is_busy(self) -> bool:
        """Whether somebody is coming in."""
        return bool(self._coming)

    def close(self, listening: socket.socket) -> None:
        """Nobody comes in any more."""
        with suppress(NotImplementedError):
            asyncio.get_running_loop().remove_reader(listening)
        listening.close()

    def _let_in(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(AT_ONCE):
            try:
                one, _ = listening.accept()
            except OSError:  # nobody more, or no room for more
                return
            coming = loop.create_task(loop.connect_accepted_socket(self._make, one))
            self._coming.add(coming)
            coming.add_done_callback(self._coming.discard)
