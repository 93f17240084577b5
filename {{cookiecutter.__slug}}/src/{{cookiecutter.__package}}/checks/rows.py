"""Rules that each row keeps or breaks by itself, counted piece by piece: no table is too long."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ..contract import Column, Contract, Rule
from .findings import Finding, finding
from .typed import as_raw, typed

SHOWN = 3


@dataclass(frozen=True)
class RowRule:
    """`bad` marks the rows that break a rule; up to `share` of the rows may."""

    column: str
    rule: Rule
    bad: pl.Expr
    message: str
    share: float = 0.0


@dataclass(frozen=True)
class Broken:
    """How many rows of a piece break one rule, and the first of them with their values."""

    rows: int = 0
    first: tuple[tuple[int, Any], ...] = ()

    def __add__(self, later: "Broken") -> "Broken":
        """The two pieces as one."""
        return Broken(self.rows + later.rows, (self.first + later.first)[:SHOWN])


def row_rules(schema: Mapping[str, pl.DataType], contract: Contract, today: date) -> list[RowRule]:
    """The rules that these columns' entries ask for; typed columns are named by `as_typed`."""
    there = {name: column for name, column in contract.columns.items() if name in schema}
    rules = [
        rule
        for name, column in there.items()
        for rule in _column_rules(name, as_raw(name, schema[name], column), column, contract, today)
    ]
    for first, then in contract.order:
        if first in there and then in there:
            bad = pl.col(as_typed(first)) > pl.col(as_typed(then))
            rules.append(RowRule(first, "order", bad, f"later or larger than {then}"))
    return rules


def as_typed(name: str) -> str:
    """Where a piece holds the column in the contract's type, beside the raw one."""
    return f"\0typed {name}"


def typed_columns(schema: Mapping[str, pl.DataType], contract: Contract) -> list[pl.Expr]:
    """Every column of the contract that is there, in the contract's type."""
    return [
        typed(name, schema[name], column).alias(as_typed(name))
        for name, column in contract.columns.items()
        if name in schema
    ]


def _column_rules(
    name: str, raw: pl.Expr, column: Column, contract: Contract, today: date
) -> Iterator[RowRule]:
    value = pl.col(as_typed(name))
    unfit = value.is_null() & raw.is_not_null()
    missing = value.is_null()
    if column.type in ("integer", "number"):  # NaN is missing, not of another type
        unfit &= ~raw.cast(pl.Float64, strict=False).is_nan().fill_null(value=False)
    yield RowRule(name, "type", unfit, f"not {_wanted(column)}")
    yield RowRule(name, "nulls", missing & ~unfit, "missing", column.nulls)
    if column.range:
        low, high = column.range
        yield RowRule(name, "range", ~value.is_between(low, high), f"outside {low:g} to {high:g}")
    if column.values is not None:
        known = pl.Series(
            [str(v).lower() if isinstance(v, bool) else str(v) for v in column.values]
        )
        unseen = ~value.cast(pl.String).is_in(known.implode())
        message = f"not among the {len(known)} known"
        yield RowRule(name, "values", unseen, message, column.unseen_max)
    if column.shape is not None:
        bad = ~value.cast(pl.String).str.contains(f"^(?:{column.shape})$")
        yield RowRule(name, "shape", bad, f"not of the shape {column.shape}")
    if column.role == "time" and not contract.time.future:
        yield RowRule(name, "future", value.cast(pl.Date) > today, f"later than {today}")


def _wanted(column: Column) -> str:
    return f"{column.type} like {column.format}" if column.format else column.type


def count(piece: pl.DataFrame, rules: list[RowRule], offset: int) -> list[Broken]:
    """Count the rows of a piece that break each rule; `offset` rows came before it."""
    bad = [rule.bad.fill_null(value=False).alias(str(n)) for n, rule in enumerate(rules)]
    if not bad or piece.is_empty():
        return [Broken() for _ in rules]
    counts = piece.select(expression.sum() for expression in bad).row(0)
    return [
        _examples(piece, rule, int(n), offset) if n else Broken()
        for rule, n in zip(rules, counts, strict=True)
    ]


def _examples(piece: pl.DataFrame, rule: RowRule, rows: int, offset: int) -> Broken:
    bad = rule.bad.fill_null(value=False)
    places = piece.select(pl.arg_where(bad).head(SHOWN)).to_series().to_list()
    values = piece[rule.column][places].to_list()
    return Broken(rows, tuple((offset + p, v) for p, v in zip(places, values, strict=True)))


def row_findings(
    contract: Contract, rules: Iterable[RowRule], broken: Iterable[Broken], rows: int
) -> Iterator[Finding]:
    """A finding for each rule that more rows break than may."""
    for rule, found in zip(rules, broken, strict=True):
        if found.rows > rule.share * rows:
            allowed = f", {rule.share:.1%} allowed" if rule.share else ""
            share = f"({found.rows / rows:.1%}{allowed})"
            message = f"{found.rows} of {rows} rows {rule.message} {share}"
            shown = examples(contract, rule.column, found)
            yield finding(contract, rule.column, rule.rule, message, shown)


def examples(contract: Contract, column: str, found: Broken) -> tuple[str, ...]:
    """The first broken rows as text; of a personal column, their places alone."""
    entry = contract.columns.get(column)
    hidden = entry is not None and bool(entry.personal)
    return tuple(f"row {p + 1}" if hidden else f"row {p + 1}: {_short(v)}" for p, v in found.first)


def _short(value: object) -> str:
    text = repr(value) if not hasattr(value, "isoformat") else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
