"""A year of weekly retrains, judged by every rule; and six worlds in which true AUC is known."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Protocol

import numpy as np
from common import table
from gate_binormal import CHAMPION_AUC, draw_answers, mix, probabilities
from gate_product import Evidence, Scored
from gate_rules import OURS, RULES, Numbers, Seen, auc, core, scored_of

WEEKS = 52
ROWS = 2_000
ANY = "any guard"
AGES = np.arange(WEEKS + 1)
ROT_FROM = 20
MINUS = "\N{MINUS SIGN}"


class Week(Protocol):
    """One week's fresh holdout. Models are numbered by the week in which they were trained."""

    answers: Numbers

    def predict(self, model: int) -> Numbers:
        """A model's probabilities on this week's holdout."""

    def truth(self, model: int) -> float:
        """A model's true AUC in this week."""

    def weigh(self, scored: Scored) -> Evidence:
        """The project's evidence, of the whole gate or of its core."""


@dataclass
class Reign:
    """What a rule made of a year: who is champion and anchor, and the record of every week."""

    stored: float
    champion: int = 0
    anchor: int = 0
    promotions: int = 0
    flipped: list[float] = field(default_factory=list)
    truth: list[float] = field(default_factory=list)
    regret: list[float] = field(default_factory=list)
    harmed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Year:
    """Every rule's reign over the same challengers, and the best model that there was."""

    start: float
    best: list[float]
    reigns: Mapping[str, Reign]


def live(week_of: Callable[[int], Week]) -> Year:
    """A year: in each week one challenger, judged by each rule against the rule's own champion."""
    first = week_of(0)
    stored = auc(first.answers, first.predict(0))
    year = Year(first.truth(0), [], {name: Reign(stored) for name in RULES})
    for number in range(1, WEEKS + 1):
        week = week_of(number)
        best = max(week.truth(model) for model in range(number + 1))
        year.best.append(best)
        for name, reign in year.reigns.items():
            judge(name, reign, week, number)
            reign.truth.append(week.truth(reign.champion))
            reign.regret.append(best - reign.truth[-1])
    return year


def judge(name: str, reign: Reign, week: Week, challenger: int) -> None:
    """One decision; champion and anchor move as promote.py moves them."""
    own, old = week.predict(challenger), week.predict(reign.champion)
    table_ = scored_of(
        week.answers,
        {"challenger": own, "champion": old, "anchor": week.predict(reign.anchor)},
    )
    weigh = week.weigh if name == OURS else core
    values = auc(week.answers, own), auc(week.answers, old)
    seen = Seen(*values, reign.stored, lambda: weigh(table_))
    promoted = RULES[name](seen)
    if name == OURS:
        guards = {one.guard for one in seen.decision.harmed}
        reign.harmed.update([*guards, ANY] if guards else [])
    if not promoted:
        return
    reign.promotions += 1
    reign.flipped.append(turned_wrong(table_))
    reign.champion, reign.stored = challenger, values[0]
    if name == OURS and seen.decision.beats_anchor:
        reign.anchor = challenger


def turned_wrong(scored: Scored) -> float:
    """Share of all rows that the champion had right and the challenger has wrong."""
    right = {n: scored.labels(n) == scored.answers for n in ("champion", "challenger")}
    return float((right["champion"] & ~right["challenger"]).mean())


@dataclass(frozen=True)
class World:
    """How the true AUC of retrains goes, how models age, and how many answers are wrong."""

    name: str
    says: str
    skills: Callable[[np.random.Generator], Numbers]
    ageing: float = 0.0
    mistaken: Callable[[int], float] = lambda week: 0.0

    def truth(self, skills: Numbers, born: int, week: int) -> float:
        """True AUC in this week of the model that was trained in week `born`."""
        return float(skills[born]) - self.ageing * (week - born)


