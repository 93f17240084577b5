"""Bakes a project into build/ and runs the whole loop in it, until a prediction answers over HTTP.

usage: python demo.py [--sample binary|regression|multiclass]
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent
LOOP = ["ml train", "ml promote", "ml serve --smoke"]


def main() -> None:
    """Bake, train, promote, serve; say what is done and how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sample", default="binary", choices=["binary", "regression", "multiclass"]
    )
    sample = parser.parse_args().sample
    start = time.perf_counter()
    shutil.rmtree(ROOT / "build" / "demo", ignore_errors=True)
    say("cookiecutter . --no-input")
    project = cookiecutter(
        str(ROOT),
        no_input=True,
        output_dir=ROOT / "build" / "demo",
        extra_context={"sample": sample},
    )
    # This program's own environment must not be taken for the project's.
    inherited = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    for command in LOOP:
        say(f"uv run {command}")
        done = subprocess.run(["uv", "run", *command.split()], cwd=project, env=inherited)
        if done.returncode:
            sys.exit(f"demo: `{command}` failed with exit status {done.returncode}.")
    print(f"\nFrom nothing to a served prediction in {time.perf_counter() - start:.0f} s.")
    print(f"It is in {Path(project).relative_to(ROOT)}; `cd` there, try `uv run ml status`.")


def say(command: str) -> None:
    """Show the command that runs now, as the user would type it."""
    print(f"\n$ {command}", flush=True)


if __name__ == "__main__":
    main()
