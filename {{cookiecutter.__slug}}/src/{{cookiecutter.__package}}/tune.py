"""`ml train --tune`: better parameters for the user's estimator, kept in params.json."""

import json
import os
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from . import model as yours
from .engine.door import open_engine
from .errors import Status, Stop
from .fitting import build_estimator
from .metrics.compare import measure
from .metrics.scored import Scored
from .project import PARAMETERS, Project
from .scoring import custom_metric, dependence_of
from .steps.train import encode_answers, fit_estimator
from .steps.tune import Attempt, Budget, Folds, Trial, best, folds, search
from .store.encode import encode_rows
from .store.journal import replace_files
from .store.tracking import Registry


@dataclass(frozen=True)
class _Given:
    """What every trial works on; picklable, for other processes and machines."""

    project: Project
    table: pd.DataFrame
    answers: NDArray
    parts: Folds
    classes: int


def _score(given: _Given, trial: Trial) -> float:
    """Fit on a fold's training part, and the gate's metric on the rest of it."""
    parameters, fold = trial
    train, judge = given.parts[fold]
    estimator = build_estimator(given.project, len(given.table), parameters)
    fitted = fit_estimator(estimator, given.table.iloc[train], given.answers[train])
    rows, truth = given.table.iloc[judge], given.answers[judge]
    return _rate(given.project, fitted, rows, truth, given.classes)


def tune(project: Project, training: pl.DataFrame, budget: Budget) -> tuple[Project, list[Attempt]]:
    """The project with the best parameters, and all that was tried. It sees training rows alone."""
    task, contract = project.settings.task, project.contract
    table = pd.DataFrame(encode_rows(training, project.inputs))
    raw = training[contract.target]
    labels = sorted(set(raw.to_list())) if task != "regression" else []
    answers = encode_answers(raw.to_list(), labels) if labels else raw.cast(pl.Float64).to_numpy()
    clock, owner = contract.time_column, contract.group_column
    order = training[clock].to_physical().to_numpy() if clock else None
    groups = dependence_of(training, contract, None).groups if owner else None
    parts = folds(len(training), answers, groups, order)
    given = _Given(project, table, answers, parts, len(labels))
    engine, seed = open_engine(project.settings.engine), project.settings.train.seed
    rate = partial(engine.map, _score, given)
    attempts = list(search(rate, _space(project), budget, seed))
    return replace(project, parameters=best(attempts).parameters), attempts


def _space(project: Project) -> dict[str, Any]:
    space = getattr(yours, "search_space", None)
    if space is None:
        raise Stop(Status.SETTINGS, "model.py has no search_space(task): it says what to try.")
    return space(project.settings.task)


def _rate(project: Project, fitted: Any, rows: pd.DataFrame, truth: NDArray, classes: int) -> float:
    """The gate's own metric on rows of a fold; classes that the fold's model never saw get 0."""
    metric = project.settings.metric
    if classes:
        predicted = np.zeros((len(rows), classes))
        predicted[:, fitted.classes_] = fitted.predict_proba(rows)
    else:
        predicted = fitted.predict(rows)
    table = Scored(
        project.settings.task,
        metric,
        truth.astype(np.float64),
        {"challenger": predicted},
        project.settings.train.threshold,
        custom=custom_metric(metric),
    )
    known = measure(table).values  # noqa: PD011 - scores by model, no data frame
    return known["challenger"]


def tuned(project: Project, registry: Registry, training: pl.DataFrame, budget: Budget) -> Project:
    """Search, log every attempt as a nested run, and keep the best parameters in params.json.

    Raises:
        Stop: nothing may be written beside settings.toml, as in the image to train in.
    """
    if not os.access(project.root, os.W_OK):
        hint = "search in a checkout, and commit the file"
        raise Stop(Status.SETTINGS, f"--tune writes {PARAMETERS}, and may not write here: {hint}.")
    found, attempts = tune(project, training, budget)
    metric = project.settings.metric
    runs = [(one.parameters, {f"cv_{metric}": one.mean}) for one in attempts]
    registry.record_search(runs)
    text = json.dumps(dict(found.parameters), indent=1) + "\n"
    replace_files(project.root, {PARAMETERS: text})
    return found
