"""Fit the user's estimator on the training part alone."""

import warnings
from collections.abc import Callable, Mapping, Sequence
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
        return Trained(fit_estimator(estimator, frame, np.asarray(answers, dtype=np.float64)))
    classes = tuple(sorted(set(answers)))
    if len(classes) < 2 or (task == "binary" and len(classes) != 2):
        needed = "two" if task == "binary" else "at least two"
        raise Stop(
            Status.DATA,
            f"A {task} target needs {needed} values; the training rows have {len(classes)}.",
        )
    return Trained(fit_estimator(estimator, frame, encode_answers(answers, classes)), classes)


def _learnable(values: NDArray) -> NDArray:
    """A column that is empty in the training rows as zeros: no estimator bins nothing at all."""
    empty = values.dtype.kind == "f" and bool(np.isnan(values).all())
    return np.zeros_like(values) if empty else values


def fit_estimator(estimator: Any, frame: pd.DataFrame, answers: NDArray) -> Any:
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
    if metric == "mse":
        return np.array([np.mean(answers)])
    if not classes:
        return np.array([np.median(answers)])
    counts = np.bincount(answers[answers >= 0], minlength=classes)
    return counts / counts.sum()


def train_linear(
    inputs: Mapping[str, NDArray], categories: Sequence[str], answers: NDArray, classes: int
) -> Callable[[Mapping[str, NDArray]], NDArray[np.float64]] | None:
    """Predictions of a linear model of numbers and categories; texts are left out.

    `classes` is 0 for numbers to predict. None where one class, or text, is all that there is.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [name for name, values in inputs.items() if values.dtype.kind == "f"]
    if not (numbers or categories) or (classes and len(np.unique(answers)) < classes):
        return None
    words = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50)
    scaled = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    steps = [("numbers", scaled, numbers), ("words", words, list(categories))]
    estimator = LogisticRegression(max_iter=200) if classes else Ridge()
    model = make_pipeline(ColumnTransformer(steps), estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge to be a yardstick
        model.fit(pd.DataFrame(inputs), answers)
    answer = model.predict_proba if classes else model.predict
    return lambda rows: np.asarray(answer(pd.DataFrame(rows)), dtype=np.float64)
