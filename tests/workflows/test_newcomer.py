"""The README's lines, typed one by one in a fresh container that has Python and nothing else."""

import re
import shutil
from pathlib import Path

import engine as engines
from conftest import TEMPLATE, commands_of

pytest_plugins = ["parts"]

OWN = shutil.ignore_patterns(".git", ".venv", "build", "site", "__pycache__", ".*_cache")


def typed() -> list[str]:
    """From nothing to a served prediction; Enter answers every question."""
    (make, *_), *more = commands_of(TEMPLATE / "README.md")
    assert make.startswith("uvx cookiecutter gh:")
    (install,) = [line for block in more for line in block if line == "pip install uv"]
    (served,) = [block for block in more if "uv run ml train" in block]
    place = re.sub(r"gh:\S+", "/template", make)
    return [install, f"yes '' | {place}", "cd customer-model", *served]


def test_the_readme_leads_from_python_alone_to_a_served_prediction(engine: str, tmp_path: Path):
    shutil.copytree(TEMPLATE, tmp_path / "template", ignore=OWN)
    lines = typed()
    assert lines[-3:] == ["uv run ml train", "uv run ml promote", "uv run ml serve --smoke"]
    container = ["run", "--rm", "--interactive", "--network=host", "--workdir=/root"]
    container += [f"--volume={tmp_path / 'template'}:/template:ro", engines.base_name()]
    script = "set -e\ncommand -v git uv make && exit 9\n" + "\n".join(lines)
    done = engines.docker(engine, *container, "bash", input=script)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "PROMOTE: the first model" in done.stdout
    assert "as when it was made" in done.stdout
