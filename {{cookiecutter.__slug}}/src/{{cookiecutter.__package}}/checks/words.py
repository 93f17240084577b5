"""What text looks like: shapes, forms that differ in writing alone, and signs of personal data."""

import re
import unicodedata
from collections.abc import Iterable

import polars as pl

from .numbers import share

MOJIBAKE = "[ÃÂâ][\u0080-\u00bf\u0152-\u017e\u0192-\u02dc\u2013-\u2122]|\ufffd"
EMAIL = r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}"
PATTERNS = {
    "e-mail addresses": EMAIL,
    "telephone numbers": r"^(?:\+|00)[1-9][\d ()/.-]{7,}\d$",
    "bank accounts (IBAN)": r"^[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?$",
    "card numbers": r"^(?:\d{4}[ -]){3}\d{4}$",
    "social security numbers": r"^\d{3}-\d{2}-\d{4}$",
    "network addresses": r"^(?:\d{1,3}\.){3}\d{1,3}$",
}
# fmt: off
PERSONAL = frozenset((
    "email", "mail", "phone", "telephone", "mobile", "fax", "firstname", "lastname", "surname",
    "fullname", "forename", "street", "address", "iban", "ssn", "passport", "creditcard",
    "birthdate", "birthday", "dob", "ip", "ipaddress",
))
PROTECTED = frozenset((
    "gender", "sex", "race", "ethnicity", "ethnic", "religion", "nationality", "disability",
    "disabled", "marital", "maritalstatus", "pregnant", "sexuality", "orientation", "age",
    "agegroup",
))
# fmt: on
FORMS = {
    "begin or end with a space": r"^\s|\s$",
    "are wrongly decoded (mojibake)": MOJIBAKE,
    "are empty or blank": r"^\s*$",
    "have capitals only": r"^[^\p{Ll}]*\p{Lu}[^\p{Ll}]*$",
    "stand for nothing": r"(?i)^(?:n/?a|null|none|nan|unknown|missing|-+|\?+|#n/a|tbd)$",
    "hold an e-mail address": EMAIL,
}


def shapes(values: pl.Series) -> pl.Series:
    """Letters as a, digits as 9: what identifiers of one kind have in common."""
    return values.str.replace_all(r"\p{L}+", "a").str.replace_all(r"\d", "9")


def shape_pattern(shape: str, *, padded: bool) -> str:
    """The regular expression of a shape; numbers that are not padded with zeros may grow."""
    parts = re.findall(r"9+|a|[^9a]", shape)
    letters = {"a": r"[^\W\d_]+"}
    more = "" if padded else ","
    digits = {part: f"[0-9]{{{len(part)}{more}}}" for part in parts if part[0] == "9"}
    return "".join({**letters, **digits}.get(part) or re.escape(part) for part in parts)


def grown(shape: str, known: Iterable[str]) -> bool:
    """Whether a shape is a known one with a longer number: a counter that gained a digit."""
    short = re.sub("9+", "9", shape)
    return any(len(shape) > len(other) and short == re.sub("9+", "9", other) for other in known)


def same_but(value: str, known: Iterable[str]) -> tuple[str, str] | None:
    """The known value that this one is in another writing, and what differs."""
    repaired = _repaired(value)
    for other in known:
        if value.strip() == other.strip():
            return other, "spaces"
        if value.casefold() == other.casefold():
            return other, "upper and lower case"
        if repaired == other or _repaired(other) == value:
            return other, "its encoding"
        if _plain(value) == _plain(other):
            return other, "accents, case or punctuation"
    return None


def _repaired(text: str) -> str | None:
    for wrong in ("cp1252", "latin-1"):
        try:
            return text.encode(wrong).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
    return None


def _plain(text: str) -> str:
    spread = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[\W_]+", "", "".join(c for c in spread if not unicodedata.combining(c)))


def personal_pattern(values: pl.Series) -> str | None:
    """What kind of personal data a tenth of these texts hold, if any."""
    there = values.drop_nulls()
    for kind, pattern in PATTERNS.items():
        if share(there.str.contains(pattern)) >= 0.1:
            return kind
    return None


def named_among(name: str, words: frozenset[str]) -> bool:
    """Whether a column's name, or a word of it, is one of these."""
    parts = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return "".join(parts) in words or any(part in words for part in parts)
