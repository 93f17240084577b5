"""The user's features and model, joined and fitted on the training part."""

from collections.abc import Mapping
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline

from .errors import Status, Stop
from .features import build_features
from .model import build_model
from .project import PARAMETERS, Project
from .steps.split import Split
from .steps.train import Label, Trained, train
from .store.encode import encode_rows
from .store.model import Format, Signature


def fit(project: Project, parts: Split) -> Trained:
    """Fit with the project's parameters; the holdout is not looked at."""
    estimator = build_estimator(project, len(parts.training), project.parameters)
    inputs = encode_rows(parts.training, project.inputs)
    answers = parts.training[project.contract.target].to_list()
    return train(estimator, inputs, answers, project.settings.task)


def signature_of(project: Project, classes: tuple[Label, ...], packaged: Format) -> Signature:
    """What goes into this project's model and what comes out."""
    settings = project.settings
    return Signature(
        name=settings.name,
        task=settings.task,
        target=project.contract.target,
        inputs=project.inputs,
        classes=classes,
        threshold=settings.train.threshold,
        format=packaged,
        trusted_types=tuple(settings.train.trusted_types),
        order=project.order,
    )


def build_estimator(project: Project, rows: int, parameters: Mapping[str, Any]) -> BaseEstimator:
    """Unfitted: features.py, then model.py with these parameters of its estimator.

    Raises:
        Stop: the estimator does not know a parameter.
    """
    settings, columns = project.settings, project.inputs
    numbers = [name for column in columns if column.numeric for name in column.encoded]
    words = {kind: [c.name for c in columns if c.kind == kind] for kind in ("category", "text")}
    features = build_features(numbers, words["category"], words["text"])
    model = build_model(settings.task, rows, len(words["category"]), settings.train.seed)
    try:
        model.set_params(**parameters)
    except ValueError as error:
        line = str(error).splitlines()[0]
        raise Stop(
            Status.SETTINGS, f"{PARAMETERS} or search_space() does not fit model.py: {line}"
        ) from error
    return make_pipeline(features, model)
