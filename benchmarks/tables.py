"""Eight synthetic tables of different shape, each with a documented ground truth.

A table is a fixed world (its cities, merchants, loadings and coefficients never change) and
fresh draws from it: `table.draw(seed, rows, start)`. The reference is one draw; clean batches are
draws with other seeds in the days right after it. Keys never repeat over seeds below 1,000.
Nothing in a world changes with time but hours of the day and days of the week.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Values = Sequence[Any] | NDArray[Any]
Draw = Callable[[int, int, date], pl.DataFrame]

START = date(2025, 3, 3)  # a Monday: the first day of every reference


@dataclass(frozen=True)
class Table:
    """How to draw a table, and the truth about its columns, which no tool is told."""

    name: str
    draw: Draw
    rows: int
    target: str
    task: str
    linked: tuple[str, ...]  # columns that depend on each other or on the target
    pair: tuple[str, str] | None = None  # two linked numbers that are not interchangeable
    key: str | None = None
    time: str | None = None
    days: int = 0  # covered by a draw of `rows` rows
    order: tuple[str, str] | None = None  # the first is never later than the second
    sizes: bool = True  # whether clean batches differ in their number of rows, as batches do
    categories: tuple[str, ...] = ()  # text columns of few or repeating values
    codes: tuple[str, ...] = ()  # integers that are names, not quantities
    text: str | None = None  # written by people


def choose(
    random: np.random.Generator, values: Sequence[str], weights: Sequence[float], rows: int
) -> list:
    """Values drawn by weight."""
    share = np.asarray(weights, dtype=float)
    return list(np.asarray(values, dtype=object)[pick(random, share, rows)])


def pick(random: np.random.Generator, weights: Numbers, rows: int) -> NDArray[np.int64]:
    """Places drawn by weight."""
    return np.searchsorted(np.cumsum(weights / weights.sum())[:-1], random.random(rows))


def pick_each(random: np.random.Generator, scores: Numbers) -> NDArray[np.int64]:
    """One column a row, by softmax of the row's scores: shape (n, k) to (n,)."""
    gumbel = -np.log(-np.log(random.random(scores.shape)))
    return np.argmax(scores + gumbel, axis=1)


def holes(random: np.random.Generator, values: Values, share: float) -> list:
    """The values with this share of them missing."""
    gone = random.random(len(values)) < share
    items = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return [None if hole else item for item, hole in zip(items, gone, strict=True)]


def logistic(scores: Numbers) -> Numbers:
    """Probability of a score."""
    return 1 / (1 + np.exp(-scores))


def serials(seed: int, rows: int, digits: int) -> NDArray[np.int64]:
    """Numbers in scattered order, none of which another seed below 1,000 gives again."""
    size = 10**digits
    if rows * 1_000 > size:
        raise ValueError(f"{rows} rows for each of 1,000 seeds do not fit in {digits} digits")
    block = size // 1_000
    return ((seed * block + np.arange(rows)) * 61_803_399 + 271_828) % size


def dates(start: date, days: NDArray[np.int64]) -> Numbers:
    """Days after `start` as dates."""
    return np.datetime64(start, "D") + days.astype("timedelta64[D]")


CITIES = (
    *("Café Zürich", "são paulo", "NEW YORK", "Zürich Nord", "lyon", "Kraków", "The Hague"),
    "MÁLAGA",
)
CITY_WEIGHTS = (30, 20, 16, 12, 10, 7, 3, 2)
PLANS = ("Basic", "basic plus", "PREMIUM")


