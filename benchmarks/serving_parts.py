"""What is measured of the servers, part by part; medians and words come later."""

import asyncio
import json
import re
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

from common import TEMPLATE, say
from serving_batch import WAYS, same, write_rows
from serving_load import Counts, Pace, load, point, through_sigterm, under_load
from serving_model import Prepared
from serving_peers import (
    ECHO,
    MLFLOW,
    OURS,
    Place,
    Server,
    free_port,
    install,
    mlflow_model,
    program,
    quiet,
)

CONNECTIONS = (1, 16, 64)
MOST = CONNECTIONS[-1]
MANY_ROWS, FEW = 100, 4  # rows a request, and connections that send them
LOG_TIMES = 4  # as long as other loads
SWAPS = 3
SWAP_SECONDS = 10
WATCH_SECONDS = 0.2
MLFLOW_SERVER = "gunicorn[gevent]"  # mlflow/models/container: what it adds to the model's own


@dataclass(frozen=True)
class Bench:
    """The servers' environments, the model, and how long to measure."""

    prepared: Prepared
    pythons: Mapping[str, Path]
    rounds: int
    seconds: int
    length: int = 0

    def place(self, name: str) -> Place:
        """Where a server starts from, on a port of its own."""
        return Place(self.pythons[name], self.prepared, free_port(), self.length)

    @contextmanager
    def running(self, name: str, place: Place | None = None, *more: str) -> Iterator[Server]:
        """A server that answered rightly once; it ends with the block, whatever happens."""
        server = Server(name, place or self.place(name), more)
        try:
            server.first_answer()
            yield server
        finally:
            server.end()

    def one_row(self, server: Server) -> list[bytes]:
        """The bodies of requests with one row."""
        return [server.peer.ask([row]) for row in self.prepared.questions]


@dataclass(frozen=True)
class Round:
    """A server's numbers in one round."""

    paces: Mapping[int, Pace]  # by connections
    many: Pace | None
    processor: float  # milliseconds a request, at the most connections
    start: float
    memory: float
    stopped: Counts

    @property
    def failed(self) -> int:
        """Requests that wrk saw fail."""
        return sum(
            one.failed for one in (*self.paces.values(), *([self.many] if self.many else []))
        )


def measure_length(bench: Bench) -> int:
    """Bytes of our answer to one row."""
    with bench.running(OURS) as server:
        return server.check(1)


def measure_loads(bench: Bench, names: Sequence[str]) -> dict[str, list[Round]]:
    """Every server in every round; each round begins with another one."""
    found: dict[str, list[Round]] = {name: [] for name in names}
    for number in range(bench.rounds):
        shift = number % len(names)
        for name in [*names[shift:], *names[:shift]]:
            found[name].append(one_round(bench, name))
            pace = found[name][-1].paces[MOST]
            say(f"round {number + 1}, {name}: {pace.requests:,.0f}/s, p99 {pace.p99:.1f} ms")
    return found


def one_round(bench: Bench, name: str) -> Round:
    """Start, compare with scikit-learn, warm up, load, weigh, stop under load."""
    server = Server(name, bench.place(name))
    try:
        start = server.first_answer()
        server.check_all()
        bodies = bench.one_row(server)
        load(server, bodies, CONNECTIONS[1], 1)
        paces = {}
        for connections in CONNECTIONS:
            before = server.processor()
            paces[connections] = load(server, bodies, connections, bench.seconds)
            spent = 1e3 * (server.processor() - before)
        each = spent / max(1.0, paces[MOST].requests * bench.seconds)
        together = [server.peer.ask(bench.prepared.questions[:MANY_ROWS])]
        many = load(server, together, FEW, bench.seconds) if name != ECHO else None
        memory = server.memory()
        return Round(paces, many, each, start, memory, through_sigterm(server, bodies))
    finally:
        server.end()


def measure_swaps(bench: Bench) -> dict[str, Counts]:
    """Requests through several swaps under load, told by a signal and found by a look."""
    found = {}
    for how, more in {"SIGHUP": (), "--watch": ("--watch", str(WATCH_SECONDS))}.items():
        link = bench.prepared.folder / f"current{how}"
        point(link, bench.prepared.bundle)
        with bench.running(OURS, replace(bench.place(OURS), bundle=link), *more) as server:
            told = server.process.pid if how == "SIGHUP" else None
            swap = Swapping(bench.prepared, link, server, tell=told is not None)
            found[how] = under_load(server, bench.one_row(server), swap)
    return found


