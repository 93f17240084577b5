"""The servers beside each other: how each is installed, started, asked and stopped.

Each runs in an environment of its own, kept in the temporary folder, and is written as its own
documentation says (serving_apps/). Every one has one process that scores, and one thread for
OpenMP, which costs scikit-learn's answers to a few rows less processor time than two do.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from common import make_python
from generate import bake_by_import, copy_template, make_environment, run
from numpy.typing import NDArray
from peers import NEWEST
from serving_model import INPUTS, Prepared, Rows

APPS = Path(__file__).resolve().parent / "serving_apps"
KEPT = Path(tempfile.gettempdir()) / "serving-benchmark"
PYTHON = "3.11"
MODEL = ("scikit-learn=={scikit-learn}", "numpy=={numpy}", "cloudpickle", "pandas>=2.3")
PATIENCE = 60  # seconds until a first answer, or until a server has stopped


@dataclass(frozen=True)
class Place:
    """What a server is started from, and where it is to listen."""

    python: Path
    prepared: Prepared
    port: int
    length: int = 0  # bytes of our answer to one row: what the echo says
    bundle: Path | None = None  # what ours serves, if not the first


@dataclass(frozen=True)
class Peer:
    """A server. `body` makes a request of rows, `read` reads the probabilities in its answer."""

    title: str
    command: Callable[[Place], Sequence[str | Path]]
    package: str
    needs: tuple[str, ...] = ()
    path: str = "/predict"
    body: Callable[[Rows], Any] = lambda rows: {"rows": rows}
    read: Callable[[Any], Any] = lambda answer: answer["probabilities"]
    batches: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    def ask(self, rows: Rows) -> bytes:
        """A request's body."""
        return json.dumps(self.body(rows), separators=(",", ":")).encode()


def program(place: Place, name: str) -> Path:
    """A console script beside the environment's Python."""
    return place.python.with_name(name)


def serve_bundle(place: Place) -> list[str | Path]:
    """Ours, as the image starts it."""
    bundle = place.bundle or place.prepared.bundle
    return [program(place, "ml-serve"), bundle, "--port", str(place.port)]


def run_app(name: str, place: Place) -> list[str | Path]:
    """A script of serving_apps with a model."""
    return [place.python, APPS / name, str(place.port), place.prepared.pickle]


def echo(place: Place) -> list[str | Path]:
    """The floor."""
    return [place.python, APPS / "echo.py", str(place.port), str(place.length)]


def serve_mlflow(place: Place) -> list[str | Path]:
    """`mlflow models serve`, after its own packaging of the estimator."""
    model = mlflow_model(place.python, place.prepared)
    command = [program(place, "mlflow"), "models", "serve", "--model-uri", model]
    return [*command, "--env-manager", "local", "--port", str(place.port)]


def mlflow_model(python: Path, prepared: Prepared) -> Path:
    """The estimator as an MLflow model with a signature, written once."""
    model = prepared.folder / "mlflow"
    if not model.exists():
        asked = prepared.folder / "questions.json"
        asked.write_text(json.dumps(prepared.questions))
        script = [python, APPS / "package_mlflow.py", prepared.pickle, asked, model]
        quiet(script, cwd=prepared.folder)
    return model


def serve_mlserver(place: Place) -> list[str | Path]:
    """MLServer with its scikit-learn runtime, in one process, batching."""
    folder = place.prepared.folder / "mlserver"
    folder.mkdir(exist_ok=True)
    server = {"http_port": place.port, "parallel_workers": 0, "debug": False}
    server |= {"grpc_port": free_port(), "metrics_port": free_port()}
    model = {
        "name": "churn",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "max_batch_size": 64,
        "max_batch_time": 0.02,  # the best of a few
        "parameters": {
            "uri": str(place.prepared.pickle),
            "extra": {"predict_fn": "predict_proba"},
        },
    }
    (folder / "settings.json").write_text(json.dumps(server))
    (folder / "model-settings.json").write_text(json.dumps(model))
    return [program(place, "mlserver"), "start", folder]


