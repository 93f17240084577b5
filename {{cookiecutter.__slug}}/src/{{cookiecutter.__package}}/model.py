"""YOURS: the estimator."""

from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from .settings import Task


def build_model(task: Task, seed: int) -> BaseEstimator:
    """An unfitted scikit-learn estimator. Classifiers need `predict_proba`."""
    if task == "regression":
        return HistGradientBoostingRegressor(learning_rate=0.06, max_iter=150, random_state=seed)
    return HistGradientBoostingClassifier(learning_rate=0.06, max_iter=150, random_state=seed)
