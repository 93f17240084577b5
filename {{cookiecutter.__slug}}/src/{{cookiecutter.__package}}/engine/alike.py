"""What has to be the same where work is done as where it was cut: sources and libraries."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SOURCES = "the project's sources"
LIBRARIES = ("numpy", "onnxruntime", "pandas", "polars", "scikit-learn", "scipy")


@cache
def facts() -> dict[str, str]:
    """The Python, the libraries that results depend on, and a digest of this package's files."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    python = ".".join(platform.python_version_tuple()[:2])
    own = {"Python": python, SOURCES: digest.hexdigest()[:12]}
    return own | {name: _version(name) for name in LIBRARIES}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "absent"
