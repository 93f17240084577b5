"""What monitoring saw, as plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from ..checks.findings import Finding
from ..checks.reference import Reference
from ..steps.drift import Drift
from ..steps.split import row_hashes
from ..store.fingerprints import trained_on
from ..store.model import Model
from .confidence import Confidence
from .policy import Then
from .score import Estimate, Expected, Scores


@dataclass(frozen=True)
class Watch:
    """What was seen: whether a retraining is due, and the one reason why, or why not.

    `rows` are newer than those that the champion was judged on, and come from `source`: the
    prediction log, or the project's data. `judged` is the champion at the newest gate, `own` its
    score at its own, where that was another. `skew` is the largest difference between what the
    service said and what the bundle says, as a share of the answers' scale. `learnable` are the
    newer rows of the data that have an answer: what a retraining would learn from; `broken` is the
    first rule that those of the data break. `then` says what follows: a retraining, waiting for
    one, somebody's look where none would help, or nothing.
    """

    due: bool
    reason: str
    then: Then = "nothing"
    version: int | None = None
    metric: str = ""
    source: str = ""
    rows: int = 0
    labelled: int = 0
    learnable: int | None = None
    judged: Estimate | None = None
    own: float | None = None
    scores: Scores | None = None
    expected: Expected | None = None
    drift: tuple[Drift, ...] = ()
    answers: Drift | None = None
    skew: float | None = None
    skewed: tuple[Drift, ...] = ()
    findings: tuple[Finding, ...] = ()
    broken: str = ""
    oddities: tuple[str, ...] = ()
    versions: Mapping[str, int] | None = None
    age_days: int | None = None
    newest_label: date | None = None

    @property
    def now(self) -> Estimate | None:
        """The score of the newest labelled rows."""
        return self.scores.now if self.scores else None


@dataclass(frozen=True)
class Champion:
    """The model in charge, and what its bundle tells of it.

    `facts` are what the gate last saw of it (metric, value, error), its score at its own gate where
    that was another, and the newest row there.
    `reference` is of the rows that it learnt from, `confidence` of its answers, `worth` the
    importance of columns.
    """

    number: int
    digest: str
    model: Model
    facts: Mapping[str, Any]
    made: date | None
    reference: Reference
    confidence: Confidence | None = None
    worth: Mapping[str, float] = field(default_factory=dict)

    def at_gate(self, metric: str) -> Estimate | None:
        """Its score there; None where another metric was kept."""
        known = self.facts
        return Estimate(known["value"], known["error"]) if known.get("metric") == metric else None

    def age(self, today: date) -> int | None:
        """Days since it was made."""
        return max(0, (today - self.made).days) if self.made else None

    def newer(self, rows: pl.DataFrame, clock: str | None) -> pl.DataFrame:
        """Rows after the last one that was judged; without a time, those not trained on."""
        until = self.facts.get("until", "")
        if clock is None or not until:
            return rows.filter(~trained_on(self.model.folder, row_hashes(rows)))
        last = datetime.fromisoformat(until)
        kind = rows.schema[clock]
        zone = getattr(kind, "time_zone", None)
        moment = pl.lit(last.replace(tzinfo=None)).dt.replace_time_zone(zone)
        return rows.filter(pl.col(clock) > (moment.dt.date() if kind == pl.Date else moment))
