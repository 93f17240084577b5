"""From accepted rows to the reference that later ones are compared with."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..contract import Column, Contract
from .clusters import block_days, blocks, intraclass
from .dependence import dependence
from .leak import leaks
from .measure import Measure, measure
from .numbers import as_numbers, share
from .reference import LEVELS, ColumnReference, Reference, is_number, is_words, kind_of
from .sketch import HASH
from .words import FORMS, shapes

ATOM = 0.002
MOST_ATOMS = 30
MOST_LEVELS = 500
HASHES = 2_000
EPOCHS = ("0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01", "9999-12-31")


def summarize(seen: Measure, contract: Contract) -> Reference:
    """The reference that this measure of accepted rows gives; personal columns stay out."""
    plain = seen.sketch.table()
    table = relative(plain, contract)
    entries = {n: c for n, c in contract.columns.items() if n in table.columns and not c.personal}
    weekdays, a_day = cadence(seen)
    length = block_days(list(seen.days))
    groups = blocks(table[contract.time_column], length) if length else None  # ty: ignore[invalid-argument-type]
    return Reference(
        rows=seen.rows,
        columns={
            name: column_reference(table[name], plain[name], seen, column, groups)
            for name, column in entries.items()
        },
        dependence=dependence(table, contract, groups),
        leaks=[name for name, _ in leaks(table, contract)],
        block=length,
        copied=round(seen.sketch.copied, 6),
        weekdays=weekdays,
        rows_a_day=a_day,
        polars=pl.__version__,
        hashes=seen.sketch.rows[HASH].head(HASHES).to_list(),
    )


def build_reference(table: pl.LazyFrame, contract: Contract) -> Reference:
    """The reference of a table that is accepted as it is."""
    return summarize(measure(table, contract, date.max), contract)


def relative(table: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Other dates as days before or after the row's own time: they move with it."""
    clock = contract.time_column
    moving = [
        pl.col(name).cast(pl.Datetime("us")) - pl.col(str(clock)).cast(pl.Datetime("us"))
        for name, column in contract.columns.items()
        if name in table.columns and name != clock and column.type in ("date", "datetime")
    ]
    if clock not in table.columns:
        return table
    return table.with_columns(one.dt.total_milliseconds() / 8.64e7 for one in moving)


def column_reference(
    values: pl.Series,
    plain: pl.Series,
    seen: Measure,
    column: Column,
    groups: NDArray | None = None,
) -> ColumnReference:
    """One column's part of the reference, from the sampled rows; `plain` holds dates as dates."""
    there = values.drop_nulls()
    common = _common(values, there, seen, column, groups)
    if not len(there) or column.role in ("time", "constant"):
        return ColumnReference(**common)
    words = there.cast(pl.String)
    if is_number(column):
        numbers = as_numbers(there)
        told: dict[str, Any] = {"atoms": frequent(numbers), "decimals": decimals(numbers)}
        if plain.dtype.is_temporal():
            told["forms"] = epoch_shares(plain)
        return ColumnReference(**common, **told, quantiles=quantiles(numbers))
    if is_words(column):
        return ColumnReference(
            **common,
            quantiles=quantiles(words.str.len_chars().to_numpy()),
            levels=shares(words, MOST_ATOMS, ATOM),
            forms=form_shares(words),
            shapes=shares(shapes(words), 20, 0.001),
        )
    levels = shares(words, MOST_LEVELS, 0.0)
    return ColumnReference(**common, levels=levels, unseen=unseen_share(levels, len(words)))


def unseen_share(levels: dict[str, float], rows: int) -> float:
    """How many values of another table are not among these levels.

    Those that were left out, and about as many again as were seen but a few times (Good, 1953).
    """
    rare = sum(share for share in levels.values() if share * rows < 3.5)
    return round(min(1.0, max(0.0, 1 - sum(levels.values())) + rare), 6)


def _common(
    values: pl.Series, there: pl.Series, seen: Measure, column: Column, groups: NDArray | None
) -> dict[str, Any]:
    return {
        "arrives": kind_of(seen.schema.get(values.name, values.dtype)),
        "rows": len(there),
        "rho": round(_rho(values, column, groups), 6) if groups is not None else 0.0,
        "nulls": round(1 - len(there) / len(values), 6) if len(values) else 0.0,
        "distinct": there.n_unique(),
    }


def epoch_shares(values: pl.Series) -> dict[str, float]:
    """How large a share of some dates is one that programs write where they know none."""
    days = values.cast(pl.Date).drop_nulls()
    found = {day: share(days == date.fromisoformat(day)) for day in EPOCHS}
    return {day: round(part, 6) for day, part in found.items() if part}


def quantiles(numbers: NDArray) -> list[float]:
    """The reference's quantiles of numbers of shape (n,)."""
    return [float(q) for q in np.quantile(numbers, LEVELS, method="inverted_cdf")]


def _rho(values: pl.Series, column: Column, groups: NDArray) -> float:
    """The intraclass correlation of numbers, or of the most frequent word."""
    if is_number(column):
        return intraclass(as_numbers(values), groups)
    words = values.cast(pl.String)
    usual = words.drop_nulls().mode().sort()
    if is_words(column) or not len(usual):
        return 0.0
    return intraclass(
        (words == usual[0]).cast(pl.Float64).fill_null(float("nan")).to_numpy(), groups
    )


def frequent(numbers: NDArray) -> dict[str, float]:
    """The most frequent single values with their shares."""
    values, counts = np.unique(numbers, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_ATOMS]
    kept = [n for n in order if counts[n] >= max(ATOM * len(numbers), 2)]
    return {repr(float(values[n])): round(counts[n] / len(numbers), 6) for n in kept}


def decimals(numbers: NDArray) -> list[float]:
    """Shares of the values that need 0, 1, … 5 or more decimals."""
    left, found = np.abs(numbers[np.isfinite(numbers)]), []
    total = max(1, len(left))
    for digits in range(5):
        scaled = left * 10**digits
        whole = np.abs(scaled - np.round(scaled)) <= 1e-9 * np.maximum(scaled, 1) + 1e-7
        found.append(round(float(whole.sum()) / total, 6))
        left = left[~whole]
    return [*found, round(len(left) / total, 6)]


def shares(words: pl.Series, most: int, least: float) -> dict[str, float]:
    """The most frequent words with their shares, the most frequent first."""
    counted = (
        words.alias("word").value_counts(sort=False).sort("count", "word", descending=[True, False])
    )
    total = max(1, len(words))
    return {w: round(n / total, 6) for w, n in counted.head(most).iter_rows() if n >= least * total}


def form_shares(words: pl.Series) -> dict[str, float]:
    """How large a share of the words has each of the telling forms."""
    return {form: round(share(words.str.contains(p)), 6) for form, p in FORMS.items()}


def cadence(seen: Measure) -> tuple[list[float], float]:
    """For each weekday the share of its dates that have rows, and the rows of a usual day."""
    if not seen.days:
        return [], 0.0
    first, last = min(seen.days).toordinal(), max(seen.days).toordinal()
    there = {day.toordinal() for day in seen.days}
    if last - first < 13 or last - first > 20_000:
        return [], 0.0
    found = []
    for weekday in range(7):  # ordinal 1 was a Monday
        dates = [day for day in range(first, last + 1) if (day - 1) % 7 == weekday]
        found.append(round(sum(day in there for day in dates) / len(dates), 4))
    return found, float(np.median(list(seen.days.values())))
