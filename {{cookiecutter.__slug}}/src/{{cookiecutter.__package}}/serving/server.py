"""Runs the application: until it is told to stop, or until one real answer was right."""

import argparse
import http.client
import json
import os
import socket
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from ..errors import Status, Stop
from ..store.model import Model, load
from .app import build_app

START_SECONDS = 20
TOLERANCE = 1e-6


def build_server(model: Model, version: str, host: str, port: int) -> uvicorn.Server:
    """A server that is not started yet. SIGTERM lets requests in flight finish."""
    config = uvicorn.Config(
        build_app(model, version),
        host=host,
        port=port,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=20,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket, or a stop that says why not."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        hint = "choose another with --port" if port else "choose another with --host"
        raise Stop(
            Status.SETTINGS, f"{host}:{port} cannot be listened on ({error.strerror}): {hint}."
        ) from error


def golden(folder: Path) -> dict[str, Any]:
    """Real rows and the answers that any copy of this model has to give."""
    return json.loads((folder / "golden.json").read_text(encoding="utf-8"))


def smoke(model: Model, version: str, host: str, port: int) -> dict[str, Any]:
    """Start the service, ask it the golden rows over HTTP, compare, stop. Returns the first answer.

    Raises:
        Stop: no answer, or another one than the model gave when it was made.
    """
    listening = listen(host, port)
    server = build_server(model, version, host, port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        wanted = golden(model.folder)
        found = _ask(listening.getsockname()[:2], wanted["rows"])
    finally:
        server.should_exit = True
        thread.join()
    given = found["probabilities"] if "probabilities" in found else found["predictions"]
    expected = np.asarray(wanted["answers"])
    scale = max(1.0, float(np.abs(expected).max()))
    if not np.allclose(given, expected, rtol=0, atol=TOLERANCE * scale):
        raise Stop(
            Status.EVIDENCE,
            "The service answers otherwise than the model did when it was made; refused.",
        )
    return {"row": wanted["rows"][0], "prediction": found["predictions"][0], "version": version}


def _ask(address: tuple[str, int], rows: list[dict[str, Any]]) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while True:
        connection = http.client.HTTPConnection(*address, timeout=START_SECONDS)
        try:
            connection.request("POST", "/predict", json.dumps({"rows": rows}))
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except OSError as error:
            if time.monotonic() > deadline:
                raise Stop(
                    Status.EVIDENCE, f"The service gave no answer within {START_SECONDS} s."
                ) from error
            time.sleep(0.05)
            continue
        finally:
            connection.close()
        if answer.status != 200:
            raise Stop(
                Status.EVIDENCE, f"The service answered {answer.status}: {body.get('error', body)}"
            )
        return body


def main() -> None:
    """`ml-serve`: answer from a bundle's folder, in an image that holds nothing else."""
    parser = argparse.ArgumentParser(prog="ml-serve", description="Serve one bundle over HTTP.")
    parser.add_argument("bundle", nargs="?", type=Path, help="folder of the bundle")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8080")))
    parser.add_argument("--check", action="store_true", help="ask a running service if it is ready")
    asked = parser.parse_args()
    if asked.check:
        with urllib.request.urlopen(f"http://127.0.0.1:{asked.port}/health/ready", timeout=3):
            return
    if asked.bundle is None:
        parser.error("name the bundle's folder")
    try:
        model = load(asked.bundle)
        listening = listen(asked.host, asked.port)
        build_server(model, model.digest[:12], asked.host, asked.port).run(sockets=[listening])
    except Stop as stop:
        sys.exit(f"ml-serve: {stop}")
