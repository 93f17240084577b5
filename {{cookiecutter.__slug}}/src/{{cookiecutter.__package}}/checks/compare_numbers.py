"""Numbers and dates beside the reference: quantiles, single values, tails, decimals, units."""

from collections.abc import Iterator
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .compare import ERRORS, FEWEST, Difference, distance, many, proven, standard_error
from .numbers import as_numbers
from .reference import LEVELS, ColumnReference
from .summarize import ATOM, MOST_ATOMS, decimals, epoch_shares, frequent

if TYPE_CHECKING:
    from ..contract import Rule

FACTORS = {
    "÷ 100": 0.01, "× 100": 100, "÷ 1000": 0.001, "× 1000": 1000, "÷ 10": 0.1, "× 10": 10,
    "× 2.54 (inches to centimetres)": 2.54, "÷ 2.54 (centimetres to inches)": 1 / 2.54,
    "× 0.4536 (pounds to kilograms)": 0.45359, "÷ 0.4536 (kilograms to pounds)": 1 / 0.45359,
    "× 1.609 (miles to kilometres)": 1.60934, "÷ 1.609 (kilometres to miles)": 1 / 1.60934,
    "× 60": 60, "÷ 60": 1 / 60, "× 24": 24, "÷ 24": 1 / 24, "× −1 (the sign is turned)": -1,
}  # fmt: skip
SENTINELS = frozenset(
    [-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999, 0, 1e9, -1e9, 2147483647]
)


def compare_numbers(
    values: pl.Series, known: ColumnReference, rows: int, *, dates: bool
) -> list[Difference]:
    """Numbers beside their quantiles, frequent values and decimals.

    `rows` is how many independent ones say as much.
    """
    numbers = as_numbers(values)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) < FEWEST or not known.quantiles:
        return []
    if known.distinct > 1 and numbers.min() == numbers.max():
        return [
            ("constant", f"only {numbers[0]:g}, where the reference has {known.distinct} values")
        ]
    found = list(_new_atoms(numbers, known, rows, dates=dates))
    apart = distance(numbers, known)
    if proven(apart, rows, known.rows):
        found.append(_moved(numbers, known, apart))
    found += _tails(numbers, known, rows)
    if not dates:
        found += _precision(numbers, known)
    return found


def _new_atoms(
    numbers: NDArray, known: ColumnReference, rows: int, *, dates: bool
) -> Iterator[Difference]:
    """Single values that occur far more often than they did: sentinels, clipping, defaults."""
    floor = min(known.atoms.values()) if len(known.atoms) >= MOST_ATOMS else ATOM
    for text, share in frequent(numbers).items():
        before = known.atoms.get(text, floor)
        error = standard_error(before, share, known.rows, rows)
        if share - before < max(0.01, before, ERRORS * error) or not many(share, before, rows):
            continue
        value = float(text)
        rule: Rule = "sentinel" if not dates and value in SENTINELS else "distribution"
        yield rule, f"{share:.1%} of the values are exactly {value:g}, before {before:.1%} at most"


def _moved(numbers: NDArray, known: ColumnReference, apart: float) -> Difference:
    """Another unit where one explains it, else another distribution."""
    before, now = known.quantiles, np.quantile(numbers, LEVELS, method="inverted_cdf").tolist()
    inner = slice(5, len(LEVELS) - 4)  # 5 % to 95 %: the body
    old, new = np.asarray(before[inner]), np.asarray(now[inner])
    scale = float(np.abs(new).max()) or 1.0
    named = {name: factor * (old if factor > 0 else old[::-1]) for name, factor in FACTORS.items()}
    named["× 1.8 + 32 (Celsius to Fahrenheit)"] = 1.8 * old + 32
    named["(− 32) ÷ 1.8 (Fahrenheit to Celsius)"] = (old - 32) / 1.8
    fits = {name: float(np.abs(new - scaled).mean() / scale) for name, scaled in named.items()}
    same = float(np.abs(new - old).mean() / scale)
    best = min(fits, key=lambda name: fits[name])
    middle = f"median {_median(before):g} → {_median(now):g}"
    if fits[best] < 0.06 and fits[best] < 0.25 * same:
        return "unit", f"another unit? The values look like the reference {best} ({middle})"
    return "distribution", f"distance {apart:.2f} from the reference (KS; {middle})"


def _median(quantiles: list[float]) -> float:
    return quantiles[LEVELS.index(0.5)]


def _tails(numbers: NDArray, known: ColumnReference, rows: int) -> Iterator[Difference]:
    """Far more values beyond the reference's outer thousandth than a thousandth."""
    outer = {"below": numbers < known.quantiles[1], "above": numbers > known.quantiles[-2]}
    expected = rows * (0.002 + 3 / max(known.rows, 1))
    for side, beyond in outer.items():
        share = float(beyond.mean())
        if share >= 0.008 and share * rows > expected + 6 * sqrt(expected) + 6:
            edge = known.quantiles[1] if side == "below" else known.quantiles[-2]
            yield "distribution", f"{share:.1%} are {side} {edge:g}, before 0.1 %"


def _precision(numbers: NDArray, known: ColumnReference) -> Iterator[Difference]:
    """Another number of decimals: rounded, converted or computed values."""
    now = np.asarray(decimals(numbers))
    apart = float(np.abs(now - known.decimals).sum() / 2)
    if proven(apart, len(numbers), known.rows):
        usual = int(np.argmax(known.decimals)), int(np.argmax(now))
        detail = (
            f"mostly {usual[0]} decimals → {usual[1]}" if usual[0] != usual[1] else f"{apart:.0%}"
        )
        yield "precision", f"another number of decimals ({detail})"


def compare_epochs(values: pl.Series, known: ColumnReference, rows: int) -> Iterator[Difference]:
    """Dates such as 1900-01-01, which programs write where they know none."""
    for day, share in epoch_shares(values).items():
        before = known.forms.get(day, 0.0)
        if share - before > 0.008 and many(share, before, rows):
            yield "sentinel", f"{share:.1%} of the values are exactly {day}, before {before:.1%}"
