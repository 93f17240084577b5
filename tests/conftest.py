"""What the template's tests share: baking, and one installed project of each sample a session."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.main import cookiecutter

TEMPLATE = Path(__file__).parents[1]
PROJECT = TEMPLATE / "{{cookiecutter.__slug}}"
SOURCES = PROJECT / "src" / "{{cookiecutter.__package}}"
SAMPLES = ("binary", "regression", "multiclass")
TODAY = "2026-06-01"


def need(program: str) -> str:
    """A program's path; without it the test is skipped, or fails where REQUIRE_ALL is set."""
    path = shutil.which(program)
    if path is None:
        message = f"needs {program}, which is not on this machine"
        if os.environ.get("REQUIRE_ALL"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@dataclass(frozen=True)
class Project:
    """A generated project with its environment installed."""

    folder: Path

    def run(self, *command: str | Path, status: int | None = 0, **more: Any):
        """Run a command in the project as a user would; its exit status is checked."""
        inherited = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PROJECT")}
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env={**inherited, "COLUMNS": "100", **more.pop("env", {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=more.pop("timeout", 600),
            **more,
        )
        if status is not None:
            assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def uv(self, *command: str | Path, **more: Any):
        """Run `uv run …`."""
        return self.run("uv", "run", "--frozen", *command, **more)

    def ml(self, *command: str | Path, **more: Any):
        """Run `ml …` with the installed console script."""
        return self.run(self.folder / ".venv" / "bin" / "ml", *command, **more)

    def copy(self, folder: Path) -> "Project":
        """The same project elsewhere, sharing the environment, without any state."""
        skip = shutil.ignore_patterns(
            ".venv", "mlflow.db", "mlartifacts", ".ml", "reports", ".*cache"
        )
        shutil.copytree(self.folder, folder, ignore=skip)
        (folder / ".venv").symlink_to(self.folder / ".venv", target_is_directory=True)
        return Project(folder)


def bake_into(folder: Path, **answers: str) -> Path:
    """Generate a project with these answers, and the defaults for the rest."""
    return Path(
        cookiecutter(str(TEMPLATE), no_input=True, output_dir=str(folder), extra_context=answers)
    )


@pytest.fixture
def bake(tmp_path: Path) -> Callable[..., Path]:
    """Generate a project: `bake(sample="binary")`."""
    return lambda **answers: bake_into(tmp_path, **answers)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Project]:
    """A project of a sample with its environment; made once a session."""
    made: dict[str, Project] = {}

    def make(sample: str) -> Project:
        if sample not in made:
            folder = bake_into(tmp_path_factory.mktemp(sample), sample=sample)
            made[sample] = Project(folder)
            lock = next((p.folder / "uv.lock" for p in made.values() if p.folder != folder), None)
            if lock:  # the same project but for a word: one resolution serves all
                shutil.copy(lock, folder)
            made[sample].run("uv", "sync", "--quiet")
        return made[sample]

    return make


@pytest.fixture
def project(installed: Callable[[str], Project], tmp_path: Path) -> Project:
    """The binary sample in a fresh folder, with the shared environment and no state."""
    return installed("binary").copy(tmp_path / "project")
