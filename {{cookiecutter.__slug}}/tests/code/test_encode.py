"""Rows are read one way by training and service, and trees by category answer alike in ONNX."""

import json
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from your_package.features import build_features
from your_package.model import build_model
from your_package.steps.train import train
from your_package.store import export, model
from your_package.store.encode import (
    Input,
    encode,
    encode_rows,
)

PARTS = ("c", "c month", "c weekday", "c hour")


def one(kind, value):
    """The encoded parts of one raw value."""
    return [float(part[0]) for part in encode({"c": [value]}, (Input("c", kind),)).values()]


DAYS = [
    ("date", "2000-01-01", [0, 1, 5]),  # a Saturday; Monday is 0
    ("date", date(2026, 5, 30), [9646, 5, 5]),
    ("date", "1999-12-31", [-1, 12, 4]),
    ("date", "1969-07-20", [-11122, 7, 6]),
    ("datetime", "2000-01-03T13:59:59", [2, 1, 0, 13]),
    ("datetime", "2000-01-03T13:00:00Z", [2, 1, 0, 13]),
    ("datetime", "2000-01-01T00:30:00+02:00", [-1, 12, 4, 22]),
    ("datetime", datetime(2000, 1, 1, 12, tzinfo=UTC), [0, 1, 5, 12]),
]


@pytest.mark.parametrize(("kind", "value", "wanted"), DAYS)
def test_a_date_becomes_days_month_weekday_and_hour_in_utc(kind, value, wanted):
    assert one(kind, value) == pytest.approx(wanted, abs=1e-4)
    assert Input("c", kind).encoded == PARTS[: len(wanted)]


@pytest.mark.parametrize("kind", ["date", "datetime"])
def test_a_missing_date_is_missing_in_every_part(kind):
    assert np.isnan(one(kind, None)).all()


ZONES = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=ZONES)  # noqa: DTZ001


@given(st.lists(MOMENTS | st.none(), min_size=1, max_size=20))
def test_moments_are_the_same_from_a_table_and_from_a_request(moments):
    inputs = (Input("c", "datetime"),)
    utc = [moment and moment.astimezone(UTC) for moment in moments]
    table = pl.DataFrame({"c": pl.Series(utc, dtype=pl.Datetime("us", "UTC"))})
    body = json.loads(json.dumps({"c": [moment and moment.isoformat() for moment in moments]}))
    trained, served = encode_rows(table, inputs), encode(body, inputs)
    assert list(trained) == list(served) == list(PARTS)
    for part in PARTS:
        assert np.array_equal(trained[part], served[part], equal_nan=True), part
        assert trained[part].dtype == np.float32


@given(st.lists(st.dates(date(1900, 1, 1), date(2100, 1, 1)) | st.none(), min_size=1, max_size=20))
def test_days_are_the_same_from_a_table_and_from_a_request(days):
    inputs = (Input("c", "date"),)
    table = pl.DataFrame({"c": pl.Series(days, dtype=pl.Date)})
    served = encode({"c": [day and day.isoformat() for day in days]}, inputs)
    for part, values in encode_rows(table, inputs).items():
        assert np.array_equal(values, served[part], equal_nan=True), part


@given(
    numbers=st.lists(st.none() | st.floats(-1e30, 1e30), min_size=1, max_size=9),
    words=st.lists(st.none() | st.text(max_size=9), min_size=9, max_size=9),
)
def test_numbers_and_words_are_the_same_from_a_table_and_from_a_request(numbers, words):
    inputs = (Input("n", "number"), Input("w", "category"), Input("t", "text"))
    rows = {"n": numbers, "w": words[: len(numbers)], "t": words[: len(numbers)]}
    kinds = {"n": pl.Float64, "w": pl.String, "t": pl.String}
    trained = encode_rows(pl.DataFrame(rows, schema=kinds), inputs)
    served = encode(json.loads(json.dumps(rows)), inputs)
    assert np.array_equal(trained["n"], served["n"], equal_nan=True)
    for name in ("w", "t"):
        assert trained[name].tolist() == served[name].tolist()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello,  World!", "hello world"),
        ("don't\n\tSTOP", "don t stop"),
        ("ÄRGER über Straße", "ärger über straße"),
        ("日本語 テスト", "日本語 テスト"),
        ("a_b 1.5", "a_b 1 5"),
        ("  ...  ", ""),
        (None, ""),
    ],
)
def test_text_becomes_lower_words_between_single_spaces(text, wanted):
    assert encode({"c": [text]}, (Input("c", "text"),))["c"].tolist() == [wanted]


def test_a_category_is_kept_letter_by_letter():
    values = [" A b ", None, True, 7]
    found = encode({"c": values}, (Input("c", "category"),))["c"].tolist()
    assert found == [" A b ", "", "True", "7"]


