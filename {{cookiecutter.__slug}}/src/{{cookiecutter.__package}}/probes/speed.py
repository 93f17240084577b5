"""How long one answer takes, and how large the model is, beside the champion."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import polars as pl

from ..evidence import Guard
from ..settings import GateSettings
from ..store.encode import Inputs, encode_rows
from ..store.model import Model

REPEATS = 60


def speed(
    model: Model, champion: Model | None, rows: pl.DataFrame, settings: GateSettings
) -> Iterator[Guard]:
    """Ratios to the champion warn; budgets that the user has set block."""
    models = [model, *([champion] if champion else [])]
    one = rows.head(1)  # each reads its own columns of it
    times = _times([(each, encode_rows(one, each.signature.inputs)) for each in models])
    size = model_bytes(model.folder)
    if settings.max_latency_ms is not None:
        ok, found = times[0] <= settings.max_latency_ms, f"{times[0]:.2f} ms for one row"
        yield Guard("latency", "block", ok, f"{found}; {settings.max_latency_ms:g} ms are allowed")
    if settings.max_size_mb is not None:
        ok, found = size <= settings.max_size_mb * 1e6, f"{size / 1e6:.1f} MB"
        yield Guard("size", "block", ok, f"{found}; {settings.max_size_mb:g} MB are allowed")
    if champion is not None:
        ratio = times[0] / times[1]
        text = f"{times[0]:.2f} ms for one row, {ratio:.1f} times the champion's"
        yield Guard("latency", "warn", ratio <= settings.max_latency_ratio, text)
        growth = size / max(model_bytes(champion.folder), 1)
        text = f"{size / 1e6:.1f} MB, {growth:.1f} times the champion's"
        yield Guard("size", "warn", growth <= settings.max_size_ratio, text)


def _times(models: list[tuple[Model, Inputs]]) -> list[float]:
    """Median milliseconds of one answer, the models by turns so that both have the same weather."""
    found: list[list[float]] = [[] for _ in models]
    for _ in range(REPEATS):
        for place, (model, one) in enumerate(models):
            start = time.perf_counter()
            model.predict(one)
            found[place].append(time.perf_counter() - start)
    return [1000 * median(times) for times in found]


def model_bytes(folder: Path) -> int:
    """Size of the model's own file."""
    return sum(path.stat().st_size for path in folder.glob("model.*"))
