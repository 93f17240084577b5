"""Runs the application until it is told to stop, and lets no request fall on the way."""

import asyncio
import gc
import os
import select
import signal
import socket
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from ..errors import Status, Stop
from ..store.bundle import verify
from .app import App, Where
from .counters import Counters, leave
from .door import Door
from .loaded import InFolder, Source, open_bundle
from .log import Log
from .options import START_SECONDS, Options
from .place import Place
from .smoke import ask_golden
from .swap import Watcher
from .voice import speak, traced
from .wire import KEPT_ALIVE, Connection, cut_the_late
from .workers import SHARED, run_workers

BACKLOG = 2048  # connections that wait to be let in
LINGER = 1.0  # seconds in which open connections get a last answer
RARELY = (20_000, 20, 20)  # requests make no cycles: to look for them often costs a tenth
UNSET = "unset"  # until the bundle is open


class Server(uvicorn.Server):
    """Opens the bundle where it runs, and stops in steps: not ready, closed, drained, gone.

    A worker is a copy of this object in another process, so it holds what can be sent there.
    """

    def __init__(self, options: Options, source: Source) -> None:
        """Nothing is opened yet."""
        config = uvicorn.Config(
            UNSET,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="off",
            ws="none",
            http=Connection,
            timeout_keep_alive=int(KEPT_ALIVE),
            timeout_graceful_shutdown=20,
        )
        super().__init__(config)
        self.options, self.source = options, source
        self.told = False
        self.door = Door(self._connection)

    def open(self) -> None:
        """Open the bundle and the log.

        Raises:
            Stop: the bundle is not what it says, or the log cannot be written.
        """
        self.counters = Counters()
        loaded = open_bundle(*self.source(), self.counters, self.options.queue)
        folder = os.environ.get(SHARED)
        where = Where(
            health=os.environ.get("AIP_HEALTH_ROUTE", ""),
            predict=os.environ.get("AIP_PREDICT_ROUTE", ""),
            shared=Path(folder) if folder else None,
            worker=str(os.getpid()),
        )
        self.app = App(loaded, self.counters, self._open_log(), where)
        self.watcher = Watcher(self.app, self.source, self.options)
        self.config.app = traced(self.app)

    def _open_log(self) -> Log | None:
        if not self.options.log:
            return None
        told = self.options
        return Log(Place.open(told.log), told.log_sample, told.log_days)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer until a signal comes."""
        if self.config.app == UNSET:
            speak()
            self.open()
        gc.collect()
        gc.freeze()  # what is there now stays
        gc.set_threshold(*RARELY)
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to let clients in."""
        await super().startup([] if self.door.open(sockets or []) else sockets)

    def _connection(self) -> Connection:
        return Connection(config=self.config, server_state=self.server_state, app_state={})

    async def main_loop(self) -> None:
        """Look for other bundles while answering."""
        watching = asyncio.create_task(self.watcher.run())
        try:
            await super().main_loop()
        finally:
            watching.cancel()

    async def on_tick(self, counter: int) -> bool:
        """Once a second, what is counted late."""
        if counter % 10 == 0:
            self.app.count()
            cut_the_late(self.server_state.connections, asyncio.get_running_loop().time())
            if self.app.where.shared:
                leave(self.counters, self.app.where.shared, self.app.where.worker)
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Say at once that it is not ready; close after the time that the platform needs."""
        again, self.told, self.app.draining = self.told, True, True
        if sig == signal.SIGTERM and self.options.drain and not again:
            threading.Timer(self.options.drain, super().handle_exit, (sig, frame)).start()
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port first: whoever is connected gets an answer that ends the connection."""
        for _ in range(BACKLOG):  # who has knocked already is let in
            if not select.select(sockets or [], [], [], 0)[0]:
                break
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for one in sockets or []:
            self.door.close(one)
        self.app.closing = True
        for _ in range(int(LINGER / 0.02)):
            if self.force_exit or not (self.server_state.connections or self.door.is_busy):
                break
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)
        if self.app.log:  # uvicorn raises the signal again when it is done, and that is the end
            await asyncio.to_thread(self.app.log.close)
        if self.app.where.shared:
            leave(self.counters, self.app.where.shared, self.app.where.worker)


def serve(options: Options) -> None:
    """Answer from a bundle's folder until a signal comes.

    Raises:
        Stop: the bundle is not what it says, or the port or the log cannot be had.
    """
    source = InFolder(Path(options.bundle or "."))
    server = Server(options, source)
    if options.workers == 1:
        server.run([listen(options.host, options.port)])
        return
    verify(source.folder)
    run_workers(options.workers, server.run, listen(options.host, options.port))


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, or a stop that says why not."""
    try:
        found = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        hint = "choose another with --port" if port else "choose another with --host"
        raise Stop(
            Status.SETTINGS, f"{host}:{port} cannot be listened on ({error.strerror}): {hint}."
        ) from error
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # short answers leave at once
    return found


def smoke(folder: Path, version: str, host: str, port: int) -> dict[str, Any]:
    """Start the service, ask it the golden rows over HTTP, compare, stop. Returns the first answer.

    Raises:
        Stop: no answer, or another one than the model gave when it was made.
    """
    listening = listen(host, port)
    server = Server(Options(), InFolder(folder, version))
    server.open()
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        address, own_port = listening.getsockname()[:2]
        return ask_golden(f"http://{address}:{own_port}", folder, version, START_SECONDS)
    finally:
        server.should_exit = True
        thread.join()
