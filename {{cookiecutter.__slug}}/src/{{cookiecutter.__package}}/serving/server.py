"""Runs the application: until it is told to stop, or until one real answer was right."""

import argparse
import http.client
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from ..errors import Status, Stop
from ..store.bundle import verify
from ..store.model import Model, load
from .app import build_app

START_SECONDS = 20
REFUSED = 422
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
        address, own_port = listening.getsockname()[:2]
        return ask_golden(f"http://{address}:{own_port}", model.folder, version, START_SECONDS)
    finally:
        server.should_exit = True
        thread.join()


def ask_golden(url: str, folder: Path, version: str, seconds: float) -> dict[str, Any]:
    """Ask a running service the bundle's golden rows, and compare; waits until it is this version.

    Raises:
        Stop: no right answer of this version within so many seconds.
    """
    wanted = golden(folder)
    found = _ask(f"{url.rstrip('/')}/predict", wanted["rows"], version, seconds)
    given = found["probabilities"] if "probabilities" in found else found["predictions"]
    expected = np.asarray(wanted["answers"])
    scale = max(1.0, float(np.abs(expected).max()))
    if not np.allclose(given, expected, rtol=0, atol=TOLERANCE * scale):
        raise Stop(
            Status.EVIDENCE,
            "The service answers otherwise than the model did when it was made; refused.",
        )
    return {"row": wanted["rows"][0], "prediction": found["predictions"][0], "version": version}


def _ask(url: str, rows: list[dict[str, Any]], version: str, seconds: float) -> dict[str, Any]:
    """Ask until this version answers: a service may still start, or still be the one before."""
    deadline, body = time.monotonic() + seconds, json.dumps({"rows": rows}).encode()
    if not url.startswith(("http://", "https://")):
        raise Stop(Status.SETTINGS, f"{url} is no address of a service: http://… or https://…")
    while True:
        request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:  # noqa: S310 - as above
                found = json.load(answer)
            if found["version"] == version:
                return found
            problem = f"it is {found['version']}"
        except urllib.error.HTTPError as error:
            problem = f"{error.code} {error.read(500).decode(errors='replace')}"
            if error.code == REFUSED:  # asked again, it would say the same
                raise Stop(Status.EVIDENCE, f"{url} refused the golden rows: {problem}") from error
        except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
            problem = str(error) or type(error).__name__
        if time.monotonic() > deadline:
            said = f"{url}: {version} gave no answer within {seconds:g} s: {problem}"
            raise Stop(Status.EVIDENCE, said)
        time.sleep(min(1.0, seconds / 100))


def main() -> None:
    """`ml-serve`: answer from a bundle's folder, in an image that holds nothing else."""
    parser = argparse.ArgumentParser(prog="ml-serve", description="Serve one bundle over HTTP.")
    parser.add_argument("bundle", nargs="?", type=Path, help="folder of the bundle")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8080")))
    parser.add_argument("--check", action="store_true", help="ask a running service if it is ready")
    parser.add_argument("--smoke", metavar="URL", help="ask a service the golden rows, compare")
    parser.add_argument("--wait", type=float, default=START_SECONDS, help="seconds for --smoke")
    asked = parser.parse_args()
    if asked.check:
        with urllib.request.urlopen(f"http://127.0.0.1:{asked.port}/health/ready", timeout=3):
            return
    if asked.bundle is None:
        parser.error("name the bundle's folder")
    try:
        if asked.smoke:
            version = verify(asked.bundle)[:12]
            told = ask_golden(asked.smoke, asked.bundle, version, asked.wait)
            sys.stdout.write(json.dumps(told) + "\n")
            return
        model = load(asked.bundle)
        listening = listen(asked.host, asked.port)
        build_server(model, model.digest[:12], asked.host, asked.port).run(sockets=[listening])
    except Stop as stop:
        sys.exit(f"ml-serve: {stop}")
