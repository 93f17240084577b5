"""Is this batch what the contract says? All findings of one pass, before anything is trained."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from ..contract import Column, Contract, Severity

Value = str | int | bool
WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True)
class Finding:
    """One broken rule: how many rows break it, and the first three of them."""

    column: str
    rule: str
    severity: Severity
    message: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Validation:
    """The rows in the contract's types, and every finding."""

    rows: pl.LazyFrame
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        """Findings that stop a training."""
        return tuple(finding for finding in self.findings if finding.severity == "fail")


@dataclass(frozen=True)
class _Rule:
    """`bad` marks the rows that break a rule; up to `share` of the rows may."""

    column: str
    name: str
    bad: pl.Expr
    share: float
    severity: Severity
    message: str


def validate(
    table: pl.LazyFrame, contract: Contract, today: date, *, labelled: bool = True
) -> Validation:
    """Check raw rows against the contract; without labels the target may be absent."""
    present = table.collect_schema()
    optional = () if labelled else (contract.target,)
    findings = [
        Finding(name, "missing", "fail", "the column is not there")
        for name in contract.columns
        if name not in present and name not in optional
    ]
    findings += [
        Finding(name, "extra", "warn", "not in the contract, so it is not used")
        for name in present
        if name not in contract.columns
    ]
    columns = {name: rule for name, rule in contract.columns.items() if name in present}
    typed = {name: _typed(name, present[name], column) for name, column in columns.items()}
    rules = [
        rule
        for name, column in columns.items()
        for rule in _rules(name, column, typed[name], contract, today)
    ]
    findings += _apply(table, rules, contract, typed, today)
    return Validation(table.select(typed[name].alias(name) for name in typed), tuple(findings))


def _typed(name: str, found: pl.DataType, column: Column) -> pl.Expr:
    """The column in the contract's type; a value that does not fit becomes null."""
    raw = pl.col(name)
    text = isinstance(found, pl.String)
    match column.type:
        case "integer":
            number = raw.cast(pl.Float64, strict=False)
            whole = pl.when(number == number.round()).then(number).cast(pl.Int64, strict=False)
            return pl.coalesce(raw.cast(pl.Int64, strict=False), whole) if text else whole
        case "number":
            number = raw.cast(pl.Float64, strict=False)
            return pl.when(number.is_finite()).then(number)
        case "text":
            return raw.cast(pl.String, strict=False)
        case "boolean":
            lower = raw.cast(pl.String, strict=False).str.to_lowercase()
            return lower.replace_strict(WORDS, default=None, return_dtype=pl.Boolean)
        case "date":
            return (
                raw.str.to_date("%Y-%m-%d", strict=False)
                if text
                else raw.cast(pl.Date, strict=False)
            )
        case "datetime":
            return (
                raw.str.to_datetime(strict=False, time_zone="UTC")
                if text
                else raw.cast(pl.Datetime)
            )


def _rules(
    name: str, column: Column, typed: pl.Expr, contract: Contract, today: date
) -> Iterator[_Rule]:
    """The rules that this column's entry asks for."""

    def rule(kind: str, bad: pl.Expr, message: str, share: float = 0.0) -> _Rule:
        return _Rule(name, kind, bad.fill_null(value=False), share, column.severity, message)

    raw = pl.col(name)
    unfit = typed.is_null() & raw.is_not_null()
    if column.type in ("integer", "number"):  # NaN is missing, not of another type
        unfit &= ~raw.cast(pl.Float64, strict=False).is_nan().fill_null(value=False)
    yield rule("type", unfit, f"not {column.type}")
    yield rule("nulls", typed.is_null() & ~unfit, "missing", column.nulls)
    if column.range:
        low, high = column.range
        yield rule("range", ~typed.is_between(low, high), f"outside {low:g} to {high:g}")
    if column.values is not None:
        known = pl.Series([_word(value) for value in column.values])
        unseen = ~typed.cast(pl.String).is_in(known.implode())
        yield rule("values", unseen, f"not among the {len(known)} known", column.unseen_max)
    if column.unique:
        yield rule("unique", typed.is_duplicated() & typed.is_not_null(), "not unique")
    if column.role == "time" and not contract.time.future:
        yield rule("future", typed.cast(pl.Date) > today, f"later than {today}")


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _apply(
    table: pl.LazyFrame,
    rules: list[_Rule],
    contract: Contract,
    typed: dict[str, pl.Expr],
    today: date,
) -> Iterator[Finding]:
    """Run every rule in one pass over the table."""
    wanted = [pl.len().alias("rows")]
    for n, rule in enumerate(rules):
        wanted.append(rule.bad.sum().alias(f"{n} bad"))
        wanted.append(pl.int_range(pl.len()).filter(rule.bad).head(3).implode().alias(f"{n} row"))
        wanted.append(pl.col(rule.column).filter(rule.bad).head(3).implode().alias(f"{n} value"))
    clock = contract.time_column
    if clock in typed:
        wanted.append(typed[clock].cast(pl.Date).max().alias("newest"))
    seen = table.select(wanted).collect(engine="streaming").row(0, named=True)
    if seen["rows"] < contract.rows.min:
        message = f"{seen['rows']} rows, at least {contract.rows.min} are needed"
        yield Finding("(table)", "rows", "fail", message)
    for n, rule in enumerate(rules):
        if seen[f"{n} bad"] > rule.share * seen["rows"]:
            places, values = seen[f"{n} row"], seen[f"{n} value"]
            yield _finding(rule, seen[f"{n} bad"], seen["rows"], places, values)
    oldest = contract.time.max_age_days
    if oldest is not None and seen.get("newest") and (today - seen["newest"]).days > oldest:
        message = f"newest row is of {seen['newest']}, more than {oldest} days before {today}"
        yield Finding(str(clock), "stale", "fail", message)


def _finding(rule: _Rule, bad: int, rows: int, places: list[int], values: list[object]) -> Finding:
    allowed = f", {rule.share:.1%} allowed" if rule.share else ""
    message = f"{bad} of {rows} rows {rule.message} ({bad / rows:.1%}{allowed})"
    examples = tuple(
        f"row {place + 1}: {value!r}" for place, value in zip(places, values, strict=True)
    )
    return Finding(rule.column, rule.name, rule.severity, message, examples)
