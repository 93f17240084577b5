"""Everybody's predictions on the holdout, as the one table that evaluation reads."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .contract import Contract
from .engine.door import open_engine
from .metrics.errors import standard_error
from .metrics.scored import Custom, Dependence, Labels, Scored
from .metrics.scores import score
from .project import Project
from .settings import Metric
from .steps.split import Split
from .steps.train import constant_answer, encode_answers, train_linear
from .store.encode import Input, Inputs, encode_rows
from .store.model import Model, answers_in_pieces
from .user_function import PREFIX, load_function

MOST_LEVELS = 20
LINEAR_ROWS = 20_000
MISSING = "missing"
Read = Callable[[tuple[Input, ...]], Inputs]


def build_table(
    project: Project, parts: Split, challenger: Model, rivals: dict[str, NDArray], read: Read
) -> Scored:
    """Answers, predictions of challenger, rivals, a constant and a linear model, and slices.

    `read` encodes the holdout.
    """
    settings, contract, rows = project.settings, project.contract, parts.holdout
    own = {"challenger": predict(challenger, rows, challenger, read)}
    linear = _linear(project, challenger, parts, read)
    simple = {"dummy": _dummy(project, challenger, parts), **linear}
    return Scored(
        task=settings.task,
        metric=settings.metric,
        answers=answers_of(project, challenger, rows),
        predictions={**own, **rivals, **simple},
        threshold=settings.train.threshold,
        dependence=dependence_of(rows, contract, settings.gate.horizon),
        slices=_slices(rows, contract, settings.gate.slices),
        sensitive={name: _labels(rows[name]) for name in _sensitive(rows, contract)},
        custom=custom_metric(settings.metric),
        engine=open_engine(settings.engine),
    )


def custom_metric(metric: Metric) -> Custom | None:
    """The user's own function, where the metric names one."""
    return load_function(metric, "[gate] metric") if metric.startswith(PREFIX) else None


def answers_of(project: Project, challenger: Model, rows: pl.DataFrame) -> NDArray:
    """Class positions in the challenger's order, or numbers; shape (n,)."""
    values = rows[project.contract.target]
    if project.settings.task == "regression":
        return values.cast(pl.Float64).to_numpy()
    return encode_answers(values.to_list(), challenger.signature.classes)


def watched_score(project: Project, scored: Scored, name: str) -> dict[str, object]:
    """What a monitor will compare with: the watched metric, higher is better, and its error."""
    metric, said = project.settings.watched, scored.predictions[name]
    found = score(scored.answers, said, metric, scored.threshold)
    error = standard_error(found.influence, scored.dependence)
    return {"metric": metric, "value": found.value, "error": error}


def predict(rival: Model, rows: pl.DataFrame, challenger: Model, read: Read) -> NDArray[np.float64]:
    """A model's answers to these rows, its classes in the challenger's order.

    Raises:
        ValueError: it answers another question, or needs columns that are gone.
    """
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
    predicted = answers_in_pieces(rival.predict, read(signature.inputs))
    if signature.classes == wanted.classes:
        return predicted
    places = {label: place for place, label in enumerate(signature.classes)}
    absent_class = np.zeros(len(predicted))
    columns = [predicted[:, places[c]] if c in places else absent_class for c in wanted.classes]
    return np.column_stack(columns)


def _dummy(project: Project, challenger: Model, parts: Split) -> NDArray[np.float64]:
    known = answers_of(project, challenger, parts.training)
    constant = constant_answer(known, len(challenger.signature.classes), project.settings.metric)
    shape = (len(parts.holdout), len(constant)) if len(constant) > 1 else (len(parts.holdout),)
    return np.broadcast_to(constant, shape)


def _linear(
    project: Project, challenger: Model, parts: Split, read: Read
) -> dict[str, NDArray[np.float64]]:
    """A linear model of at most 20 000 training rows; none where it cannot be compared."""
    rows = parts.training
    if len(rows) > LINEAR_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, LINEAR_ROWS, dtype=np.int64)]
    words = [column.name for column in challenger.signature.inputs if column.kind == "category"]
    inputs = challenger.signature.inputs
    known = answers_of(project, challenger, rows)
    classes = len(challenger.signature.classes)
    fitted = train_linear(encode_rows(rows, inputs), words, known, classes)
    predicted = None if fitted is None else fitted(read(inputs))
    return {} if predicted is None or not np.isfinite(predicted).all() else {"linear": predicted}


def dependence_of(rows: pl.DataFrame, contract: Contract, horizon: int | None) -> Dependence:
    """Owners' rows where there is a group column, neighbouring moments where there is a horizon."""
    group, clock = contract.group_column, contract.time_column
    groups = _codes(rows[group].cast(pl.String)) if group and group in rows.columns else None
    if horizon is None or clock is None:
        return Dependence(groups)
    return Dependence(groups, _codes(rows[clock].to_physical()), horizon)


def _codes(values: pl.Series) -> NDArray[np.int64]:
    return values.rank("dense").fill_null(0).to_numpy().astype(np.int64)


def _sensitive(rows: pl.DataFrame, contract: Contract) -> list[str]:
    columns = contract.columns.items()
    return [n for n, c in columns if c.sensitive and not c.personal and n in rows.columns]


def _slices(rows: pl.DataFrame, contract: Contract, wanted: list[str] | None) -> dict[str, Labels]:
    """A label for each row by column: the words of a category, the quarter of a number."""
    names = wanted or [*_sensitive(rows, contract), *contract.inputs]
    found = {}
    for name in names:
        known = contract.columns.get(name)
        if known is None or known.personal or known.role == "text" or name not in rows.columns:
            continue
        values = rows[name]
        numeric = values.dtype.is_numeric() and values.n_unique() > MOST_LEVELS
        if numeric or values.n_unique() <= MOST_LEVELS:
            found[name] = _labels(values)
    return found


def _labels(values: pl.Series) -> Labels:
    """Words as they are; numbers of many values by quarters, with their bounds."""
    if values.dtype.is_numeric() and values.n_unique() > MOST_LEVELS:
        cuts = sorted({float(values.quantile(share) or 0) for share in (0.25, 0.5, 0.75)})
        bounds = [*(f"up to {cut:g}" for cut in cuts), f"over {cuts[-1]:g}", MISSING]
        place = np.searchsorted(cuts, values.fill_null(0).to_numpy(), side="left")
        place[values.is_null().to_numpy()] = len(cuts) + 1
        return Labels(tuple(bounds), place.astype(np.int16))
    words = values.cast(pl.String).fill_null(MISSING)
    names = sorted(words.unique().to_list())
    places = pl.Series(range(len(names)), dtype=pl.Int16 if len(names) < 2**15 else pl.Int32)
    return Labels(tuple(names), words.replace_strict(names, places).to_numpy())
