"""A raw column in the contract's type: a value that does not fit becomes null."""

import re

import polars as pl

from ..contract import Column, Type

TRUE, FALSE = ("true", "1", "yes", "y", "t"), ("false", "0", "no", "n", "f")
SPACES = r"[\s\u00a0\u202f]"
CLOCK = "%Y-%m-%d %H:%M:%S%.f%:z"

POLARS: dict[Type, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us", "UTC"),
}


def as_raw(name: str, found: pl.DataType, column: Column) -> pl.Expr:
    """The column as it came, without the words that stand for a missing value."""
    if not column.missing or not _text(found):
        return pl.col(name)
    words = pl.Series([word.strip() for word in column.missing])
    raw = pl.col(name).cast(pl.String)
    return pl.when(~raw.str.strip_chars().is_in(words.implode())).then(raw)


def _text(found: pl.DataType) -> bool:
    return isinstance(found, (pl.String, pl.Categorical, pl.Enum))


def typed(name: str, found: pl.DataType, column: Column) -> pl.Expr:
    """The column of a table where it has the type `found`, in the contract's type."""
    raw, text = as_raw(name, found, column), _text(found)
    if found.is_nested() or found in (pl.Binary, pl.Object):
        return pl.lit(None, dtype=POLARS[column.type])
    if text and column.type != "text":
        raw = raw.cast(pl.String).str.strip_chars()
    match column.type:
        case "integer" | "number":
            number = _number(raw, column) if text else raw.cast(pl.Float64, strict=False)
            if column.type == "number":
                return pl.when(number.is_finite()).then(number)
            whole = pl.when(number == number.round()).then(number).cast(pl.Int64, strict=False)
            exact = raw.cast(pl.Int64, strict=False)
            if text:
                return pl.coalesce(exact, whole) if column.format is None else whole
            return exact if found.is_integer() else whole
        case "text":
            return raw.cast(pl.String, strict=False)
        case "boolean":
            return _boolean(raw, found, column.format)
        case "date" | "datetime":
            moment = _moment(raw, column) if text else _native(raw, found)
            return moment.cast(POLARS[column.type])


def _number(raw: pl.Expr, column: Column) -> pl.Expr:
    """Text as numbers, written like the column's example: 1.234,5 or $1,234.5 or 12 %."""
    example = column.format
    if example is None:
        return raw.cast(pl.Float64, strict=False)
    before, digits, after = split_example(example)
    if column.type == "integer" and re.fullmatch(r"\d{1,3}[.,]\d{3}", digits):
        digits += ".0" if "," in digits else ",0"  # a whole number has no decimal mark
    point, group = marks(digits)
    if before:
        raw = raw.str.replace(rf"^(-?){re.escape(before.strip())}\s*", "${1}")
    if after:
        raw = raw.str.replace(rf"\s*{re.escape(after.strip())}$", "")
    grouped = rf"\d{{1,3}}(?:{group}\d{{3}})+|" if group else ""
    whole = rf"^[-+]?(?:{grouped}\d+)(?:{re.escape(point)}\d+)?(?:[eE][-+]?\d+)?$"
    plain = raw.str.replace_all(group, "") if group else raw
    plain = plain.str.replace(point, ".", literal=True) if point != "." else plain
    return pl.when(raw.str.contains(whole)).then(plain).cast(pl.Float64, strict=False)


def split_example(example: str) -> tuple[str, str, str]:
    """What stands before a written number, the number, and what stands after it."""
    found = re.fullmatch(r"([^\d+-]*)([-+]?\d(?:.*\d)?)(\D*)", example)
    return (found[1], found[2], found[3]) if found else ("", "0", "")


def marks(digits: str) -> tuple[str, str]:
    """Decimal mark, and the pattern of the mark between thousands ("" for none)."""
    found = re.fullmatch(r"[-+]?\d+(?:([^\d])\d{3})*?(?:([.,])\d+)?", digits)
    group, point = (found[1], found[2]) if found else (None, None)
    pattern = "" if group is None else (SPACES if group.isspace() else re.escape(group))
    return point or ("," if group == "." else "."), pattern


def _boolean(raw: pl.Expr, found: pl.DataType, words: str | None) -> pl.Expr:
    if found == pl.Boolean:
        return raw
    if found.is_numeric():
        return pl.when(raw == 1).then(pl.lit(True)).when(raw == 0).then(pl.lit(False))
    true, false = ((w.strip().lower(),) for w in words.split("/")) if words else (TRUE, FALSE)
    known = {**dict.fromkeys(true, True), **dict.fromkeys(false, False)}
    lower = raw.cast(pl.String, strict=False).str.to_lowercase()
    return lower.replace_strict(known, default=None, return_dtype=pl.Boolean)


def _moment(raw: pl.Expr, column: Column) -> pl.Expr:
    """Text as dates or moments in UTC: as `format` says, else ISO 8601 with or without offset."""
    if column.format is not None:
        if column.type == "date":
            return raw.str.to_date(column.format, strict=False)
        if "%z" in column.format:
            return raw.str.to_datetime(column.format, strict=False, time_unit="us")
        moment = raw.str.to_datetime(column.format, strict=False, time_unit="us")
        return moment.dt.replace_time_zone("UTC")
    if column.type == "date":
        day = raw.str.replace(r"[T ]00:00(:00(\.0+)?)?(Z|\+00:00)?$", "")
        return day.str.to_date("%Y-%m-%d", strict=False)
    spaced = raw.str.replace("T", " ", literal=True).str.replace(r"Z$", "+00:00")
    spaced = spaced.str.replace(r"^(\d{4}-\d\d-\d\d)$", "${1} 00:00:00")
    spaced = spaced.str.replace(r"( \d\d:\d\d)($|[+-])", "${1}:00${2}")
    offset = spaced.str.replace(r"([+-]\d\d):?(\d\d)?$", "${1}:${2}").str.replace(r":$", ":00")
    zoned = pl.when(spaced.str.contains(r":\d\d(\.\d+)? ?[+-]\d\d(:?\d\d)?$")).then(offset)
    known = zoned.otherwise(spaced + "+00:00")
    return known.str.to_datetime(CLOCK, strict=False, time_unit="us", time_zone="UTC")


def _native(raw: pl.Expr, found: pl.DataType) -> pl.Expr:
    """Dates that the file brought; a number is no date, whatever it was meant to count from."""
    if isinstance(found, pl.Datetime) and found.time_zone:
        return raw.dt.convert_time_zone("UTC")
    if isinstance(found, pl.Datetime):
        return raw.dt.replace_time_zone("UTC")
    if found == pl.Date:
        return raw.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return pl.lit(None, dtype=POLARS["datetime"])
