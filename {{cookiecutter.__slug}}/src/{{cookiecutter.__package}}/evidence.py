"""What evaluation hands to the gate: plain values, no model and no row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .settings import Metric

Rival = Literal["champion", "anchor", "dummy"]


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
