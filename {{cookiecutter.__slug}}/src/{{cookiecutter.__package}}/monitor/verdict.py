"""What monitoring says of what it saw: a verdict, and the one reason for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import hypot, isfinite

from ..project import Project
from ..settings import is_loss
from .policy import Signs, settle
from .seen import Watch

MOST_OF_IMPORTANCE = 0.5
# Fifty weeks a year ask, and the same one score of the gate is in all of them: one chance in a
# hundred, where an ordinary test allows one in twenty.
PROVEN_Z = 2.326


def verdict(
    project: Project, seen: Watch, worth: Mapping[str, float], past: Sequence[int]
) -> Watch:
    """The verdict; `worth` is the importance of columns, `past` the days since each trial."""
    settings = project.settings.monitor
    why_not, few = _too_little(project, seen), seen.rows < settings.min_rows
    score = "" if why_not else _loss(seen)
    signs = Signs(
        score=score,
        predictions="" if few else _moved(seen),
        features="" if few else _leaning(seen, worth),
        age=_old(seen, settings.max_age_days),
        scored=not why_not,
        trained=past,
    )
    due, reason = settle(signs, settings)
    if reason and (in_vain := _in_vain(seen, lost=reason.startswith(score) and bool(score))):
        return replace(seen, due=False, then="look", reason=f"{reason}; {in_vain}")
    then = "retrain" if due else "wait" if reason else "nothing"
    reason = reason or why_not or _compared(seen, "is within reach of")
    return replace(seen, due=due, then=then, reason=reason)


def _in_vain(seen: Watch, *, lost: bool) -> str:
    """Why a retraining would not help; empty if it may."""
    if seen.broken:
        return f"but newer rows of the data are not to be learnt from: {seen.broken}"
    if lost and seen.learnable == 0:
        return "but the data have no newer row with an answer, so there is nothing new to learn"
    return ""


def _too_little(project: Project, seen: Watch) -> str:
    """Why labels cannot judge; empty if they have."""
    least = project.settings.monitor.min_rows
    if seen.rows < least:
        what = f"{seen.rows} rows are newer than those that v{seen.version} was judged on"
        return f"{what}; {least} are needed to say anything"
    if seen.labelled < least:
        return f"{seen.labelled} newer rows have an answer: too few to score the champion"
    if seen.judged is None:
        return f"the champion's bundle does not tell its {seen.metric} at the gate; the next will"
    if not seen.now or not (isfinite(seen.now.value) and isfinite(seen.now.error)):
        return f"{seen.metric} is no number on the {seen.labelled} newer rows"
    return ""


def _worse(seen: Watch) -> str:
    return "above" if is_loss(seen.metric) else "below"


def _loss(seen: Watch) -> str:
    if seen.now is None or seen.judged is None:
        return ""
    fell = seen.judged.value - seen.now.value
    error = hypot(seen.judged.error, seen.now.error)
    return _compared(seen, f"is proven {_worse(seen)}") if fell > PROVEN_Z * error else ""


def _compared(seen: Watch, word: str) -> str:
    if seen.scores is None or seen.judged is None:
        return ""
    now, then = (one.text(seen.metric) for one in (seen.scores.now, seen.judged))
    rows = f"{seen.scores.rows:,} newer rows"
    text = f"{seen.metric} {now} on {rows} {word} the {then} that the gate last saw"
    return text if seen.own is None else f"{text} ({abs(seen.own):.4f} at its own gate)"


def _moved(seen: Watch) -> str:
    one = seen.answers
    if one is None or not one.drifted:
        return ""
    return f"labels are late, and the answers have moved: {one.column} by {one.size:.2f} (KS)"


def _leaning(seen: Watch, worth: Mapping[str, float]) -> str:
    """Inputs that moved and that carry most of what the model leans on."""
    moved = [one.column for one in seen.drift if one.drifted]
    total = sum(worth.values())
    share = sum(worth.get(name, 0.0) for name in moved) / total if total else 0.0
    if share <= MOST_OF_IMPORTANCE:
        return ""
    names = ", ".join(moved[:5])
    return f"labels are late, and inputs that carry {share:.0%} of the importance moved: {names}"


def _old(seen: Watch, most: int | None) -> str:
    if most is None or seen.age_days is None or seen.age_days <= most:
        return ""
    return f"v{seen.version} is {seen.age_days} days old, more than {most}"
