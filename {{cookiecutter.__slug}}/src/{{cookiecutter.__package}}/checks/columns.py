"""Every column of a batch beside its own past, and beside the target."""

from collections.abc import Iterator, Sequence

import polars as pl

from ..contract import Column, Contract, Rule
from .clusters import BLOCKS, effective, spread
from .compare import Difference, compare_nulls
from .compare_numbers import compare_epochs, compare_numbers
from .compare_words import MEANT, compare_levels, compare_words
from .findings import Finding, finding
from .leak import leaks
from .measure import Measure
from .reference import ColumnReference, Reference, is_number, is_words
from .summarize import relative


def column_findings(
    table: pl.DataFrame,
    contract: Contract,
    reference: Reference | None,
    broken: Sequence[Finding],
    seen: Measure,
) -> Iterator[Finding]:
    """Findings beside the reference; what a rule of rows has found already is not said twice."""
    moved = relative(table, contract)
    stretches = spread(list(seen.days), reference.block if reference else 0.0)
    said = {(one.column, one.rule) for one in broken}
    typeless = {one.column for one in broken if one.rule == "type"}
    for name, known in (reference.columns if reference else {}).items():
        if name in contract.columns and name in seen.schema and name not in typeless:
            entry = contract.columns[name]
            for rule, message in _differences(moved[name], table[name], entry, known, stretches):
                if (name, rule) not in said or MEANT in message:
                    said.add((name, rule))
                    yield finding(contract, name, rule, message)
    yield from _empty(table, contract, said)
    for name, told in leaks(table, contract):
        if reference is None or name not in reference.leaks:
            message = f"tells {contract.target} all by itself ({told:.3f} of 1): known too early?"
            yield finding(contract, name, "leak", message)


def _differences(
    values: pl.Series,
    plain: pl.Series,
    column: Column,
    known: ColumnReference,
    stretches: float,
) -> Iterator[Difference]:
    rows = effective(len(values), stretches, known.rho)
    known = known.model_copy(update={"rows": effective(known.rows, BLOCKS, known.rho)})
    nulls = values.null_count() / len(values) if len(values) else 0.0
    yield from compare_nulls(nulls, known, rows)
    there = values.drop_nulls()
    rows = max(1, int(rows * (1 - nulls)))
    if is_number(column):
        dates = plain.dtype.is_temporal()
        yield from compare_epochs(plain, known, rows) if dates else ()
        yield from compare_numbers(there, known, rows, dates=dates)
    else:
        yield from (compare_words if is_words(column) else compare_levels)(there, known, rows)


def _empty(
    table: pl.DataFrame, contract: Contract, said: set[tuple[str, Rule]]
) -> Iterator[Finding]:
    """Inputs without a single value."""
    for name in contract.inputs:
        empty = name in table.columns and 0 < len(table) == table[name].null_count()
        if empty and not {(name, "nulls"), (name, "type")} & said:
            yield finding(contract, name, "constant", "every value is missing")
