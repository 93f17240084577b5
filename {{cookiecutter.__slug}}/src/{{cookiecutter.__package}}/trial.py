"""Challenger, champion and anchor score the same fresh holdout, each from its bundle alone."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .errors import Stop
from .evidence import Evidence
from .project import Project
from .settings import METRICS
from .steps.evaluate import evaluate, score
from .steps.gate import Decision
from .steps.split import Split
from .steps.train import constant_answer, encode_answers
from .store import bundle, model
from .store.encode import encode_rows
from .store.model import Model
from .store.tracking import Judgement, Registry, Version


@dataclass(frozen=True)
class Trial:
    """Who was judged, against whom, on what, and what came of it."""

    challenger: Model
    evidence: Evidence
    champion: Version | None
    anchor: Version | None
    data_id: str
    holdout_id: str
    how: str
    identity: str
    measures: Mapping[str, float]

    def judgement(self, decision: Decision) -> Judgement:
        """The verdict as it is kept beside the version."""
        champion = self.champion.digest if self.champion else None
        return Judgement(
            str(decision.verdict), champion, decision.beats_anchor, decision.challenger
        )


def hold_trial(
    project: Project, registry: Registry, challenger: Model, parts: Split, data_id: str
) -> Trial:
    """Score everybody, under the lock. A rival that cannot be scored is a problem."""
    aliases = registry.recover()
    champion = registry.version(aliases.champion) if aliases.champion else None
    anchor = registry.version(aliases.anchor) if aliases.anchor else None
    answers = _answers(project, challenger, parts.holdout)
    predictions = {"challenger": _predict(challenger, parts.holdout, challenger)}
    predictions["dummy"] = _dummy(project, challenger, parts)
    problems = _leaks("challenger", challenger, parts)
    for name, version in (("champion", champion), ("anchor", anchor)):
        if version:
            problems += _score_rival(name, version, registry, challenger, parts, predictions)
    settings = project.settings
    share = settings.gate.max_loss_increase
    evidence = evaluate(answers, predictions, settings.metric, problems, share)
    own = predictions["challenger"]
    identity = _identity(own, parts.holdout_id)
    measures = {} if evidence.problems else _measures(project, answers, own)
    names = (data_id, parts.holdout_id, parts.how)
    return Trial(challenger, evidence, champion, anchor, *names, identity, measures)


def _score_rival(
    name: str,
    version: Version,
    registry: Registry,
    challenger: Model,
    parts: Split,
    predictions: dict[str, NDArray[np.float64]],
) -> list[str]:
    """Add the rival's predictions; what is wrong with it otherwise. The gate then fails closed."""
    try:
        rival = model.load(registry.fetch(version), version.digest)
        predictions[name] = _predict(rival, parts.holdout, challenger)
        return _leaks(f"{name} v{version.number}", rival, parts)
    except Exception as error:  # noqa: BLE001 - a bundle of any age may fail in any way
        return [f"{name} v{version.number} cannot be scored: {_line(error)}"]


def _answers(project: Project, challenger: Model, rows: pl.DataFrame) -> NDArray:
    values = rows[project.contract.target]
    if project.settings.task == "regression":
        return values.cast(pl.Float64).to_numpy()
    return encode_answers(values.to_list(), challenger.signature.classes)


def _predict(rival: Model, rows: pl.DataFrame, challenger: Model) -> NDArray[np.float64]:
    """A model's answers to these rows, its classes in the challenger's order."""
    signature, wanted = rival.signature, challenger.signature
    if (signature.task, signature.target) != (wanted.task, wanted.target):
        raise ValueError(
            f"it predicts {signature.target!r}, the challenger {wanted.target!r}; "
            "give the new model another `name` in settings.toml"
        )
    absent = [column.name for column in signature.inputs if column.name not in rows.columns]
    if absent:
        raise ValueError(
            f"it needs the columns {', '.join(absent)}, which the contract no longer has"
        )
    predicted = rival.predict(encode_rows(rows, signature.inputs))
    if signature.classes == wanted.classes:
        return predicted
    places = {label: place for place, label in enumerate(signature.classes)}
    absent_class = np.zeros(len(predicted))
    columns = [predicted[:, places[c]] if c in places else absent_class for c in wanted.classes]
    return np.column_stack(columns)


def _dummy(project: Project, challenger: Model, parts: Split) -> NDArray[np.float64]:
    known = _answers(project, challenger, parts.training)
    constant = constant_answer(known, len(challenger.signature.classes), project.settings.metric)
    shape = (len(parts.holdout), len(constant)) if len(constant) > 1 else (len(parts.holdout),)
    return np.broadcast_to(constant, shape)


def _leaks(name: str, rival: Model, parts: Split) -> list[str]:
    leaked = bundle.leaked_rows(rival.folder, parts.holdout_hashes)
    return [f"{leaked} holdout rows were training rows of the {name}"] if leaked else []


def _measures(project: Project, answers: NDArray, predicted: NDArray) -> dict[str, float]:
    metrics = METRICS[project.settings.task]
    values = {metric: score(answers, predicted, metric).value for metric in metrics}
    return {metric: value if metric == "roc_auc" else -value for metric, value in values.items()}


def _identity(predicted: NDArray, holdout_id: str) -> str:
    content = np.ascontiguousarray(predicted, dtype="<f8").tobytes()
    return hashlib.sha256(holdout_id.encode() + content).hexdigest()


def _line(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if isinstance(error, Stop) else text.splitlines()[0][:200]
