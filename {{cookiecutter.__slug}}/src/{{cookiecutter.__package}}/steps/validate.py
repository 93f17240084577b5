"""Is this batch what the contract says? All findings of one pass, before anything is trained."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ..checks.columns import column_findings
from ..checks.findings import TABLE, Finding, finding
from ..checks.measure import Measure, measure
from ..checks.reference import Reference
from ..checks.rows import Broken, examples, row_findings
from ..checks.structure import structure
from ..checks.together import compare_together
from ..checks.typed import typed
from ..contract import Contract


@dataclass(frozen=True)
class Validation:
    """The rows in the contract's types, and every finding."""

    rows: pl.LazyFrame
    findings: tuple[Finding, ...]
    seen: Measure

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Findings that stop a training."""
        return tuple(finding for finding in self.findings if finding.severity == "fail")


def validate(
    table: pl.LazyFrame,
    contract: Contract,
    today: date,
    *,
    labelled: bool = True,
    reference: Reference | None = None,
    fresh: bool = False,
    seen: Measure | None = None,
) -> Validation:
    """Check raw rows against the contract, and beside the reference where there is one.

    Without labels the target may be absent and few rows are no fault. Rows that are said to be
    fresh must not be those that the reference was made of. What was `seen` of the table elsewhere,
    in parts, is not looked at again.
    """
    seen = seen or measure(table, contract, today)
    found = list(judge(seen, contract, today, labelled=labelled, reference=reference, fresh=fresh))
    found = [_with_values(one, table, contract) for one in found]
    return Validation(typed_rows(table, contract), tuple(found), seen)


def validate_parts(
    parts: Sequence[pl.LazyFrame], contract: Contract, today: date, **how: object
) -> tuple[Finding, ...]:
    """Check a table that comes in parts, one by one: the verdict is that of the whole."""
    seen = measure(parts[0], contract, today)
    for part in parts[1:]:
        seen.take(measure(part, contract, today))
    return tuple(judge(seen, contract, today, **how))  # ty: ignore[invalid-argument-type]


def typed_rows(table: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """The contract's columns in the contract's types."""
    there = table.collect_schema()
    entries = {name: entry for name, entry in contract.columns.items() if name in there}
    return table.select(typed(n, there[n], entry).alias(n) for n, entry in entries.items())


def judge(
    seen: Measure,
    contract: Contract,
    today: date,
    *,
    labelled: bool = True,
    reference: Reference | None = None,
    fresh: bool = False,
) -> Iterator[Finding]:
    """Every finding that a measured table gives."""
    table = seen.sketch.table()
    yield from structure(seen.schema, table, contract, reference, labelled=labelled)
    if labelled and seen.rows < contract.rows.min:
        message = f"{seen.rows} rows, at least {contract.rows.min} are needed"
        yield finding(contract, TABLE, "rows", message)
    if not seen.rows:
        return
    broken = list(row_findings(contract, seen.rules, seen.broken, seen.rows))
    yield from broken
    yield from _unique(seen, contract)
    yield from _stale(seen, contract, today)
    yield from column_findings(table, contract, reference, broken, seen)
    if reference is not None:
        yield from compare_together(seen, table, contract, reference, fresh=fresh)


def _unique(seen: Measure, contract: Contract) -> Iterator[Finding]:
    for name, keys in seen.keys.items():
        count, first = keys.duplicated(3)
        if count:
            message = f"{count} of {seen.rows} rows not unique ({count / seen.rows:.1%})"
            places = Broken(count, tuple((row, None) for row in first))
            shown = tuple(text.split(":")[0] for text in examples(contract, name, places))
            yield finding(contract, name, "unique", message, shown)


def _with_values(found: Finding, table: pl.LazyFrame, contract: Contract) -> Finding:
    """The values of rows that were found by number alone."""
    if found.rule != "unique" or contract.columns[found.column].personal:
        return found
    rows = [int(text.removeprefix("row ")) - 1 for text in found.examples]
    column = table.select(found.column)
    values = [column.slice(row, 1).collect().item() for row in rows]
    shown = examples(contract, found.column, Broken(0, tuple(zip(rows, values, strict=True))))
    return Finding(found.column, found.rule, found.severity, found.message, shown)


def _stale(seen: Measure, contract: Contract, today: date) -> Iterator[Finding]:
    clock, oldest = contract.time_column, contract.time.max_age_days
    if clock and oldest is not None and seen.days and (today - max(seen.days)).days > oldest:
        message = f"newest row is of {max(seen.days)}, more than {oldest} days before {today}"
        yield finding(contract, clock, "stale", message)
