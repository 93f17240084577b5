"""What both benchmarks share: the template's package as it stands, and how results are written."""

import importlib.util
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TEMPLATE = REPOSITORY / "{{cookiecutter.__slug}}"
RESULTS = REPOSITORY / "benchmarks" / "results"
PACKAGE = "project"


def load_package() -> None:
    """Make the template's package importable as `project`; its imports are relative."""
    folder = TEMPLATE / "src" / "{{cookiecutter.__package}}"
    sys.dont_write_bytecode = True  # a __pycache__ in the template would be baked into projects
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


def make_python(
    folder: Path, needs: Sequence[str], newest: str, python: str = "3.11", *options: str
) -> Path:
    """The Python of an environment with these packages and none newer, kept from run to run.

    Other needs are another folder's: its name ends with a digest of them.
    """
    told = " ".join((*needs, newest, python, *options)).encode()
    place = folder.with_name(f"{folder.name}-{sha256(told).hexdigest()[:8]}")
    found, done = place / "bin" / "python", place / "installed"
    if not done.exists():
        subprocess.run(["uv", "venv", "-q", "--clear", "--python", python, place], check=True)
        install = ["uv", "pip", "install", "-q", "--compile-bytecode", "--python", found]
        subprocess.run([*install, "--exclude-newer", newest, *options, *needs], check=True)
        done.touch()
    return found


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is aligned right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def facts(command: str, packages: Sequence[str]) -> str:
    """When, by which command and versions a result was made."""
    with_what = [f"{name} {version(name)}" for name in packages]
    with_what += [
        f"Python {platform.python_version()}",
        f"{platform.system()} {platform.machine()}",
    ]
    return f"`uv run benchmarks/{command}` on {datetime.now(UTC).date()}; {', '.join(with_what)}."


def say(text: str) -> None:
    """Print now, whoever reads."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
