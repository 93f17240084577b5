"""The type of a column from its values, and how they are written."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from ..checks.numbers import number, share
from ..checks.typed import typed
from ..checks.words import PERSONAL, named_among
from ..contract import Column, Type
from .choice import Notes

NUMBERS = ("1,234.5", "1.234,5", "1 234,5", "1'234.5", "1,5")
DATES = (
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y",
    "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y",
)  # fmt: skip
CLOCKS = (
    " %H:%M:%S",
    " %H:%M",
    "T%H:%M:%S",
    " %I:%M %p",
    " %H:%M:%S%.f",
    " %H:%M:%S %z",
    " %H:%M %z",
)
WORDS = (
    "ja/nein", "oui/non", "si/no", "sí/no", "sim/não", "wahr/falsch", "vrai/faux", "да/нет",
    "on/off", "tak/nie", "evet/hayır", "是/否", "はい/いいえ",
)  # fmt: skip
ENGLISH = ("true/false", "yes/no", "y/n", "t/f")  # of these a contract need not tell which is true
# fmt: off
NOTHING = frozenset((
    "n/a", "na", "#n/a", "n.a.", "null", "none", "nan", "nil", "unknown", "missing", "tbd",
    "-", "--", ".", "?", "??",
))
# fmt: on
PLAINLY_NOTHING = frozenset(("n/a", "#n/a", "null", "nan", "--", "?", "??"))
AFFIXED = (
    r"^((?:[$€£¥₹]|USD|EUR|GBP|CHF)?[ \u00a0]?)[-+]?(\d)[\d., '\u00a0\u202f]*?"
    r"([ \u00a0]?(?:[%$€£¥₹]|[A-Za-zµ°²³/]{1,6})?)$"
)
MOST_ODD = 20
DATED = r"date|day|time|dat|tag"
FIT = 0.95


class Guess(NamedTuple):
    """Type, how it is written, and the words that stand for a missing value."""

    type: Type
    format: str | None = None
    missing: tuple[str, ...] = ()

    def column(self) -> Column:
        """As an entry of a contract without any rule."""
        return Column(type=self.type, format=self.format, missing=list(self.missing))


def guess(values: pl.Series, notes: Notes) -> Guess:
    """The narrowest type that (nearly) all of these values have, shape (n,)."""
    native = _native(values)
    if native is not None:
        return native
    words = values.cast(pl.String).drop_nulls().str.strip_chars()
    words = words.filter(words.str.len_chars() > 0)
    distinct = words.unique(maintain_order=True)
    nothing = tuple(sorted(w for w in distinct if w.lower() in NOTHING))
    if len(distinct) == len(nothing):
        return Guess("text")
    left = words.filter(~words.is_in(nothing)) if nothing else words
    for found in _candidates(left, values.name):
        odd = _misfits(left, found)
        if odd is not None:
            return _told(found._replace(missing=(*nothing, *odd)), left, values.name, notes)
    return Guess("text", None, tuple(word for word in nothing if word.lower() in PLAINLY_NOTHING))


def _native(values: pl.Series) -> Guess | None:
    kind = values.dtype
    if kind == pl.Boolean:
        return Guess("boolean")
    if kind.is_integer():
        return Guess("integer")
    if kind.is_numeric():
        there = values.cast(pl.Float64).drop_nulls().drop_nans()
        whole = len(there) > 0 and bool((there == there.round()).all())
        return Guess("integer" if whole and number(there.abs().max()) < 2**53 else "number")
    if kind == pl.Date:
        return Guess("date")
    return Guess("datetime") if isinstance(kind, pl.Datetime) else None


def _candidates(words: pl.Series, name: str) -> Iterable[Guess]:
    """Readings to try, the most telling first."""
    if pair := _pair(words):
        yield Guess("boolean", None if pair in ENGLISH else pair)
        return
    if share(words.head(200).str.contains(r"\d")) < 0.5:  # neither numbers nor dates
        return
    if words.str.contains(r"^0\d+$|^\d{16,}$").any():  # a code: a number would lose digits
        return
    if re.search(DATED, name.lower()) and words.head(200).str.contains(r"^(19|20)\d{6}$").all():
        yield Guess("date", "%Y%m%d")
    yield Guess("integer")
    yield Guess("number")
    yield Guess("date")
    yield Guess("datetime")
    yield from (Guess("date", form) for form in _ordered_dates(words))
    for form in _ordered_dates(words.str.head(10)):
        yield from (Guess("datetime", form + clock) for clock in CLOCKS)
    before, after = _affixes(words)
    for example in ("1234.5", *NUMBERS) if before or after else NUMBERS:
        yield Guess("number", f"{before}{example}{after}")


def _pair(words: pl.Series) -> str:
    """The two words that all of these are, that of true first; empty where they are others."""
    seen = {word.lower() for word in words.head(10_000).unique()}
    return next((pair for pair in (*ENGLISH, *WORDS) if seen == set(pair.split("/"))), "")


def _affixes(words: pl.Series) -> tuple[str, str]:
    """A currency, a percent sign or a unit that all of these numbers carry."""
    parts = words.head(200).str.extract_groups(AFFIXED)
    pairs = parts.struct.unnest().select("1", pl.col("2").is_not_null(), "3").unique()
    if len(pairs) != 1:
        return "", ""
    before, numeric, after = pairs.row(0)
    return (before or "", after or "") if numeric else ("", "")


def _ordered_dates(words: pl.Series) -> list[str]:
    """Date forms; where day and month can be read either way, the steadier reading first."""
    both = (("%d/%m/%Y", "%m/%d/%Y"), ("%d-%m-%Y", "%m-%d-%Y"), ("%d/%m/%y", "%m/%d/%y"))
    forms = list(DATES)
    for day_first, month_first in both:
        if _span(words, month_first) < _span(words, day_first):
            a, b = forms.index(day_first), forms.index(month_first)
            if a < b:
                forms[a], forms[b] = forms[b], forms[a]
    return forms


def _span(words: pl.Series, form: str) -> float:
    """Days between the first and the last date that this form reads; infinite if it reads few."""
    days = words.head(5_000).str.to_date(form, strict=False).drop_nulls()
    if len(days) < FIT * min(len(words), 5_000) or not len(days):
        return float("inf")
    whole = days.cast(pl.Int32)
    return number(whole.max()) - number(whole.min())


def _misfits(words: pl.Series, found: Guess) -> tuple[str, ...] | None:
    """Values that this reading leaves out, if they are few and seldom; else None."""
    head = words.head(200)
    if _fitting(head, found) < 0.5 * len(head):
        return None
    table = pl.DataFrame({"value": words})
    fits = table.select(typed("value", pl.String(), found.column()).is_not_null()).to_series()
    if share(fits) < FIT:
        return None
    odd = words.filter(~fits).unique().sort().to_list()
    return tuple(odd) if len(odd) <= MOST_ODD else None


def _fitting(words: pl.Series, found: Guess) -> int:
    table = pl.DataFrame({"value": words})
    column = typed("value", pl.String(), found.column())
    return int(table.select(column.is_not_null().sum()).item())


def _told(found: Guess, words: pl.Series, name: str, notes: Notes) -> Guess:
    """Say what could have been read in another way."""
    entry = f"contract.yaml: columns.{name}"
    if found.missing:
        shown = ", ".join(repr(word) for word in found.missing[:5])
        shown = f"{len(found.missing)} words" if named_among(name, PERSONAL) else shown
        notes.say(
            f"{name}: {shown} count as missing",
            f"all other values are {found.type}",
            f"{entry}.missing",
        )
    if found.type == "boolean" and (pair := _pair(words)) != ENGLISH[0]:
        notes.say(f"{name}: {pair} is read as true/false", "it has no third word", f"{entry}.type")
    elif found.format and found.format.startswith("%"):
        twin = found.format.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
        doubt = twin != found.format and _fitting(
            words, found._replace(format=twin, missing=())
        ) >= FIT * len(words)
        why = "day and month could be the other way round" if doubt else "so its dates are written"
        notes.say(f"{name}: dates are read as {found.format}", why, f"{entry}.format")
    elif found.format and found.type == "number":
        doubt = not words.str.contains(r"\d{4,}|[.,]\d{1,2}$|[.,]\d{4,}|[., ']\d{3}[.,]").any()
        why = "the marks could be read another way" if doubt else "so its numbers are written"
        notes.say(f"{name}: numbers are read like {found.format}", why, f"{entry}.format")
    return found
