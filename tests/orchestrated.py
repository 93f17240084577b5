"""Projects with an option's files, and tools that have an environment of their own."""

import shutil
import subprocess
import sys
from pathlib import Path

from conftest import Project, bake_into

DAY = "2026-11-14"  # as in pyproject.toml: nothing newer is installed


def environment(folder: Path, *packages: str) -> Path:
    """An environment of its own with these packages; returns its programs' folder."""
    subprocess.run(["uv", "venv", "--quiet", "--python", sys.executable, folder], check=True)
    install = ["uv", "pip", "install", "--quiet", f"--python={folder}", f"--exclude-newer={DAY}"]
    subprocess.run([*install, *packages], check=True, timeout=900)
    return folder / "bin"


def project_with(folder: Path, installed: Project, **answers: str) -> Project:
    """A fresh project with these answers, which borrows an environment."""
    made = bake_into(folder, **answers)
    shutil.copy(installed.folder / "uv.lock", made)
    (made / ".venv").symlink_to(installed.folder / ".venv", target_is_directory=True)
    return Project(made, installed.forks).hurry(120)


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that is there once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def at_once(project: Project) -> None:
    """Let monitoring start a training on the day on which a model was judged."""
    edit(project.folder / "settings.toml", "# quiet_days = 3", "quiet_days = 0")


def model_of(project: Project) -> Path:
    """The user's estimator."""
    return next((project.folder / "src").glob("*/model.py"))


def weaken(project: Project) -> None:
    """Make the next model provably worse."""
    edit(model_of(project), "max_iter=150", "max_iter=1")


def break_code(project: Project) -> None:
    """Make training crash: no verdict, and no mistake that `ml` knows of."""
    edit(model_of(project), "max_iter=150", "max_iter=1 // 0")


def break_data(project: Project) -> None:
    """Make every row break the contract."""
    edit(project.folder / "contract.yaml", "range: [0, 240]", "range: [0, 3]")