def serve_bento(place: Place) -> list[str | Path]:
    """`bentoml serve` of the service in serving_apps."""
    command = [program(place, "bentoml"), "serve", "bento:Scorer", "--working-dir", APPS]
    return [*command, "--host", "127.0.0.1", "--port", str(place.port)]


def mlflow_body(rows: Rows) -> Any:
    """A table without its index."""
    data = [[row[name] for name in INPUTS] for row in rows]
    return {"dataframe_split": {"columns": INPUTS, "data": data}}


def inference_body(rows: Rows) -> Any:
    """The Open Inference Protocol's columns, as MLServer turns them into a pandas table."""
    inputs = []
    for name in INPUTS:
        values = [row[name] for row in rows]
        column = {"name": name, "shape": [len(rows), 1], "data": values}
        words = {"datatype": "BYTES", "parameters": {"content_type": "str"}}
        inputs.append(column | (words if isinstance(values[0], str) else {"datatype": "FP64"}))
    return {"parameters": {"content_type": "pd"}, "inputs": inputs}


def inference_answer(answer: Any) -> NDArray[np.float64]:
    """Probabilities in the protocol's flat form."""
    (output,) = answer["outputs"]
    return np.reshape(output["data"], output["shape"])


OURS, ECHO, MLFLOW = "ours", "echo", "mlflow"
PEERS = {
    MLFLOW: Peer(
        "mlflow models serve",
        serve_mlflow,
        "mlflow",
        (*MODEL, "mlflow>=3.6"),
        path="/invocations",
        body=mlflow_body,
        read=lambda answer: answer["predictions"],
        # it asks nobody for a newer version of itself
        environment={"MLFLOW_DISABLE_TELEMETRY": "true", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    ),
    "mlserver": Peer(
        "MLServer, in-process, batching",
        serve_mlserver,
        "mlserver",
        (*MODEL, "mlserver>=1.7", "mlserver-sklearn>=1.7"),
        path="/v2/models/churn/infer",
        body=inference_body,
        read=inference_answer,
        batches=True,
    ),
    "bentoml": Peer(
        "BentoML, batching",
        serve_bento,
        "bentoml",
        (*MODEL, "bentoml>=1.4"),
        read=lambda answer: answer,
        batches=True,
        environment={"BENTOML_DO_NOT_TRACK": "True"},
    ),
    "litserve": Peer(
        "LitServe, batching",
        partial(run_app, "lit.py"),
        "litserve",
        (*MODEL, "litserve>=0.2"),
        batches=True,
    ),
    "tutorial": Peer(
        "FastAPI tutorial, `def`, scikit-learn",
        partial(run_app, "tutorial.py"),
        "fastapi",
        (*MODEL, "fastapi>=0.120", "uvicorn[standard]>=0.38"),
    ),
    OURS: Peer("this project", serve_bundle, "onnxruntime"),
    ECHO: Peer(
        "echo: plain ASGI on uvicorn",
        echo,
        "uvicorn",
        ("uvicorn>=0.38", "httptools", "uvloop"),
    ),
}


def quiet(command: Sequence[str | Path], **options: Any) -> str:
    """Run it; what it says is shown only where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def environment(name: str, scratch: Path, versions: dict[str, str]) -> Path:
    """The Python of a server's environment; that of a peer is kept from run to run."""
    if name == OURS:
        return our_environment(scratch)
    needs = [need.format_map(versions) for need in PEERS[name].needs]
    return install(name, needs)


def install(name: str, needs: Sequence[str]) -> Path:
    """The Python of an environment with these packages, compiled as images have them."""
    return make_python(KEPT / name, needs, NEWEST, PYTHON, "--compile-bytecode")


def our_environment(scratch: Path) -> Path:
    """A project as it is generated now, installed as its Dockerfile does."""
    baked = scratch / "projects"
    baked.mkdir()
    told = make_environment(scratch)
    bake_by_import(copy_template(scratch / "template"), baked, told)
    (project,) = baked.iterdir()
    sync = ["uv", "sync", "--quiet", "--python", PYTHON, "--no-default-groups"]
    run([*sync, "--no-editable", "--compile-bytecode"], project, told)
    return project / ".venv" / "bin" / "python"


def installed(python: Path, package: str) -> str:
    """A package's version in an environment."""
    code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    return quiet([python, "-c", code, package]).strip()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class Server:
    """A server that was started: its seconds to the first right answer, its memory, its end."""

    def __init__(self, name: str, place: Place, more: Sequence[str] = ()) -> None:
        """Start it in a session of its own, so that whatever it starts can be ended with it."""
        self.name, self.peer, self.place = name, PEERS[name], place
        self.log = KEPT / f"{name}.log"
        self.url = f"http://127.0.0.1:{place.port}{self.peer.path}"
        command = [*map(str, self.peer.command(place)), *more]
        clean = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV",)}
        path = f"{place.python.parent}{os.pathsep}{os.environ['PATH']}"
        told = {"PATH": path, "MODEL": str(place.prepared.pickle), "OMP_NUM_THREADS": "1"}
        with self.log.open("w") as log:
            self.began = time.perf_counter()
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                env=clean | told | self.peer.environment,
                cwd=place.prepared.folder,
                start_new_session=True,
            )
        self.known: dict[int, psutil.Process] = {}

    def first_answer(self) -> float:
        """Seconds from the start of the process to its first right answer."""
        while True:
            with suppress(OSError, http.client.HTTPException, ValueError, LookupError):
                self.check(1)
                return time.perf_counter() - self.began
            if self.process.poll() is not None or time.perf_counter() - self.began > PATIENCE:
                self.end()
                raise SystemExit(f"{self.name} gives no right answer; see {self.log}")
            time.sleep(0.005)

    def check(self, rows: int) -> int:
        """Ask so many rows, compare with scikit-learn; says how many bytes the answer has."""
        wanted = self.place.prepared
        told = self.post(self.peer.ask(wanted.questions[:rows]))
        if self.name != ECHO:
            found = np.asarray(self.peer.read(json.loads(told)), dtype=np.float64)
            if not np.allclose(found, wanted.answers[:rows], rtol=0, atol=1e-5):
                raise ValueError(f"{self.name} says otherwise than scikit-learn")
        return len(told)

    def post(self, body: bytes) -> bytes:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.place.port, timeout=10)
        try:
            connection.request("POST", self.peer.path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"{self.name}: {answer.status} {told[:300].decode(errors='replace')}")
        return told

    def check_all(self) -> None:
        """Every question by itself, and all together."""
        peer, wanted = self.peer, self.place.prepared
        self.check(len(wanted.questions))
        for row, answer in zip(wanted.questions, wanted.answers, strict=True):
            told = self.post(peer.ask([row]))
            if self.name != ECHO and not np.allclose(
                np.asarray(peer.read(json.loads(told)), dtype=np.float64), answer, atol=1e-5
            ):
                raise SystemExit(f"{self.name} says otherwise than scikit-learn: {told[:300]!r}")

    def processes(self) -> list[psutil.Process]:
        """Its process and all that it started."""
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.process.pid)
            self.known |= {one.pid: one for one in (own, *own.children(recursive=True))}
        return list(self.known.values())

    def memory(self) -> float:
        """Megabytes of all its processes; what they share is counted once (PSS)."""
        total = 0
        for one in self.processes():
            with suppress(psutil.NoSuchProcess):
                total += one.memory_full_info().pss
        return total / 1e6

    def processor(self) -> float:
        """Seconds that all its processes have spent on a processor."""
        total = 0.0
        for one in self.processes():
            with suppress(psutil.NoSuchProcess):
                spent = one.cpu_times()
                total += spent.user + spent.system
        return total

    def terminate(self) -> None:
        """Ask it to stop, as Docker and Kubernetes do: SIGTERM to its first process."""
        self.processes()
        self.process.send_signal(signal.SIGTERM)

    def end(self) -> None:
        """Stop it, and kill what is left of it after a while."""
        left = self.processes()
        if self.process.poll() is None:
            self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        _, alive = psutil.wait_procs(left, timeout=5)
        for one in alive:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()
