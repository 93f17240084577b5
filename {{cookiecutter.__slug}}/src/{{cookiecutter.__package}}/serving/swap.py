"""Takes a new bundle while the old one answers: opened and warmed beside it, in one step."""

import asyncio
import contextlib
import logging
import signal

from ..store.bundle import MANIFEST, sha256
from .app import App
from .loaded import Source, open_bundle
from .options import Options

logger = logging.getLogger(__name__)


class Watcher:
    """Looks at once when SIGHUP comes, and every so many seconds if it is asked to."""

    def __init__(self, app: App, source: Source, options: Options) -> None:
        """Nothing has been refused yet."""
        self.app, self.source, self.options = app, source, options
        self.refused = ""

    async def run(self) -> None:
        """Until the service ends."""
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        with contextlib.suppress(AttributeError, ValueError, NotImplementedError, RuntimeError):
            loop.add_signal_handler(signal.SIGHUP, self._again, wake)
            wake.set()  # what moved before this was heard
        while True:
            wait = self.options.watch or None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), wait)
            wake.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - it may be anywhere, or nowhere
                self._refuse(str(error), error)

    def _again(self, wake: asyncio.Event) -> None:
        self.refused = ""
        wake.set()

    async def look(self) -> bool:
        """Take the bundle that is meant to answer now, if it is another; whether it was taken."""
        folder, version = await asyncio.to_thread(self.source)
        digest = await asyncio.to_thread(sha256, folder / MANIFEST)  # whether true, opening shows
        if digest in (self.app.loaded.model.digest, self.refused):
            return False
        try:
            loaded = await asyncio.to_thread(
                open_bundle, folder, version, self.app.counters, self.options.queue
            )
        except Exception as error:  # noqa: BLE001 - a graph that is none may raise anything
            self._refuse(digest, error)
            return False
        before = self.app.loaded.version
        self.app.take(loaded)
        self.app.counters.sums["ml_swaps", "done"] += 1
        logger.warning("%s answers instead of %s", loaded.version, before)
        return True

    def _refuse(self, what: str, error: Exception) -> None:
        """Count and tell it once, however often it is looked at."""
        if what != self.refused:
            self.refused = what
            self.app.counters.sums["ml_swaps", "refused"] += 1
            logger.error("refused %.12s: %s", what, error)
