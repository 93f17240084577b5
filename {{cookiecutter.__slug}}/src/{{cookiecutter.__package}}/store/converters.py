"""What skl2onnx does not know by itself: LightGBM, XGBoost, and estimators that write themselves.

The converters of the first two come with onnxmltools, which a project that uses them adds. An
estimator of yours writes itself by `onnx_converter()`, as skl2onnx describes it.
"""

import importlib
from typing import Any

OPSETS = {"": 19, "ai.onnx.ml": 3}  # onnxmltools writes no newer ones
ANSWERS = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
BOOSTERS = {
    "lightgbm": ("lightgbm.operator_converters.LightGbm", "convert_lightgbm", {"split": None}),
    "xgboost": ("xgboost.operator_converters.XGBoost", "convert_xgboost", {}),
}


def teach(estimator: Any) -> dict[str, int] | None:
    """Tell skl2onnx of such an estimator at the end of a pipeline; the operator sets it wants.

    Raises:
        ImportError: onnxmltools is not installed.
    """
    last = estimator
    while hasattr(last, "steps"):
        last = last.steps[-1][1]
    library = type(last).__module__.partition(".")[0]
    if library in BOOSTERS:
        module, name, regressor = BOOSTERS[library]
        found = importlib.import_module(f"onnxmltools.convert.{module}")
        _register(last, getattr(found, name), regressor)
        return OPSETS
    if hasattr(last, "onnx_converter"):
        _register(last, last.onnx_converter(), {})
    return None


def _register(estimator: Any, convert: Any, regressor: dict[str, Any]) -> None:
    from skl2onnx import update_registered_converter
    from skl2onnx.common import shape_calculator as shapes

    classifies = hasattr(estimator, "predict_proba")
    update_registered_converter(
        type(estimator),
        f"{type(estimator).__module__}.{type(estimator).__name__}",
        shapes.calculate_linear_classifier_output_shapes
        if classifies
        else shapes.calculate_linear_regressor_output_shapes,
        convert,
        options=ANSWERS if classifies else regressor,
    )
