"""All guards of the Holm family together: how often they block an equal model, what they find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from common import table
from gate_binormal import CHAMPION_AUC, draw_answers, mix, probabilities
from gate_product import Labels, Scored, family, proven
from gate_rules import SETTINGS, Numbers, scored_of
from numpy.typing import NDArray

SIZES = (2_000, 10_000)
SHARES = {
    "region": (0.35, 0.25, 0.15, 0.12, 0.08, 0.05),
    "channel": (0.4, 0.25, 0.15, 0.12, 0.08),
    "plan": (0.5, 0.25, 0.15, 0.1),
    "group": (0.5, 0.3, 0.2),
}
SENSITIVE = "group"
NUMERIC = ("age", "amount", "visits")
BAD = ("region", "region 5")  # 5 % of the rows
BAD_DROP = 0.15
BARE_LIMIT = 0.02
LEVEL = 0.05


def draw_slices(random: np.random.Generator, rows: int) -> dict[str, NDArray]:
    """Words of categories, and quarters of numbers: thirty slices that have nothing to say."""
    found = {}
    for column, shares in SHARES.items():
        words = np.array([f"{column} {place}" for place in range(len(shares))])
        found[column] = words[random.choice(len(shares), rows, p=shares)]
    for column in NUMERIC:
        words = np.array([f"{column} quarter {place}" for place in range(1, 5)])
        found[column] = words[random.integers(0, 4, rows)]
    return found


def draw_pair(random: np.random.Generator, rows: int, share: float, drop: float) -> Scored:
    """Champion and a retrain of equal truth, but for the bad slice's `drop` of AUC."""
    answers, slices = draw_answers(random, rows), draw_slices(random, rows)
    shared = random.standard_normal(rows)
    own, old = (mix(shared, random.standard_normal(rows), share) for _ in range(2))
    level = CHAMPION_AUC - drop * (slices[BAD[0]] == BAD[1])
    return with_slices(answers, probabilities(answers, own, level), old, slices)


def with_slices(
    answers: Numbers, challenger: Numbers, noise: Numbers, slices: Mapping[str, NDArray]
) -> Scored:
    """The table that the guards read."""
    champion = probabilities(answers, noise, CHAMPION_AUC)
    predictions = {"challenger": challenger, "champion": champion, "anchor": champion}
    plain = scored_of(answers, predictions)
    known = {name: Labels.of(words) for name, words in slices.items()}
    return Scored(
        plain.task,
        plain.metric,
        answers,
        plain.predictions,
        slices=known,
        sensitive={SENSITIVE: known[SENSITIVE]},
    )


@dataclass(frozen=True)
class Found:
    """What the guards said of one pair."""

    tests: int
    slices: int
    named: tuple[tuple[str, str], ...]
    bare: bool

    @property
    def by_name(self) -> bool:
        """Whether the bad slice is among what is named."""
        return ("slices", f"{BAD[0]} = {BAD[1]}") in self.named


def ask(scored: Scored) -> Found:
    """The family's verdict, and that of bare limits on the same slices."""
    harms = list(family(scored, SETTINGS))
    drops = [one.delta for one in harms if one.guard == "slices"]
    named = tuple((one.guard, one.where) for one in proven(harms))
    return Found(len(harms), len(drops), named, min(drops) < -BARE_LIMIT)


def ask_often(rows: int, repeats: int, share: float, seed: int, drop: float = 0.0) -> list[Found]:
    """So many pairs."""
    random = np.random.default_rng([seed, rows, round(1000 * drop)])
    return [ask(draw_pair(random, rows, share, drop)) for _ in range(repeats)]


def rate(hits: Sequence[bool]) -> str:
    """A share with its 95 % interval (Wilson's)."""
    low, high = wilson(hits)
    return f"{np.mean(hits):.1%} ({low:.1%} to {high:.1%})"


def wilson(hits: Sequence[bool]) -> tuple[float, float]:
    """The interval of Wilson (1927): sound also where nothing was hit."""
    n, share, z = len(hits), float(np.mean(hits)), 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * float(np.sqrt(share * (1 - share) / n + (z / n / 2) ** 2))
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


@dataclass(frozen=True)
class Guarded:
    """Equal challengers and those with one bad slice, by holdout size."""

    equal: Mapping[int, Sequence[Found]]
    bad: Mapping[int, Sequence[Found]]

    @property
    def kept(self) -> bool:
        """Whether an equal model is blocked at most 5 % of the time, within Monte-Carlo error."""
        return all(wilson(blocked(found))[0] <= LEVEL for found in self.equal.values())


def blocked(found: Sequence[Found]) -> list[bool]:
    """Whether the family named anything."""
    return [bool(one.named) for one in found]


def ask_all(repeats: int, share: float, seed: int) -> Guarded:
    """Both kinds of challengers at both sizes; a quarter of the repeats shows the power."""
    return Guarded(
        {rows: ask_often(rows, repeats, share, seed) for rows in SIZES},
        {rows: ask_often(rows, max(repeats // 4, 1), share, seed, BAD_DROP) for rows in SIZES},
    )


def guarded_table(guarded: Guarded) -> str:
    """How often an equal model is blocked, and a bad slice found."""
    rows = [
        [
            "equal, blocked by the project's family",
            *(rate(blocked(f)) for f in _all(guarded.equal)),
        ],
        [
            f"equal, blocked by a bare limit of {BARE_LIMIT} a slice",
            *(rate([one.bare for one in f]) for f in _all(guarded.equal)),
        ],
        [
            f"one slice of 5 % of the rows worse by {BAD_DROP} AUC: named by the family",
            *(rate([one.by_name for one in f]) for f in _all(guarded.bad)),
        ],
        [
            "the same: blocked by the family, whatever it named",
            *(rate(blocked(f)) for f in _all(guarded.bad)),
        ],
    ]
    return table(["challenger", *(f"{size:,} rows" for size in SIZES)], rows)


def _all(by_size: Mapping[int, Sequence[Found]]) -> list[Sequence[Found]]:
    return [by_size[size] for size in SIZES]