def draw_customers(seed: int, rows: int, start: date) -> pl.DataFrame:
    """Mixed types. Income follows age, plan and city; churn follows visits, plan and balance."""
    random = np.random.default_rng([1, seed])
    serial = serials(seed, rows, 8)
    city = pick(random, np.array(CITY_WEIGHTS, float), rows)
    age = np.clip(random.gamma(9, 5, rows), 18, 95).astype(int)
    plan = pick_each(random, np.column_stack([1.2 - age / 80, 0.4 + 0 * age, age / 60 - 0.8]))
    has_app = random.random(rows) < logistic(2.2 - age / 25)
    income = np.exp(9.9 + 0.012 * age + 0.25 * plan + 0.05 * city + random.normal(0, 0.35, rows))
    balance = 0.15 * income + random.normal(0, 2_500, rows)
    visits = random.poisson(np.exp(0.6 + 0.9 * has_app + 0.2 * plan))
    discount = np.round(np.clip(random.beta(2, 8, rows) + 0.05 * plan, 0, 1), 2)
    risk = 0.4 - 0.45 * visits - 0.5 * plan - balance / 9_000 + 2.5 * discount
    return pl.DataFrame(
        {
            "customer_id": [f"C{n // 1_000:05d}-{n % 1_000:03d}" for n in serial],
            "observed_on": dates(start, random.integers(0, 180, rows)),
            "city": [CITIES[n] for n in city],
            "plan": [PLANS[n] for n in plan],
            "age": age,
            "income": holes(random, np.round(income, 2), 0.09),
            "balance": np.round(balance, 2),
            "visits": visits,
            "discount": holes(random, discount, 0.12),
            "newsletter": holes(random, random.random(rows) < 0.3 + 0.3 * has_app, 0.06),
            "has_app": has_app,
            "churned": (random.random(rows) < logistic(risk)).astype(int),
        }
    )


COUNTRIES = ("DE", "FR", "NO", "CH", "IT", "ES", "GB", "US", "PL", "NL")
CHANNELS = ("chip", "contactless", "online", "phone")
MERCHANTS = tuple(
    f"{first} {last}"
    for first in (
        *("Nord", "Blue", "Alpha", "Café", "Hôtel", "Green", "City", "Royal", "Prime", "Old"),
        *("Market", "Fresh", "Sun", "Metro", "Grand"),
    )
    for last in (
        *("Foods", "GmbH", "& Sons", "Travel", "Books", "Energy", "Pharmacy", "Sports", "Shop"),
        *("Garage", "Cinema", "Bakery", "Optik", "Garden", "Toys", "Fashion", "Music", "Hardware"),
        *("Taxi", "Telecom"),
    )
)
HOURS = np.array(
    [1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 15, 18, 22, 18, 15, 14, 16, 22, 24, 18, 12, 8, 4, 2]
)


def draw_transactions(seed: int, rows: int, start: date) -> pl.DataFrame:
    """Heavy tails and repeats. Amounts follow merchant, account and channel; so do the points."""
    world, random = np.random.default_rng(2), np.random.default_rng([2, seed])
    size, spend = len(MERCHANTS), world.normal(0, 0.5, 20_000)
    level, rate = world.normal(3.2, 0.8, size), world.uniform(0.5, 2.0, size)
    merchant = pick(random, np.arange(1, size + 1) ** -1.1, rows)
    account = np.minimum(random.pareto(1.2, rows) * 600, 19_999).astype(int)
    country = pick_each(random, 2.5 * (account[:, None] % 10 == np.arange(10)))
    channel = pick_each(random, world.normal(0, 1, (size, 4))[merchant])
    amount = np.exp(level[merchant] + spend[account] + 0.3 * channel + random.normal(0, 0.7, rows))
    items = 1 + random.poisson(np.sqrt(amount) / 4)
    seconds = 86_400 * random.integers(0, 60, rows) + random.integers(0, 3_600, rows)
    seconds = np.sort(seconds + 3_600 * pick(random, HOURS.astype(float), rows))
    lag = np.minimum(random.gamma(2, 7_200, rows) * (1 + 0.5 * channel), 72_000).astype(int)
    begun = np.datetime64(start, "us") + seconds.astype("timedelta64[s]")
    points = rate[merchant] * amount * (1 + 0.5 * (channel == 2)) + random.normal(0, 3, rows)
    return pl.DataFrame(
        {
            "transaction_id": 10_000_000 + 100_000 * seed + np.arange(rows),
            "authorised_at": begun,
            "settled_at": holes(random, begun + lag.astype("timedelta64[s]"), 0.04),
            "account_id": [f"AC-{n:06d}" for n in (account * 7_919 + 1_234) % 1_000_000],
            "merchant": [MERCHANTS[n] for n in merchant],
            "country": [COUNTRIES[n] for n in country],
            "channel": [CHANNELS[n] for n in channel],
            "amount": np.round(amount, 2),
            "items": items,
            "points": np.round(points, 1),
        },
        schema_overrides={"settled_at": pl.Datetime("us")},
    )


