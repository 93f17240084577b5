"""A dated, seeded source of customers with known drift: something new to learn from every day.

The same day gives the same rows on every machine. `truth` gives what a perfect model would
answer, so that a simulation can say how far a real one is from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .settings import Task

ROWS_A_DAY = 60
DRIFT_YEARS = 2.5
EPOCH = date(2024, 1, 1)
TARGETS: dict[Task, str] = {
    "binary": "churned",
    "regression": "next_spend",
    "multiclass": "next_plan",
}
PLANS = np.array(["basic", "plus", "pro", "leaves"], dtype=object)
REGIONS = np.array(["east", "north", "online", "south", "west"], dtype=object)
GENDERS = np.array(["female", "male", "other"], dtype=object)


@dataclass(frozen=True)
class World:
    """How customers change: what they mind by the year, who they are by the day since EPOCH.

    `season` gives values from -1 to 1, `online` a share, `usage` the scale of a gamma in hours.
    """

    season: Callable[[NDArray], NDArray] = lambda years: np.sin(2 * np.pi * years / DRIFT_YEARS)
    online: Callable[[int], float] = lambda day: float(np.clip(0.05 + 0.0002 * day, 0.05, 0.5))
    usage: Callable[[int], float] = lambda day: 5 + 0.001 * float(np.clip(day, 0, 3650))
    seed: int = 0
    rows_a_day: int = ROWS_A_DAY


CHANGING = World()  # what customers mind changes slowly


def rows(task: Task, since: date, until: date, world: World = CHANGING) -> pl.DataFrame:
    """Customers observed from `since` up to, but without, `until`, with the task's target."""
    days = [since + timedelta(days=n) for n in range((until - since).days)]
    if not days:
        days, until = [since], since
    table = pl.concat([_day(task, day, world) for day in days])
    return table.filter(pl.col("observed_on") < until)


def truth(task: Task, table: pl.DataFrame, world: World = CHANGING) -> NDArray[np.float64]:
    """What a perfect model answers: shape (n, classes), or (n,) for regression."""
    years = (table["observed_on"] - EPOCH).dt.total_days().to_numpy() / 365.25
    calls = table["support_calls"].to_numpy()
    satisfaction = table["satisfaction"].fill_null(6).to_numpy()
    spend = table["monthly_spend"].fill_null(40.0).to_numpy()
    season = world.season(years)
    unhappy = (
        0.45 * (6 - satisfaction)
        + (0.45 + 0.40 * season) * calls
        + (0.020 - 0.025 * season) * (spend - 40)
        - 0.025 * table["tenure_months"].to_numpy()
        - 0.05 * (table["usage_hours"].to_numpy() - 20)
        + np.where(table["plan"].to_numpy() == "pro", -0.8, 0.0)
        + np.where(table["region"].to_numpy() == "online", 0.7, 0.0)
    )
    if task == "regression":
        return spend * (1.05 - 0.08 * np.tanh(unhappy)) + 2.0 * calls
    if task == "binary":
        leave = 1 / (1 + np.exp(1.2 - unhappy))
        return np.column_stack([1 - leave, leave])
    current = table["plan"].to_numpy()[:, None] == PLANS[None, :]
    utility = 1.8 * current
    utility[:, 1] += 0.02 * (spend - 40)
    utility[:, 2] += 0.05 * (table["usage_hours"].to_numpy() - 20)
    utility[:, 3] += unhappy
    weight = np.exp(utility)
    return weight / weight.sum(axis=1, keepdims=True)


def _day(task: Task, day: date, world: World) -> pl.DataFrame:
    number = (day - EPOCH).days
    random = np.random.default_rng([20240101, number % 2**32, *([world.seed] * (world.seed > 0))])
    n, online = world.rows_a_day, world.online(number)
    others = np.full(4, (1 - online) / 4)
    region = random.choice(REGIONS, n, p=[*others[:2], online, *others[2:]])
    plan = random.choice(PLANS[:3], n, p=[0.5, 0.3, 0.2])
    base = np.select([plan == "basic", plan == "plus"], [25.0, 45.0], 70.0)
    spend = np.round(base * random.lognormal(0, 0.25, n), 2)
    satisfaction = np.clip(np.round(random.normal(6.5, 2, n)), 1, 10).astype(int)
    usage = np.round(random.gamma(4, world.usage(number), n), 1)
    table = pl.DataFrame(
        {
            "customer_id": [f"C{number:05d}-{i:03d}" for i in range(n)],
            "observed_on": pl.Series([day] * n, dtype=pl.Date),
            "region": pl.Series(region.tolist(), dtype=pl.String),
            "plan": pl.Series(plan.tolist(), dtype=pl.String),
            "gender": pl.Series(random.choice(GENDERS, n, p=[0.49, 0.47, 0.04]).tolist()),
            "tenure_months": np.minimum(random.exponential(24, n).astype(int), 240),
            "support_calls": random.poisson(1.2, n),
            "usage_hours": usage,
            "monthly_spend": _with_nulls(spend.tolist(), random.random(n) < 0.06),
            "satisfaction": _with_nulls(satisfaction.tolist(), random.random(n) < 0.12),
        }
    )
    return table.with_columns(draw(task, truth(task, table, world), random).alias(TARGETS[task]))


def draw(task: Task, expected: NDArray, random: np.random.Generator) -> pl.Series:
    """Answers as they happen, from what a perfect model says of them."""
    if task == "regression":
        return pl.Series(np.round(expected + random.normal(0, 6, len(expected)), 2))
    chosen = (random.random((len(expected), 1)) > expected.cumsum(axis=1)).sum(axis=1)
    chosen = np.minimum(chosen, expected.shape[1] - 1)
    return pl.Series(chosen) if task == "binary" else pl.Series(PLANS[chosen].tolist())


def _with_nulls(values: list[float], missing: NDArray[np.bool_]) -> pl.Series:
    return pl.Series([None if m else v for v, m in zip(values, missing, strict=True)])
