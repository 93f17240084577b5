"""Decide: may the challenger replace the champion? docs/gate.md explains the rule."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, isfinite

from ..evidence import Evidence, Rival
from ..settings import GateSettings

Z = 1.645
POWER_Z = 0.84


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


def decide(evidence: Evidence, settings: GateSettings) -> Decision:
    """Judge the challenger. Unsound evidence is INVALID: the gate fails closed."""
    unsound = evidence.problems or _unsound(evidence)
    if unsound:
        return Decision(Verdict.INVALID, "; ".join(unsound), evidence.metric, evidence.rows)
    if "champion" not in evidence.gaps:
        return _first(evidence, settings)
    return _challenge(evidence, settings)


def _unsound(evidence: Evidence) -> tuple[str, ...]:
    """What must be there and finite: a comparison with NaN is false, whatever is asked."""
    if evidence.challenger is None or "dummy" not in evidence.gaps:
        return ("there are no scores to compare",)
    if ("champion" in evidence.gaps) != ("anchor" in evidence.gaps):
        return ("champion and anchor have to be scored together",)
    numbers = [evidence.challenger, evidence.margin]
    for gap in evidence.gaps.values():
        numbers += [gap.rival, gap.delta, gap.standard_error, gap.margin_error]
    return () if all(isfinite(number) for number in numbers) else ("a score is no finite number",)


def _first(evidence: Evidence, settings: GateSettings) -> Decision:
    """The first model has to beat a constant answer, provably."""
    floor = _compare(evidence, "dummy", needed=0.0)
    if evidence.rows < settings.min_rows_per_class:
        few, needed = evidence.rows, settings.min_rows_per_class
        verdict, reason = Verdict.KEEP, f"{few} holdout rows, {needed} are needed to judge"
    elif floor.lower > 0 and not below_floor(evidence, settings):
        verdict, reason = (
            Verdict.PROMOTE,
            "the first model, and provably better than a constant answer",
        )
    elif floor.upper < 0:
        verdict, reason = Verdict.REJECT, "provably worse than a constant answer"
    elif below_floor(evidence, settings):
        verdict, reason = Verdict.REJECT, f"worse than [gate] floor {settings.floor:g}"
    else:
        verdict, reason = Verdict.KEEP, "not provably better than a constant answer"
    return Decision(
        verdict,
        reason,
        evidence.metric,
        evidence.rows,
        evidence.challenger,
        comparisons=(floor,),
        beats_anchor=True,
    )


def _challenge(evidence: Evidence, settings: GateSettings) -> Decision:
    margin, gap = evidence.margin, evidence.gaps["champion"]
    needed = max(0.5 * gap.standard_error, Z * gap.margin_error - margin)
    bar = _compare(evidence, "champion", needed)
    anchor = _compare(evidence, "anchor", Z * evidence.gaps["anchor"].margin_error - margin)
    floor = _compare(evidence, "dummy", needed=0.0)
    verdict, reason = _verdict(evidence, settings, bar, anchor, floor)
    to_settle = 0
    if verdict is Verdict.KEEP and margin > 0:
        to_settle = ceil(evidence.rows * ((Z + POWER_Z) * gap.margin_error / margin) ** 2)
    return Decision(
        verdict,
        reason,
        evidence.metric,
        evidence.rows,
        evidence.challenger,
        margin,
        (bar, anchor, floor),
        to_settle if to_settle > evidence.rows else None,
        beats_anchor=anchor.lower > 0,
    )


def _verdict(
    evidence: Evidence,
    settings: GateSettings,
    bar: Comparison,
    anchor: Comparison,
    floor: Comparison,
) -> tuple[Verdict, str]:
    if evidence.same_as_champion:
        return Verdict.KEEP, "the challenger answers exactly as the champion does"
    if evidence.rows < settings.min_rows:
        return (
            Verdict.KEEP,
            f"{evidence.rows} holdout rows, {settings.min_rows} are needed to judge",
        )
    few, needed = evidence.smallest_class, settings.min_rows_per_class
    if few is not None and few < needed:
        return Verdict.KEEP, f"{few} holdout rows of the rarest class, {needed} are needed to judge"
    if bar.delta + evidence.margin + Z * evidence.gaps["champion"].margin_error < 0:
        return Verdict.REJECT, "provably worse than the champion by more than the margin"
    if floor.lower <= 0:
        return Verdict.REJECT, "not provably better than a constant answer"
    if below_floor(evidence, settings):
        return Verdict.REJECT, f"worse than [gate] floor {settings.floor:g}"
    if bar.delta <= 0 or bar.delta < bar.needed:
        return Verdict.KEEP, "not enough evidence to replace the champion"
    if anchor.delta <= anchor.needed:
        return Verdict.KEEP, "not proven to hold the level of the anchor"
    return Verdict.PROMOTE, "good enough against the champion, and the anchor's level is held"


def below_floor(evidence: Evidence, settings: GateSettings) -> bool:
    """Worse than the least that was asked for: an AUC below it, a loss above it."""
    if settings.floor is None or evidence.challenger is None:
        return False
    least = settings.floor if evidence.metric == "roc_auc" else -settings.floor
    return evidence.challenger < least


def _compare(evidence: Evidence, against: Rival, needed: float) -> Comparison:
    gap = evidence.gaps[against]
    return Comparison(against, gap.rival, gap.delta, gap.standard_error, needed)
