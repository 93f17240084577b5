"""Real gradient boosting, retrained every week on drawn rows, in four of the worlds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from gate_product import Evidence, Harm, Labels, Scored, evaluate, family, proven
from gate_rules import SETTINGS, Numbers, scored_of
from gate_worlds import ROT_FROM, ROWS, WEEKS, Year, live
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier

NUMERIC = 7
LEVELS = (4, 6, 3)
COLUMNS = NUMERIC + len(LEVELS)
TRUTH_ROWS = 20_000
DRIFTING_TRUTH_ROWS = 10_000  # each week's own, for every model so far
TREES = 60
LEAVES = 15
RATE = 0.08
BEST_AUC = 0.833  # of the true probabilities: retrains then come to about 0.80


@dataclass(frozen=True)
class Nature:
    """What the answers follow: a direction in the columns that may turn, and fixed effects."""

    now: Numbers
    later: Numbers
    effects: tuple[Numbers, ...]
    scale: float = 1.0

    def draw(self, random: np.random.Generator, rows: int, turned: float) -> tuple[Numbers, ...]:
        """Columns of shape (rows, columns), answers, and the probability that each came from."""
        x = random.standard_normal((rows, NUMERIC))
        codes = np.column_stack([random.integers(0, levels, rows) for levels in LEVELS])
        score = x @ (np.cos(turned) * self.now + np.sin(turned) * self.later)
        score += 0.7 * x[:, 0] * x[:, 1] + 0.5 * np.sin(2 * x[:, 2])
        for effect, code in zip(self.effects, codes.T, strict=True):
            score += effect[code]
        likely = expit(self.scale * score - 1.1)
        answers = (random.random(rows) < likely).astype(np.float64)
        return np.column_stack([x, codes]), answers, likely


def nature(seed: list[int]) -> Nature:
    """Two directions at right angles and an effect of each level, as strong as it takes."""
    random = np.random.default_rng(seed)
    one, other = np.linalg.qr(random.standard_normal((NUMERIC, 2)))[0].T * 1.3
    plain = Nature(one, other, tuple(random.normal(0, 0.4, levels) for levels in LEVELS))

    def apart(scale: float) -> float:
        _, _, likely = replace(plain, scale=scale).draw(np.random.default_rng(seed), 20_000, 0.0)
        return expected_auc(likely, likely) - BEST_AUC

    return replace(plain, scale=brentq(apart, 0.1, 5.0, xtol=1e-3))


@dataclass(frozen=True)
class RealWorld:
    """Rows that a week's retrain gets, how far nature has turned, and how many answers are wrong.

    `grows`: training rows are kept, so each week's are the first of the same rows.
    """

    name: str
    says: str
    rows: Callable[[int], int] = lambda week: 3_000
    grows: bool = False
    turned: Callable[[int], float] = lambda week: 0.0
    mistaken: Callable[[int], float] = lambda week: 0.0
    mistaken_holdout: Callable[[int], float] = lambda week: 0.0

    @property
    def stationary(self) -> bool:
        """Whether a model's true AUC is the same in every week."""
        return self.turned(WEEKS) == self.turned(0)


REAL_WORLDS = (
    RealWorld("no change", "3 000 fresh training rows a week of the same nature"),
    RealWorld(
        "world drifts",
        "the same, and the direction that answers follow turns by 0.8 degrees a week",
        turned=lambda week: np.deg2rad(0.8 * week),
    ),
    RealWorld(
        "more data",
        "1 000 training rows at the start and 100 more every week, older ones kept",
        rows=lambda week: 1_000 + 100 * week,
        grows=True,
    ),
    RealWorld(
        "label rot",
        f"as no change, and from week {ROT_FROM} each week 1 % more of the training answers and "
        "0.1 % more of the holdout's are wrong; truth is measured on right answers",
        mistaken=lambda week: 0.01 * max(week - ROT_FROM, 0),
        mistaken_holdout=lambda week: 0.001 * max(week - ROT_FROM, 0),
    ),
)


class Retrains:
    """A year of models: each week's is trained once, and every rule judges the same."""

    def __init__(self, world: RealWorld, seed: list[int]) -> None:
        """Draw nature, train every week's model and prepare what measures truth."""
        self.world, self.seed = world, seed
        self.nature = nature(seed)
        self.models = [self._train(week) for week in range(WEEKS + 1)]
        self._truths: list[float] = []
        if world.stationary:
            self._truths = self._measure(0, TRUTH_ROWS, WEEKS + 1)

    def _train(self, week: int) -> HistGradientBoostingClassifier:
        kept = 0 if self.world.grows else 1 + week
        random = np.random.default_rng([*self.seed, 1, kept])
        rows = self.world.rows(WEEKS if self.world.grows else week)
        x, answers, _ = self.nature.draw(random, rows, self.world.turned(week))
        x, answers = x[: self.world.rows(week)], answers[: self.world.rows(week)]
        answers = mislabel(random, answers, self.world.mistaken(week))
        model = HistGradientBoostingClassifier(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            learning_rate=RATE,
            categorical_features=list(range(NUMERIC, COLUMNS)),
            early_stopping=False,
            random_state=week,
        )
        return model.fit(x, answers)

    def _measure(self, week: int, rows: int, models: int) -> list[float]:
        """True AUC of the first models, on a large fresh sample of this week's nature."""
        random = np.random.default_rng([*self.seed, 2, week])
        x, _, likely = self.nature.draw(random, rows, self.world.turned(week))
        scores = (model.predict_proba(x)[:, 1] for model in self.models[:models])
        return [expected_auc(likely, one) for one in scores]

    def truths(self, week: int) -> list[float]:
        """True AUC of every model up to this week's."""
        return self._truths or self._measure(week, DRIFTING_TRUTH_ROWS, week + 1)


