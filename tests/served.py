"""The generated project's service as a process of its own, and clients that count its answers."""

import gzip
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from conftest import Project
from real_servers import free_port

LATER = "2026-08-03"
JSON = {"content-type": "application/json"}


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        """Its content."""
        return json.loads(self.content)


@dataclass(frozen=True)
class Service:
    """A service that runs here."""

    port: int
    process: subprocess.Popen
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> http.client.HTTPConnection:
        """A connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(
        self, path: str, body: Any = None, headers: Mapping[str, str] = JSON, method: str = ""
    ) -> Answer:
        """One request on a connection of its own; a body that is not bytes is sent as JSON."""
        connection = self.connect()
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            verb = method or ("GET" if body is None else "POST")
            connection.request(verb, path, content, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What /predict says, without what differs from request to request."""
        answer = self.ask("/predict", {"rows": rows})
        assert answer.status == 200, answer.content
        return {key: value for key, value in answer.json.items() if key != "id"}

    def metrics(self) -> dict[str, float]:
        """Each sample of /metrics by its name with its labels."""
        lines = self.ask("/metrics").content.decode().splitlines()
        pairs = [line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")]
        return {name: float(value) for name, value in pairs}

    def wait_for(self, true: Callable[[], Any], seconds: float = 30) -> Any:
        """Ask until it is so; the service has to stay alive meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if found := true():
                    return found
            except (OSError, http.client.HTTPException):
                pass
            assert self.process.poll() is None, self.log.read_text(errors="replace")
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s\n{self.log.read_text(errors='replace')}")

    def ready(self) -> bool:
        """Whether it says so."""
        return self.ask("/health/ready").status == 200

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)


@contextmanager
def running(
    command: Sequence[str | Path], port: int, folder: Path, environment: Mapping[str, str]
) -> Iterator[Service]:
    """A command that serves at a port, from when it is ready until the test is done."""
    log = folder / f"{port}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, cwd=folder, env={**os.environ, **environment}
        )
    made = Service(port, process, log)
    try:
        made.wait_for(made.ready, 60)
        yield made
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def service(
    project: Project, bundle: Path, folder: Path, *flags: object, **environment: str
) -> AbstractContextManager[Service]:
    """`ml-serve BUNDLE …`; without `--port` the environment tells it."""
    port = next((int(environment[n]) for n in ("PORT", "AIP_HTTP_PORT") if n in environment), 0)
    told = [] if port else ["--port", str(port := free_port())]
    command = [project.folder / ".venv" / "bin" / "ml-serve", bundle, *told, *map(str, flags)]
    return running(command, port, folder, environment)


Knows = dict[str, Any]  # a version's answer


def golden(bundle: Path) -> dict[str, Any]:
    """Its rows, and the answers to them."""
    return json.loads((bundle / "golden.json").read_text(encoding="utf-8"))


def version(bundle: Path) -> str:
    """What the service calls it."""
    return hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()[:12]


def resealed(bundle: Path, folder: Path, files: Mapping[str, bytes], seal: bool = True) -> Path:
    """A copy of a bundle with other files in it, and a manifest that knows them, or does not."""
    shutil.copytree(bundle, folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name, content in files.items():
        (folder / name).write_bytes(content)
        if seal:
            manifest["files"][name] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps({**manifest, "note": folder.name}))
    return folder


def knowledge(project: Project, bundles: Sequence[Path], body: bytes, folder: Path) -> Knows:
    """What each bundle answers to a body, asked while nothing else happens."""
    found = {}
    for bundle in bundles:
        with service(project, bundle, folder) as made:
            found[version(bundle)] = made.ask("/predict", body).json["probabilities"]
    assert len({str(answer) for answer in found.values()}) == len(bundles)
    return found


def logged(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The rows of a kind in a prediction log; lines of predictions hold columns."""
    lines = [
        json.loads(line)
        for path in sorted(folder.rglob(f"{kind}-*.jsonl.gz"))
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]
    return [row for line in lines for row in _apart(line)] if kind == "predictions" else lines


def _apart(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inputs = line.pop("inputs")
    for place, values in enumerate(zip(*line.values(), strict=True)):
        row = dict(zip(line, values, strict=True))
        yield row | {"inputs": {name: column[place] for name, column in inputs.items()}}


@dataclass
class Judge:
    """Looks at answers to one body: each has to be what its version says."""

    knows: Knows
    ids: list[str] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)  # answers by version

    def __call__(self, answer: Answer) -> str:
        """What is wrong with an answer, or nothing."""
        if answer.status != 200:
            return f"{answer.status} {answer.content[:200]!r}"
        told = answer.json
        self.ids.append(told["id"])
        self.said[told["version"]] += 1
        fits = told["probabilities"] == self.knows.get(told["version"])
        return "" if fits else f"{told['version']} never said {told['probabilities']}"

    @property
    def workers(self) -> set[str]:
        """Who has answered."""
        return {one.split("-")[0] for one in self.ids}


@dataclass
class Load:
    """Keep-alive clients that ask as fast as they are answered; a refused connection is no request.

    `judge` looks at each answer and says what is wrong with it, or nothing.
    """

    port: int
    body: bytes
    judge: Callable[[Answer], str]
    clients: int = 8
    keep_alive: bool = True
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> "Load":
        """Begin."""
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the last answers."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def more(self, number: int) -> None:
        """Wait until so many more requests were answered."""
        goal, end = self.answered + number, time.monotonic() + 60
        while self.answered < goal:
            assert time.monotonic() < end, f"{self.answered} of {goal} answers, {self.failed}"
            time.sleep(0.01)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._ended.is_set():
            if connection.sock is None:
                try:
                    connection.connect()
                except OSError:
                    self._ended.wait(0.01)
                    continue
            try:
                connection.request("POST", "/predict", self.body, JSON)
                answer = connection.getresponse()
                wrong = self.judge(Answer(answer.status, answer.headers, answer.read()))
                if not self.keep_alive:
                    connection.close()
            except (OSError, http.client.HTTPException) as error:
                wrong = repr(error)
                connection.close()
            if wrong:
                self.failed[wrong] += 1
            self.answered += 1
        connection.close()
