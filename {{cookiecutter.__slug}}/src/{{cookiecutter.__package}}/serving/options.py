"""What `ml-serve` is told: by flags, or by the environment that a platform sets."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 20


@dataclass(frozen=True)
class Options:
    """How a service runs."""

    bundle: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    queue: int = 20_000
    drain: float = 0.0
    watch: float = 0.0
    log: str = ""
    log_sample: float = 1.0
    log_days: int = 0


def read_options() -> tuple[Options, argparse.Namespace]:
    """The options of this process, and what else it was asked to do instead of serving."""
    told, parser = os.environ.get, argparse.ArgumentParser(prog="ml-serve")
    parser.description = "Serve one bundle over HTTP."
    add = parser.add_argument
    port = told("PORT") or told("AIP_HTTP_PORT") or "8080"
    add("bundle", nargs="?", type=Path, help="folder of the bundle")
    add("serve", nargs="?", choices=["serve"], help="what SageMaker adds; it changes nothing")
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=port, help="PORT")
    add("--workers", type=int, default=told("ML_WORKERS", "1"), help="processes; ML_WORKERS")
    add("--queue", type=int, default=told("ML_QUEUE", "20000"), help="rows that may wait; ML_QUEUE")
    drain = "seconds between SIGTERM and a closed port; ML_DRAIN"
    add("--drain", type=float, default=told("ML_DRAIN", "0"), help=drain)
    watch = "seconds between looks for another bundle in its place; ML_WATCH"
    add("--watch", type=float, default=told("ML_WATCH", "0"), help=watch)
    add("--log", default=told("ML_LOG", ""), help="folder or URL of the prediction log; ML_LOG")
    sample = told("ML_LOG_SAMPLE", "1")
    add("--log-sample", type=float, default=sample, help="share of requests; ML_LOG_SAMPLE")
    days = "days after which a folder of the log goes, 0 for never; ML_LOG_DAYS"
    add("--log-days", type=int, default=told("ML_LOG_DAYS", "0"), help=days)
    add("--check", action="store_true", help="ask a running service if it is ready")
    add("--smoke", metavar="URL", help="ask a service the golden rows, compare")
    add("--wait", type=float, default=START_SECONDS, help="seconds for --smoke")
    asked = parser.parse_intermixed_args()
    if wrong := _wrong(asked):
        parser.error(wrong)
    names = Options.__dataclass_fields__
    return Options(**{name: getattr(asked, name) for name in names}), asked


def _wrong(asked: argparse.Namespace) -> str:
    if not asked.check and asked.bundle is None:
        return "name the bundle's folder"
    if asked.workers < 1 or asked.queue < 1 or not 0 <= asked.log_sample <= 1:
        return "--workers and --queue are at least 1, --log-sample is from 0 to 1"
    if not (asked.drain >= 0 and asked.watch >= 0):
        return "--drain and --watch are seconds, 0 or more"
    return ""
