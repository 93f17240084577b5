"""Predictions of a table in many files: each gets a file of answers, wherever that is written."""

import os
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from .engine.door import open_engine
from .errors import Status, Stop
from .parts import Parts
from .predict import WRITERS, add_predictions
from .sources import files_of
from .sources.files import ending
from .steps.validate import typed_rows
from .store import model as models
from .store.model import Model

USUAL = ".parquet"  # of what is read from a format that is not written


@dataclass(frozen=True)
class Job:
    """The model, as the bundle that it is, and where answers go."""

    parts: Parts
    digest: str
    bundle: Mapping[str, bytes]
    folder: Path

    @cached_property
    def model(self) -> Model:
        """Opened once a worker, after its digest was checked."""
        with tempfile.TemporaryDirectory(prefix="ml-bundle-") as scratch:
            for name, content in self.bundle.items():
                place = Path(scratch, name)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            return models.load(Path(scratch), self.digest)


def predict_parts(parts: Parts, model: Model, source: str, target: Path) -> int:
    """Fill the folder `target`, which is not there yet; all of it or nothing. Returns the rows."""
    if target.exists():
        raise Stop(Status.DATA, f"{target}: it is there already; name a new folder.")
    files = files_of(source)
    names = _names(files)
    part = target.absolute().with_name(f".part-{target.name}")
    shutil.rmtree(part, ignore_errors=True)
    for place in {(part / name).parent for name in names}:
        place.mkdir(parents=True)
    job = Job(parts, model.digest, _bundle(model.folder), part)
    engine = open_engine(parts.project.settings.engine)
    try:
        rows = sum(engine.map(_predict, job, list(zip(files, names, strict=True))))
        for left in {*part.rglob("*.part")}:  # by a worker that was killed
            left.unlink()
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return rows


def _predict(job: Job, place: tuple[str, str]) -> int:
    """One file; its name is given when it is whole, so that doing it twice does no harm."""
    file, name = place
    table = typed_rows(job.parts.read(file), job.parts.project.contract)
    aside, done = job.folder / f"{name}.{uuid.uuid4().hex}.part", job.folder / name
    WRITERS[done.suffix](add_predictions(table, job.model), aside)
    aside.replace(done)
    return table.select(pl.len()).collect().item()


def _names(files: list[str]) -> list[str]:
    """Files by their places below the folder that all share, in a format that is written."""
    shared = os.path.commonpath([str(Path(file).parent) for file in files])
    names = []
    for file in files:
        plain = Path(file.removesuffix(".gz"))
        kind = ending(plain) if ending(plain) in WRITERS else USUAL
        names.append(plain.relative_to(shared).with_suffix(kind).as_posix())
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise Stop(Status.DATA, f"{twice[0]}: two files would be written to it; rename one.")
    return names


def _bundle(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
