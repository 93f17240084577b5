"""How rows become inputs, and answers become the target's own words."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from your_package.store import model
from your_package.store.encode import (
    Input,
    columns_of,
    encode,
)


def encode_one(value, kind):
    return encode({"x": [value]}, [Input("x", kind)])["x"]


@pytest.mark.parametrize(
    ("value", "read"),
    [(1, 1.0), (1.5, 1.5), (True, 1.0), (None, np.nan), (float("nan"), np.nan), (1e300, np.inf)],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_number_is_read_as_float32_and_a_missing_one_as_nan(value, read):
    found = encode_one(value, "number")
    assert found.dtype == np.float32
    assert np.array_equal(found, np.array([read], dtype=np.float32), equal_nan=True)


@pytest.mark.parametrize(
    ("value", "read"), [("a", "a"), ("", ""), (None, ""), (3, "3"), (True, "True"), ("é\n", "é\n")]
)
def test_a_category_is_read_as_text_and_a_missing_one_as_empty(value, read):
    found = encode_one(value, "category")
    assert found.dtype == object
    assert found.tolist() == [read]


def test_a_table_and_plain_lists_are_read_alike():
    inputs = [Input("n", "number"), Input("i", "number"), Input("c", "category")]
    columns = {"n": [1.5, None, 3.0], "i": [1, 2, None], "c": ["a", None, ""]}
    table = encode(columns_of(pl.DataFrame(columns), inputs), inputs)
    for name, values in encode(columns, inputs).items():
        assert np.array_equal(table[name], values, equal_nan=name != "c")


def test_columns_that_are_no_input_are_not_read():
    assert list(encode({"a": [1], "secret": ["x"]}, [Input("a", "number")])) == ["a"]


@pytest.mark.parametrize(("chance", "label"), [(0.3, "yes"), (0.2999, "no"), (0.9, "yes")])
def test_two_classes_are_told_apart_by_the_threshold(signature_of, chance, label):
    signature = replace(signature_of("binary", ["no", "yes"]), threshold=0.3)
    assert signature.labels(np.array([[1 - chance, chance]])) == [label]


def test_of_many_classes_the_likeliest_is_the_answer(signature_of):
    signature = signature_of("multiclass", ["a", "b", "c"])
    assert signature.labels(np.array([[0.2, 0.5, 0.3], [0.4, 0.3, 0.3]])) == ["b", "a"]


def test_numbers_are_the_answer_themselves(signature_of):
    assert signature_of("regression").labels(np.array([1.5, -2.0])) == [1.5, -2.0]


@pytest.mark.parametrize("classes", [("no", "yes"), (0, 1), (False, True)])
def test_a_signature_is_read_as_it_was_written(tmp_path, signature_of, classes):
    signature = replace(signature_of("binary", classes), trusted_types=("a.B",), threshold=0.25)
    model.write_signature(tmp_path, signature)
    read = model.read_signature(tmp_path)
    assert read == signature
    assert [type(label) for label in read.classes] == [type(label) for label in classes]


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_a_row_has_one_answer_alone_among_others_and_in_any_order(small_model, encoded, task):
    loaded, (inputs, _, _) = small_model(task), encoded(task, days=2)
    together = loaded.predict(inputs)
    turned = {name: inputs[name][::-1] for name in reversed(inputs)}
    assert np.array_equal(loaded.predict(turned)[::-1], together)
    for row in range(0, 120, 17):
        alone = loaded.predict({name: values[row : row + 1] for name, values in inputs.items()})
        assert np.array_equal(alone[0], together[row])


@pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 4)])
def test_probabilities_are_probabilities(small_model, encoded, task, classes):
    loaded, (inputs, _, _) = small_model(task), encoded(task)
    p = loaded.predict(inputs)
    assert p.shape == (1200, classes)
    assert np.all((p >= 0) & (p <= 1))
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-5)
