"""Fit the user's estimator on the training part alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ..errors import Status, Stop
from ..settings import Metric, Task

Label = str | int | bool
ONE_THREAD = 1_000_000


@dataclass(frozen=True)
class Trained:
    """A fitted estimator and its classes, in the order of its probabilities."""

    estimator: Any
    classes: tuple[Label, ...] = ()


def train(estimator: Any, inputs: Mapping[str, NDArray], answers: Sequence, task: Task) -> Trained:
    """Fit on `inputs`, arrays of shape (n,) by column, and `answers` of length n."""
    frame = pd.DataFrame({name: _learnable(values) for name, values in inputs.items()})
    if task == "regression":
        return Trained(_fit(estimator, frame, np.asarray(answers, dtype=np.float64)))
    classes = tuple(sorted(set(answers)))
    if len(classes) < 2 or (task == "binary" and len(classes) != 2):
        needed = "two" if task == "binary" else "at least two"
        raise Stop(
            Status.DATA,
            f"A {task} target needs {needed} values; the training rows have {len(classes)}.",
        )
    return Trained(_fit(estimator, frame, encode_answers(answers, classes)), classes)


def _learnable(values: NDArray) -> NDArray:
    """A column that is empty in the training rows as zeros: no estimator bins nothing at all."""
    empty = values.dtype.kind == "f" and bool(np.isnan(values).all())
    return np.zeros_like(values) if empty else values


def _fit(estimator: Any, frame: pd.DataFrame, answers: NDArray) -> Any:
    """Fit a small table on one thread: many would wait for each other longer than they work."""
    limits = 1 if frame.size < ONE_THREAD else None
    with threadpool_limits(limits, user_api="openmp"):
        return estimator.fit(frame, answers)


def encode_answers(answers: Sequence, classes: Sequence[Label]) -> NDArray[np.int64]:
    """Positions in `classes`; -1 for an answer that is not among them."""
    position = {label: code for code, label in enumerate(classes)}
    return np.array([position.get(answer, -1) for answer in answers], dtype=np.int64)


def constant_answer(answers: NDArray, classes: int, metric: Metric) -> NDArray[np.float64]:
    """The best constant: class shares, shape (classes,), or the median or mean, shape (1,)."""
    if metric == "mae":
        return np.array([np.median(answers)])
    if metric == "mse":
        return np.array([np.mean(answers)])
    counts = np.bincount(answers[answers >= 0], minlength=classes)
    return counts / counts.sum()