@dataclass(frozen=True)
class Swapping:
    """Moves a link from one bundle to the other, and waits until the other answers."""

    prepared: Prepared
    link: Path
    server: Server
    tell: bool

    async def __call__(self, counts: Counts) -> None:
        """Several times."""
        targets = cycle([self.prepared.twin, self.prepared.bundle])
        for number in range(SWAPS):
            before = counts.newest
            point(self.link, next(targets))
            if self.tell:
                self.server.process.send_signal(signal.SIGHUP)
            for _ in range(SWAP_SECONDS * 20):
                await asyncio.sleep(0.05)
                if counts.newest != before:
                    break
            else:
                raise SystemExit(f"swap {number + 1} did not happen; see {self.server.log}")
            await asyncio.sleep(0.5)


def measure_log(bench: Bench) -> list[tuple[Pace, Pace]]:
    """Without and with the prediction log, in turns."""
    found = []
    for number in range(bench.rounds):
        folder = bench.prepared.folder / f"log-{number}"
        pair = {}
        for more in ((), ("--log", str(folder)))[:: 1 if number % 2 else -1]:
            with bench.running(OURS, None, *more) as server:
                bodies = bench.one_row(server)
                load(server, bodies, CONNECTIONS[1], 1)
                # the log is written every ten seconds
                pair[bool(more)] = load(server, bodies, MOST, LOG_TIMES * bench.seconds)
        found.append((pair[False], pair[True]))
        say(
            f"log, round {number + 1}: {pair[False].requests:,.0f} and {pair[True].requests:,.0f}/s"
        )
    return found


@dataclass(frozen=True)
class Size:
    """An installed set of packages."""

    packages: int
    megabytes: float
    needs: tuple[str, ...]


def measure_sizes(bench: Bench) -> dict[str, Size]:
    """What our image installs, and what the image of `mlflow models build-docker` does."""
    sets = {OURS: our_needs(), MLFLOW: mlflow_needs(bench)}
    found = {}
    for name, needs in sets.items():
        python = install(f"size-{name}", needs)
        (site,) = python.parents[1].glob("lib/python*/site-packages")
        count = len(list(site.glob("*.dist-info")))
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        found[name] = Size(count, size / 1e6, tuple(needs))
    return found


def our_needs() -> list[str]:
    """The dependencies of a generated project: its image installs no more."""
    text = (TEMPLATE / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]["dependencies"]


def mlflow_needs(bench: Bench) -> list[str]:
    """What the Dockerfile that MLflow writes installs with pip, and what the model asks for."""
    python, folder = bench.pythons[MLFLOW], bench.prepared.folder / "docker"
    model = mlflow_model(python, bench.prepared)
    if not folder.exists():
        command = [program(bench.place(MLFLOW), "mlflow"), "models", "generate-dockerfile"]
        command += ["--model-uri", model, "--output-directory", folder]
        quiet([*command, "--env-manager", "local"])
    written = re.findall(r"pip install (\S+)", (folder / "Dockerfile").read_text(encoding="utf-8"))
    if not written:
        raise SystemExit(f"{folder / 'Dockerfile'} installs nothing: has MLflow changed?")
    asked = (model / "requirements.txt").read_text(encoding="utf-8").split()
    return [*written, *asked, MLFLOW_SERVER]


@dataclass(frozen=True)
class Batch:
    """A large file: rows, seconds, and the megabytes that the process had at most."""

    rows: int
    seconds: float
    peak: float

    @property
    def pace(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds


def measure_batch(bench: Bench, rows: int) -> dict[str, Batch]:
    """Each way in a process of its own; ours and the peer have to write the same."""
    folder, found = bench.prepared.folder, {}
    write_rows(folder / "rows.parquet", rows)
    for who in WAYS:
        script = Path(__file__).with_name("serving_batch.py")
        told = json.loads(quiet([sys.executable, script, who, folder]).splitlines()[-1])
        found[who] = Batch(**told)
        say(f"{who}: {found[who].pace:,.0f} rows/s, at most {found[who].peak:,.0f} MB")
    if not same(folder):
        raise SystemExit("Our file of predictions is not the peer's.")
    return found


def measure_memory(bench: Bench, minutes: int, tell: Callable[[str], None]) -> list[float]:
    """Megabytes before the load, after each minute of it, and half a minute after its end."""
    folder = bench.prepared.folder / "log-memory"
    with (
        bench.running(OURS, None, "--log", str(folder)) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        bodies, found = bench.one_row(server), [server.memory()]
        tell(f"at the start: {found[0]:.1f} MB")
        running = pool.submit(load, server, bodies, MOST, 60 * minutes)
        for minute in range(1, minutes + 1):
            time.sleep(60)
            found.append(server.memory())
            tell(f"minute {minute}: {found[-1]:.1f} MB")
        pace = running.result()
        time.sleep(30)
        found.append(server.memory())
        tell(f"half a minute later: {found[-1]:.1f} MB; {pace.requests:,.0f} requests/s")
    return found
