"""Which columns a model leans on, and which of them have changed since training."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..evidence import Importance, Shift
from ..metrics.compare import measure
from ..metrics.errors import Z
from ..metrics.scored import Dependence, Scored
from ..store.encode import Input, Inputs, encode_rows
from ..store.model import Model

CELLS = 30_000
ROWS = (200, 2_000)
MOST = 40
SHOWN = 10
SEED = 20_260_601
BINS = 20


def importances(
    scored: Scored, models: dict[str, Model], holdout: pl.DataFrame, order: Sequence[str]
) -> list[Importance]:
    """Permutation importance (Breiman 2001): what the score loses when a column is shuffled.

    Measured on some of the holdout rows, the largest first; `models` are challenger and champion.
    """
    model, champion = models["challenger"], models.get("champion")
    columns = model.signature.inputs[:MOST]
    count = int(np.clip(CELLS // max(len(columns), 1), *ROWS))
    rows = _spread(len(scored.answers), count)
    part, asked = scored.of(rows), holdout[rows]
    inputs = {name: encode_rows(asked, one.signature.inputs) for name, one in models.items()}
    found = []
    for column in columns:
        value, error = _drop(part, model, inputs["challenger"], column)
        before = None
        if champion:
            known = [one for one in champion.signature.inputs if one.name == column.name]
            before = _drop(part, champion, inputs["champion"], known[0])[0] if known else None
        reach = Z * error
        found.append(Importance(column.name, value, value - reach, value + reach, before))
    found.sort(key=lambda one: (-one.value, order.index(one.column)))
    return found[:SHOWN]


def _spread(rows: int, count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, rows - 1, min(rows, count)).astype(np.int64))


def _drop(part: Scored, model: Model, inputs: Inputs, column: Input) -> tuple[float, float]:
    """Score as it is minus score with the column shuffled, and its standard error."""
    mixed = np.random.default_rng(SEED).permutation(len(part.answers))
    shuffled = {**inputs, **{name: inputs[name][mixed] for name in column.encoded}}
    predictions = {"as it is": model.predict(inputs), "shuffled": model.predict(shuffled)}
    table = Scored(
        part.task, part.metric, part.answers, predictions, part.threshold, part.dependence
    )
    if part.custom is not None:  # redrawing forty times is too slow
        metric = "mae" if part.task == "regression" else "log_loss"
        table = Scored(part.task, metric, part.answers, predictions, dependence=Dependence())
    spread = measure(table)
    value = spread.values["as it is"] - spread.values["shuffled"]
    return value, spread.error({"as it is": 1.0, "shuffled": -1.0})


def shifts(training: pl.DataFrame, holdout: pl.DataFrame, names: Sequence[str]) -> list[Shift]:
    """The five columns whose holdout differs most from the training rows."""
    found = [Shift(n, _distance(training[n], holdout[n])) for n in names if n in holdout.columns]
    return sorted(found, key=lambda one: -one.distance)[:5]


def _distance(before: pl.Series, now: pl.Series) -> float:
    """Total variation distance of words, or of numbers in twenty parts of equal size; 0 to 1."""
    if before.dtype.is_numeric() or before.dtype.is_temporal():
        known = before.drop_nulls().to_physical().cast(pl.Float64)
        cuts = (
            np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else []
        )
        before, now = (_binned(values, np.asarray(cuts)) for values in (before, now))
    counts = [dict(_shares(values)) for values in (before, now)]
    words = {*counts[0], *counts[1]}
    return sum(abs(counts[0].get(w, 0.0) - counts[1].get(w, 0.0)) for w in words) / 2


def _binned(values: pl.Series, cuts: NDArray) -> pl.Series:
    numbers = values.to_physical().cast(pl.Float64)
    places = np.searchsorted(cuts, numbers.fill_null(float("nan")).to_numpy(), side="right")
    return pl.Series(places).set(numbers.is_null(), -1)


def _shares(values: pl.Series) -> Iterator[tuple[object, float]]:
    table = values.rename("value").value_counts()
    for word, count in zip(table["value"].to_list(), table["count"].to_list(), strict=True):
        yield word, count / max(len(values), 1)
