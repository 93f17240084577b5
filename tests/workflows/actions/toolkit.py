"""What the stand-ins share: their inputs, outputs and a log that the test reads."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

WORKSPACE = Path(os.environ["GITHUB_WORKSPACE"])


def inputs() -> dict[str, str]:
    """The step's `with:`, and the defaults."""
    return {key: str(value or "") for key, value in json.loads(os.environ["INPUTS"]).items()}


def fail(message: str) -> NoReturn:
    """End the step as the real action does."""
    print(f"::error::{message}", flush=True)
    sys.exit(1)


def yes(value: str) -> bool:
    """Whether an input says true; the real actions refuse other words too."""
    if value.lower() not in ("true", "false", ""):
        fail(f"{value!r} is neither true nor false")
    return value.lower() == "true"


def append(variable: str, line: str) -> None:
    """Add to one of the files that a runner reads after each step."""
    with Path(os.environ[variable]).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def output(**values: Any) -> None:
    """Set outputs; an underscore stands for a hyphen."""
    for name, value in values.items():
        append("GITHUB_OUTPUT", f"{name.replace('_', '-')}={value}")


def record(action: str, **facts: Any) -> None:
    """Leave a line for the test: `run.actions`."""
    line = {"action": action, "job": os.environ["GITHUB_JOB"], **facts}
    append("ML_TEST_LOG", json.dumps(line))


def said(*command: str) -> str | None:
    """What a command prints; None where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None
