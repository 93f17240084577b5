"""What evaluation hands to the gate: plain values, no model and no row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .settings import Metric

Rival = Literal["champion", "anchor", "dummy"]
RIVALS: tuple[Rival, ...] = ("champion", "anchor", "dummy")
Severity = Literal["invalid", "block", "warn", "report"]


@dataclass(frozen=True)
class Gap:
    """Challenger minus a rival on the same rows; higher is better for every metric.

    `standard_error` is the paired standard error of `delta`. `margin_error` is that of `delta` plus
    the margin: the margin is a share of the champion's loss on these rows, so it varies with them.
    """

    rival: float
    delta: float
    standard_error: float
    margin_error: float


@dataclass(frozen=True)
class Guard:
    """One check beside the score, and what it means when it fails; `ok` is None if not judged."""

    name: str
    severity: Severity
    ok: bool | None
    text: str


@dataclass(frozen=True)
class Harm:
    """One test of the family: is the challenger worse than the champion there?

    `p` is one-sided. It is harm when Holm's correction leaves it below 5 % and `delta` is below
    minus `limit`.
    """

    guard: str
    where: str
    metric: str
    rows: int
    delta: float
    standard_error: float
    p: float
    limit: float


@dataclass(frozen=True)
class Reliability:
    """Said and observed shares by bins of equal size, and what a logistic fit makes of them."""

    said: tuple[float, ...]
    observed: tuple[float, ...]
    rows: tuple[int, ...]
    slope: float
    intercept: float
    ece: float


@dataclass(frozen=True)
class GroupRate:
    """A rate in one group of a sensitive column; None where the group is too small to judge."""

    column: str
    group: str
    measure: str
    rows: int
    challenger: float | None
    champion: float | None


@dataclass(frozen=True)
class Importance:
    """How much worse the score gets when a column is shuffled, with its 90 % interval."""

    column: str
    value: float
    lower: float
    upper: float
    champion: float | None = None


@dataclass(frozen=True)
class Shift:
    """How far a column of the holdout lies from the training rows: 0 is alike, 1 is apart."""

    column: str
    distance: float


@dataclass(frozen=True)
class Details:
    """What the report shows and no rule reads."""

    reliability: Mapping[str, Reliability] = field(default_factory=dict)
    rates: tuple[GroupRate, ...] = ()
    importances: tuple[Importance, ...] = ()
    shifts: tuple[Shift, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """All that the gate may look at. Any problem makes it unsound."""

    metric: Metric
    rows: int
    smallest_class: int | None = None
    challenger: float | None = None
    margin: float = 0.0
    gaps: Mapping[Rival, Gap] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    same_as_champion: bool = False
    guards: tuple[Guard, ...] = ()
    harms: tuple[Harm, ...] = ()
    details: Details = Details()
