"""Sentences about a model's answer to one row, for tests/model/test_behaviour.py.

    expect(CUSTOMER).stays(within=0.1).when(region=["east", "moon"])     # invariance
    expect(CUSTOMER).rises(by=0.02).when(satisfaction=2)                 # direction
    expect(CUSTOMER).falls().when(satisfaction=[2, 6, 10])               # step by step
    expect(CUSTOMER | {"satisfaction": 10}).is_below(0.1)                # minimum functionality
    expect(CUSTOMER).is_("stays")

A binary model's answer is the chance of its second class, of more classes that of the one named by
`of`, a regression's its number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .store.encode import encode
from .store.model import Model

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Expectation:
    """What is expected of the answer to one row."""

    model: Model
    row: Row
    of: Any = None

    def stays(self, within: float) -> "Change":
        """Invariance: the answer moves by at most `within`."""
        return Change(
            self, f"stay within {within:g}", lambda before, now: abs(now - before) <= within
        )

    def rises(self, by: float = 0.0) -> "Change":
        """Direction: the answer is higher by more than `by`, at every step."""
        return Change(self, f"rise by more than {by:g}", lambda before, now: now > before + by)

    def falls(self, by: float = 0.0) -> "Change":
        """Direction: the answer is lower by more than `by`, at every step."""
        return Change(self, f"fall by more than {by:g}", lambda before, now: now < before - by)

    def is_below(self, limit: float) -> None:
        """Minimum functionality: the answer is below the limit."""
        (found,) = self.answers([self.row])
        assert found < limit, f"{found:.4g} is expected to be below {limit:g}: {dict(self.row)}"

    def is_above(self, limit: float) -> None:
        """Minimum functionality: the answer is above the limit."""
        (found,) = self.answers([self.row])
        assert found > limit, f"{found:.4g} is expected to be above {limit:g}: {dict(self.row)}"

    def is_between(self, low: float, high: float) -> None:
        """Minimum functionality: the answer is above the one and below the other."""
        self.is_above(low)
        self.is_below(high)

    def is_(self, label: Any) -> None:
        """Minimum functionality: the model says this class."""
        (found,) = self.model.signature.labels(self._predict([self.row]))
        assert found == label, f"{found!r} is expected to be {label!r}: {dict(self.row)}"

    def answers(self, rows: Sequence[Row]) -> list[float]:
        """The model's number for each row."""
        predicted, signature = self._predict(rows), self.model.signature
        if signature.task == "regression":
            return [float(value) for value in predicted]
        if self.of is None and len(signature.classes) > 2:
            named = ", ".join(map(repr, signature.classes))
            raise AssertionError(f"say whose chance is meant: expect(row, of=...), one of {named}")
        place = 1 if self.of is None else signature.classes.index(self.of)
        return [float(value) for value in predicted[:, place]]

    def _predict(self, rows: Sequence[Row]) -> Any:
        inputs = self.model.signature.inputs
        columns = {column.name: [row[column.name] for row in rows] for column in inputs}
        return self.model.predict(encode(columns, inputs))


@dataclass(frozen=True)
class Change:
    """What is expected of the answer when the row changes."""

    of: Expectation
    wanted: str
    holds: Any

    def when(self, changes: Row | None = None, **columns: Any) -> None:
        """Change these columns; lists are steps, one row for each place in them.

        `stays` compares each step with the row as it was; `rises` and `falls` with the step before,
        and a list there starts at its own first value.
        """
        changed = {**(changes or {}), **columns}
        unknown = [name for name in changed if name not in self.of.row]
        assert changed, "say what changes: .when(column=value)"
        assert not unknown, f"the row has no column {unknown[0]!r}"
        steps = _steps(changed)
        listed = any(isinstance(value, list) for value in changed.values())
        before = [] if listed and not self.wanted.startswith("stay") else [{}]
        asked = [*before, *steps]  # from step to step, or each step beside the row as it was
        answers = self.of.answers([{**self.of.row, **step} for step in asked])
        pairs = pairwise(answers) if not before else ((answers[0], now) for now in answers[1:])
        for step, (old, now) in zip(asked[1:], pairs, strict=True):
            told = f"{old:.4g} becomes {now:.4g} with {step}"
            assert self.holds(old, now), f"{told}; it is expected to {self.wanted}"


def _steps(changed: Row) -> list[dict[str, Any]]:
    lengths = {len(value) for value in changed.values() if isinstance(value, list)} or {1}
    assert len(lengths) == 1, "lists of changes have to be of one length"
    (count,) = lengths
    return [
        {n: v[place] if isinstance(v, list) else v for n, v in changed.items()}
        for place in range(count)
    ]
