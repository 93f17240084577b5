"""A team's MLflow as deploy/mlflow starts it, and what may go wrong with it."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from conftest import PROJECT, Project, need
from real_servers import PASSWORD, mlflow_process, postgres_server, wait_until

HOME = PROJECT / "deploy" / "mlflow"
ADMIN, KEY = "admin's: p@ss/100%", "store-secret/abc+123"
WRITES = ("POST", "PUT", "PATCH", "DELETE")
READS = ("/search", "/get", "/list")


def free_pair() -> int:
    """A port whose neighbour at +10000 is free too: SeaweedFS listens there with gRPC."""
    for port in range(20000 + os.getpid() % 5000, 29999):
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 10000))
            except OSError:
                continue
            if port not in _given:
                _given.add(port)
                return port
    raise AssertionError("no free ports")


_given: set[int] = set()


@dataclass
class Store:
    """SeaweedFS with one bucket, made by deploy/mlflow/bucket.py."""

    folder: Path
    port: int = field(default_factory=free_pair)
    rest: tuple[int, ...] = field(default_factory=lambda: tuple(free_pair() for _ in range(3)))
    process: subprocess.Popen | None = None

    @property
    def env(self) -> dict[str, str]:
        """How a client finds it."""
        url = f"http://127.0.0.1:{self.port}"
        keys = {"AWS_ACCESS_KEY_ID": "mlflow", "AWS_SECRET_ACCESS_KEY": KEY}
        return {**keys, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": url}

    def start(self, full: bool = False) -> None:
        """Start it; `full` as it is when its disk is: every volume is closed to writers."""
        self.folder.mkdir(exist_ok=True)
        master, volume, filer = self.rest
        options = {
            "dir": self.folder,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.port": master,
            "master.electionTimeout": "1s",  # of one; ten by default, at each start
            "volume.port": volume,
            "filer.port": filer,
            "s3.port": self.port,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "master.volumeSizeLimitMB": 16,
            "volume.max": 30,
            "volume.minFreeSpace": "100" if full else "0.01",
        }
        told = [f"-{name}={value}" for name, value in options.items()]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [need("weed"), "server", "-filer", "-s3", *told],
                env={**os.environ, **self.env},
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        wait_until(self.ready, self.process, 60)

    def ready(self) -> bool:
        """It answers, and its master has heard of the volumes."""
        urllib.request.urlopen(f"{self.env['AWS_ENDPOINT_URL']}/healthz", timeout=1).close()
        status = f"http://127.0.0.1:{self.rest[0]}/dir/status"
        with urllib.request.urlopen(status, timeout=1) as told:
            return bool(json.load(told)["Topology"]["DataCenters"])

    def stop(self) -> None:
        """End it; what it holds stays."""
        if self.process:
            self.process.kill()
            self.process.wait(20)

    def bucket(self) -> None:
        """What the compose file's service of that name does; twice is once."""
        command = [sys.executable, HOME / "bucket.py"]
        subprocess.run(command, env={**os.environ, **self.env}, check=True, timeout=120)


@dataclass(frozen=True)
class Team:
    """The server, and its users' way in."""

    uri: str
    store: Store
    process: subprocess.Popen

    def user(self, name: str, uri: str = "", **more: str) -> dict[str, str]:
        """The environment of a user's commands; no patience, for the tests' sake."""
        password = ADMIN if name == "admin" else f"{name}'s long p@ssword"
        return {
            "MLFLOW_TRACKING_URI": uri or self.uri,
            "MLFLOW_TRACKING_USERNAME": name,
            "MLFLOW_TRACKING_PASSWORD": password,
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
            **more,
        }

    def add(self, name: str) -> None:
        """A new user, by the administrator, as docs/mlflow.md says."""
        body = {"username": name, "password": self.user(name)["MLFLOW_TRACKING_PASSWORD"]}
        login = base64.b64encode(f"admin:{ADMIN}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        url = f"{self.uri}/api/2.0/mlflow/users/create"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        urllib.request.urlopen(request, timeout=30).close()

    def signal(self, number: int) -> None:
        """Send it to every process of the server."""
        os.killpg(self.process.pid, number)


def said(path: Path) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of the server's image."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    command = json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.M)[1])
    return command, dict(re.findall(r"\b(MLFLOW_\w+)=(\S+)", text))


@contextmanager
def team(project: Project, folder: Path) -> Iterator[Team]:
    """All of it, the server from the lock's group `server` and with the image's own settings."""
    environment = folder / "server"
    install = ["uv", "sync", "--quiet", "--frozen", "--only-group", "server"]
    project.run(*install, env={"UV_PROJECT_ENVIRONMENT": str(environment)})
    store = Store(folder / "store")
    command, settings = said(HOME / "Dockerfile")
    with ExitStack() as ending:
        ending.callback(store.stop)
        store.start()
        store.bucket()
        store.bucket()
        database = ending.enter_context(postgres_server("mlflow"))
        settings |= {
            "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
            **store.env,
            "MLFLOW_S3_ENDPOINT_URL": store.env["AWS_ENDPOINT_URL"],
            "MLFLOW_AUTH_CONFIG_PATH": str(HOME / "auth.ini"),
            "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key of the tests",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(database.port),
            "PGUSER": "postgres",
            "PGPASSWORD": PASSWORD,
            "AWS_MAX_ATTEMPTS": "1",
        }
        run = [environment / "bin" / command[0], *command[1:]]
        uri, process = ending.enter_context(mlflow_process(run, folder, settings))
        yield Team(uri, store, process)


@dataclass
class Fault:
    """A proxy before the server, where the n-th write meets a fault: it is lost, or never ends."""

    target: str
    kind: str = ""
    at: int = 0
    seen: int = 0
    end: threading.Event = field(default_factory=threading.Event)
    uri: str = ""
    met: threading.Event = field(default_factory=threading.Event)

    def set(self, kind: str, at: int) -> None:
        """From now on count anew."""
        self.kind, self.at, self.seen = kind, at, 0
        self.met.clear()

    def meets(self, method: str, path: str) -> bool:
        """Whether this request, or one after it, meets the fault."""
        if method in WRITES and not path.split("?")[0].endswith(READS):
            self.seen += 1
        return bool(self.kind) and self.seen >= self.at


@contextmanager
def fault(target: str) -> Iterator[Fault]:
    """Start the proxy."""
    made = Fault(target)

    class Handler(BaseHTTPRequestHandler):
        """Hands everything on, and its answer back."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if made.meets(self.command, self.path):
                made.met.set()
                if made.kind == "is slow":
                    made.end.wait(60)
                self.close_connection = True
                return
            request = urllib.request.Request(
                made.target + self.path, body or None, dict(self.headers), method=self.command
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as found:
                    self.give(found.status, found.headers, found.read())
            except urllib.error.HTTPError as error:
                self.give(error.code, error.headers, error.read())

        def give(self, status: int, headers, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", headers.get("Content-Type", "text/plain"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the base's names

        def log_message(self, *_) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.uri = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.end.set()
        server.shutdown()
        server.server_close()
