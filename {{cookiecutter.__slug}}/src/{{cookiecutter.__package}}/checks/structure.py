"""Which columns came: missing, extra, forbidden, personal, protected."""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

import polars as pl

from ..contract import Contract
from .compare_numbers import compare_numbers
from .compare_words import compare_levels, compare_words
from .findings import Finding, finding
from .reference import Reference, is_number, is_words, kind_of
from .typed import typed
from .words import PERSONAL, PROTECTED, named_among, personal_pattern

ALIKE = 0.75


def structure(
    schema: Mapping[str, pl.DataType],
    table: pl.DataFrame,
    contract: Contract,
    reference: Reference | None,
    *,
    labelled: bool,
) -> Iterator[Finding]:
    """Findings about columns as such."""
    optional = () if labelled else (contract.target,)
    missing = [n for n in contract.columns if n not in schema and n not in optional]
    extra = [n for n in schema if n not in contract.columns and n not in contract.ignored]
    for name in missing:
        meant = _renamed(name, extra, table, contract, reference)
        hint = f"; {meant!r} may be it under another name" if meant else ""
        yield finding(contract, name, "missing", f"the column is not there{hint}")
    for name in extra:
        if name in contract.forbidden:
            yield finding(contract, name, "forbidden", "a column that must not be in the data")
        else:
            yield finding(contract, name, "extra", "not in the contract, so it is not used")
    yield from _arrivals(schema, contract, reference)
    yield from _hints(table, contract)


def _renamed(
    name: str,
    extra: list[str],
    table: pl.DataFrame,
    contract: Contract,
    reference: Reference | None,
) -> str | None:
    """The extra column that is most like the missing one: by name, else by its values."""
    likeness = {other: SequenceMatcher(None, plain(name), plain(other)).ratio() for other in extra}
    best = max(likeness, key=lambda other: likeness[other], default=None)
    if best is not None and likeness[best] >= ALIKE:
        return best
    known = reference.columns.get(name) if reference else None
    entry = contract.columns[name]
    if known is None or entry.personal:
        return None
    alike = [
        other
        for other in extra
        if other in table.columns and _fits(other, table, name, contract, reference)
    ]
    return alike[0] if len(alike) == 1 else None


def plain(name: str) -> str:
    """A name without case, spaces and marks."""
    return "".join(c for c in name.casefold() if c.isalnum())


def _fits(
    other: str, table: pl.DataFrame, name: str, contract: Contract, reference: Reference | None
) -> bool:
    """Whether the values of a column could be those of the missing one."""
    entry = contract.columns[name]
    values = table.select(typed(other, table.schema[other], entry).alias(name))[name]
    known = reference.columns[name] if reference else None
    if (
        known is None
        or values.null_count() > 0.5 * len(values)
        or not (known.quantiles or known.levels)
    ):
        return False
    if is_number(entry):
        return not compare_numbers(values.drop_nulls(), known, len(values), dates=False)
    return not list(
        (compare_words if is_words(entry) else compare_levels)(values, known, len(values))
    )


def _arrivals(
    schema: Mapping[str, pl.DataType], contract: Contract, reference: Reference | None
) -> Iterator[Finding]:
    """A column that used to arrive as a number or a time and now is text; a CSV is all text."""
    kinds = {name: kind_of(schema[name]) for name in contract.columns if name in schema}
    if reference is None or set(kinds.values()) == {"text"}:
        return
    for name, kind in kinds.items():
        before = reference.columns[name].arrives if name in reference.columns else ""
        if before not in ("", "text", kind) and kind == "text":
            message = f"arrives as text, before as {before}"
            yield Finding(name, "type", "warn", message)


def _hints(table: pl.DataFrame, contract: Contract) -> Iterator[Finding]:
    """Columns that look personal or protected, as long as the contract says nothing about it."""
    for name, column in contract.columns.items():
        if (
            column.sensitive is None
            and column.role in ("number", "category")
            and named_among(name, PROTECTED)
        ):
            message = "a protected attribute by its name: say `sensitive: true` or `false`"
            yield finding(contract, name, "protected", message)
        if column.personal is not None or column.role == "target" or name not in table.columns:
            continue
        kind = personal_pattern(table[name]) if table.schema[name] == pl.String else None
        if kind or (column.role in ("other", "text") and named_among(name, PERSONAL)):
            why = f"holds {kind}" if kind else "is personal by its name"
            yield finding(contract, name, "personal", f"{why}: say `personal: true` or `false`")
