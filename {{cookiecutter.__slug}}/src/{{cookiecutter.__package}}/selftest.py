"""`ml gate --selftest`: eight planted cases with known verdicts; the gate has to find them all.

Nothing is mocked: the same split, fingerprints, evaluation and decision judge planted models.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .contract import Contract
from .metrics.scored import Labels, Scored
from .settings import GateSettings
from .steps.evaluate import evaluate
from .steps.gate import decide
from .steps.split import Split, split
from .store import fingerprints

ROWS = 20_000
SEED = 20_260_601
WEIGHTS = np.array([1.2, -0.8, 0.6])
CONTRACT = Contract.model_validate(
    {
        "columns": {
            "id": {"type": "integer", "role": "key"},
            **{f"x{n}": {"type": "number", "role": "number"} for n in range(3)},
            "region": {"type": "text", "role": "category"},
            "y": {"type": "integer", "role": "target"},
        }
    }
)
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A planted case: what was planted, the verdict it needs, and the word its reason needs."""

    planted: str
    wanted: str
    word: str
    make: Callable[["World"], Scored]


@dataclass(frozen=True)
class Found:
    """What the gate said of a planted case."""

    planted: str
    wanted: str
    verdict: str
    reason: str
    ok: bool


@dataclass(frozen=True)
class World:
    """Rows whose truth is known, split as the project splits, and the logits of a good model."""

    parts: Split
    x: Numbers
    noise: Numbers

    def logits(self, worse_by: float = 0.0, shift: NDArray | None = None) -> Numbers:
        """The right answer blurred: 1 is the champion's blur, more is worse."""
        moved = 0.0 if shift is None else shift
        return self.x @ WEIGHTS + (0.6 + worse_by) * self.noise + moved

    def scored(self, challenger: Numbers, champion: Numbers | None = None) -> Scored:
        """The table of predictions; the champion is the anchor too."""
        answers = self.parts.holdout["y"].to_numpy().astype(np.float64)
        known = self.logits() if champion is None else champion
        share = np.full(len(answers), answers.mean())
        names = {"challenger": challenger, "champion": known, "anchor": known}
        predictions = {name: _probabilities(1 / (1 + np.exp(-z))) for name, z in names.items()}
        predictions["dummy"] = _probabilities(share)
        slices = {"region": Labels.of(self.parts.holdout["region"].to_numpy().astype(str))}
        return Scored("binary", "roc_auc", answers, predictions, slices=slices)


def _probabilities(p: Numbers) -> Numbers:
    return np.column_stack([1 - p, p])


def _equal(world: World) -> Scored:
    return world.scored(world.logits())


def _bad_slice(world: World) -> Scored:
    north = world.parts.holdout["region"].to_numpy() == "north"
    logits = world.logits(worse_by=-0.5)
    return world.scored(np.where(north, 0.3 * logits + 3 * world.noise, logits))


def _shuffled(world: World) -> Scored:
    x = world.x.copy()
    x[:, 0] = np.random.default_rng(SEED).permutation(x[:, 0])
    return world.scored(x @ WEIGHTS + 0.6 * world.noise)


def _not_a_number(world: World) -> Scored:
    logits = world.logits()
    logits[7] = np.nan
    return world.scored(logits)


CASES = (
    Case("a worse model", "REJECT", "worse", lambda w: w.scored(w.logits(worse_by=1.0))),
    Case("a better model", "PROMOTE", "good enough", lambda w: w.scored(w.logits(worse_by=-0.4))),
    Case("the same model", "KEEP", "exactly", _equal),
    Case("an answer that is no number", "INVALID", "finite", _not_a_number),
    Case(
        "a holdout row in the training", "INVALID", "training rows", lambda w: w.scored(w.logits())
    ),
    Case(
        "another split than the champion's",
        "INVALID",
        "training rows",
        lambda w: w.scored(w.logits()),
    ),
    Case("one bad slice of a better model", "REJECT", "region = north", _bad_slice),
    Case("a column that was shuffled", "REJECT", "worse", _shuffled),
)


def selftest() -> list[Found]:
    """Judge every planted case."""
    rows, noise = _rows()
    parts = split(rows, CONTRACT, 0.2)
    judges = np.isin(rows["id"].to_numpy(), parts.holdout["id"].to_numpy())
    x = rows.select("x0", "x1", "x2").to_numpy()[judges]
    world = World(parts, x, noise[judges])
    return [_judge(case, world, rows) for case in CASES]


def _rows() -> tuple[pl.DataFrame, Numbers]:
    random = np.random.default_rng(SEED)
    x, noise = random.normal(size=(ROWS, 3)), random.normal(size=ROWS)
    y = random.random(ROWS) < 1 / (1 + np.exp(-(x @ WEIGHTS)))
    region = random.choice(["east", "north", "south", "west"], ROWS, p=[0.4, 0.05, 0.3, 0.25])
    columns = {"id": np.arange(ROWS), "x0": x[:, 0], "x1": x[:, 1], "x2": x[:, 2]}
    return pl.DataFrame({**columns, "region": region, "y": y.astype(np.int64)}), noise


def _judge(case: Case, world: World, rows: pl.DataFrame) -> Found:
    settings = GateSettings()
    evidence = evaluate(case.make(world), settings, _leaks(case, world, rows))
    made = decide(evidence, settings)
    ok = str(made.verdict) == case.wanted and case.word in made.reason
    return Found(case.planted, case.wanted, str(made.verdict), made.reason, ok)


def _leaks(case: Case, world: World, rows: pl.DataFrame) -> list[str]:
    """What the fingerprints of a real bundle say of the holdout."""
    parts, hashes = world.parts, world.parts.training_hashes
    if "in the training" in case.planted:
        hashes = np.append(hashes, parts.holdout_hashes[:1])
    if "another split" in case.planted:  # the champion's split went by other hashes
        other = split(rows.with_columns(id=pl.col("id") + 1_000_003), CONTRACT, 0.2)
        trained = np.isin(rows["id"].to_numpy() + 1_000_003, other.training["id"].to_numpy())
        inside = np.isin(parts.holdout["id"].to_numpy(), rows["id"].to_numpy()[trained])
        hashes = parts.holdout_hashes[inside]
    with tempfile.TemporaryDirectory(prefix="ml-selftest-") as folder:
        fingerprints.write_fingerprints(Path(folder), hashes)
        found = fingerprints.leaked_rows(Path(folder), parts.holdout_hashes)
    return [f"{found} holdout rows were training rows of the champion"] if found else []
