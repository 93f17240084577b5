"""Models and weeks that are held in memory: nothing of a simulated year is packaged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from ..fitting import signature_of
from ..project import Project
from ..steps.train import Trained
from ..store.encode import Inputs, encode_rows
from ..store.model import Model


@dataclass(frozen=True)
class Week:
    """What happened in a week, and the true score of each policy's model in the days after it."""

    number: int
    day: date
    verdict: str
    reason: str
    due: bool
    seen: str
    scores: Mapping[str, float]


def reader_of(rows: pl.DataFrame) -> Callable[..., Inputs]:
    """Encodes these rows, once for all models that read alike."""
    known: dict[Any, Inputs] = {}

    def read(inputs: Any) -> Inputs:
        if inputs not in known:
            known[inputs] = encode_rows(rows, inputs)
        return known[inputs]

    return read


def in_memory(project: Project, trained: Trained, day: date) -> Model:
    """A fitted estimator as a model that was never packaged."""
    signature = signature_of(project, trained.classes, "skops")
    regression = project.settings.task == "regression"
    ask = trained.estimator.predict if regression else trained.estimator.predict_proba

    def answer(inputs: Inputs) -> Any:
        return np.asarray(ask(pd.DataFrame(inputs)), dtype=np.float64)

    return Model(Path(), day.isoformat(), signature, answer)
