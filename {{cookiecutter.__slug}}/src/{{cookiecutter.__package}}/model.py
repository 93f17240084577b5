"""YOURS: the estimator."""

from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from .settings import Task


def build_model(task: Task, rows: int, categories: int, seed: int) -> BaseEstimator:
    """An unfitted scikit-learn estimator for so many training rows.

    The first columns that it gets are the `categories`, as codes. Classifiers need `predict_proba`.
    """
    kind = HistGradientBoostingClassifier
    if task == "regression":
        kind = HistGradientBoostingRegressor
    return kind(
        categorical_features=list(range(categories)),
        min_samples_leaf=max(3, min(20, rows // 20)),  # small tables have small leaves
        random_state=seed,
    )
