"""Plants defects into challengers of the sample and prints what the gate says; run in a project.

    python plant.py PACKAGE DAY

The champion is an honest training of DAY. Each challenger is trained a week later with one defect,
by the project's own steps, and judged against it.
"""

import importlib
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

PACKAGE, DAY = sys.argv[1], date.fromisoformat(sys.argv[2])
pipeline, loading, promotion, project_file = (
    importlib.import_module(f"{PACKAGE}.{name}")
    for name in ("pipeline", "load", "promote", "project")
)
splitting, deciding, trials, contracts, tracking = (
    importlib.import_module(f"{PACKAGE}.{name}")
    for name in ("steps.split", "steps.gate", "trial", "contract", "store.tracking")
)
RANDOM = np.random.default_rng(0)


@dataclass
class Plan:
    """How a challenger comes to be; a defect changes one part of it."""

    project: Any
    rows: pl.DataFrame
    training: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows
    leaked: int = 0
    trained: Callable[[Any], Any] = lambda trained: trained


def shuffled(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.Series("churned", RANDOM.permutation(rows["churned"].to_numpy())))


def flipped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(churned=1 - pl.col("churned"))


def flipped_in_the_north(rows: pl.DataFrame) -> pl.DataFrame:
    north = pl.col("region") == "north"
    return rows.with_columns(
        churned=pl.when(north).then(1 - pl.col("churned")).otherwise(pl.col("churned"))
    )


def turned(rows: pl.DataFrame) -> pl.DataFrame:
    """Two columns under each other's names, as when their order has changed."""
    a, b = (pl.col(name).cast(pl.Int64) for name in ("satisfaction", "support_calls"))
    return rows.with_columns(satisfaction=b, support_calls=a.fill_null(0))


def more_leavers(rows: pl.DataFrame) -> pl.DataFrame:
    """Leavers eight times: the order of the customers stays, the probabilities do not."""
    return pl.concat([rows, *[rows.filter(churned=1)] * 7])


def constant(trained: Any) -> Any:
    from sklearn.dummy import DummyClassifier

    model = DummyClassifier(strategy="prior")
    return replace(trained, estimator=model.fit(np.zeros((9, 1)), [0, 1, 0, 0, 1, 0, 0, 0, 0]))


def with_hint(plan: Plan) -> Plan:
    """A column that is known only afterwards."""
    columns = plan.project.contract.columns
    hint = contracts.Column(type="number", role="number")
    contract = plan.project.contract.model_copy(update={"columns": {**columns, "hint": hint}})
    rows = plan.rows.with_columns(hint=pl.col("churned") + pl.lit(0.1))
    return replace(plan, project=replace(plan.project, contract=contract), rows=rows)


def with_parameters(plan: Plan, **parameters: Any) -> Plan:
    return replace(plan, project=replace(plan.project, parameters=parameters))


def with_gate(plan: Plan, **changes: Any) -> Plan:
    settings = plan.project.settings
    gate = settings.gate.model_copy(update=changes)
    return replace(
        plan, project=replace(plan.project, settings=settings.model_copy(update={"gate": gate}))
    )


DEFECTS: dict[str, Callable[[Plan], Plan]] = {
    "none": lambda plan: plan,
    "shuffled labels": lambda plan: replace(plan, training=shuffled),
    "constant model": lambda plan: replace(plan, trained=constant),
    "truncated training": lambda plan: replace(plan, training=lambda rows: rows.head(60)),
    "leaked target": with_hint,
    "leaked rows": lambda plan: replace(plan, leaked=5),
    "one bad slice": lambda plan: replace(plan, training=flipped_in_the_north),
    "flipped class order": lambda plan: replace(plan, training=flipped),
    "changed feature order": lambda plan: replace(plan, training=turned),
    "miscalibration": lambda plan: replace(plan, training=more_leavers),
    "a slower and a larger model": lambda plan: with_parameters(plan, max_iter=900),
    "a model over its budget": lambda plan: with_gate(plan, max_size_mb=0.001),
    "old answers": lambda plan: with_gate(plan, max_data_age_days=0),
}


def judge(plan: Plan, registry: Any, today: date) -> dict[str, Any]:
    """Train as `ml train` does, with the plan's defect, and decide."""
    project = plan.project
    parts = splitting.split(plan.rows, project.contract, project.settings.split.holdout)
    changed = replace(parts, training=plan.training(parts.training))
    trained = plan.trained(pipeline.fit(project, changed))
    leaked = np.append(parts.training_hashes, parts.holdout_hashes[: plan.leaked])
    seen = pipeline.validate(plan.rows.lazy(), project.contract, today)
    with tempfile.TemporaryDirectory() as folder:
        told = replace(parts, training_hashes=leaked)
        challenger, packaging = pipeline.package(project, told, trained, seen, Path(folder))
        trial = trials.hold_trial(project, registry, challenger, parts, "planted", today)
    made = deciding.decide(trial.evidence, project.settings.gate)
    failed = {f"{one.name} ({one.severity})": one.text for one in made.guards if one.ok is False}
    return {
        "verdict": str(made.verdict),
        "reason": made.reason,
        "failed": failed,
        "packaging": packaging,
    }


def main() -> None:
    """Champion first, then every defect."""
    project = project_file.read_project(Path.cwd())
    outcome = pipeline.run(project, DAY, lambda _: nullcontext())
    registry = tracking.Registry(project.root, project.settings.name)
    promotion.promote(registry, outcome.version.number)
    later = DAY + timedelta(days=7)
    table = loading.load_rows(project, later)
    rows, _ = pipeline.checked(table, project, later, registry)
    plan = Plan(project, rows)
    found = {name: judge(defect(plan), registry, later) for name, defect in DEFECTS.items()}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
