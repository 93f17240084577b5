"""Decide: may the challenger replace the champion? docs/gate.md explains the rule."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, inf, isfinite

from ..decision import Comparison, Decision, Verdict
from ..evidence import Evidence, Guard, Harm, Rival
from ..guards.harms import proven
from ..metrics.errors import Z
from ..settings import GateSettings, is_loss

POWER_Z = 0.84


def decide(evidence: Evidence, settings: GateSettings) -> Decision:
    """Judge the challenger. Unsound evidence is INVALID: the gate fails closed."""
    harmed = tuple(proven(evidence.harms))
    guards = (*evidence.guards, *_family(evidence, harmed))
    unsound = evidence.problems or _unsound(evidence) or tuple(_failed(guards, "invalid"))
    if unsound:
        verdict, reason = Verdict.INVALID, "; ".join(unsound)
        return Decision(verdict, reason, evidence.metric, evidence.rows, guards=guards)
    judge = _challenge if "champion" in evidence.gaps else _first
    made = judge(evidence, settings, tuple(_failed(guards, "block")))
    return replace(made, guards=guards, harmed=harmed)


def _failed(guards: tuple[Guard, ...], severity: str) -> Iterator[str]:
    """What the failed guards of this severity say."""
    failed = (one for one in guards if one.severity == severity and one.ok is False)
    return (f"{one.name}: {one.text}" for one in failed)


def _family(evidence: Evidence, harmed: tuple[Harm, ...]) -> Iterator[Guard]:
    """One line for each kind of test in the family."""
    for name in dict.fromkeys(one.guard for one in evidence.harms):
        tests = [one for one in evidence.harms if one.guard == name]
        bad = [one for one in harmed if one.guard == name]
        shown = "; ".join(f"{one.where} ({one.metric} {one.delta:+.4f})" for one in bad[:3])
        quiet = f"no harm proven in {len(tests)} test{'s' * (len(tests) > 1)}"
        yield Guard(name, "block", not bad, f"proven harm: {shown}" if bad else quiet)


def _unsound(evidence: Evidence) -> tuple[str, ...]:
    """What must be there and finite: a comparison with NaN is false, whatever is asked."""
    if evidence.challenger is None or "dummy" not in evidence.gaps:
        return ("there are no scores to compare",)
    if ("champion" in evidence.gaps) != ("anchor" in evidence.gaps):
        return ("champion and anchor have to be scored together",)
    gaps = evidence.gaps.values()
    if any(gap.standard_error == inf for gap in gaps):
        return ("one group or moment alone has no standard error",)
    numbers = [evidence.challenger, evidence.margin]
    for gap in gaps:
        numbers += [gap.rival, gap.delta, gap.standard_error, gap.margin_error]
    return () if all(isfinite(number) for number in numbers) else ("a score is no finite number",)


def _first(evidence: Evidence, settings: GateSettings, blocked: tuple[str, ...]) -> Decision:
    """The first model has to beat a constant answer, provably."""
    floor = _compare(evidence, "dummy", needed=0.0)
    few, needed, which = evidence.rows, settings.min_rows_per_class, ""
    if evidence.smallest_class is not None and few >= needed:
        few, needed, which = evidence.smallest_class, needed // 4, " of the rarest class"
    if few < needed:
        verdict, reason = Verdict.KEEP, f"{few} holdout rows{which}, {needed} are needed to judge"
    elif floor.upper < 0:
        verdict, reason = Verdict.REJECT, "provably worse than a constant answer"
    elif below_floor(evidence, settings):
        verdict, reason = Verdict.REJECT, f"worse than [gate] floor {settings.floor:g}"
    elif blocked:
        verdict, reason = Verdict.REJECT, "; ".join(blocked)
    elif floor.lower > 0:
        said = "the first model, and provably better than a constant answer"
        verdict, reason = Verdict.PROMOTE, said
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


def _challenge(evidence: Evidence, settings: GateSettings, blocked: tuple[str, ...]) -> Decision:
    margin, gap = evidence.margin, evidence.gaps["champion"]
    needed = max(0.5 * gap.standard_error, Z * gap.margin_error - margin)
    bar = _compare(evidence, "champion", needed)
    anchor = _compare(evidence, "anchor", Z * evidence.gaps["anchor"].margin_error - margin)
    floor = _compare(evidence, "dummy", needed=0.0)
    verdict, reason = _verdict(evidence, settings, blocked, (bar, anchor, floor))
    if verdict is Verdict.REJECT:  # everything that is wrong, so that one mend is enough
        reason = "; ".join(dict.fromkeys((reason, *blocked)))
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
    blocked: tuple[str, ...],
    comparisons: tuple[Comparison, Comparison, Comparison],
) -> tuple[Verdict, str]:
    bar, anchor, floor = comparisons
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
    if blocked:
        return Verdict.REJECT, blocked[0]
    if bar.delta <= 0 or bar.delta < bar.needed:
        return Verdict.KEEP, "not enough evidence to replace the champion"
    if anchor.delta <= anchor.needed:
        return Verdict.KEEP, "not proven to hold the level of the anchor"
    return Verdict.PROMOTE, "good enough against the champion, and the anchor's level is held"


def below_floor(judged: Evidence | Decision, settings: GateSettings) -> bool:
    """Worse than the least that was asked for: an AUC below it, a loss above it."""
    if settings.floor is None or judged.challenger is None:
        return False
    least = -settings.floor if is_loss(judged.metric) else settings.floor
    return judged.challenger < least


def _compare(evidence: Evidence, against: Rival, needed: float) -> Comparison:
    gap = evidence.gaps[against]
    return Comparison(against, gap.rival, gap.delta, gap.standard_error, needed)
