"""Several processes on one port: each a server of its own, started again if it falls."""

import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

from ..errors import Status, Stop
from .counters import Counters, leave

SHARED = "ML_SHARED_COUNTS"  # names the folder where workers leave their counts
SOON = 5.0  # seconds: a worker that falls earlier would fall again
Run = Callable[[list[socket.socket]], None]


def run_workers(number: int, run: Run, listening: socket.socket) -> None:
    """Run so many copies until a signal comes; SIGHUP is handed on.

    Raises:
        Stop: a worker cannot start.
    """
    memory = Path("/dev/shm")  # noqa: S108 - in memory, and there in a read-only image
    place = str(memory) if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix="ml-serve-") as folder:
        os.environ[SHARED] = folder
        Workers(run, listening).supervise(number)


class Workers:
    """Their processes, and what has to be done to them."""

    def __init__(self, run: Run, listening: socket.socket) -> None:
        """Nothing runs yet."""
        self._run, self._listening = run, listening
        self._context = multiprocessing.get_context("spawn")  # a copied thread pool would be broken
        self._ended = False

    def supervise(self, number: int) -> None:
        """Start them, start the fallen again, end them together."""
        running = [self._start() for _ in range(number)]
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        hangup = getattr(signal, "SIGHUP", None)
        if hangup:
            signal.signal(hangup, lambda *_: _send(hangup, [worker for worker, _ in running]))
        try:
            while not self._ended:
                time.sleep(0.1)
                running[:] = [self._revive(*pair) for pair in running]
        finally:
            self._listening.close()  # else a client would wait at a port that nobody answers
            _send(signal.SIGTERM, [worker for worker, _ in running])
            for worker, _ in running:
                worker.join()

    def _start(self) -> tuple[BaseProcess, float]:
        worker = self._context.Process(target=_work, args=(self._run, self._listening))
        hangup = getattr(signal, "SIGHUP", None)
        before = hangup and signal.signal(hangup, signal.SIG_IGN)  # until it knows what to do
        worker.start()
        if hangup:
            signal.signal(hangup, before)
        return worker, time.monotonic()

    def _revive(self, worker: BaseProcess, started: float) -> tuple[BaseProcess, float]:
        if worker.is_alive() or self._ended:
            return worker, started
        if time.monotonic() - started < SOON:
            raise Stop(Status.EVIDENCE, "A worker ended as soon as it began: its log says why.")
        _retire(Path(os.environ[SHARED]), str(worker.pid))
        return self._start()

    def _end(self, *_: object) -> None:
        self._ended = True


def _work(run: Run, listening: socket.socket) -> None:
    try:
        run([listening])
    except Stop as stop:
        sys.exit(f"ml-serve: {stop}")


def _retire(folder: Path, name: str) -> None:
    """Keep what a worker has counted that is gone, and forget how it was."""
    path = folder / f"{name}.json"
    if path.is_file():
        gone = Counters()
        gone.join(path.read_bytes())
        gone.gauges.clear()
        leave(gone, folder, name)


def _send(sig: int, workers: list[BaseProcess]) -> None:
    for worker in workers:
        if worker.is_alive() and worker.pid:
            os.kill(worker.pid, sig)
