"""YOURS: the estimator."""

from typing import Any

from scipy.stats import loguniform
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from .settings import Task


def search_space(task: Task) -> dict[str, Any]:
    """What `ml train --tune` tries: lists of values, or SciPy distributions, by parameter."""
    losses = {"loss": ["squared_error", "absolute_error"]} if task == "regression" else {}
    return losses | {
        "learning_rate": loguniform(0.02, 0.2),
        "max_iter": [50, 100, 200, 400],
        "max_leaf_nodes": [4, 8, 16, 31, 63],
        "min_samples_leaf": [5, 20, 60],
        "l2_regularization": [0.0, 1.0, 10.0],
    }


def build_model(task: Task, rows: int, categories: int, seed: int) -> BaseEstimator:
    """An unfitted scikit-learn estimator for so many training rows.

    The first columns that it gets are the `categories`, as codes. Classifiers need `predict_proba`.
    """
    kind = HistGradientBoostingClassifier
    if task == "regression":
        kind = HistGradientBoostingRegressor
    few = rows < 20_000  # smaller trees, and smaller steps
    return kind(
        categorical_features=list(range(categories)),
        learning_rate=0.06 if few else 0.1,
        max_iter=150,
        max_leaf_nodes=15 if few else 31,
        min_samples_leaf=max(3, min(20, rows // 20)),
        random_state=seed,
    )
