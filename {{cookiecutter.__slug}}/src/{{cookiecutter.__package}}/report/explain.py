"""A decision in plain words: why, and what would change it."""

from collections.abc import Iterator, Mapping

from ..decision import Comparison, Decision, Verdict
from ..evidence import RIVALS, Rival
from ..metrics.errors import Z
from ..settings import GateSettings
from ..steps.gate import below_floor

MORE = "more rows, or columns that tell more of the target"
SEVERITY = {
    "invalid": "makes the evidence unsound",
    "block": "blocks",
    "warn": "is a warning",
    "report": "is only noted",
}


def explain(decision: Decision, settings: GateSettings) -> list[str]:
    """Sentences, one a line; the first says the verdict."""
    lines = [f"{decision.verdict}: {decision.reason}.", ""]
    lines += _compared(decision)
    bad = [one for one in decision.guards if one.ok is False]
    lines += [f"{one.name} {SEVERITY[one.severity]}: {one.text}." for one in bad]
    change = list(_change(decision, settings))
    if change:
        lines += ["", "What would change it:", *(f"- {line}" for line in change)]
    return lines


def _compared(decision: Decision) -> Iterator[str]:
    for c in decision.comparisons:
        who = "a constant answer" if c.against == "dummy" else f"the {c.against}"
        word = "better" if c.delta >= 0 else "worse"
        sure = "surely" if c.lower > 0 or c.upper < 0 else "perhaps"
        yield (
            f"On {decision.rows:,} fresh rows the challenger is {sure} {word} than {who}: "
            f"{decision.metric} {c.delta:+.4f}, between {c.lower:+.4f} and {c.upper:+.4f} in nine "
            "of ten cases."
        )


def _change(decision: Decision, settings: GateSettings) -> Iterator[str]:
    """What the user can do, by verdict."""
    by_rival = {c.against: c for c in decision.comparisons}
    if decision.verdict is Verdict.INVALID:
        yield "mend what is unsound, and run `ml gate` or `ml train` again; nothing else counts"
    if decision.verdict is Verdict.REJECT:
        yield from _to_pass(decision, by_rival, settings)
        for one in decision.guards:
            if one.ok is False and one.severity == "block":
                yield f"{one.name}: a model without this harm{_setting(one.name)}"
    if decision.verdict is Verdict.KEEP and "champion" in by_rival:
        yield from _to_promote(decision, by_rival["champion"], settings)
    elif decision.verdict is Verdict.KEEP:
        yield MORE
    if decision.verdict is Verdict.PROMOTE:
        yield from _to_keep(by_rival)


def _setting(name: str) -> str:
    known = {
        "slices": "slice_max_drop",
        "fairness": "slice_max_drop",
        "latency": "max_latency_ms",
        "size": "max_size_mb",
        "freshness": "max_data_age_days",
        "secondary score": "max_loss_increase",
        "calibration": "max_loss_increase",
        "behaviour": "behaviour",
    }
    return f", or another [gate] {known[name]} in settings.toml" if name in known else ""


def _to_pass(
    decision: Decision, by_rival: Mapping[Rival, Comparison], settings: GateSettings
) -> Iterator[str]:
    """What a rejected model's own score is short of."""
    bar, margin = by_rival.get("champion"), decision.margin or 0.0
    if bar and bar.delta < -margin:
        yield f"a difference to the champion above {-margin:+.4f}; it is {bar.delta:+.4f}"
    if "dummy" in by_rival and by_rival["dummy"].lower <= 0:
        yield MORE
    if below_floor(decision, settings):
        yield f"a score of {settings.floor:g} or better, or another [gate] floor in settings.toml"


def _to_promote(decision: Decision, c: Comparison, settings: GateSettings) -> Iterator[str]:
    if c.delta < c.needed:
        yield f"a difference to the champion of at least {c.needed:+.4f}; it is {c.delta:+.4f}"
    if decision.rows_to_settle:
        yield f"about {decision.rows_to_settle:,} holdout rows, if the models are equally good"
    if decision.rows < settings.min_rows:
        yield f"{settings.min_rows - decision.rows:,} more holdout rows"
    margin = Z * c.standard_error - c.delta
    if decision.margin and decision.margin < margin:
        share = settings.max_loss_increase * margin / decision.margin
        own = settings.margin is not None  # then the share has no effect
        key = f"margin = {margin:.4f}" if own else f"max_loss_increase = {share:.2f}"
        yield (
            f"a margin of {margin:.4f} instead of {decision.margin:.4f}: [gate] {key}, if so much "
            "worse is still as good to you"
        )


def _to_keep(by_rival: Mapping[Rival, Comparison]) -> Iterator[str]:
    for name in RIVALS:
        if name in by_rival:
            c = by_rival[name]
            spare = c.delta - c.needed if name != "dummy" else c.lower
            yield f"a score lower by {spare:.4f} would have missed the line against the {name}"
