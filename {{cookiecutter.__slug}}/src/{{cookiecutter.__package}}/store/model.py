"""A model as its bundle holds it: what goes in, what comes out, and how to open it.

Needs NumPy and, for most models, ONNX Runtime. Nothing in a bundle is a pickle.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import bundle
from .encode import Input, Inputs

SKOPS_TYPES = (
    "functools.partial",
    "sklearn.utils.validation.check_array",
    "numpy.dtype",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
)
Format = Literal["onnx", "skops"]
Predict = Callable[[Inputs], NDArray[np.float64]]
PIECE = 50_000


@dataclass(frozen=True)
class Signature:
    """What goes into a model and what comes out."""

    name: str
    task: Literal["binary", "regression", "multiclass"]
    target: str
    inputs: tuple[Input, ...]
    classes: tuple[str | int | bool, ...]
    threshold: float
    format: Format
    trusted_types: tuple[str, ...] = ()
    order: tuple[tuple[str, str], ...] = ()

    def labels(self, predicted: NDArray) -> list[Any]:
        """The answers in the target's own words, from probabilities or numbers."""
        if self.task == "regression":
            return [float(value) for value in predicted]
        if self.task == "binary":
            codes = (predicted[:, 1] >= self.threshold).astype(int)
        else:
            codes = predicted.argmax(axis=1)
        return [self.classes[code] for code in codes.tolist()]


@dataclass(frozen=True)
class Model:
    """A bundle that is loaded: probabilities of shape (n, classes), or numbers of shape (n,)."""

    folder: Path
    digest: str
    signature: Signature
    predict: Predict


def load(folder: Path, digest: str | None = None) -> Model:
    """Open a bundle after checking its digest."""
    return _open(folder, bundle.verify(folder, digest))


def open_unsealed(folder: Path) -> Model:
    """Open a bundle that is still being made, and so has no digest yet."""
    return _open(folder, "")


def _open(folder: Path, found: str) -> Model:
    signature = read_signature(folder)
    opener = open_onnx if signature.format == "onnx" else _open_skops
    return Model(folder, found, signature, opener(folder, signature))


def read_signature(folder: Path) -> Signature:
    """The signature that `write_signature` wrote."""
    values = json.loads((folder / "signature.json").read_text(encoding="utf-8"))
    values["inputs"] = tuple(_read_input(column) for column in values["inputs"])
    values["classes"] = tuple(values["classes"])
    values["trusted_types"] = tuple(values["trusted_types"])
    values["order"] = tuple((first, then) for first, then in values.get("order", ()))
    return Signature(**values)


def _read_input(facts: dict[str, Any]) -> Input:
    lists = {key: tuple(facts[key]) for key in ("range", "values") if facts.get(key) is not None}
    whole: dict[str, Any] = {**facts, **lists}
    return Input(**whole)


def write_signature(folder: Path, signature: Signature) -> None:
    """Keep the signature beside the model."""
    text = json.dumps(asdict(signature), indent=1, ensure_ascii=False)
    (folder / "signature.json").write_text(text + "\n", encoding="utf-8")


def answers_in_pieces(ask: Predict, inputs: Inputs) -> NDArray[np.float64]:
    """A model's answers; those to many rows in pieces, one for each processor at a time."""
    rows = len(next(iter(inputs.values())))
    if rows < 2 * PIECE:
        return ask(inputs)
    pieces = [
        {name: values[start : start + PIECE] for name, values in inputs.items()}
        for start in range(0, rows, PIECE)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.concatenate(list(pool.map(ask, pieces)))


def open_onnx(folder: Path, signature: Signature) -> Predict:
    """The ONNX graph as a function of encoded columns, one thread a call."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # since 1.29 it tells Microsoft of its use
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = str(folder / "model.onnx")
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    wanted = "variable" if signature.task == "regression" else "probabilities"
    names = [node.name for node in session.get_inputs()]

    def predict(inputs: Inputs) -> NDArray[np.float64]:
        feed = {name: inputs[name].reshape(-1, 1) for name in names}
        answer = np.asarray(session.run([wanted], feed)[0], dtype=np.float64)
        return answer.reshape(-1) if signature.task == "regression" else answer

    return predict


def _open_skops(folder: Path, signature: Signature) -> Predict:
    import pandas as pd
    import skops.io

    trusted = [*SKOPS_TYPES, *signature.trusted_types]
    estimator = skops.io.load(folder / "model.skops", trusted=trusted)
    answer = estimator.predict if signature.task == "regression" else estimator.predict_proba

    def predict(inputs: Inputs) -> NDArray[np.float64]:
        return np.asarray(answer(pd.DataFrame(inputs)), dtype=np.float64)

    return predict