# Trees that split by category


INPUTS = (Input("kind", "category"), Input("shade", "category"), Input("size", "number"))


def rows(count, levels, seed=0):
    """Encoded rows whose answer hangs on the category without any order."""
    random = np.random.default_rng(seed)
    code = random.integers(0, levels, count)
    shade = random.integers(0, 3, count)
    size = random.normal(size=count)
    score = 2 * ((code * 7919) % 5 - 2) + 2 * (shade == 1) + size
    words = [f"k{n}" if n else "" for n in code]
    size[::13] = np.nan
    values = {"kind": words, "shade": [f"s{n}" for n in shade], "size": size}
    return encode(values, INPUTS), score + random.normal(size=count)


def strange(inputs):
    """The same rows with unseen and missing categories, and gaps, among them."""
    fresh = {name: values.copy() for name, values in inputs.items()}
    fresh["kind"][::5] = "never seen"
    fresh["kind"][1::5] = ""
    fresh["shade"][::7] = "mauve"
    fresh["size"][::3] = np.nan
    return fresh


def answers_of(task, score):
    if task == "regression":
        return score
    cuts = [0.0] if task == "binary" else [-2.0, 2.0]
    return np.searchsorted(cuts, score)


def fitted(task, encoded, score, encoder):
    steps = [("category", encoder, ["kind", "shade"])]
    features = ColumnTransformer(steps, remainder="passthrough")
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    estimator = kind(categorical_features=[0, 1], max_iter=30, min_samples_leaf=5, random_state=0)
    return make_pipeline(features, estimator).fit(pd.DataFrame(encoded), answers_of(task, score))


def packaged(folder, task, estimator, inputs, encoded):
    classes = () if task == "regression" else tuple(range(2 if task == "binary" else 3))
    signature = model.Signature("small", task, "y", inputs, classes, 0.5, "onnx")
    said = export.write_model(folder, estimator, signature, encoded)
    assert said.startswith("ONNX"), said
    return model.open_unsealed(folder)


def ordinal(unknown):
    return OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=unknown, max_categories=250
    )


@pytest.mark.parametrize("unknown", [-1, np.nan], ids=["minus one", "missing"])
@pytest.mark.parametrize("levels", [2, 40, 300])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_trees_by_category_answer_alike_in_onnx(tmp_path, task, levels, unknown):
    encoded, score = rows(3_000, levels)
    estimator = fitted(task, encoded, score, ordinal(unknown))
    trees = [tree for stage in estimator[-1]._predictors for tree in stage]  # noqa: SLF001
    assert any(tree.nodes["is_categorical"].any() for tree in trees)
    loaded = packaged(tmp_path, task, estimator, INPUTS, encoded)
    for asked in (encoded, strange(encoded), rows(500, levels + 50, seed=1)[0]):
        found, wanted = loaded.predict(asked), export.answers(estimator, task, asked)
        scale = float(np.std(wanted)) if task == "regression" else 1.0
        assert np.abs(found - wanted).max() <= 1e-5 * scale


def test_an_unseen_category_is_answered_as_a_missing_one(tmp_path):
    encoded, score = rows(3_000, 40)
    estimator = fitted("binary", encoded, score, ordinal(-1))
    loaded = packaged(tmp_path, "binary", estimator, INPUTS, encoded)
    asked = {name: values[:2].copy() for name, values in encoded.items()}
    asked["size"][:] = 0.5
    asked["shade"][:] = "s1"
    asked["kind"][:] = ["mars", "venus"]
    found = loaded.predict(asked)
    assert np.array_equal(found[0], found[1])


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_column_that_is_empty_in_training_trains_and_is_served(tmp_path, task):
    encoded, score = rows(600, 5)
    inputs = (*INPUTS, Input("void", "number"), Input("on", "date"), Input("said", "text"))
    empty = {"void": [None] * 600, "on": [None] * 600, "said": [None, *["a word"] * 599]}
    encoded |= encode(empty, inputs[3:])
    days = [name for name in encoded if name.startswith("on")]
    estimator = make_pipeline(
        build_features(["size", "void", *days], ["kind", "shade"], ["said"]),
        build_model(task, 600, 2, 0),
    )
    trained = train(estimator, encoded, answers_of(task, score).tolist(), task).estimator
    loaded = packaged(tmp_path, task, trained, inputs, encoded)
    asked = {**encoded, "void": np.arange(600, dtype=np.float32)}
    found, wanted = loaded.predict(asked), export.answers(trained, task, asked)
    assert np.isfinite(found).all()
    scale = float(np.std(wanted)) if task == "regression" else 1.0
    assert np.abs(found - wanted).max() <= 1e-5 * scale
