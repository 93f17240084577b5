# /// script
# requires-python = ">=3.11"
# dependencies = ["rich>=14.2"]
# ///
"""Draws docs/demo.svg: what the loop really prints, in the project that `make demo` made.

usage: uv run docs/picture.py, after `make demo`
"""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
COMMANDS = ["uv run ml train", "uv run ml promote", "uv run ml serve --smoke"]


def main() -> None:
    """Run the commands from a state without models, and keep what they print."""
    project = ROOT / "build" / "demo" / "customer-model"
    if not project.is_dir():
        sys.exit("picture: run `make demo` first.")
    for made in ("mlflow.db", "mlartifacts", ".ml", "reports"):
        path = project / made
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    console = Console(record=True, width=96, force_terminal=True, file=io.StringIO())
    for command in COMMANDS:
        console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        console.print(Text.from_ansi(printed(project, command)), soft_wrap=False)
    drawn = console.export_svg(title="from nothing to a served prediction")
    (ROOT / "docs" / "demo.svg").write_text(without_remote_fonts(drawn), encoding="utf-8")


def printed(project: Path, command: str) -> str:
    """What a command shows in a terminal, its colours included."""
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    environment |= {
        "FORCE_COLOR": "1",
        "COLUMNS": "96",
        "TERM": "xterm-256color",
        "TTY_INTERACTIVE": "0",
    }
    done = subprocess.run(
        command.split(),
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


def without_remote_fonts(svg: str) -> str:
    """A picture in a README loads nothing from elsewhere: the reader's own fixed font will do."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)
    return svg.replace("Fira Code", "ui-monospace, Menlo, Consolas").replace(", monospace", "")


if __name__ == "__main__":
    main()
