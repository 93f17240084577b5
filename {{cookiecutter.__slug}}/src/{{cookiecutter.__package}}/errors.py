"""The one exception that a user meets: what is wrong, what to do, and the exit status."""

import re
from enum import IntEnum


class Status(IntEnum):
    """Exit statuses of every `ml` command."""

    DONE = 0
    REJECTED = 1
    SETTINGS = 2
    DATA = 3
    EVIDENCE = 4
    CRASH = 70  # Python's own would be 1, which is a verdict here


def without_login(text: str) -> str:
    """A text whose addresses have lost the names and passwords that they may hold."""
    return re.sub(r"(?<=://)[^/\s]*@", "", text)


class Stop(Exception):
    """Ends a command: the message says what is wrong and what to do, and no password."""

    def __init__(self, status: Status, message: str) -> None:
        """Keep the exit status beside the message."""
        super().__init__(without_login(message))
        self.status = status

    def __reduce__(self) -> tuple:
        """A process or a worker can hand it on."""
        return type(self), (self.status, str(self))
