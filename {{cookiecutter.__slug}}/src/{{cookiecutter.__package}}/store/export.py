"""Writes a fitted estimator into a bundle: ONNX where it agrees with scikit-learn, else skops."""

import contextlib
import io
import logging
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import Status, Stop
from .converters import teach
from .encode import Inputs
from .model import SKOPS_TYPES, Signature, open_onnx, write_signature
from .trees import boosting_of, round_thresholds, split_by_category

TOLERANCE = 1e-5


def write_model(folder: Path, estimator: Any, signature: Signature, rows: Inputs) -> str:
    """Write model and signature; say in one line which format was taken and why.

    `rows` are real encoded rows, nulls and rare categories among them: the converter's silence
    proves nothing, only equal answers do.
    """
    boosting = boosting_of(estimator)
    if boosting is not None:
        round_thresholds(boosting)
    wanted = answers(estimator, signature.task, rows)
    why = _try_onnx(folder, estimator, replace(signature, format="onnx"), rows, wanted)
    if why is None:
        write_signature(folder, replace(signature, format="onnx"))
        return "ONNX, equal to scikit-learn on real rows"
    (folder / "model.onnx").unlink(missing_ok=True)
    chosen = replace(signature, format="skops")
    _write_skops(folder, estimator, chosen, why)
    write_signature(folder, chosen)
    return f"skops, slower to serve: {why}"


def answers(estimator: Any, task: str, rows: Inputs) -> NDArray[np.float64]:
    """Probabilities, or numbers, of an estimator that is not packaged yet."""
    answer = estimator.predict if task == "regression" else estimator.predict_proba
    return np.asarray(answer(pd.DataFrame(rows)), dtype=np.float64)


def _try_onnx(
    folder: Path, estimator: Any, signature: Signature, rows: Inputs, wanted: NDArray
) -> str | None:
    """Write model.onnx; None when it gives the same answers, else the reason why it will not do."""
    try:
        (folder / "model.onnx").write_bytes(_convert(estimator, signature))
        predict = open_onnx(folder, signature)
        found = predict(rows)
    except ImportError as error:
        library = str(error.name).partition(".")[0]
        return f"to convert it to ONNX, `uv add --group train {library}`"
    except Exception as error:  # noqa: BLE001 - converters and runtime raise anything at all
        return f"it does not convert to ONNX ({type(error).__name__})"
    scale = float(np.std(wanted)) if signature.task == "regression" else 1.0
    apart = np.abs(found - wanted) / (scale or 1.0)
    if apart.max(initial=0.0) <= TOLERANCE:
        return None
    share = np.mean(apart > TOLERANCE)
    return f"its ONNX form is off by up to {apart.max():.1e} of scale, on {share:.1%} of answers"


def _convert(estimator: Any, signature: Signature) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    types = [
        (name, (FloatTensorType if column.numeric else StringTensorType)([None, 1]))
        for column in signature.inputs
        for name in column.encoded
    ]
    options = {} if signature.task == "regression" else {id(estimator): {"zipmap": False}}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.getLogger("skl2onnx").setLevel(logging.ERROR)
        model = to_onnx(
            estimator,
            initial_types=types,  # ty: ignore[invalid-argument-type]
            options=options,
            name=signature.name,
            target_opset=teach(estimator),
        )
    boosting = boosting_of(estimator)
    if boosting is not None:
        split_by_category(model, boosting)
    _rename_inputs(model, [name for name, _ in types])
    _sort_opsets(model)
    return model.SerializeToString()


def _sort_opsets(model: Any) -> None:
    """Equal models are equal bytes: skl2onnx lists them in the order of a set."""
    domains = sorted(model.opset_import, key=lambda opset: opset.domain)
    ordered = [(opset.domain, opset.version) for opset in domains]
    for opset, (domain, version) in zip(model.opset_import, ordered, strict=True):
        opset.domain, opset.version = domain, version


def _rename_inputs(model: Any, names: list[str]) -> None:
    """Call the graph's inputs as the columns are called: skl2onnx puts _ for what is no letter."""
    given = [node.name for node in model.graph.input]
    if len(given) != len(names):
        raise ValueError("the graph does not read every input")
    called = dict(zip(given, names, strict=True))
    for node in (*model.graph.input, *model.graph.node):
        if hasattr(node, "input"):
            node.input[:] = [called.get(name, name) for name in node.input]
        else:
            node.name = called[node.name]


def _write_skops(folder: Path, estimator: Any, signature: Signature, why: str) -> None:
    import skops.io

    path = folder / "model.skops"
    skops.io.dump(estimator, path)
    trusted = {*SKOPS_TYPES, *signature.trusted_types}
    unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - trusted)
    if unknown:
        names = ", ".join(f'"{name}"' for name in unknown)
        raise Stop(
            Status.SETTINGS,
            f"The model stays what it is ({why}), and holds types that a bundle does not open "
            "unasked. If they are yours or you trust them, say so in settings.toml: "
            f"[train] trusted_types = [{names}]",
        )
