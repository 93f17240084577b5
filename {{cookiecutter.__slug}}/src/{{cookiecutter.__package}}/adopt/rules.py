"""The rules that the data keep today, with room for what chance alone would bring tomorrow."""

from itertools import combinations
from math import ceil, exp, floor, isfinite, log, log10, sqrt

import polars as pl

from ..checks.numbers import number, share
from ..checks.words import shape_pattern, shapes
from ..contract import Column, Role, Type

MOST_LISTED = 50
MOST_PAIRS = 40
SHARP = 0.12


def nulls_allowed(nulls: int, rows: int) -> float:
    """Today's share, five standard errors and a percentage point; none stays none."""
    if not nulls:
        return 0.0
    share = nulls / rows
    return min(1.0, ceil((share + 0.01 + 5 * sqrt(2 * share * (1 - share) / rows)) * 100) / 100)


def find_range(numbers: pl.Series, low: float, high: float) -> tuple[float, float]:
    """Smallest and largest value, with room for those that a much longer table would have."""
    if not (isfinite(low) and isfinite(high)) or low == high:
        return low, high
    inner = 0.01 if len(numbers) >= 2_000 else 0.05
    near_low, near_high = number(numbers.quantile(inner)), number(numbers.quantile(1 - inner))
    middle, room = number(numbers.median()), 0.05 * (high - low)
    skewed = low >= 0 and middle > 0 and high - middle > 3 * (middle - low)
    if skewed:
        top = exp(_beyond(log(high), log(near_high), log(middle)))
    else:
        top = max(high + room, _beyond(high, near_high, middle))
    bottom = min(low - room, -_beyond(-low, -near_low, -middle))
    ends = near_low - low < 0.2 * (middle - near_low) or numbers.dtype.is_integer()
    if low >= 0 and (ends or skewed):  # counts, shares and prices end there
        bottom = max(0.0, bottom)
    top = high if _edge(numbers, high) else top
    bottom = low if _edge(numbers, low) else bottom
    return _rounded(bottom, down=True), _rounded(top, down=False)


def _beyond(end: float, near: float, middle: float) -> float:
    """How far values may reach beyond the largest so far.

    Twice as far again as from the outer hundredth to the end: of exponential tails (of Pareto's,
    on a logarithmic scale) that is the end of a table n²/10 000 times as long as one of n rows.
    Where the end is not sharp, one and a half times the half width at least: 5.8 σ of a normal one.
    """
    gap = end - near
    far = end + 2 * gap
    return far if gap < SHARP * (near - middle) else max(far, near + 1.5 * (near - middle))


def _edge(numbers: pl.Series, end: float) -> bool:
    """Whether many rows have just this value: a natural end, as of a rating from 1 to 10."""
    return share(numbers == end) > 0.01


def _rounded(value: float, *, down: bool) -> float:
    """Three digits, away from the data."""
    if value == 0 or (float(value).is_integer() and abs(value) < 1000):
        return float(value)
    step = 10.0 ** (floor(log10(abs(value))) - 2)
    return float(f"{(floor if down else ceil)(value / step) * step:.6g}")


def listed(levels: dict[str, int], kind: Type) -> tuple[list[str | int | bool] | None, float]:
    """The values that occur, if they are few, and the share of others to expect.

    The share of values never seen is about that of values seen once (Good, 1953).
    """
    if not levels or len(levels) > MOST_LISTED:
        return None, 0.0
    rows, once = sum(levels.values()), sum(count == 1 for count in levels.values())
    rare = sum(count < 10 for count in levels.values())
    unseen = (once + 3 * sqrt(once + rare) + (1 if rare else 0)) / rows
    read = {"integer": int, "boolean": lambda word: word == "true"}.get(kind, str)
    return sorted(read(word) for word in levels), min(1.0, ceil(unseen * 1000) / 1000)


def find_shape(values: pl.Series) -> str | None:
    """A regular expression that every identifier matches, if all look alike."""
    words = values.drop_nulls()
    if words.dtype != pl.String or len(words) < 20:
        return None
    found = shapes(words).unique().to_list()
    if len(found) != 1 or "9" not in found[0] or len(found[0]) > 60:
        return None
    pattern = shape_pattern(found[0], padded=bool(words.str.contains(r"(^|\D)0\d").any()))
    return pattern if words.str.contains(f"^(?:{pattern})$").all() else None


def find_order(table: pl.DataFrame, columns: dict[str, Column]) -> list[tuple[str, str]]:
    """Pairs a ≤ b that held in every row, where the values alone would not have made it so."""
    dates = [n for n, c in columns.items() if c.type in ("date", "datetime") and n in table.columns]
    numbers = [
        n for n, c in columns.items() if c.role == "number" and c.type in ("number", "integer")
    ]
    pairs = [*combinations(dates, 2), *combinations(numbers[:MOST_PAIRS], 2)]
    found = []
    for one, other in pairs:
        for a, b in ((one, other), (other, one)):
            if columns[a].type == columns[b].type and _always(table[a], table[b]):
                found.append((a, b))
    return found


def _always(a: pl.Series, b: pl.Series) -> bool:
    both = pl.DataFrame({"a": a, "b": b}).drop_nulls()
    if len(both) < 200 or not (both["a"] <= both["b"]).all() or (both["a"] == both["b"]).all():
        return False
    half = len(both) // 2
    others = pl.concat([both["b"][half:], both["b"][:half]])  # the order of the rows is random
    return share(both["a"] > others) > 0.02


def ranged(role: Role, kind: Type) -> bool:
    """Whether a column of this role and type gets a range."""
    return role in ("number", "target") and kind in ("number", "integer")
