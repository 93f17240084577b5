"""Batch predictions: a file in, the same rows with answers out, in pieces that fit in memory."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from .checks.reference import REFERENCE, read_reference
from .errors import Status, Stop
from .parts import Parts, measure_parts
from .project import Project
from .report.findings import findings_text
from .sources import read_file
from .steps.validate import validate
from .store import model as models
from .store.encode import encode_rows
from .store.model import Model, Signature
from .store.tracking import Registry, Version

WRITERS: dict[str, Callable[[pl.LazyFrame, Path], None]] = {
    ".csv": lambda rows, path: rows.sink_csv(path),
    ".parquet": lambda rows, path: rows.sink_parquet(path),
    ".jsonl": lambda rows, path: rows.sink_ndjson(path),
}


def champion(registry: Registry) -> tuple[Version, Model]:
    """The champion's version and its model, loaded from the bundle."""
    version = _champion(registry)
    return version, models.load(registry.fetch(version), version.digest)


def champion_bundle(registry: Registry) -> tuple[Path, str]:
    """Where the champion's bundle is, and its name: what a service follows."""
    version = _champion(registry)
    return registry.fetch(version), f"v{version.number}"


def _champion(registry: Registry) -> Version:
    version = registry.champion()
    if version is None:
        hint = "run `ml train`, then `ml promote`; or `ml state pull`, if your team has one"
        raise Stop(Status.REJECTED, f"There is no champion yet: {hint}.")
    return version


def predict_file(project: Project, model: Model, source: Path, target: Path, today: date) -> int:
    """Write `source` with predictions added to `target`; all of it or nothing. Returns the rows.

    A `target` without an ending is a folder, which gets a file for each of those of `source`.

    Raises:
        Stop: not a table, rows that break the contract, or a format that is not known.
    """
    writer = _writer(target)
    raw = read_file(str(source))
    try:
        rows = _sound(project, model, raw, source, today)
        if writer is None:
            from .predict_parts import predict_parts

            parts = Parts(project, dict(raw.collect_schema()), today, own=False)
            return predict_parts(parts, model, str(source), target)
        part = target.with_name(f".part-{target.name}")
        writer(add_predictions(rows, model), part)
        part.replace(target)
        return raw.select(pl.len()).collect().item()
    except pl.exceptions.PolarsError as error:
        raise Stop(Status.DATA, f"{source}: {str(error).splitlines()[0]}") from error


def _writer(target: Path) -> Callable[[pl.LazyFrame, Path], None] | None:
    """What writes this format; None for a folder."""
    writer = WRITERS.get(target.suffix.lower())
    if writer is None and target.suffix:
        wanted = f"{', '.join(WRITERS)}, or a new folder for a file each"
        raise Stop(Status.DATA, f"{target}: write to one of {wanted}.")
    if not target.parent.is_dir():
        raise Stop(Status.DATA, f"{target}: there is no folder {target.parent}.")
    return writer


def _sound(
    project: Project, model: Model, raw: pl.LazyFrame, source: Path, today: date
) -> pl.LazyFrame:
    """Rows that keep the contract, beside those that the model knows."""
    known = model.folder / REFERENCE
    reference = read_reference(known) if known.is_file() else None
    seen = measure_parts(project, raw, str(source), today, own=False)
    found = validate(raw, project.contract, today, labelled=False, reference=reference, seen=seen)
    if found.failures:
        raise Stop(Status.DATA, findings_text(found.failures))
    return found.rows


def add_predictions(rows: pl.LazyFrame, model: Model) -> pl.LazyFrame:
    """Rows with `prediction`, and with a `probability_…` for each class of a classifier."""
    signature = model.signature
    added = {f"probability_{label}": pl.Float64 for label in signature.classes}
    schema = dict(rows.collect_schema()) | {"prediction": _answer_type(signature)} | added

    def answer(piece: pl.DataFrame) -> pl.DataFrame:
        inputs = encode_rows(piece, signature.inputs)
        predicted = model.predict(inputs)
        columns = {"prediction": pl.Series(signature.labels(predicted), dtype=schema["prediction"])}
        for place, name in enumerate(added):
            columns[name] = pl.Series(predicted[:, place])
        return piece.with_columns(**columns).select(list(schema))

    return rows.map_batches(answer, schema=schema, streamable=True)


def _answer_type(signature: Signature) -> type[pl.DataType]:
    match signature.classes:
        case (bool(), *_):
            return pl.Boolean
        case (int(), *_):
            return pl.Int64
        case (str(), *_):
            return pl.String
    return pl.Float64
