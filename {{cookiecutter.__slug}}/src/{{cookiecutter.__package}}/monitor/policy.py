"""What starts a retraining: a proven loss, answers or inputs that moved, the calendar.

A broken contract never does, and neither does what labels have already cleared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..settings import MonitorSettings, Sign

Then = Literal["nothing", "retrain", "wait", "look"]
WORDS: Mapping[Then, str] = {
    "nothing": "nothing to do",
    "retrain": "a retraining is due",
    "wait": "a retraining waits",
    "look": "somebody has to look",
}


@dataclass(frozen=True)
class Signs:
    """What was seen, as sentences; an empty one was not seen.

    `scored` says that labels have judged: then what merely moved is told and starts nothing.
    `trained` are the days since each decision of the gate.
    """

    score: str = ""
    predictions: str = ""
    features: str = ""
    age: str = ""
    scored: bool = False
    trained: Sequence[int] = ()


def settle(signs: Signs, settings: MonitorSettings) -> tuple[bool, str]:
    """Whether a retraining is due, and the one reason; without a reason it is empty."""
    order: list[tuple[Sign, str]] = [("score", signs.score)]
    if not signs.scored:
        order += [("predictions", signs.predictions), ("features", signs.features)]
    order.append(("age", signs.age))
    reason = next((why for sign, why in order if why and sign in settings.retrain_on), "")
    if not reason:
        return False, ""
    wait = _wait([days for days in signs.trained if days >= 0], settings)
    return (False, f"{reason}; {wait}") if wait else (True, reason)


def _wait(trained: Sequence[int], settings: MonitorSettings) -> str:
    """Why a retraining has to wait; empty if it has not."""
    last = min(trained, default=settings.quiet_days)
    if last < settings.quiet_days:
        when = "today" if last == 0 else f"{last} day{'s' * (last > 1)} ago"
        return f"a model was judged {when}, so nothing starts before {settings.quiet_days} days"
    week = sum(days < 7 for days in trained)
    if week >= settings.most_a_week:
        return f"{week} models were judged in seven days, which is the most"
    return ""
