"""The door to Dask: an existing scheduler by its address, or a cluster on this machine."""

import atexit
import importlib
import logging
import os
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any, NoReturn

from ..errors import Status, Stop
from ..settings import EngineSettings
from . import alike, wire
from .local import LOCAL, Item, Result, Shared

CONNECT_SECONDS = 5
PATIENCE_SECONDS = 60.0  # how long a cluster may be without any worker
PIECES_A_THREAD = 4  # so that a slow or lost worker holds up little
MATTERS = {"python": 2, "distributed": 3, "cloudpickle": 3}  # of the wire; parts of a version
LOGS = ("distributed", "distributed.client", "distributed.worker", "tornado")


class Cluster:
    """A Dask cluster; it is connected when there is work for it."""

    def __init__(self, settings: EngineSettings) -> None:
        """Keep the address."""
        self._settings = settings
        self.address = settings.address or os.environ.get("DASK_SCHEDULER_ADDRESS", "")

    @property
    def pieces(self) -> int:
        """Some for each thread of each worker."""
        return PIECES_A_THREAD * max(1, sum(self._threads().values()))

    @property
    def told(self) -> str:
        """Where it is, and how large."""
        threads = self._threads()
        return f"Dask at {self.address}: {len(threads)} workers, {sum(threads.values())} threads"

    @cached_property
    def client(self) -> Any:
        """The connection, after the versions on both ends were compared.

        Raises:
            Stop: Dask is not installed, nobody answers, or the other end is of another version.
        """
        dask = _dask()
        if not self.address:
            known = "tcp://HOST:8786, or `auto` for workers on this machine"
            self._stop(f"name a scheduler in address or DASK_SCHEDULER_ADDRESS: {known}")
        for name in LOGS:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is told by a Stop
        try:
            where = self._start(dask) if self.address == "auto" else self.address
            client = dask.Client(where, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, RuntimeError, TypeError) as error:
            self._stop(f"no Dask scheduler answers ({_line(error)}): start it, or mend the address")
        atexit.register(_close, client)
        self._compare(client.get_versions(check=False))
        return client

    def _threads(self) -> dict[str, int]:
        """Threads of each worker, by its address."""
        self._there()
        try:
            return self.client.nthreads()
        except OSError:
            self._gone()

    def _there(self) -> None:
        """Stop if the connection has ended between two pieces of work: Dask then knows nothing."""
        if self.client.status != "running":
            self._gone()

    def _gone(self) -> NoReturn:
        self._stop("the scheduler is gone: run the command again")

    def _start(self, dask: Any) -> Any:
        return dask.LocalCluster(
            n_workers=self._settings.workers or os.cpu_count(),
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=tempfile.gettempdir(),
            silence_logs=logging.CRITICAL,
        )

    def _compare(self, known: dict[str, Any]) -> None:
        """What the wire depends on; pieces of work compare the rest."""
        own = known["client"]["packages"]
        for place, told in {"scheduler": known["scheduler"], **known["workers"]}.items():
            there = told["packages"] if told else own
            for name, parts in MATTERS.items():
                other, here = (".".join(str(p.get(name)).split(".")[:parts]) for p in (there, own))
                if other != here:
                    self._differs(f"{place} has {name} {other}, not {here}")

    def map(
        self, work: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """`work(shared, item)` of every item, in their order; a single one is done here."""
        listed = list(items)
        if len(listed) < 2:
            yield from LOCAL.map(work, shared, listed)
            return
        waiting = deque(self._send(work, shared, listed))
        try:
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            with suppress(Exception):  # a scheduler that is gone has nothing left to cancel
                self.client.cancel(list(waiting))

    def _send(self, work: Callable, shared: Any, items: list) -> list:
        """What is shared is a piece too: a worker that dies with it costs making it again."""
        import cloudpickle

        self._there()
        submit, package = self.client.submit, __name__.rpartition(".engine")[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a large piece is sent: once, and it is meant
            kept = submit(_ByValue(wire.keep), cloudpickle.dumps(shared), pure=False)
            call, given = _ByValue(wire.call), (package, alike.facts(), kept)
            packed = (cloudpickle.dumps((work, one)) for one in items)
            return [submit(call, *given, one, pure=False) for one in packed]

    def _result(self, future: Any) -> Any:
        dask = _dask()
        try:
            while not future.done():
                with suppress(TimeoutError):
                    return future.result(timeout=PATIENCE_SECONDS)
                if not future.done() and not self._threads():
                    self._stop("there is no worker: start some")
            return future.result()
        except ModuleNotFoundError as error:
            self._differs(f"a worker has no module {error.name!r}")
        except LookupError as error:
            if not str(error).startswith(wire.DIFFERS):
                raise
            self._differs(str(error))
        except dask.KilledWorker:
            self._stop("one piece has ended several workers, as a rule for want of memory")
        except (dask.client.FutureCancelledError, OSError) as error:
            if self.client.status == "running" and isinstance(error, OSError):
                raise
            self._gone()

    def _differs(self, told: str) -> NoReturn:
        self._stop(f"{told}: start scheduler and workers from this project's commit and lock")

    def _stop(self, told: str) -> NoReturn:
        raise Stop(Status.SETTINGS, f"[engine] {self.address or 'dask'}: {told} (docs/engine.md).")


class _ByValue:
    """A function that opens where its module is missing; Dask alone would name the module."""

    def __init__(self, function: Callable) -> None:
        """Keep it."""
        self._function = function

    def __call__(self, *given: Any) -> Any:
        """Dask asks for what can be called, and calls it elsewhere."""
        return self._function(*given)

    def __reduce__(self) -> tuple[Callable, tuple[bytes]]:
        """The function itself, once it is opened."""
        import cloudpickle

        cloudpickle.register_pickle_by_value(wire)
        return cloudpickle.loads, (cloudpickle.dumps(self._function),)


def _dask() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        message = f'[engine] kind = "dask" needs Dask: `uv sync --group dask` ({error}).'
        raise Stop(Status.SETTINGS, message) from error


def _close(client: Any) -> None:
    with suppress(Exception):
        client.close(timeout=2)
        if client.cluster:
            client.cluster.close(timeout=2)


def _line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
