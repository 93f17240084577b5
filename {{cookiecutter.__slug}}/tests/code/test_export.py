"""A model is packaged as what predicts equally: ONNX if it does, else skops; never a pickle."""

import pickletools
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from your_package.errors import Status, Stop
from your_package.store import export, model

NUMBERS = ["tenure_months", "support_calls", "usage_hours", "monthly_spend", "satisfaction"]
BOOSTING = {"max_iter": 20, "random_state": 0}
# What scikit-learn keeps inside a model with `categorical_features`.


def pipeline(estimator, numbers="passthrough", categories=None):
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    steps = [
        ("category", categories or one_hot, ["region", "plan"]),
        ("number", numbers, NUMBERS),
    ]
    return make_pipeline(ColumnTransformer(steps), estimator)


def boosting(**options):
    return HistGradientBoostingClassifier(**BOOSTING, **options)


def imputed():
    return make_pipeline(SimpleImputer(), StandardScaler())


def ordinal():
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


@pytest.fixture
def packaged(tmp_path, encoded, signature_of):
    """Fit, package, open again; returns what was said, the format and the two answers."""

    def make(estimator, task="binary", trusted=()):
        inputs, answers, classes = encoded(task)
        estimator.fit(pd.DataFrame(inputs), answers)
        signature = replace(signature_of(task, classes), trusted_types=trusted)
        said = export.write_model(tmp_path, estimator, signature, inputs)
        loaded = model.open_unsealed(tmp_path)
        fresh = strange(inputs)
        frame = pd.DataFrame(fresh)
        ask = estimator.predict if task == "regression" else estimator.predict_proba
        return said, loaded.signature.format, loaded.predict(fresh), ask(frame)

    return make


def strange(inputs):
    """Rows with everything missing here and there, and with categories that nobody has seen."""
    fresh = {name: values.copy() for name, values in inputs.items()}
    for place, name in enumerate(NUMBERS):
        fresh[name][place::7] = np.nan
    fresh["region"][::5] = "mars"
    fresh["region"][1::5] = ""
    fresh["plan"][::11] = ""
    return fresh


@pytest.mark.parametrize(
    ("task", "estimator"),
    [
        ("binary", pipeline(boosting())),
        ("multiclass", pipeline(boosting())),
        ("regression", pipeline(HistGradientBoostingRegressor(**BOOSTING))),
        ("binary", pipeline(LogisticRegression(), imputed())),
        ("regression", pipeline(Ridge(), imputed())),
        ("binary", pipeline(RandomForestClassifier(20, random_state=0), SimpleImputer())),
    ],
    ids=["boosting", "classes", "numbers", "logistic", "ridge", "forest"],
)
def test_what_converts_answers_strange_rows_as_scikit_learn_does(packaged, task, estimator):
    _, kind, found, wanted = packaged(estimator, task)
    assert kind == "onnx"
    assert np.abs(found - wanted).max() <= 1e-5 * max(1.0, np.std(wanted))


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (pipeline(boosting(), StandardScaler()), "off by up to"),
        (pipeline(boosting(), FunctionTransformer(np.log1p)), "does not convert"),
    ],
    ids=["scaler before boosting", "a function"],
)
def test_what_converts_wrongly_or_not_at_all_is_kept_as_it_is(packaged, tmp_path, estimator, why):
    said, kind, found, wanted = packaged(estimator)
    assert kind == "skops"
    assert said.startswith("skops, slower to serve: ")
    assert why in said
    assert np.array_equal(found, wanted)
    assert not (tmp_path / "model.onnx").exists()


def test_a_split_by_category_converts(packaged):
    estimator = pipeline(boosting(categorical_features=[0, 1]), categories=ordinal())
    _, kind, found, wanted = packaged(estimator)
    assert kind == "onnx"
    assert np.allclose(found, wanted, rtol=0, atol=1e-5)


class Slope(Ridge):
    """An estimator of the user's own that writes itself."""

    def onnx_converter(self):
        """What skl2onnx asks for."""
        return write_slope


def write_slope(scope, operator, container):  # noqa: ARG001 - skl2onnx names what it gives
    model, (rows,), (out,) = operator.raw_operator, operator.inputs, operator.outputs
    container.add_initializer("slope", 1, (len(model.coef_), 1), model.coef_.astype(np.float32))
    container.add_initializer("start", 1, (1,), [float(model.intercept_)])
    container.add_node("MatMul", [rows.full_name, "slope"], ["sum"], name="slope_sum")
    container.add_node("Add", ["sum", "start"], [out.full_name], name="slope_start")


def test_an_estimator_that_writes_itself_converts(packaged):
    for alpha in (1.0, 1000.0):  # the second one of its class is not the first again
        estimator = pipeline(Slope(alpha), imputed())
        _, kind, found, wanted = packaged(estimator, "regression")
        assert kind == "onnx"
        assert np.abs(found - wanted).max() <= 1e-5 * max(1.0, np.std(wanted))


class Unknown(StandardScaler):
    """A type of the user's own, which no converter and no bundle knows."""


def test_a_type_that_nobody_trusts_is_named_with_the_line_to_write(packaged):
    with pytest.raises(Stop, match=r"trusted_types = \[\".*Unknown") as stopped:
        packaged(pipeline(boosting(), Unknown()))
    assert stopped.value.status == Status.SETTINGS


def test_the_same_training_makes_the_same_bytes(tmp_path, encoded, signature_of):
    inputs, answers, classes = encoded()
    made = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        estimator = pipeline(boosting()).fit(pd.DataFrame(inputs), answers)
        export.write_model(folder, estimator, signature_of("binary", classes), inputs)
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert sorted(made[0]) == ["model.onnx", "signature.json"]
    assert made[0] == made[1]


@pytest.mark.parametrize("numbers", ["passthrough", StandardScaler()], ids=["onnx", "skops"])
def test_no_file_of_a_model_is_a_pickle(packaged, tmp_path, numbers):
    packaged(pipeline(boosting(), numbers))
    for path in tmp_path.iterdir():
        parts = [path.read_bytes()]
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                parts = [archive.read(name) for name in archive.namelist()]
        assert not any(is_pickle(part) for part in parts), path.name


@pytest.mark.parametrize(("data", "expected"), [(b"\x80\x04N.", True), (b'{"a": 1}', False)])
def test_a_pickle_would_be_seen(data, expected):
    assert is_pickle(data) is expected


def is_pickle(data):
    try:
        return [code.name for code, _, _ in pickletools.genops(data)][-1] == "STOP"
    except (ValueError, IndexError):
        return False
