"""Runs `ml` commands in forks of a process that has imported the libraries already.

usage: python fork_server.py SOCKET, in a project's environment

Importing MLflow takes four seconds and the project's own modules another, and the tests run
hundreds of commands. A fork has a folder, an environment, arguments and an exit status of its own,
as any process. Where a file of the sources or the terminal's width is another than here, the
project's modules are imported anew after the fork, from the folder that the command runs in.
"""

import importlib
import json
import os
import pkgutil
import signal
import socketserver
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import matplotlib.figure  # noqa: F401 - this and what follows is imported before the forks
import mlflow.artifacts
import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
import onnxruntime  # noqa: F401
import pandas  # noqa: F401
import polars  # noqa: F401
import rich.console
import rich.table  # noqa: F401
import skl2onnx  # noqa: F401
import sklearn.ensemble  # noqa: F401
import skops.io  # noqa: F401
import typer  # noqa: F401
import uvicorn  # noqa: F401

Stamps = dict[str, tuple[int, int]]
PACKAGE = "customer_model"


def stamps(sources: Path) -> Stamps:
    """Size and time of each source file: a copy keeps them, an edit does not."""
    found = {path.relative_to(sources): path.stat() for path in sources.rglob("*.py")}
    return {str(name): (one.st_size, one.st_mtime_ns) for name, one in found.items()}


def preload() -> Stamps:
    """Import all of the installed project, but for what needs more than it has."""
    package = importlib.import_module(PACKAGE)
    for module in pkgutil.walk_packages(package.__path__, f"{PACKAGE}."):
        with suppress(ImportError):
            importlib.import_module(module.name)
    return stamps(Path(package.__path__[0]).parent)


def forget() -> None:
    """Take the project's modules out again, in a fork that has others."""
    for name in list(sys.modules):
        if name.partition(".")[0] == PACKAGE:
            del sys.modules[name]


class Command(socketserver.StreamRequestHandler):
    """One command: a line of JSON in, its exit status out."""

    def handle(self) -> None:
        """Run in a child of this connection's own process and wait for it."""
        asked = json.loads(self.rfile.readline())
        child = os.fork()
        if child == 0:
            _run(asked)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.wfile.write(f"{ended}\n".encode())


def _run(asked: dict) -> None:
    """Become the command; never return."""
    status = 70
    try:
        os.chdir(asked["folder"])
        os.environ.update(asked["environment"])
        for stream, path in ((1, asked["out"]), (2, asked["err"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1)
        sources = Path(asked["folder"], "src")
        sys.path.insert(0, str(sources))
        if os.environ.get("COLUMNS") != WIDTH or (sources.exists() and stamps(sources) != KNOWN):
            forget()
        sys.argv = ["ml", *asked["arguments"]]
        from customer_model.cli import main

        main()
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """One process a connection."""


if __name__ == "__main__":
    KNOWN, WIDTH = preload(), os.environ.get("COLUMNS")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Server(sys.argv[1], Command).serve_forever()
