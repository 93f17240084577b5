"""The contract's rules for the rows of a request: those that the training rows had to keep."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..store.encode import Input, moment

Row = dict[str, Any]
Values = tuple[str | int | bool, ...]
MISSING = object()
LARGEST = float(np.finfo(np.float32).max)  # what a model's inputs can hold
MOST = 10
LONGEST_SHOWN = 40
NUMBERS, WORDS = frozenset((int, float)), frozenset((str, int, bool))


@dataclass(frozen=True)
class Broken:
    """A value that breaks a rule of the contract, where it stands, and how."""

    row: int
    column: str
    rule: str
    message: str

    @property
    def path(self) -> str:
        """As JSON is walked: `rows[0].plan`."""
        return f"rows[{self.row}].{self.column}"


class Rules:
    """Asks rows, quickly where all is well: one look at each value, and words only for a doubt."""

    def __init__(self, inputs: Sequence[Input], order: Sequence[tuple[str, str]] = ()) -> None:
        """Sort the columns by what has to be asked of them."""
        self._inputs = inputs
        self._order = order
        self._dated = {c.name for c in inputs if c.kind in ("date", "datetime")}
        self._numbers = [
            (c.name, *_held(c.range), c.integer, c.nullable) for c in inputs if c.kind == "number"
        ]
        self._words = [
            (c.name, *_known(c.values), c.nullable)
            for c in inputs
            if not c.numeric and c.shape is None
        ]
        quick = {name for name, *_ in (*self._numbers, *self._words)}
        self._others = [c for c in inputs if c.name not in quick]

    def broken(self, rows: Sequence[Row]) -> list[Broken]:
        """What is wrong with these rows, as far as the first ten things."""
        found: list[Broken] = []
        for place, row in enumerate(rows):
            if not self._is_fine(row):
                found += self._words_for(place, row)
                if len(found) >= MOST:
                    return found[:MOST]
        return found

    def _is_fine(self, row: Row) -> bool:  # noqa: C901 - in one piece it takes a microsecond
        get = row.get
        for name, low, high, integer, nullable in self._numbers:
            value = get(name, MISSING)
            if type(value) is int or (type(value) is float and (not integer or value.is_integer())):
                if low <= value <= high:
                    continue
            elif value is None and nullable:
                continue
            return False
        for name, values, kinds, nullable in self._words:
            value = get(name, MISSING)
            if type(value) in kinds:
                if values is None or value in values:
                    continue
            elif value is None and nullable:
                continue
            return False
        for column in self._others:
            if _wrong(get(column.name, MISSING), column):
                return False
        return not self._order or not any(self._is_later(row, *pair) for pair in self._order)

    def _words_for(self, place: int, row: Row) -> list[Broken]:
        asked = ((c.name, _wrong(row.get(c.name, MISSING), c)) for c in self._inputs)
        found = [Broken(place, name, *wrong) for name, wrong in asked if wrong]
        if found:
            return found
        late = [pair for pair in self._order if self._is_later(row, *pair)]
        return [Broken(place, one, "order", f"later or larger than {then}") for one, then in late]

    def _is_later(self, row: Row, first: str, then: str) -> bool:
        one, other = row[first], row[then]
        if one is None or other is None:
            return False
        if first in self._dated and then in self._dated:
            return bool(moment(one) > moment(other))
        return one > other


def _held(told: tuple[float, float] | None) -> tuple[float, float]:
    low, high = told or (-LARGEST, LARGEST)
    return max(low, -LARGEST), min(high, LARGEST)


def _known(values: Values | None) -> tuple[frozenset | None, frozenset[type]]:
    """The values and their kinds: to Python true is 1, and to a model it is another word."""
    if values is None:
        return None, WORDS
    return frozenset(values), frozenset(map(type, values))


def _typed(value: str | float) -> tuple[type, str | float]:
    return type(value), value


def _wrong(value: Any, column: Input) -> tuple[str, str] | None:
    """The rule that a value breaks, in the contract's word, and what it says."""
    if value is MISSING:
        return "missing", "missing"
    if value is None:
        return None if column.nullable else ("nulls", "null, and a value is needed")
    if not _is_a(value, column):
        return "type", f"{shown(value)} is no {'whole number' if column.integer else column.kind}"
    if column.kind == "number" and not -LARGEST <= value <= LARGEST:
        return "type", f"{shown(value)} is too large"
    if column.range and not column.range[0] <= value <= column.range[1]:
        low, high = column.range
        return "range", f"{shown(value)} is outside {low:g} to {high:g}"
    if column.values is not None and (type(value), value) not in map(_typed, column.values):
        return "values", f"{shown(value)} is not among the {len(column.values)} known values"
    if column.shape is not None and not re.search(f"^(?:{column.shape})$", str(value)):
        return "shape", f"{shown(value)} does not look like {column.shape}"
    return None


def _is_a(value: Any, column: Input) -> bool:
    kind = type(value)
    if column.kind == "number":
        whole = kind is int or (kind is float and math.isfinite(value) and value.is_integer())
        return whole if column.integer else kind in NUMBERS
    if not column.numeric:
        return kind in WORDS
    try:
        return kind is str and moment(value) is not None
    except (ValueError, OverflowError):  # a day beyond the calendar, in UTC
        return False


def shown(value: object) -> str:
    """A short value as it was sent, else its kind: what a client nests is not walked."""
    short = isinstance(value, (str, int, float, bool)) and len(str(value)) <= LONGEST_SHOWN
    return json.dumps(value) if short else f"a {type(value).__name__}"