SENSORS = {"temperature": (62, 4), "pressure": (3.1, 0.2), "vibration": (0, 0.4)} | {
    "current": (14, 2),
    "flow": (220, 25),
    "humidity": (45, 6),
}


def latent(random: np.random.Generator, rows: int, size: int, memory: float) -> Numbers:
    """Independent series of unit variance, each of which remembers its last value."""
    noise = random.standard_normal((rows, size)) * np.sqrt(1 - memory**2)
    series = np.empty_like(noise)
    series[0] = noise[0] / np.sqrt(1 - memory**2)
    for row in range(1, rows):
        series[row] = memory * series[row - 1] + noise[row]
    return series


def draw_sensors(seed: int, rows: int, start: date) -> pl.DataFrame:
    """Thirty channels on five slow states, one row a minute. A failure is rare: high states."""
    world, random = np.random.default_rng(3), np.random.default_rng([3, seed])
    states = latent(random, rows, 5, memory=0.9)
    loadings = world.normal(0, 1, (5, 30))
    signal = states @ loadings / np.linalg.norm(loadings, axis=0)
    signal = 0.9 * signal + np.sqrt(1 - 0.81) * random.standard_normal((rows, 30))
    end = datetime.combine(start, time()) + timedelta(days=7)
    minutes = np.datetime64(end, "us") - (np.arange(rows, 0, -1) * 60).astype("timedelta64[s]")
    columns: dict[str, Values] = {"measured_at": minutes}
    for n in range(30):
        kind, number = list(SENSORS)[n % 6], n // 6 + 1
        mean, spread = SENSORS[kind]
        values = mean + spread * signal[:, n]
        values = np.round(np.exp(values) if kind == "vibration" else values, 3)
        columns[f"{kind}_{number}"] = holes(random, values, 0.02) if n in (9, 22) else values
    risk = -4.4 + 1.2 * states[:, 0] + 1.0 * states[:, 1] - 0.8 * states[:, 2]
    columns["failure"] = random.random(rows) < logistic(risk)
    return pl.DataFrame(columns)


REGIONS = ("North", "South", "East", "West", "Île-de-France")
EDUCATION = ("none", "school", "Bachelor", "Master", "PhD")
AGES = ("18-29", "30-44", "45-59", "60+")
SEGMENTS = ("loyal", "neutral", "critic")


