"""Where a simulated year gets its rows, and by what the models in force are measured."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .. import sample
from ..errors import Status, Stop
from ..load import load_rows
from ..metrics.scores import score
from ..monitor.score import predicted
from ..project import Project
from ..scoring import answers_of
from ..settings import is_loss
from ..steps.validate import typed_rows
from ..store.model import Model
from .worlds import START, Scenario, rot, spoil

TRUE_ROWS_A_DAY, DRAWS = 300, 8
FEWEST = 50
WEEK = timedelta(weeks=1)


class Source(Protocol):
    """A world to live in: its first Monday, what arrives by a day, and what is true of a week."""

    first: date

    def until(self, day: date, week: int) -> pl.LazyFrame:
        """The rows that the source gives on this day, as they arrive."""

    def truth(self, models: Mapping[str, Model], since: date) -> dict[str, float]:
        """The score of each model in the week that begins now; higher is better."""


class Sampled:
    """A world of the sample: the truth is known, so a score has next to no chance in it."""

    def __init__(self, project: Project, scenario: Scenario, weeks: int, seed: int) -> None:
        """Draw the whole year at once."""
        self.project, self.scenario, self.seed = project, scenario, seed
        self.task, self.first = project.settings.task, START
        self.world = replace(scenario.world, seed=seed)
        window = timedelta(days=project.settings.data.window_days or 180)
        rows = sample.rows(self.task, START - window, START + weeks * WEEK, self.world)
        self.rows, self.window = rot(self.task, rows, scenario, seed), window

    def until(self, day: date, week: int) -> pl.LazyFrame:
        """The window that ends with this day; a broken week is repaired by the next one."""
        seen = pl.col("observed_on")
        rows = self.rows.filter(seen >= day - self.window, seen < day)
        broken = self.scenario.broken(week)
        return (spoil(self.task, rows, self.seed) if broken else rows).lazy()

    def truth(self, models: Mapping[str, Model], since: date) -> dict[str, float]:
        """Many rows, each with answers drawn several times."""
        world = replace(self.world, seed=self.seed + 1_000_003, rows_a_day=TRUE_ROWS_A_DAY)
        rows = sample.rows(self.task, since, since + WEEK, world)
        expected = sample.truth(self.task, rows, world)
        random = np.random.default_rng([self.seed, since.toordinal()])
        target, found = self.project.contract.target, dict.fromkeys(models, 0.0)
        said = {model.digest: predicted(model, rows) for model in models.values()}
        for _ in range(DRAWS):
            drawn = sample.draw(self.task, expected, random).alias(target)
            table = rows.with_columns(drawn.cast(rows.schema[target]))
            for name, model in models.items():
                value = measure(self.project, model, table, said[model.digest])
                found[name] += value / DRAWS
        return found


class Own:
    """The project's own rows, lived through once more by their time."""

    def __init__(self, project: Project, weeks: int, today: date) -> None:
        """Read all rows there are.

        Raises:
            Stop: no time column, or too little time.
        """
        clock = project.contract.time_column
        if clock is None:
            hint = "`ml simulate --world stable` shows the loop on the sample of this task"
            raise Stop(Status.DATA, f"Without a time column there is no history to replay; {hint}.")
        self.project, self.clock = project, clock
        settings = project.settings.model_copy(
            update={"data": project.settings.data.model_copy(update={"window_days": 0})}
        )
        self.raw = load_rows(replace(project, settings=settings), today).collect()
        days = self._days.drop_nulls().sort()
        if not len(days):
            raise Stop(Status.DATA, f"{clock}: no row has a time: there is no history to replay.")
        first, last = days[0], days[-1]
        self.first = last + timedelta(days=1) - (weeks + 1) * WEEK
        if self.first - first < 4 * WEEK:
            spans = (last - first).days // 7
            hint = f"{spans} weeks of rows: use --weeks {max(1, spans - 8)}"
            raise Stop(Status.DATA, f"{weeks} weeks cannot be replayed with {hint} or less.")

    @cached_property
    def _days(self) -> pl.Series:
        return self._typed(self.raw)[self.clock].cast(pl.Date)

    def _typed(self, rows: pl.DataFrame) -> pl.DataFrame:
        return typed_rows(rows.lazy(), self.project.contract).collect()

    def until(self, day: date, week: int) -> pl.LazyFrame:  # noqa: ARG002 - as Source says
        """The rows that were there on this day, of the settings' window."""
        days = self.project.settings.data.window_days
        known = self._days < day
        if days:
            known &= self._days >= day - timedelta(days=days)
        return self.raw.filter(known).lazy()

    def truth(self, models: Mapping[str, Model], since: date) -> dict[str, float]:
        """The score on the rows that came next; NaN where they are few."""
        target = self.project.contract.target
        rows = self._typed(self.raw.filter(self._days.is_between(since, since + WEEK, "left")))
        rows = rows.filter(pl.col(target).is_not_null())
        if len(rows) < FEWEST:
            return dict.fromkeys(models, float("nan"))
        return {
            name: measure(self.project, model, rows, predicted(model, rows))
            for name, model in models.items()
        }


def measure(project: Project, model: Model, rows: pl.DataFrame, said: NDArray[np.float64]) -> float:
    """The watched metric of these answers to these rows; higher is better."""
    answers, metric = answers_of(project, model, rows), project.settings.watched
    return score(answers, said, metric, model.signature.threshold).value


def shown(metric: str, value: float) -> float:
    """A loss without the minus that it is compared with."""
    return -value if is_loss(metric) else value
