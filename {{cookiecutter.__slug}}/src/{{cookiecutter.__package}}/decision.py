"""What the gate decided, as plain frozen values."""

from dataclasses import dataclass
from enum import StrEnum

from .evidence import Guard, Harm, Rival
from .metrics.errors import Z


class Verdict(StrEnum):
    """What the gate says."""

    PROMOTE = "PROMOTE"
    KEEP = "KEEP"
    REJECT = "REJECT"
    INVALID = "INVALID"


@dataclass(frozen=True)
class Comparison:
    """Challenger minus another model: the difference, its standard error and what was needed."""

    against: Rival
    rival: float
    delta: float
    standard_error: float
    needed: float

    @property
    def lower(self) -> float:
        """Lower end of the 90 % interval."""
        return self.delta - Z * self.standard_error

    @property
    def upper(self) -> float:
        """Upper end of the 90 % interval."""
        return self.delta + Z * self.standard_error


@dataclass(frozen=True)
class Decision:
    """A verdict with everything that led to it."""

    verdict: Verdict
    reason: str
    metric: str
    rows: int
    challenger: float | None = None
    margin: float | None = None
    comparisons: tuple[Comparison, ...] = ()
    rows_to_settle: int | None = None
    beats_anchor: bool = False
    guards: tuple[Guard, ...] = ()
    harmed: tuple[Harm, ...] = ()