def draw_survey(seed: int, rows: int, start: date) -> pl.DataFrame:
    """Few rows, no key, no time. Eight answers follow one mood, which decides the segment."""
    world, random = np.random.default_rng(4), np.random.default_rng([4, seed])
    age = pick(random, np.array([22.0, 30, 28, 20]), rows)
    education = pick_each(random, -0.5 * (np.arange(5) - 2.2 - 0.2 * age[:, None]) ** 2)
    mood = random.normal(0.25 * (age - 1.5), 1)
    columns: dict[str, Values] = {
        "age_group": [AGES[n] for n in age],
        "gender": choose(random, ("female", "male", "diverse"), (50, 48, 2), rows),
        "region": choose(random, REGIONS, (25, 25, 20, 20, 10), rows),
        "education": [EDUCATION[n] for n in education],
        "employment": holes(random, choose(random, ("full", "part", "no"), (6, 2, 2), rows), 0.05),
        "device": [("phone", "desktop")[n] for n in random.binomial(1, 0.2 + 0.15 * age)],
        "household": np.minimum(1 + random.poisson(1.4, rows), 8),
    }
    for n in range(1, 9):
        answer = 4 + world.uniform(0.9, 1.4) * mood * (1 if n != 5 else -1)
        answer = np.clip(np.round(answer + random.normal(0, 0.8, rows)), 1, 7).astype(int)
        columns[f"q{n}"] = holes(random, answer, 0.03) if n in (3, 7) else answer
    bend = np.column_stack([2.0 * mood - 0.6, np.zeros(rows), -2.0 * mood - 1.0])
    columns["segment"] = [SEGMENTS[n] for n in pick_each(random, bend)]
    return pl.DataFrame(columns)


def draw_wide(seed: int, rows: int, start: date) -> pl.DataFrame:
    """Few rows, 199 inputs on ten latent factors; the output is linear in the factors."""
    world, random = np.random.default_rng(5), np.random.default_rng([5, seed])
    factors = random.standard_normal((rows, 10))
    loadings = world.normal(0, 1, (10, 199))
    signal = 0.85 * factors @ loadings / np.linalg.norm(loadings, axis=0)
    signal += np.sqrt(1 - 0.85**2) * random.standard_normal((rows, 199))
    means, spreads = world.normal(0, 20, 199), np.exp(world.normal(1, 1, 199))
    values = means + spreads * signal
    values[:, 5::7] = np.exp(signal[:, 5::7])  # some are skewed
    columns: dict[str, Values] = {f"f{n:03d}": values[:, n] for n in range(199)}
    for n in (12, 48, 77, 130, 181):
        columns[f"f{n:03d}"] = holes(random, values[:, n], 0.01 + n / 5_000)
    columns["output"] = 50 + factors @ world.normal(0, 3, 10) + random.normal(0, 3, rows)
    return pl.DataFrame(columns)


TEAMS = ("billing", "network", "hardware", "accounts")
PRIORITIES = ("low", "medium", "high", "URGENT")
COMMON = "the a my is not please help since again after and I it with today still never we".split()
TOPICS = (
    "invoice charged twice refund amount wrong payment card bank tax total discount".split(),
    "wifi slow connection drops router signal outage cable speed latency offline ping".split(),
    "screen broken battery keyboard printer noise fan charger dead replacement laptop".split(),
    "password login locked reset username access denied profile code expired device".split(),
)


def sentence(random: np.random.Generator, topic: int) -> str:
    """Some words, more of them about the topic than about others."""
    own, other = TOPICS[topic], TOPICS[random.integers(4)]
    words = [
        (own if chance < 0.4 else other if chance < 0.5 else COMMON)[int(place * 11)]
        for chance, place in random.random((random.integers(6, 22), 2))
    ]
    return " ".join(words).capitalize() + "."


def draw_tickets(seed: int, rows: int, start: date) -> pl.DataFrame:
    """Free text, zip codes, a long tail of products. Words, product and priority tell the team."""
    random = np.random.default_rng([6, seed])
    team = pick(random, np.array([35.0, 30, 20, 15]), rows)
    maker = np.where(random.random(rows) < 0.5, team, random.integers(0, 4, rows))
    product = np.minimum(random.zipf(1.7, rows), 400) * 4 + maker
    urgency = np.array([0.8, 1.2, 0.2, -1.2]) + np.outer(team == 1, [0, 0.5, 1, 1.5])
    priority = pick_each(random, urgency)
    opened = np.sort(random.integers(0, 90, rows))
    closed = opened + random.geometric(1 / (8 - 2 * priority)) - 1
    area = random.integers(1, 100, rows) ** 2 // 100
    zips = [f"{a:02d}{n:03d}" for a, n in zip(area, random.integers(0, 1_000, rows), strict=True)]
    ended = [
        day if day < start + timedelta(days=90) else None for day in dates(start, closed).tolist()
    ]
    return pl.DataFrame(
        {
            "ticket": [f"T-{n:08d}" for n in serials(seed, rows, 8)],
            "opened_on": dates(start, opened),
            "closed_on": ended,
            "zip": zips,
            "product": [f"P{n:04d}" for n in product],
            "priority": [PRIORITIES[n] for n in priority],
            "message": [sentence(random, topic) for topic in team],
            "team": [TEAMS[n] for n in team],
        }
    )


