"""Real servers for the tests: an S3 store and PostgreSQL, each started here and ended here."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from conftest import need

PASSWORD = "it's: s3cr3t/@100%"
# Nothing is told to its makers, and its jobs, which judge language models, are eight processes.
MLFLOW = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
SECRET_KEY = "kept-secret/abc+123"
KEYS = {
    "AWS_ACCESS_KEY_ID": "ann",
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": "us-east-1",
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def wait_until(ready: Callable[[], Any], process: subprocess.Popen, seconds: int = 30) -> None:
    """Ask a server that was started until it answers."""
    for _ in range(10 * seconds):
        try:
            if ready():
                return
        except OSError:
            pass
        assert process.poll() is None, "the server ended"
        time.sleep(0.1)
    raise AssertionError("the server did not answer")


@contextmanager
def mlflow_server(
    command: Sequence[str | Path],
    folder: Path,
    records: str,
    artifacts: str,
    env: Mapping[str, str],
) -> Iterator[str]:
    """A real MLflow server that keeps runs and files where it is told."""
    kept = ["--backend-store-uri", records, "--artifacts-destination", artifacts]
    with mlflow_process([*command, "server", *kept], folder, env) as (url, _):
        yield url


@contextmanager
def mlflow_process(
    command: Sequence[str | Path], folder: Path, env: Mapping[str, str]
) -> Iterator[tuple[str, subprocess.Popen]]:
    """MLflow's server and its process; its log is in the folder. Importing may take minutes."""
    port = free_port()
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "mlflow.log").open("w") as log:
        process = subprocess.Popen(
            [*command, *where],
            env={**os.environ, **MLFLOW, **env},
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: urllib.request.urlopen(f"{url}/health", timeout=1), process, 240)
        yield url, process
    finally:
        os.killpg(process.pid, signal.SIGKILL)


# Answers as S3 does, and writes down which bytes were asked for.
S3_SERVER = """
import sys
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
answer = DomainDispatcherApplication(create_backend_app)

def noted(environ, start):
    def begin(status, headers, error=None):
        if environ["REQUEST_METHOD"] == "GET":
            size = dict(headers).get("Content-Length", 0)
            sys.stdout.write(f"{environ['PATH_INFO']} {size}\\n")  # one piece, whoever else writes
            sys.stdout.flush()
        return start(status, headers, error)
    return answer(environ, begin)

run_simple("127.0.0.1", int(sys.argv[1]), noted, threaded=True)
"""


@dataclass(frozen=True)
class Bucket:
    """A bucket on a local S3 server."""

    url: str
    log: Path
    client: Any

    @property
    def env(self) -> dict[str, str]:
        """How a command finds it."""
        return {"AWS_ENDPOINT_URL": self.url, **KEYS}

    def upload(self, path: Path, key: str) -> None:
        """Put a file into it."""
        self.client.put_object(Bucket="bucket", Key=key, Body=path.read_bytes())

    def sent(self, key: str) -> int:
        """How many bytes of an object have been asked for."""
        lines = [line.split() for line in self.log.read_text(encoding="utf-8").splitlines()]
        return sum(int(size) for path, size in lines if path == f"/bucket/{key}")


@contextmanager
def s3_server(folder: Path) -> Iterator[Bucket]:
    """An S3 server in a process of its own, with an empty bucket."""
    import boto3  # comes with moto[s3]

    log, port = folder / "log", free_port()
    with log.open("w") as file:
        command = [sys.executable, "-c", S3_SERVER, str(port)]
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: urllib.request.urlopen(f"{url}/moto-api/", timeout=1), process)
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name=KEYS["AWS_DEFAULT_REGION"],
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=SECRET_KEY,
    )
    client.create_bucket(Bucket="bucket")
    try:
        yield Bucket(url, log, client)
    finally:
        process.terminate()


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server with one database."""

    port: int
    log: Path
    database: str

    def address(self, password: str = PASSWORD, database: str = "", port: int = 0) -> str:
        """A connection string, as a user would write it."""
        place = f"127.0.0.1:{port or self.port}"
        return (
            f"postgresql://postgres:{quote(password, safe='')}@{place}/{database or self.database}"
        )

    def run(self, script: str, database: str = "") -> None:
        """Run SQL, or what psql knows beside it."""
        ask = [postgres_programs() / "psql", "-qX", "-h", "127.0.0.1", "-p", str(self.port)]
        ask += ["-U", "postgres", "-v", "ON_ERROR_STOP=1", database or self.database]
        known = {**os.environ, "PGPASSWORD": PASSWORD}
        subprocess.run(ask, env=known, input=script, text=True, check=True)


def postgres_programs() -> Path:
    """Where Debian has them, or wherever they are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else Path(need("initdb")).parent


@contextmanager
def postgres_server(database: str) -> Iterator[Server]:
    """A real server; it refuses to run as root, so root lends it to the user postgres."""
    programs, port = postgres_programs(), free_port()
    root = os.geteuid() == 0
    as_user = ["runuser", "-u", "postgres", "--"] if root else []
    folder = Path(tempfile.mkdtemp(prefix="ml-postgres-"))  # pytest's own is closed to others
    (folder / "password").write_text(PASSWORD)
    (folder / "log").touch()
    if root:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres")
    made = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "scram-sha-256"]
    made += [f"--pwfile={folder / 'password'}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run([*as_user, *made], check=True, capture_output=True, cwd="/")
    options = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "log_statement": "all",
        "fsync": "off",
    }
    command = [programs / "postgres", "-D", folder / "data"]
    command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*as_user, *command], stdout=log, stderr=log, cwd="/", start_new_session=True
        )
    server = Server(port, folder / "log", database)
    try:
        ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, process)
        server.run(f"create database {database}", "postgres")
        yield server
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
