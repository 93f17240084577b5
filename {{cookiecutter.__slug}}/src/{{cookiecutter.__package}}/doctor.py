"""What is missing on this machine, and how to get it."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .engine.door import open_engine
from .errors import Stop
from .project import read_project
from .store.tracking import Registry


@dataclass(frozen=True)
class Check:
    """One thing looked at; `needed` tells whether the project works without it."""

    name: str
    ok: bool
    found: str
    needed: bool
    fix: str


def examine(root: Path) -> list[Check]:
    """Look at everything that the project's commands and workflows use."""
    python = ".".join(str(part) for part in sys.version_info[:3])
    checks = [
        Check(
            "Python", (3, 11) <= sys.version_info < (3, 14), python, True, "uv python install 3.13"
        ),
        _tool("uv", "pip install uv", needed=True),
        _tool("git", "install git; the commit is then kept with each model"),
        _tool("just", "uv tool install rust-just"),
        _tool("docker", "install Docker; only images need it"),
    ]
    free = shutil.disk_usage(root).free / 1e9
    checks.append(
        Check(
            "disk", free > 1, f"{free:.0f} GB free", True, "make room: runs and bundles need 1 GB"
        )
    )
    lock = root / "uv.lock"
    checks.append(
        Check("lock", lock.is_file(), lock.name if lock.is_file() else "none", False, "uv lock")
    )
    hook = (root / ".git" / "hooks" / "pre-commit").is_file()
    found = "pre-commit" if hook else "none"
    checks.append(Check("hooks", hook, found, False, "uv run just hooks"))
    return [*checks, _project(root), _tracking(root), *_engine(root)]


def _tool(name: str, fix: str, *, needed: bool = False) -> Check:
    path = shutil.which(name)
    if path is None:
        return Check(name, False, "not found", needed, fix)
    answer = subprocess.run(
        [path, "--version"], capture_output=True, text=True, check=False, timeout=20
    )
    found = (answer.stdout or answer.stderr).strip().splitlines() or ["found"]
    return Check(name, True, found[0][:60], needed, fix)


def _project(root: Path) -> Check:
    try:
        project = read_project(root)
    except Stop as stop:
        return Check(
            "project", False, str(stop).splitlines()[0], True, "mend the file that is named"
        )
    return Check("project", True, f"{project.settings.task} on {project.contract.target}", True, "")


def _tracking(root: Path) -> Check:
    place = "server" if os.environ.get("MLFLOW_TRACKING_URI") else "mlflow.db"
    try:
        registry = Registry(root, read_project(root).settings.name)
        champion = registry.aliases().champion
    except Stop as stop:
        return Check(
            "MLflow",
            False,
            str(stop).splitlines()[0][:80],
            True,
            "start the server, or unset MLFLOW_TRACKING_URI",
        )
    return Check(
        "MLflow", True, f"{place}, champion {f'v{champion}' if champion else 'none yet'}", True, ""
    )


def _engine(root: Path) -> list[Check]:
    """The Dask cluster, where settings.toml names one."""
    try:
        settings = read_project(root).settings.engine
        if settings.kind == "local":
            return []
        found = open_engine(settings).told
    except Stop as stop:
        return [Check("engine", False, str(stop), True, 'or [engine] kind = "local"')]
    return [Check("engine", True, found, True, "")]