def draw_stores(seed: int, rows: int, start: date) -> pl.DataFrame:
    """Sixty stores, a row each day. Units follow the store, the weekday, promotion and price."""
    world, random = np.random.default_rng(7), np.random.default_rng([7, seed])
    size, traffic = 60, world.normal(5.5, 0.4, 60)
    day, store = np.divmod(np.arange(rows), size)
    weekday = np.array([0, -0.1, -0.1, 0, 0.2, 0.5, -0.4])[(day + start.weekday()) % 7]
    promotion = random.random(rows) < 0.15
    warmth = latent(random, day[-1] + 1, 1, memory=0.7)[:, 0]
    price = 9.99 + 0.5 * (store % 5) - 2.0 * promotion + 0.5 * random.integers(-1, 2, rows)
    footfall = random.poisson(np.exp(traffic[store] + weekday + 0.15 * promotion))
    units = random.poisson(footfall * np.exp(0.35 * promotion - 0.12 * price))
    stock = units + random.poisson(40, rows)
    return pl.DataFrame(
        {
            "store": store + 1,
            "day": dates(start, day),
            "region": [REGIONS[n % 4] for n in store],
            "promotion": promotion,
            "price": np.round(price, 2),
            "temperature": np.round(15 + 4 * warmth[day] + random.normal(0, 1, rows), 1),
            "footfall": footfall,
            "stock": stock,
            "units": units,
        }
    )


PURPOSES = ("car", "home improvement", "debt consolidation", "education", "Other")


def draw_loans(seed: int, rows: int, start: date) -> pl.DataFrame:
    """Integer codes, shares, a constant, a nearly empty column. Score and debt tell the default."""
    world, random = np.random.default_rng(8), np.random.default_rng([8, seed])
    wealth = random.standard_normal(rows)
    branch = pick(random, world.dirichlet(np.ones(40) * 2), rows)
    age = np.clip(random.gamma(12, 3.5, rows), 18, 90).astype(int)
    income = np.exp(10.3 + 0.45 * wealth + random.normal(0, 0.25, rows))
    amount = np.round(np.exp(8.6 + 0.5 * wealth + random.normal(0, 0.6, rows)), -2)
    score = np.clip(650 + 60 * wealth + random.normal(0, 40, rows), 300, 850).astype(int)
    ratio = np.clip(amount / income + random.beta(2, 6, rows) / 2, 0, 1)
    used = np.where(random.random(rows) < 0.3, 0, random.beta(2, 3, rows))
    late = random.poisson(np.where(random.random(rows) < 0.8, 0.02, np.exp(0.5 - 0.5 * wealth)))
    rate = np.round(0.14 - 0.00012 * (score - 650) + random.normal(0, 0.008, rows), 4)
    risk = -2.6 - 0.012 * (score - 650) + 1.8 * ratio + 0.5 * late
    years = np.round(np.clip(random.gamma(2, 4, rows), 0, age - 17), 1)
    product = pick_each(random, np.outer(wealth / 3, np.arange(5)))
    terms = np.array([12, 24, 36, 48, 60])[pick(random, np.array([1.0, 3, 6, 3, 4]), rows)]
    return pl.DataFrame(
        {
            "loan_id": serials(seed, rows, 8),
            "product_code": 1 + product,
            "branch": branch + 100,
            "purpose": choose(random, PURPOSES, (30, 25, 25, 15, 5), rows),
            "currency": ["EUR"] * rows,
            "amount": amount,
            "term_months": terms,
            "rate": np.clip(rate, 0.01, 0.3),
            "income": np.round(income, 0),
            "debt_ratio": np.round(ratio, 3),
            "employed_years": holes(random, years, 0.15),
            "guarantor": holes(random, ["yes"] * rows, 0.97),
            "late_payments": late,
            "score": score,
            "age": age,
            "utilisation": np.round(used, 2),
            "homeowner": random.random(rows) < logistic(wealth + age / 20 - 2),
            "defaulted": random.random(rows) < logistic(risk),
        }
    )


