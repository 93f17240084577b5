"""Where a model comes from: code, lock and library versions."""

import hashlib
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("numpy", "scikit-learn", "onnxruntime", "skl2onnx", "skops", "polars")


def facts(root: Path) -> dict[str, object]:
    """What the manifest says of the code: commit, lock, versions and the moment of making."""
    lock = root / "uv.lock"
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": git_commit(root),
        "lock_sha256": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


WORK = ("settings.toml", "contract.yaml", "params.json", "reference.json", "uv.lock")


def work_id(root: Path, data_id: str, champion: str | None) -> str:
    """Hash of all that a verdict follows from: rows, champion, settings, code, library versions."""
    told = hashlib.sha256(f"{data_id} {champion}".encode())
    sources = sorted([*(root / "src").rglob("*.py"), *(root / "tests" / "model").rglob("*.py")])
    for path in (*(root / name for name in WORK), *sources):
        content = path.read_bytes() if path.is_file() else b""
        told.update(f"{path.relative_to(root).as_posix()} {len(content)} ".encode() + content)
    return told.hexdigest()


def git_commit(root: Path) -> str | None:
    """The commit that is checked out, with `+` where files differ from it; None outside git."""
    git = shutil.which("git")
    if git is None:
        return None
    head = subprocess.run(
        [git, "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False
    )
    if head.returncode != 0:
        return None
    changes = subprocess.run(
        [git, "status", "--porcelain"], cwd=root, capture_output=True, text=True, check=False
    )
    return head.stdout.strip() + ("+" if changes.stdout.strip() else "")
