# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "charset-normalizer>=3.4", "filelock>=3.20", "fsspec>=2025.9", "numpy>=2.2",
#     "onnxruntime>=1.23", "pandas>=2.3", "polars>=2.1",
#     "protobuf<7", "pyarrow>=22", "pydantic>=2.12", "pyyaml>=6.0.3", "scikit-learn>=1.9",
#     "scipy>=1.16", "skl2onnx>=1.20", "skops>=0.13",
# ]
# [tool.uv]
# exclude-newer = "2026-11-14"
# ///
"""What `ml adopt` makes of a table, beside gradient boosting with hand-written preprocessing.

    uv run benchmarks/adopt.py             # writes benchmarks/results/adopt.md
    uv run benchmarks/adopt.py --quick     # two tables; prints only

Both learn from the same rows and are scored on the same holdout; of a table that is drawn, five
draws are averaged, since one holdout of a thousand rows tells two models apart badly. Ours knows
what `ml adopt` infers and nothing else. The other side is told by hand what each column is:
categories go to HistGradientBoosting as categories, dates as day, month, weekday and hour, text as
TF-IDF.
"""

import argparse
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from common import RESULTS, facts, load_package, say, table
from sklearn import datasets
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import log_loss, mean_absolute_error, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from tables import START, TABLES

load_package()
from project import pipeline  # noqa: E402 - the line above makes it importable
from project.adopt.choice import Notes, Wishes  # noqa: E402
from project.adopt.infer import infer  # noqa: E402
from project.project import Project  # noqa: E402
from project.settings import Settings  # noqa: E402
from project.steps.split import Split, split  # noqa: E402
from project.steps.validate import typed_rows  # noqa: E402
from project.store.encode import encode_rows  # noqa: E402

TODAY = date(2026, 6, 1)
DRAWS = 5
QUICK = ("loans", "survey")
PACKAGES = ("scikit-learn", "polars", "skl2onnx")
METRICS = {"binary": "AUC", "multiclass": "log loss", "regression": "MAE"}


def wide_mix(seed: int, rows: int = 20_000) -> pl.DataFrame:
    """Many values in a category, gaps, a rare answer (4 %), and dates that matter by weekday."""
    random = np.random.default_rng([11, seed])
    city = random.zipf(1.4, rows) % 900
    lift = random.normal(0, 0.8, 900)
    day = random.integers(0, 365, rows)
    size = random.lognormal(3, 1, rows)
    odds = -4.4 + lift[city] + 0.5 * np.log(size) / 3 + 0.9 * ((day % 7) == 5)
    size = np.where(random.random(rows) < 0.15, np.nan, size)
    return pl.DataFrame(
        {
            "city": [f"city {n:03d}" for n in city],
            "size": pl.Series(size).fill_nan(None),
            "bought_on": pl.Series(np.datetime64("2025-01-01") + day),
            "due_on": pl.Series(np.datetime64("2025-02-01") + day),
            "colour": random.choice(["red", "green", "blue"], rows),
            "returned": (random.random(rows) < 1 / (1 + np.exp(-odds))).astype(int),
        }
    )


def tables() -> dict[str, tuple[list[pl.DataFrame], str]]:
    """Every table, in as many draws as there are, with its target."""
    found = {
        one.name: ([one.draw(seed, one.rows, START) for seed in range(DRAWS)], one.target)
        for one in TABLES
    }
    found["returns"] = ([wide_mix(seed) for seed in range(DRAWS)], "returned")
    for name in ("breast_cancer", "wine", "digits", "diabetes"):
        loaded = getattr(datasets, f"load_{name}")()
        frame = pl.DataFrame(loaded.data, schema=[str(n) for n in loaded.feature_names])
        found[name] = ([frame.with_columns(pl.Series("answer", loaded.target))], "answer")
    return found


def hand_written(parts: Split, project: Project) -> tuple[np.ndarray, np.ndarray]:
    """Predictions for the holdout, and the classes."""
    columns = project.contract.columns
    names = project.contract.inputs
    kinds = {name: columns[name] for name in names}
    dates = [n for n in names if kinds[n].type in ("date", "datetime")]
    texts = [n for n in names if kinds[n].role == "text"]
    words = [n for n in names if kinds[n].role == "category"]
    numbers = [n for n in names if n not in (*dates, *texts, *words)]
    train, judge = (_frame(rows, names, dates) for rows in (parts.training, parts.holdout))
    numbers += [f"{n}{part}" for n in dates for part in ("", ".month", ".weekday", ".hour")]
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan,
        max_categories=200,
    )  # fmt: skip
    steps = [("words", codes, words), ("numbers", "passthrough", numbers)]
    steps += [(n, TfidfVectorizer(max_features=200), n) for n in texts]
    mask = [True] * len(words) + [False] * (len(numbers) + 200 * len(texts))
    kind = HistGradientBoostingClassifier
    if project.settings.task == "regression":
        kind = HistGradientBoostingRegressor
    made = ColumnTransformer(steps, sparse_threshold=0)
    wide = made.fit(train, None).transform(train[:5]).shape[1]
    model = make_pipeline(made, kind(categorical_features=mask[:wide], random_state=0))
    model.fit(train, parts.training[project.contract.target].to_numpy())
    if project.settings.task == "regression":
        return model.predict(judge), np.array([])
    return model.predict_proba(judge), model.classes_