TABLES = (
    Table(
        "customers",
        draw_customers,
        rows=20_000,
        target="churned",
        task="binary",
        linked=("income", "balance", "visits", "age", "plan", "has_app"),
        pair=("income", "balance"),
        key="customer_id",
        time="observed_on",
        days=180,
        categories=("city", "plan"),
    ),
    Table(
        "transactions",
        draw_transactions,
        rows=50_000,
        target="points",
        task="regression",
        linked=("amount", "merchant", "channel", "items"),
        pair=("amount", "items"),
        key="transaction_id",
        time="authorised_at",
        days=60,
        order=("authorised_at", "settled_at"),
        categories=("merchant", "country", "channel"),
    ),
    Table(
        "sensors",
        draw_sensors,
        rows=10_080,
        target="failure",
        task="binary",
        linked=("temperature_1", "flow_3", "current_2", "humidity_4", "pressure_2"),
        pair=("temperature_2", "temperature_4"),
        time="measured_at",
        days=7,
        sizes=False,
    ),
    Table(
        "survey",
        draw_survey,
        rows=800,
        target="segment",
        task="multiclass",
        linked=("q1", "q2", "q4", "q6", "q8"),
        pair=("q2", "q5"),
        categories=("region", "education", "age_group", "employment", "device"),
    ),
    Table(
        "wide",
        draw_wide,
        rows=2_000,
        target="output",
        task="regression",
        linked=("f010", "f033", "f064", "f101", "f150", "f190"),
        pair=("f018", "f122"),
    ),
    Table(
        "tickets",
        draw_tickets,
        rows=5_000,
        target="team",
        task="multiclass",
        linked=("message", "product", "priority"),
        key="ticket",
        time="opened_on",
        days=90,
        order=("opened_on", "closed_on"),
        categories=("priority", "product", "zip"),
        text="message",
    ),
    Table(
        "stores",
        draw_stores,
        rows=7_200,
        target="units",
        task="regression",
        linked=("footfall", "stock", "price"),
        pair=("footfall", "stock"),
        time="day",
        days=120,
        sizes=False,
        categories=("region",),
        codes=("store",),
    ),
    Table(
        "loans",
        draw_loans,
        rows=12_000,
        target="defaulted",
        task="binary",
        linked=("score", "rate", "income", "amount"),
        pair=("amount", "income"),
        key="loan_id",
        categories=("purpose",),
        codes=("product_code", "branch"),
    ),
)


def reference(table: Table) -> pl.DataFrame:
    """What every tool is fitted on."""
    return table.draw(0, table.rows, START)


def batch(table: Table, seed: int) -> pl.DataFrame:
    """A clean batch of the days right after the reference, at most a fifth smaller or larger."""
    scale = np.random.default_rng([9, seed]).uniform(0.8, 1.2) if table.sizes else 1.0
    return table.draw(seed, round(table.rows * scale), START + timedelta(days=table.days))


def read_on(table: Table, *, fresh: bool) -> date:
    """The day on which a table is read: the morning after its last day."""
    return START + timedelta(days=table.days * (2 if fresh else 1))
