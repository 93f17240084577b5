"""The champion's score on rows that came after it, and what it will be while labels are late."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..evidence import Reliability
from ..guards.calibrate import reliability
from ..metrics.errors import Z, standard_error
from ..metrics.scored import Scored
from ..metrics.scores import score
from ..project import Project
from ..scoring import answers_of, dependence_of
from ..settings import Metric, is_loss
from ..store.encode import encode_rows
from ..store.model import Model, answers_in_pieces
from .confidence import Confidence, expect

WEEKS, FEWEST = 26, 100


@dataclass(frozen=True)
class Estimate:
    """A score, higher is better, with its standard error."""

    value: float
    error: float

    @property
    def lower(self) -> float:
        """Lower end of the 90 % interval."""
        return self.value - Z * self.error

    @property
    def upper(self) -> float:
        """Upper end of the 90 % interval."""
        return self.value + Z * self.error

    def text(self, metric: Metric) -> str:
        """As a report shows it: a loss without the minus that it is compared with."""
        sign = -1 if is_loss(metric) else 1
        ends = sorted((sign * self.lower, sign * self.upper))
        return f"{sign * self.value:.4f} ({ends[0]:.4f} … {ends[1]:.4f})"


@dataclass(frozen=True)
class Scores:
    """Labelled rows: the score of the newest, how it went week by week, and the calibration."""

    rows: int
    now: Estimate
    weeks: tuple[tuple[date, Estimate], ...] = ()
    calibration: Reliability | None = None


@dataclass(frozen=True)
class Expected:
    """The score that the model's own confidence promises, and how far to trust that."""

    score: Estimate
    rows: int
    trust: str = field(default="")


def predicted(model: Model, rows: pl.DataFrame) -> NDArray[np.float64]:
    """The champion's answers, from its bundle."""
    return answers_in_pieces(model.predict, encode_rows(rows, model.signature.inputs))


def score_rows(
    project: Project, model: Model, rows: pl.DataFrame, said: NDArray[np.float64]
) -> Estimate:
    """The watched metric on labelled rows that were answered so."""
    answers, metric = answers_of(project, model, rows), project.settings.watched
    found = score(answers, said, metric, model.signature.threshold)
    dependence = dependence_of(rows, project.contract, project.settings.gate.horizon)
    return Estimate(found.value, standard_error(found.influence, dependence))


def score_newest(project: Project, model: Model, rows: pl.DataFrame, clock: str | None) -> Scores:
    """Labelled rows of the window: all together, and week by week where there is a clock."""
    settings = project.settings.monitor
    rows = rows.sort(clock, maintain_order=True) if clock else rows
    said = predicted(model, rows)
    newest = window(rows, clock, settings.window_days, settings.min_rows)
    own, calibration = said[len(said) - len(newest) :], None
    if project.settings.task != "regression":
        answers = answers_of(project, model, newest)
        told = Scored(project.settings.task, project.settings.watched, answers, {"champion": own})
        calibration = reliability(told, "champion")
    now = score_rows(project, model, newest, own)
    weeks = tuple(_weeks(project, model, rows, said, clock))
    return Scores(len(newest), now, weeks, calibration)


def window(rows: pl.DataFrame, clock: str | None, days: int, least: int) -> pl.DataFrame:
    """The newest rows: of so many days, or as many as are needed at least."""
    if clock is None or not len(rows):
        return rows
    ordered = rows.sort(clock, maintain_order=True)
    since = ordered[clock].cast(pl.Date)[-1] - timedelta(days=days - 1)
    inside = int((ordered[clock].cast(pl.Date) >= since).sum())
    return ordered.tail(max(inside, least))


def newest_day(rows: pl.DataFrame, clock: str | None) -> date | None:
    """The day of the newest row."""
    days = rows[clock].cast(pl.Date).drop_nulls().sort() if clock else ()
    return days[-1] if len(days) else None


def _weeks(
    project: Project,
    model: Model,
    rows: pl.DataFrame,
    said: NDArray[np.float64],
    clock: str | None,
) -> Iterator[tuple[date, Estimate]]:
    """The last day of each week, counted back from the newest row, and its score."""
    last = newest_day(rows, clock)
    if clock is None or last is None:
        return
    days = (pl.lit(last) - pl.col(clock).cast(pl.Date)).dt.total_days()
    number = rows.select(days // 7).to_series().fill_null(WEEKS).to_numpy()
    for week in range(WEEKS - 1, -1, -1):
        here = number == week
        if here.sum() >= FEWEST:
            found = score_rows(project, model, rows.filter(pl.Series(here)), said[here])
            if np.isfinite(found.value) and np.isfinite(found.error):
                yield last - timedelta(days=7 * week), found


def expected_score(
    project: Project,
    model: Model,
    known: Confidence | None,
    rows: pl.DataFrame,
    labelled: pl.DataFrame,
) -> Expected | None:
    """What these rows will score if answers follow from predictions as they did at the gate."""
    if known is None or len(rows) < project.settings.monitor.min_rows:
        return None
    metric, threshold = project.settings.watched, model.signature.threshold
    found = Estimate(*expect(known, predicted(model, rows), metric, threshold))
    if not np.isfinite(found.value):
        return None
    trust = "no label has come yet, so nothing shows whether the world still answers as it did"
    if len(labelled) >= FEWEST:
        said = predicted(model, labelled)
        real = score_rows(project, model, labelled, said)
        then = Estimate(*expect(known, said, metric, threshold))
        apart = real.value - then.value
        held = abs(apart) <= Z * np.hypot(real.error, then.error)
        sign = -1 if is_loss(metric) else 1
        told = f"{sign * then.value:.4f} was expected of the {len(labelled):,} labelled rows"
        word = "so far it holds" if held else "it does not hold: do not trust it"
        trust = f"{told}, {sign * real.value:.4f} came true: {word}"
    return Expected(found, len(rows), trust)