def expected_auc(likely: Numbers, scores: Numbers) -> float:
    """AUC with every row positive and negative at once, by its true probability.

    Answers need not be drawn, so that few rows measure it well.
    """
    values, place = np.unique(scores, return_inverse=True)
    positive = np.bincount(place, likely, len(values))
    negative = np.bincount(place, 1 - likely, len(values))
    below = negative.cumsum() - negative / 2
    return float(positive @ below / positive.sum() / negative.sum())


def mislabel(random: np.random.Generator, answers: Numbers, share: float) -> Numbers:
    """Some answers turned around."""
    return np.where(random.random(len(answers)) < share, 1 - answers, answers)


class RealWeek:
    """A fresh holdout that every model answers at most once."""

    def __init__(self, retrains: Retrains, week: int) -> None:
        """Draw the rows."""
        world, random = retrains.world, np.random.default_rng([*retrains.seed, 3, week])
        self._x, clean, _ = retrains.nature.draw(random, ROWS, world.turned(week))
        self.answers = mislabel(random, clean, world.mistaken_holdout(week))
        self._models, self._truths = retrains.models, retrains.truths(week)
        self._known: dict[int, Numbers] = {}

    def predict(self, model: int) -> Numbers:
        """A model's probabilities."""
        if model not in self._known:
            self._known[model] = self._models[model].predict_proba(self._x)
        return self._known[model]

    def truth(self, model: int) -> float:
        """Measured on a large sample."""
        return self._truths[model]

    def weigh(self, scored: Scored) -> Evidence:
        """The whole gate, all columns as slices; no column is sensitive unless the user says so."""
        return evaluate(self.sliced(scored), SETTINGS)

    def sliced(self, scored: Scored) -> Scored:
        """The same with a label for each row by column."""
        known = {name: Labels.of(words) for name, words in labels(self._x).items()}
        return replace(scored, slices=known)


def labels(x: Numbers) -> dict[str, NDArray]:
    """Words of the categories, quarters of the numbers."""
    words = {f"c{place}": x[:, NUMERIC + place].astype(int) for place in range(len(LEVELS))}
    numbers = {f"x{place}": quarters(x[:, place]) for place in range(NUMERIC)}
    return {name: codes.astype(str) for name, codes in words.items()} | numbers


def quarters(values: Numbers) -> NDArray:
    """A label by quarter, in words about as long as the product's."""
    cuts = np.quantile(values, [0.25, 0.5, 0.75])
    names = np.array(["first quarter", "second quarter", "third quarter", "last quarter"])
    return names[np.searchsorted(cuts, values)]


def real_year(world: RealWorld, seed: int) -> Year:
    """Train a year of models and let every rule judge them."""
    place = [one.name for one in REAL_WORLDS].index(world.name)
    retrains = Retrains(world, [seed, place])
    return live(lambda week: RealWeek(retrains, week))


@dataclass(frozen=True)
class Named:
    """A slice in which harm was said to be proven, as it was measured and as it truly is."""

    where: str
    measured: float
    true: float


@dataclass(frozen=True)
class Pairs:
    """Retrains judged against the week before's: what the family named, and bare limits did."""

    judged: int
    blocked: int
    bare: int
    secondary: int
    named: tuple[Named, ...]


def judge_neighbours(seed: int) -> Pairs:
    """Where nothing changes, every week's model against the last one: is what is named true?"""
    retrains = Retrains(REAL_WORLDS[0], [seed, 0])
    x, _, likely = retrains.nature.draw(np.random.default_rng([seed, 4]), TRUTH_ROWS, 0.0)
    slices, scores = labels(x), [model.predict_proba(x)[:, 1] for model in retrains.models]
    blocked = bare = secondary = 0
    named = []
    for number in range(1, WEEKS + 1):
        harms = _harms(RealWeek(retrains, number), number)
        drops = [one.delta for one in harms if one.guard == "slices"]
        bare += min(drops) < -SETTINGS.slice_max_drop
        found = proven(harms)
        blocked += bool(found)
        secondary += any(one.guard != "slices" for one in found)
        for one in found:
            if one.guard == "slices":
                column, label = one.where.split(" = ")
                rows = slices[column] == label
                new, old = (
                    expected_auc(likely[rows], scores[n][rows]) for n in (number, number - 1)
                )
                named.append(Named(one.where, one.delta, new - old))
    return Pairs(WEEKS, blocked, bare, secondary, tuple(named))


def _harms(week: RealWeek, number: int) -> list[Harm]:
    own, old = week.predict(number), week.predict(number - 1)
    plain = scored_of(week.answers, {"challenger": own, "champion": old, "anchor": old})
    return list(family(week.sliced(plain), SETTINGS))
