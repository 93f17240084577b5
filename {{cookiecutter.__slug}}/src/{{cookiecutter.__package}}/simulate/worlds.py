"""Six worlds that a model may live in; each is the sample with something that changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from ..sample import EPOCH, TARGETS, World
from ..settings import Task

START = date(2025, 1, 6)  # a Monday: the first week that is lived
FIRST = (START - EPOCH).days
YEAR = 364
PERIOD, BROKEN_EVERY = 1.0, 6


@dataclass(frozen=True)
class Scenario:
    """A world, and what is written of it: wrong labels by day, broken batches by week."""

    name: str
    says: str
    world: World
    wrong: Callable[[int], float] = lambda _: 0.0
    broken: Callable[[int], bool] = lambda _: False


def _passed(day: int) -> float:
    """How much of the year that is lived has passed, from 0 to 1."""
    return float(np.clip((day - FIRST) / YEAR, 0, 1))


def _lived(years: np.ndarray) -> np.ndarray:
    return years - FIRST / 365.25


def _mix(day: int) -> float:
    """A share that goes up and down a little from week to week, as shares do."""
    return 0.2 + 0.04 * float(np.sin(day * 0.9)) + 0.03 * float(np.cos(day * 0.35))


STABLE = World(season=lambda years: 0.0 * years, online=_mix, usage=lambda _: 5.5)
WORLDS: Mapping[str, Scenario] = {
    one.name: one
    for one in (
        Scenario("stable", "nothing changes but the mix of customers, a little", STABLE),
        Scenario(
            "covariate",
            "who the customers are drifts: online from 20 to 65 %, usage up by half",
            replace(
                STABLE,
                online=lambda day: 0.2 + 0.45 * _passed(day),
                usage=lambda day: 5.5 * (1 + 0.5 * _passed(day)),
            ),
        ),
        Scenario(
            "concept",
            "what customers mind turns around in week 18 within a month",
            replace(
                STABLE,
                season=lambda years: 1.8 / (1 + np.exp(-(_lived(years) - 0.35) * 40)) - 0.9,
            ),
        ),
        Scenario(
            "seasonal",
            "what customers mind follows the year",
            replace(STABLE, season=lambda years: 0.8 * np.sin(2 * np.pi * years / PERIOD)),
        ),
        Scenario(
            "labels",
            "labels rot: from a quarter of the year on ever more belong to somebody else",
            STABLE,
            wrong=lambda day: 0.5 * max(0.0, _passed(day) - 0.25),
        ),
        Scenario(
            "batches",
            f"every {BROKEN_EVERY}th week the export is broken, spend in cents and labels those "
            "of others, and is repaired a week later",
            STABLE,
            broken=lambda week: week % BROKEN_EVERY == BROKEN_EVERY - 1,
        ),
    )
}


def rot(task: Task, rows: pl.DataFrame, scenario: Scenario, seed: int) -> pl.DataFrame:
    """Some labels exchanged for those of others, ever more."""
    days = (rows["observed_on"] - EPOCH).dt.total_days().to_list()
    share = np.array([scenario.wrong(day) for day in days])
    if not share.any():
        return rows
    random = np.random.default_rng([seed, 77])
    wrong = random.random(len(rows)) < share
    labels, places = rows[TARGETS[task]].to_numpy().copy(), np.flatnonzero(wrong)
    labels[places] = labels[random.permutation(places)]
    return rows.with_columns(pl.Series(TARGETS[task], labels, rows.schema[TARGETS[task]]))


def spoil(task: Task, rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows as a broken export writes them: a unit changed, labels joined to the wrong rows."""
    mixed = rows[TARGETS[task]].sample(fraction=1.0, shuffle=True, seed=seed)
    return rows.with_columns(pl.col("monthly_spend") * 100, mixed)
