"""Asks a service the golden rows over HTTP, and compares: it is this model, and it is right."""

import http.client
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ..errors import Status, Stop
from ..store.bundle import verify
from .loaded import alike, golden

REFUSED = 422
PATIENCE = 20  # seconds for one answer


def smoke_bundle(url: str, folder: Path, seconds: float) -> dict[str, Any]:
    """Ask the service at `url` for this bundle, as the image that holds it names it."""
    return ask_golden(url, folder, verify(folder)[:12], seconds)


def ask_golden(url: str, folder: Path, version: str, seconds: float) -> dict[str, Any]:
    """Ask a running service the bundle's golden rows, and compare; waits until it is this version.

    Raises:
        Stop: no right answer of this version within so many seconds.
    """
    wanted = golden(folder)
    found = _ask(f"{url.rstrip('/')}/predict", wanted["rows"], version, seconds)
    given = found["probabilities"] if "probabilities" in found else found["predictions"]
    if not alike(given, wanted["answers"]):
        raise Stop(
            Status.EVIDENCE,
            "The service answers otherwise than the model did when it was made: build it again "
            "with the packages of uv.lock, or roll back.",
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
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
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
