"""The model that every server gets: made-up rows, one fit, one bundle, one pickle.

The features and the estimator are those of the generated project, and so is the way into a bundle.
"""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import polars as pl
from common import PACKAGE, load_package
from numpy.typing import NDArray
from scipy.special import expit

TRAINING_ROWS = 20_000
QUESTIONS = 100
GOLDEN_ROWS = 20
TODAY = date(2026, 11, 14)
TARGET = "leaves"
# Least, largest, and step: powers of two, which float32 holds, so that all are asked the same.
NUMBERS = {
    "age": (18, 90, 1),
    "months": (0, 160, 1),
    "fee": (5, 120, 0.25),
    "calls": (0, 60, 1),
    "minutes": (0, 900, 0.5),
    "data": (0, 64, 0.125),
    "complaints": (0, 9, 1),
    "distance": (0, 400, 0.25),
    "discount": (0, 40, 0.5),
    "score": (300, 850, 1),
}
GAPS = ("data", "distance", "score")
WORDS = {
    "plan": ("basic", "plus", "pro", "family"),
    "region": tuple(f"region-{number:02d}" for number in range(12)),
    "channel": ("shop", "web", "phone", "partner", "other"),
    "device": ("android", "ios", "none"),
    "payment": ("card", "debit", "invoice", "transfer"),
}
INPUTS = (*NUMBERS, *WORDS)
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Prepared:
    """What was made of the fit, and what scikit-learn says to a hundred rows."""

    folder: Path
    questions: Rows
    answers: NDArray[np.float64]

    @property
    def bundle(self) -> Path:
        """Ours."""
        return self.folder / "bundle"

    @property
    def twin(self) -> Path:
        """The same model as another version: what a swap goes to."""
        return self.folder / "twin"

    @property
    def pickle(self) -> Path:
        """The estimator, as the peers load it."""
        return self.folder / "model.pkl"


def draw(rows: int, seed: int) -> pl.DataFrame:
    """So many rows of the made-up world, answers among them."""
    random = np.random.default_rng([seed, rows])
    columns: dict[str, Any] = {}
    for name, (least, largest, step) in NUMBERS.items():
        steps = random.beta(2, 3, rows) * (largest - least) / step
        columns[name] = least + np.round(steps) * step
    codes = {name: random.integers(len(words), size=rows) for name, words in WORDS.items()}
    score = 0.02 * columns["fee"] - 0.03 * columns["months"] + 0.4 * columns["complaints"]
    score += 0.3 * codes["plan"] - 0.1 * codes["region"] + 0.01 * columns["discount"] - 0.8
    answers = random.random(rows) < expit(score)
    for name in GAPS:
        columns[name] = np.where(random.random(rows) < 0.05, np.nan, columns[name])
    columns |= {name: np.array(WORDS[name])[code] for name, code in codes.items()}
    columns[TARGET] = np.where(answers, "yes", "no")
    return pl.DataFrame(columns).with_columns(pl.col(*GAPS).fill_nan(None))


def contract_columns() -> dict[str, dict[str, Any]]:
    """The rules, as `contract.yaml` would hold them: the service checks each value by them."""
    numbers = {
        name: {"type": "number", "role": "number", "range": [float(least), float(largest)]}
        | ({"nulls": 0.2} if name in GAPS else {})
        for name, (least, largest, _) in NUMBERS.items()
    }
    words = {
        name: {"type": "text", "role": "category", "values": list(words)}
        for name, words in WORDS.items()
    }
    target = {TARGET: {"type": "text", "role": "target", "values": ["no", "yes"]}}
    return numbers | words | target


def open_project(folder: Path) -> Any:
    """The template's own idea of a project with these columns."""
    load_template()
    from project.contract import Contract
    from project.project import Project
    from project.settings import Settings

    contract = Contract.model_validate({"columns": contract_columns()}, strict=False)
    return Project(folder, Settings(name="churn", task="binary"), contract)


def load_template() -> None:
    """Make the template's package importable, once."""
    import sys

    if PACKAGE not in sys.modules:
        load_package()


def prepare(folder: Path) -> Prepared:
    """Fit once; write the bundle, a second version of it, and the pickle.

    The pickle comes last: writing a bundle rounds the thresholds of the trees to float32.
    """
    project = open_project(folder)
    from project.fitting import build_estimator
    from project.steps.train import train
    from project.store.encode import encode_rows

    rows = draw(TRAINING_ROWS, seed=1)
    inputs = encode_rows(rows, project.inputs)
    estimator = build_estimator(project, rows.height, {})
    trained = train(estimator, inputs, rows[TARGET].to_list(), "binary")
    for name in ("bundle", "twin"):
        write_bundle(folder / name, project, trained, rows, inputs)
    (folder / "model.pkl").write_bytes(cloudpickle.dumps(trained.estimator))
    asked = draw(QUESTIONS, seed=2).select(INPUTS)
    answers = trained.estimator.predict_proba(asked.to_pandas())
    return Prepared(folder, asked.to_dicts(), answers)


def write_bundle(folder: Path, project: Any, trained: Any, rows: pl.DataFrame, inputs: Any) -> None:
    """A version as `ml train` would register it; the folder's name tells one from another."""
    from project.checks.reference import REFERENCE, write_reference
    from project.checks.summarize import build_reference
    from project.contract_yaml import contract_text
    from project.lineage import facts
    from project.store import bundle, export, model

    folder.mkdir()
    signature = model.Signature(
        name=project.settings.name,
        task="binary",
        target=TARGET,
        inputs=project.inputs,
        classes=trained.classes,
        threshold=0.5,
        format="onnx",
    )
    packaging = export.write_model(folder, trained.estimator, signature, inputs)
    if not packaging.startswith("ONNX"):
        raise SystemExit(f"The model is not served as it should be: {packaging}")
    write_reference(folder / REFERENCE, build_reference(rows.lazy(), project.contract))
    (folder / "contract.yaml").write_text(contract_text(project.contract), encoding="utf-8")
    head = {name: values[:GOLDEN_ROWS] for name, values in inputs.items()}
    golden = rows.head(GOLDEN_ROWS).select(INPUTS).to_dicts()
    answers = model.open_unsealed(folder).predict(head).tolist()
    (folder / "golden.json").write_text(json.dumps({"rows": golden, "answers": answers}))
    told = {"name": project.settings.name, "task": "binary", "data_id": folder.name}
    bundle.seal(folder, {**told, **facts(folder)})
