"""Does the model answer sensibly what nobody has asked it before?"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..evidence import Guard
from ..store.encode import Inputs
from ..store.model import Model

ROWS = 100
HUGE = 1e9
UNSEEN = "never seen before"


def robustness(model: Model, inputs: Inputs) -> Guard:
    """Missing values, unseen words and extreme numbers, by column and all at once."""
    some = {name: values[:ROWS] for name, values in inputs.items()}
    wrong, asked = [], 0
    for what, changed in _strange(model, some):
        asked += 1
        problem = _problem(model, changed)
        if problem:
            wrong.append(f"{what}: {problem}")
    if wrong:
        return Guard("robustness", "block", False, "; ".join(wrong[:3]))
    return Guard("robustness", "block", True, f"{asked} kinds of strange rows get sensible answers")


def _strange(model: Model, some: Inputs) -> Iterator[tuple[str, Inputs]]:
    """What is strange about the rows, and the rows."""
    rows = len(next(iter(some.values())))
    for column in model.signature.inputs:
        for name in column.encoded:
            yield from (
                (f"{name} {w}", {**some, name: v})
                for w, v in _values(column.numeric, column.nullable, rows)
            )
    for position in range(2):
        everywhere = {
            name: _values(column.numeric, column.nullable, rows)[position][1]
            for column in model.signature.inputs
            for name in column.encoded
        }
        yield "everything strange at once", everywhere


def _values(numeric: bool, nullable: bool, rows: int) -> list[tuple[str, NDArray]]:  # noqa: FBT001
    """At least two strange columns, each with a word for it."""
    if numeric:
        found = [(f"{v:g}", np.full(rows, v, dtype=np.float32)) for v in (HUGE, -HUGE)]
        missing = [("missing", np.full(rows, np.nan, dtype=np.float32))]
    else:
        found = [(repr(w), np.full(rows, w, dtype=object)) for w in (UNSEEN, "Ω\u200b 'ÿ")]
        missing = [("missing", np.full(rows, "", dtype=object))]
    return found + (missing if nullable else [])


def _problem(model: Model, inputs: Inputs) -> str:
    try:
        answers = model.predict(inputs)
    except Exception as error:  # noqa: BLE001 - a user's estimator may raise anything
        return f"it fails with {type(error).__name__}"
    if not np.isfinite(answers).all():
        return "the answer is no finite number"
    if model.signature.task == "regression":
        return ""
    inside = bool(((answers >= -1e-6) & (answers <= 1 + 1e-6)).all())
    return "" if inside and np.allclose(answers.sum(axis=1), 1, atol=1e-3) else "no probabilities"
