"""What the whole gate costs on real models: three predictions, then evaluate and decide.

uv run benchmarks/gate_time.py         # a minute, on a quiet machine
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
from common import RESULTS, facts, say, table
from gate_product import Labels, Scored, answers_in_pieces, decide, evaluate
from gate_retrains import quarters
from gate_rules import SETTINGS, Numbers
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

TRAINING_ROWS = 10_000
NUMERIC, LEVELS = 9, (5, 5, 3)
COLUMNS = NUMERIC + len(LEVELS)
SLICED = ("x0", "x1", "x2", "c0", "c1", "c2")
RUNS = {10_000: 7, 1_000_000: 3}
BUDGETS = {10_000: 2, 1_000_000: 12}


def draw(random: np.random.Generator, rows: int) -> tuple[Numbers, Numbers]:
    """Nine numbers and three categories, and answers that follow most of them."""
    x = random.standard_normal((rows, NUMERIC))
    codes = np.column_stack([random.integers(0, levels, rows) for levels in LEVELS])
    score = x[:, :6] @ [0.9, -0.7, 0.5, 0.4, -0.3, 0.2] + 0.6 * x[:, 0] * x[:, 6] - 1
    score += 0.3 * codes[:, 0] - 0.2 * codes[:, 1]
    answers = (random.random(rows) < expit(score)).astype(np.float64)
    return np.column_stack([x, codes]), answers


def train(seed: int) -> HistGradientBoostingClassifier:
    """Scikit-learn's defaults, on rows of its own."""
    x, answers = draw(np.random.default_rng([seed, 0]), TRAINING_ROWS)
    categories = list(range(NUMERIC, COLUMNS))
    model = HistGradientBoostingClassifier(categorical_features=categories, random_state=seed)
    return model.fit(x, answers)


def labels(x: Numbers) -> dict[str, NDArray]:
    """Labels as words, of the columns that are sliced."""
    numbers = {f"x{place}": x[:, place] for place in range(NUMERIC)}
    words = {f"c{place}": x[:, NUMERIC + place] for place in range(len(LEVELS))}
    made = {name: quarters(values) for name, values in numbers.items() if name in SLICED}
    codes = {name: values.astype(int).astype(str) for name, values in words.items()}
    return made | {name: values for name, values in codes.items() if name in SLICED}


@dataclass(frozen=True)
class Spent:
    """Seconds on the wall and of the processor: the machine is shared, the processor is not."""

    wall: float
    processor: float

    def __add__(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(self.wall + other.wall, self.processor + other.processor)


def timed(work: Callable[[], object]) -> tuple[Spent, object]:
    """Do it and say how long it took."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return Spent(time.perf_counter() - wall, time.process_time() - processor), result


def ask(model: object, x: Numbers) -> Numbers:
    """As the project asks its bundles: many rows in pieces, one for each processor."""
    return answers_in_pieces(lambda part: model.predict_proba(part["x"]), {"x": x})


def run(rows: int, models: Mapping[str, object], linear: object, seed: int) -> tuple[Spent, Spent]:
    """Seconds of three predictions, and of evaluate and decide."""
    x, answers = draw(np.random.default_rng([seed, 1, rows]), rows)
    spent, predictions = timed(lambda: {n: ask(m, x) for n, m in models.items()})
    share = float(answers.mean())
    simple = {
        "dummy": np.broadcast_to([1 - share, share], (rows, 2)),
        "linear": linear.predict_proba(x),
    }
    sliced = {name: Labels.of(words) for name, words in labels(x).items()}
    scored = Scored(
        "binary",
        "roc_auc",
        answers,
        {**predictions, **simple},
        slices=sliced,
        sensitive={"c2": sliced["c2"]},
    )
    return spent, timed(lambda: decide(evaluate(scored, SETTINGS), SETTINGS))[0]


def measure(runs: Mapping[int, int], seed: int) -> dict[int, list[tuple[Spent, Spent]]]:
    """All sizes, each so many times."""
    models = {name: train(seed + place) for place, name in enumerate(("challenger", "champion"))}
    models["anchor"] = train(seed + 2)
    linear = LogisticRegression(max_iter=500).fit(*draw(np.random.default_rng(seed), 10_000))
    return {
        rows: [run(rows, models, linear, seed + number) for number in range(times)]
        for rows, times in runs.items()
    }


def time_table(measured: Mapping[int, list[tuple[Spent, Spent]]]) -> str:
    """Medians, in seconds of the wall and of the processor."""
    rows = []
    for size, runs in measured.items():
        for name in ("wall", "processor"):
            predicting, judging = (
                median(getattr(part, name) for part in column) for column in zip(*runs, strict=True)
            )
            both = median(getattr(one + other, name) for one, other in runs)
            rows.append(
                [
                    f"{size:,} rows, {name}",
                    str(len(runs)),
                    f"{predicting:.2f}",
                    f"{judging:.2f}",
                    f"{both:.2f}",
                    f"{BUDGETS[size]}",
                    f"{judging / predicting:.2f}",
                ]
            )
    header = ["seconds", "runs", "three predictions", "evaluate and decide", "together", "budget"]
    return table([*header, "gate / predictions"], rows)


def within(measured: Mapping[int, list[tuple[Spent, Spent]]]) -> dict[int, bool]:
    """Whether the median run kept the budget, on the wall."""
    return {
        size: median((one + other).wall for one, other in runs) <= BUDGETS[size]
        for size, runs in measured.items()
    }


def main() -> None:
    """Measure, and write results/gate-time.md."""
    measured = measure(RUNS, seed=0)
    kept = ", ".join(f"{n:,} rows: {'yes' if ok else 'NO'}" for n, ok in within(measured).items())
    text = f"""# What the gate costs

{facts("gate_time.py", ["numpy", "scikit-learn"])}

Three models (HistGradientBoostingClassifier with its defaults, 12 columns, {TRAINING_ROWS:,} \
training rows) answer through scikit-learn, many rows in pieces on both processors; then \
`evaluate` with 25 slices, one sensitive column, a constant and a linear model, and `decide`. \
Medians. Not counted: making the slices' labels, and fitting the linear model. Within the \
design's budget, three predictions included: {kept}.

{time_table(measured)}
"""
    (RESULTS / "gate-time.md").write_text(text, encoding="utf-8")
    say(text)


if __name__ == "__main__":
    main()
