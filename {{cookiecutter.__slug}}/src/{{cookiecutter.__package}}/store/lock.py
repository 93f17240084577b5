"""One writer at a time on this machine; whoever was killed lets go by itself."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import Status, Stop

SECONDS = 120


@contextmanager
def writing(root: Path) -> Generator[None]:
    """Hold the project's lock, waiting for whoever has it; a holder may ask again."""
    (root / ".ml").mkdir(exist_ok=True)
    try:
        with FileLock(root / ".ml" / "lock", timeout=SECONDS, is_singleton=True):
            yield
    except Timeout as error:
        message = f"Another `ml` has been writing for {SECONDS} s; try again."
        raise Stop(Status.SETTINGS, message) from error