WORLDS = (
    World(
        "no change",
        f"every retrain is truly {CHAMPION_AUC:.2f}",
        lambda random: np.full(WEEKS + 1, CHAMPION_AUC),
    ),
    World(
        "walk",
        "every retrain is the last one plus or minus a little: a step of N(0, 0.003)",
        lambda random: CHAMPION_AUC + np.append(0, random.normal(0, 0.003, WEEKS).cumsum()),
    ),
    World(
        "rot",
        "every retrain is 0.001 worse than the last one; a model stays what it was",
        lambda random: CHAMPION_AUC - 0.001 * AGES,
    ),
    World(
        "world drifts",
        f"every retrain is {CHAMPION_AUC:.2f} in its week and loses 0.001 with each week of age",
        lambda random: np.full(WEEKS + 1, CHAMPION_AUC),
        ageing=0.001,
    ),
    World(
        "more data",
        "every retrain is 0.0004 better than the last one",
        lambda random: CHAMPION_AUC + 0.0004 * AGES,
    ),
    World(
        "label rot",
        f"from week {ROT_FROM} every retrain is 0.002 worse than the last one, and each week "
        "0.1 % more of the holdout's answers are wrong too; truth is measured on right answers",
        lambda random: CHAMPION_AUC - 0.002 * np.maximum(AGES - ROT_FROM, 0),
        mistaken=lambda week: 0.001 * max(week - ROT_FROM, 0),
    ),
)


class BinormalWeek:
    """A fresh holdout of a world: every model's noise has a seed of its own, whoever asks."""

    def __init__(self, world: World, skills: Numbers, week: int, seed: list[int], share: float):
        """Draw the rows; `share` is the correlation of any two models' noise."""
        random = np.random.default_rng([*seed, week])
        self._clean = draw_answers(random, ROWS)
        self._shared, self._share = random.standard_normal(ROWS), share
        wrong = random.random(ROWS) < world.mistaken(week)
        self.answers = np.where(wrong, 1 - self._clean, self._clean)
        self._truth = [world.truth(skills, born, week) for born in range(len(skills))]
        self._seed, self._known = [*seed, week], {}

    def predict(self, model: int) -> Numbers:
        """A model's probabilities."""
        if model not in self._known:
            own = np.random.default_rng([*self._seed, 1 + model]).standard_normal(ROWS)
            noise = mix(self._shared, own, self._share)
            self._known[model] = probabilities(self._clean, noise, self._truth[model])
        return self._known[model]

    def truth(self, model: int) -> float:
        """By formula."""
        return self._truth[model]

    def weigh(self, scored: Scored) -> Evidence:
        """Only the core: guards have a table of their own."""
        return core(scored)


def binormal_years(world: World, years: int, share: float, seed: int) -> list[Year]:
    """So many years of a world."""
    place = [world.name for world in WORLDS].index(world.name)
    found = []
    for year in range(years):
        key = [seed, place, year]
        skills = world.skills(np.random.default_rng(key))
        found.append(live(lambda n, s=skills, k=key: BinormalWeek(world, s, n, k, share)))
    return found


Measure = Callable[[Year, Reign], float | None]


def mean_of(years: Sequence[Year], name: str, measure: Measure) -> float | None:
    """Mean of a measure of one rule's reigns over the years that have it."""
    found = [measure(year, year.reigns[name]) for year in years]
    known = [value for value in found if value is not None]
    return fmean(known) if known else None


def flips_a_promotion(year: Year, reign: Reign) -> float | None:
    """None where nothing was promoted."""
    return fmean(reign.flipped) if reign.flipped else None


MEASURES: Mapping[str, tuple[Measure, Callable[[float], str]]] = {
    "Regret, thousandths of AUC": (
        lambda year, reign: 1000 * fmean(reign.regret),
        lambda value: f"{value:.1f}",
    ),
    "Promotions a year": (
        lambda year, reign: float(reign.promotions),
        lambda value: f"{value:.1f}",
    ),
    "Negative flips a promotion": (flips_a_promotion, lambda value: f"{value:.1%}"),
    "True AUC at the end of the year, less that at its start, thousandths": (
        lambda year, reign: 1000 * (reign.truth[-1] - year.start),
        lambda value: f"{value:+.1f}".replace("-", MINUS),
    ),
}


def tables(found: Mapping[str, Sequence[Year]]) -> str:
    """A table for each measure: a row for each rule, a column for each world."""
    parts = []
    for title, (measure, shown) in MEASURES.items():
        rows = []
        for name in RULES:
            values = [mean_of(years, name, measure) for years in found.values()]
            rows.append([name, *("none" if v is None else shown(v) for v in values)])
        parts.append(table([f"**{title}**", *found], rows))
    return "\n\n".join(parts)


def least_certain(found: Mapping[str, Sequence[Year]]) -> float:
    """The largest standard error of a mean regret, in thousandths of AUC."""
    errors = [
        1000
        * np.std([fmean(year.reigns[name].regret) for year in years], ddof=1)
        / np.sqrt(len(years))
        for years in found.values()
        for name in RULES
    ]
    return float(max(errors))
