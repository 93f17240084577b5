"""Load on a server: wrk for its pace, and a client that counts every request without an answer."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from serving_peers import APPS, Server

BEFORE = 1.0  # seconds of load before something happens to the server
CLIENTS = 16
GIVE_UP = 30  # seconds: who waits longer has no answer


@dataclass(frozen=True)
class Pace:
    """What wrk saw."""

    requests: float  # a second
    p99: float  # milliseconds
    failed: int


def load(server: Server, bodies: Sequence[bytes], connections: int, seconds: int) -> Pace:
    """As many requests as the server answers, over so many connections."""
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is missing: apt-get install wrk, or your system's own.")
    file = server.place.prepared.folder / "bodies.txt"
    file.write_bytes(b"\n".join(bodies) + b"\n")
    command = [wrk, "--threads", "1", "--connections", str(connections), "--latency"]
    command += ["--duration", f"{seconds}s", "--timeout", "30s"]
    command += ["--script", str(APPS / "post.lua"), server.url, "--", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    pace = told["requests"] / (told["microseconds"] / 1e6)
    return Pace(pace, told["p99"] / 1e3, told["failed"])


@dataclass
class Counts:
    """What came of a client's requests. A refused connection is no request."""

    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)  # answers by the version in them
    newest: str = ""  # the version in the last answer

    @property
    def lost(self) -> int:
        """All that failed."""
        return self.failed.total()


Act = Callable[[Counts], Awaitable[None]]


def under_load(server: Server, bodies: Sequence[bytes], act: Act) -> Counts:
    """Load, then `act`, then load until the server is gone or `act` has ended."""
    return asyncio.run(_under_load(server, bodies, act))


async def _under_load(server: Server, bodies: Sequence[bytes], act: Act) -> Counts:
    counts, stop = Counts(), asyncio.Event()
    connector = aiohttp.TCPConnector(limit=CLIENTS)
    patience = aiohttp.ClientTimeout(total=GIVE_UP)
    async with aiohttp.ClientSession(connector=connector, timeout=patience) as session:
        clients = [
            asyncio.create_task(_client(session, server.url, bodies[n:] + bodies[:n], counts, stop))
            for n in range(CLIENTS)
        ]
        await asyncio.sleep(BEFORE)
        await act(counts)
        stop.set()
        await asyncio.gather(*clients)
    return counts


async def _client(
    session: aiohttp.ClientSession,
    url: str,
    bodies: Sequence[bytes],
    counts: Counts,
    stop: asyncio.Event,
) -> None:
    """Send the next request as soon as the last one is answered, until nobody listens."""
    headers, number = {"content-type": "application/json"}, 0
    while not stop.is_set():
        number += 1
        try:
            body = bodies[number % len(bodies)]
            async with session.post(url, data=body, headers=headers) as answer:
                told = await answer.read()
        except aiohttp.ClientConnectorError:
            return
        except (aiohttp.ClientError, TimeoutError) as error:
            counts.failed[type(error).__name__] += 1
            continue
        if answer.status != 200:
            counts.failed[str(answer.status)] += 1
            continue
        counts.answered += 1
        if b'"version"' in told:
            counts.newest = json.loads(told)["version"]
            counts.said[counts.newest] += 1


def through_sigterm(server: Server, bodies: Sequence[bytes]) -> Counts:
    """What is lost when the server is told to stop."""

    async def stop(_: Counts) -> None:
        server.terminate()
        for _ in range(GIVE_UP * 20):
            if server.process.poll() is not None:
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)

    counts = under_load(server, bodies, stop)
    server.end()
    return counts


def point(link: Path, target: Path) -> None:
    """Move a symlink in one step."""
    new = link.with_name(f".{link.name}")
    new.symlink_to(target)
    new.replace(link)
