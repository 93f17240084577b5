"""What the template's tests share: baking, and one installed project of each sample a session."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
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
WIDTH = "100"  # of the terminal that commands print to
# Images of Python set it: then each of a thousand processes compiles MLflow, twice the time of all.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


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
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Project:
    """A generated project with its environment installed."""

    folder: Path
    forks: Path | None = None  # the socket of fork_server.py

    def run(self, *command: str | Path, status: int | None = 0, **more: Any) -> Done:
        """Run a command in the project as a user would; its exit status is checked."""
        skipped = ("VIRTUAL_ENV", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT")
        inherited = {key: value for key, value in os.environ.items() if key not in skipped}
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env={**inherited, **self._environment(), **more.pop("env", {})},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=more.pop("timeout", 600),
            **more,
        )
        return _checked(Done(done.returncode, done.stdout, done.stderr), command, status)

    def _environment(self) -> dict[str, str]:
        # A copy shares an environment whose package is the original's: its own sources go first.
        return {"COLUMNS": WIDTH, "PYTHONPATH": str(self.folder / "src")}

    def uv(self, *command: str | Path, **more: Any) -> Done:
        """Run `uv run …` in the environment as it is."""
        return self.run("uv", "run", "--no-sync", *command, **more)

    def ml(self, *arguments: str, status: int | None = 0, env: dict | None = None) -> Done:
        """Run `ml …` in a fork of a process that has the libraries loaded."""
        with tempfile.TemporaryDirectory() as scratch, socket.socket(socket.AF_UNIX) as asking:
            out, err = Path(scratch, "out"), Path(scratch, "err")
            asked = {
                "folder": str(self.folder),
                "arguments": arguments,
                "environment": {**self._environment(), **(env or {})},
                "out": str(out),
                "err": str(err),
            }
            asking.settimeout(600)
            asking.connect(str(self.forks))
            asking.sendall(json.dumps(asked).encode() + b"\n")
            code = int(asking.makefile().readline())
            done = Done(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))
        return _checked(done, arguments, status)

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        """Replace what has to be there in a file of the user's."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def hurry(self, days: int = 60) -> "Project":
        """Train on fewer days and ask no sentences: what is around a training matters."""
        fewer = ("# window_days = 180  ", f"window_days = {days}  ")
        self.edit("settings.toml", fewer, ("# behaviour = true ", "behaviour = false "))
        return self

    def copy(self, folder: Path, environment: bool = True) -> "Project":
        """The same project elsewhere, without any state; it shares the environment, or has none."""
        skip = shutil.ignore_patterns(
            ".venv", "mlflow.db", "mlartifacts", ".ml", "reports", ".*cache"
        )
        shutil.copytree(self.folder, folder, ignore=skip)
        if environment:
            (folder / ".venv").symlink_to(self.folder / ".venv", target_is_directory=True)
        return Project(folder, self.forks)


def _checked(done: Done, command: Sequence[str | Path], status: int | None) -> Done:
    if status is not None:
        assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def kubectl_of(place: Path, script: str) -> dict[str, str]:
    """The environment of a deployment whose `kubectl` is a script; it is told its {log}."""
    place.mkdir()
    (place / "kubectl").write_text(script.format(log=place / "log"))
    (place / "kubectl").chmod(0o755)
    return {"KUBE_CONFIG": "secret: yes", "PATH": f"{place}:{os.environ['PATH']}"}


def commands_of(readme: Path) -> list[list[str]]:
    """The commands of a README, by block, as its reader would type them."""
    text = readme.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [[line.split("#")[0].strip() for line in block.splitlines()] for block in blocks]


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
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Project]]:
    """A project of a sample with its environment and a fork server; made once a session."""
    made: dict[str, Project] = {}
    servers = []

    def make(sample: str) -> Project:
        if sample not in made:
            place = tmp_path_factory.mktemp(sample)
            folder = bake_into(place, sample=sample)
            for other in made.values():  # the same dependencies: one resolution serves all
                shutil.copy(other.folder / "uv.lock", folder)
            made[sample] = Project(folder, place / "forks")
            made[sample].run("uv", "sync", "--quiet")
            servers.append(_fork_server(made[sample]))
        return made[sample]

    yield make
    for server in servers:
        server.terminate()


def _fork_server(project: Project) -> subprocess.Popen:
    python = project.folder / ".venv" / "bin" / "python"
    script = TEMPLATE / "tests" / "fork_server.py"
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    environment = {**os.environ, **quiet, "COLUMNS": WIDTH}
    server = subprocess.Popen([python, script, str(project.forks)], env=environment)
    while not project.forks.exists():
        assert server.poll() is None, "the fork server did not start"
        time.sleep(0.1)
    return server


@pytest.fixture(scope="session")
def bundles(
    installed: Callable[[str], Project], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., list[Path]]:
    """A sample's bundles, one a day of training; each is trained once a session."""
    made: dict[tuple[str, str], Path] = {}

    def train(sample: str = "binary", *days: str) -> list[Path]:
        for day in days or (TODAY,):
            if (sample, day) not in made:
                folder = bake_into(tmp_path_factory.mktemp("trained"), sample=sample)
                borrowed = installed("binary")  # its environment serves every sample
                Project(folder, borrowed.forks).ml("train", "--today", day)
                (made[sample, day],) = folder.glob("mlartifacts/*/artifacts/bundle")
        return [made[sample, day] for day in days or (TODAY,)]

    return train


@pytest.fixture
def project(installed: Callable[[str], Project], tmp_path: Path) -> Project:
    """The binary sample in a fresh folder, with the shared environment and no state."""
    return installed("binary").copy(tmp_path / "project")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A year comes first of the last worker's share: at the end of all it would run alone."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    year = [item for item in items if item.path.stem == "test_year"]
    if workers > 1 and len(year) < len(items):
        others = [item for item in items if item not in year]
        start = len(items) - -(-len(items) // workers)
        items[:] = [*others[:start], *year, *others[start:]]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A failure is told at once: a run that is cut short shows why it would have failed."""
    if report.failed and not os.environ.get("PYTEST_XDIST_WORKER"):
        said = "\n".join(line[:300] for line in report.longreprtext.splitlines()[-60:])
        print(f"\nFAILED {report.nodeid} ({report.when})\n{said}", flush=True)
