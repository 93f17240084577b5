"""An export on disk: state.json, runs.jsonl, every file once by its hash, a manifest over all."""

import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..errors import Status, Stop
from ..state.text import from_text, to_text
from ..store import bundle
from ..store.versions import Version
from .told import BUNDLE, Carried, from_lines, to_lines

STATE, RUNS, BLOBS = "state.json", "runs.jsonl", "blobs"
KIND, SCHEMA = "ml state", 1


class Blobs:
    """Files by their content: the same content is kept once."""

    def __init__(self, folder: Path) -> None:
        """Keep them in this folder."""
        self.folder = folder

    def keep(self, folder: Path, prefix: str = "") -> dict[str, str]:
        """Every file of a folder, by its path and hash."""
        self.folder.mkdir(parents=True, exist_ok=True)
        found = {}
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = found[prefix + path.relative_to(folder).as_posix()] = bundle.sha256(path)
            if not (self.folder / name).exists():
                shutil.copyfile(path, self.folder / name)
        return found

    def lay_out(self, files: Mapping[str, str], folder: Path, prefix: str = "") -> Path:
        """Write the files, those below a prefix without it, into a folder."""
        for path, name in files.items():
            if path.startswith(prefix):
                target = folder / path.removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.folder / name, target)
        return folder


def write(target: Path, name: str, read: Callable[[Blobs], Carried]) -> tuple[str, Carried]:
    """Fill a folder aside, seal it, and rename it as the last thing; a `.tar` is one file.

    The same state makes the same bytes, so writing it again changes nothing.

    Raises:
        Stop: something else is there already.
    """
    if not target.parent.is_dir():
        raise Stop(Status.SETTINGS, f"{target.parent} is no folder: make it first.")
    aside = target.with_name(f".{target.name}.part")
    shutil.rmtree(aside, ignore_errors=True)  # what a crash left
    try:
        whole = aside / "whole"
        whole.mkdir(parents=True)
        carried = read(Blobs(whole / BLOBS))
        (whole / STATE).write_text(to_text(carried.state), encoding="utf-8", newline="\n")
        (whole / RUNS).write_text(to_lines(carried.runs), encoding="utf-8", newline="\n")
        digest = bundle.seal(whole, {"kind": KIND, "schema": SCHEMA, "name": name})
        _read(whole, name, digest)  # what could not be read again is not given out
        _settle(_packed(whole) if target.suffix == ".tar" else whole, target)
    except OSError as error:
        raise Stop(Status.SETTINGS, f"{target} was not written: {error}.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return digest, carried


def _settle(made: Path, target: Path) -> None:
    if not target.exists():
        made.rename(target)
        return
    here, there = (p if p.is_file() else p / bundle.MANIFEST for p in (made, target))
    if not there.is_file() or bundle.sha256(here) != bundle.sha256(there):
        raise Stop(Status.SETTINGS, f"{target} is there, and is something else: name another.")


def _packed(folder: Path) -> Path:
    target = folder.with_suffix(".tar")
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            info.size, info.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                archive.addfile(info, file)
    return target


@contextmanager
def opened(source: Path, name: str, digest: str | None) -> Generator[tuple[Carried, Blobs]]:
    """An export with every byte of it checked, and its files.

    Raises:
        Stop: it was changed, is no export, is of another project or not the one with this digest.
    """
    if source.is_dir():
        yield _read(source, name, digest), Blobs(source / BLOBS)
        return
    with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
        try:
            with tarfile.open(source, "r:") as archive:
                archive.extractall(scratch, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise Stop(Status.EVIDENCE, f"{source} cannot be read: {error}.") from error
        yield _read(Path(scratch), name, digest), Blobs(Path(scratch, BLOBS))


def _read(folder: Path, name: str, digest: str | None) -> Carried:
    bundle.verify(folder, digest)
    facts = json.loads((folder / bundle.MANIFEST).read_text(encoding="utf-8"))
    if facts.get("kind") != KIND or facts["schema"] > SCHEMA:
        raise Stop(Status.EVIDENCE, f"{folder} is no export, or of a newer template: update.")
    if facts["name"] != name:
        there = f"The export is of {facts['name']!r}"
        raise Stop(Status.SETTINGS, f"{there}, the project's name is {name!r}; refused.")
    state = from_text((folder / STATE).read_text(encoding="utf-8"))
    try:
        carried = Carried(state, from_lines((folder / RUNS).read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise Stop(Status.EVIDENCE, f"{RUNS} is not what was exported: {error!r}.") from error
    _check(folder, carried, facts["files"])
    return carried


def _check(folder: Path, carried: Carried, listed: Mapping[str, str]) -> None:
    """Every file is there under its own hash, and every version has the bundle that it names."""
    for run in carried.runs:
        for path, name in run.files.items():
            if listed.get(f"{BLOBS}/{name}") != name or not _inside(path):
                raise Stop(Status.EVIDENCE, f"{path} of run {run.id} is not there; refused.")
    for version in carried.state.known:
        if _inside_of(carried, version) != _promised(folder / BLOBS / version.digest):
            told = f"The bundle of v{version.number} is not the one that was judged; refused."
            raise Stop(Status.EVIDENCE, told)


def _inside_of(carried: Carried, version: Version) -> dict[str, str]:
    """The files of a version's bundle, but for its manifest."""
    holder = carried.holder(version)
    files = holder.files if holder else {}
    found = {p.removeprefix(BUNDLE): n for p, n in files.items() if p.startswith(BUNDLE)}
    return {path: name for path, name in found.items() if path != bundle.MANIFEST}


def _promised(manifest: Path) -> dict[str, str] | None:
    """The files that a bundle's manifest names; nothing if it is no manifest."""
    try:
        return json.loads(manifest.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _inside(path: str) -> bool:
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts and not {"\\", ":"} & set(path)
