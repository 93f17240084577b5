"""What the service says of itself: lines of JSON, and traces where somebody installed them."""

import logging
import mmap
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from .counters import Counters

STARTED = time.time()
MEMORY = Path("/proc/self/statm")


class Lines(logging.Formatter):
    """One JSON object a line, as log collectors read it."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, name, message; and the traceback of an error."""
        told: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return orjson.dumps(told).decode()


def speak() -> None:
    """Warnings and errors as lines of JSON on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def used(counters: Counters) -> None:
    """Count what the process takes, under the names that Prometheus gives it."""
    counters.sums["process_cpu_seconds",] = time.process_time()
    counters.gauges["process_start_time_seconds",] = STARTED
    if MEMORY.is_file():  # on Linux
        pages = int(MEMORY.read_bytes().split()[1])
        counters.gauges["process_resident_memory_bytes",] = pages * mmap.PAGESIZE


def traced(app: Any) -> Any:
    """The application, with a trace for each request if OpenTelemetry is installed."""
    try:
        there = find_spec("opentelemetry.instrumentation.asgi") is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        return app
    from opentelemetry.instrumentation.asgi import (  # ty: ignore[import-not-found]
        OpenTelemetryMiddleware,
    )

    return OpenTelemetryMiddleware(app)