def _frame(rows: pl.DataFrame, names: list[str], dates: list[str]) -> pd.DataFrame:
    parts = [
        part
        for n in dates
        for part in (
            pl.col(n).dt.epoch("d").alias(n),
            pl.col(n).dt.month().alias(f"{n}.month"),
            pl.col(n).dt.weekday().alias(f"{n}.weekday"),
            pl.col(n).cast(pl.Datetime).dt.hour().alias(f"{n}.hour"),
        )
    ]
    frame = rows.select([pl.col(n) for n in names if n not in dates] + parts)
    strings = frame.with_columns(pl.col(pl.Boolean).cast(pl.String))
    return strings.with_columns(pl.col(pl.String).fill_null("")).to_pandas()


def score(task: str, truth: np.ndarray, predicted: np.ndarray, classes: np.ndarray) -> float:
    """AUC (higher is better), log loss or mean absolute error."""
    if task == "binary":
        return float(roc_auc_score(truth == classes[1], predicted[:, 1]))
    if task == "multiclass":
        return float(log_loss(truth, predicted, labels=list(classes)))
    return float(mean_absolute_error(truth, predicted))


def adopted_and_hand_written(
    name: str, frame: pl.DataFrame, target: str
) -> tuple[str, float, float, float]:
    """The task, both scores on one holdout, and the seconds that ours took."""
    start = time.perf_counter()
    found = infer(frame.lazy(), Wishes(target), TODAY, Notes())
    project = Project(Path(), Settings(name=name, task=found.task), found.contract)
    rows = typed_rows(frame.lazy(), found.contract).collect().filter(pl.col(target).is_not_null())
    parts = split(rows, found.contract, project.settings.split.holdout)
    trained = pipeline.fit(project, parts)
    seconds = time.perf_counter() - start
    inputs = pd.DataFrame(encode_rows(parts.holdout, project.inputs))
    answer = getattr(trained.estimator, "predict_proba", trained.estimator.predict)
    truth = parts.holdout[target].to_numpy()
    ours = score(found.task, truth, answer(inputs), np.array(trained.classes))
    other = score(found.task, truth, *hand_written(parts, project))
    return found.task, ours, other, seconds


def compare(name: str, frames: list[pl.DataFrame], target: str) -> list[str]:
    """One row of the result."""
    measured = [adopted_and_hand_written(name, frame, target) for frame in frames]
    task = measured[0][0]
    ours, other, seconds = (float(np.mean([one[n] for one in measured])) for n in (1, 2, 3))
    binary = task == "binary"
    gain = ours - other if binary else (other - ours) / other
    shown = f"{gain:+.4f}" if binary else f"{gain:+.1%}"
    held = gain >= (-0.01 if binary else -0.02)
    say(f"{name:<14} {task:<11} ours {ours:.4f}, by hand {other:.4f}, {shown}")
    shape = f"{frames[0].height:,} by {frames[0].width}"
    scores = [f"{ours:.4f}", f"{other:.4f}", shown]
    times = f"{len(frames)}"
    return [
        name,
        shape,
        times,
        METRICS[task],
        *scores,
        "yes" if held else "**no**",
        f"{seconds:.1f} s",
    ]


def main() -> None:
    """Compare on every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rows = [
        compare(name, frames, target)
        for name, (frames, target) in tables().items()
        if not quick or name in QUICK
    ]
    head = [
        "table",
        "size",
        "draws",
        "metric",
        "adopted",
        "by hand",
        "better by",
        "held",
        "seconds",
    ]
    text = (
        "# What `ml adopt` makes of a table, without a line of Python\n\n"
        "The same rows train and the same holdout judges. Held: at most 0.01 of AUC, or 2 % of\n"
        "the loss, behind scikit-learn's gradient boosting with preprocessing written by hand.\n"
        "Means over the draws of a table.\n\n"
        f"{table(head, rows)}\n\n{facts('adopt.py', PACKAGES)}\n"
    )
    if quick:
        say(text)
    else:
        (RESULTS / "adopt.md").write_text(text, encoding="utf-8")
    sys.exit(any("**no**" in row for row in rows))


if __name__ == "__main__":
    main()
