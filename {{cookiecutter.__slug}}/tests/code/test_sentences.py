"""Sentences about single rows: what holds passes in silence, what does not says why."""

import numpy as np
import pytest

from your_package.behaviour import Expectation
from your_package.store.encode import Input
from your_package.store.model import Model, Signature

ROW = {"age": 20.0, "zip code": "north"}


@pytest.fixture
def expect(tmp_path):
    """A model whose answer is the age in per cent, and a half more in the south."""

    def answers(inputs):
        south = 0.5 * (inputs["zip code"] == "south")
        p = np.clip(np.nan_to_num(inputs["age"]) / 100 + south, 0, 1)
        return np.column_stack([1 - p, p])

    columns = (Input("age", "number"), Input("zip code", "category"))
    signature = Signature("m", "binary", "y", columns, ("stays", "leaves"), 0.5, "onnx")
    return lambda row, of=None: Expectation(Model(tmp_path, "", signature, answers), row, of)


def test_what_holds_passes(expect):
    expect(ROW).stays(within=0.02).when(age=[19.0, 21.0])
    expect(ROW).rises(by=0.4).when({"zip code": "south"})
    expect(ROW).rises().when(age=[10.0, 20.0, 30.0])
    expect(ROW).falls().when(age=[30.0, 20.0, 10.0])
    expect(ROW, of="stays").falls(by=0.05).when(age=30.0)
    expect(ROW).is_below(0.3)
    expect(ROW).is_above(0.1)
    expect(ROW).is_between(0.1, 0.3)
    expect(ROW).is_("stays")
    expect(ROW | {"zip code": "south"}).is_("leaves")


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        (lambda e: e(ROW).stays(within=0.01).when(age=[19.5, 25.0]), "0.2 becomes 0.25 with {"),
        (lambda e: e(ROW).rises().when(age=20.0), "expected to rise by more than 0"),
        (lambda e: e(ROW).rises().when(age=[10.0, 30.0, 20.0]), "0.3 becomes 0.2 with"),
        (lambda e: e(ROW).falls(by=0.2).when(age=10.0), "expected to fall by more than 0.2"),
        (lambda e: e(ROW).is_below(0.1), "0.2 is expected to be below 0.1"),
        (lambda e: e(ROW).is_above(0.3), "0.2 is expected to be above 0.3"),
        (lambda e: e(ROW).is_("leaves"), "'stays' is expected to be 'leaves'"),
        (lambda e: e(ROW).stays(within=1).when(), "say what changes"),
        (lambda e: e(ROW).stays(within=1).when(size=1), "no column 'size'"),
        (lambda e: e(ROW).rises().when(age=[1.0, 2.0], **{"zip code": ["north"]}), "one length"),
    ],
)
def test_what_does_not_hold_says_why(expect, sentence, words):
    with pytest.raises(AssertionError) as failed:
        sentence(expect)
    assert words in str(failed.value)


def test_of_many_classes_one_has_to_be_named(expect):
    expectation = expect(ROW)
    many = expectation.model.signature.__class__(
        "m", "multiclass", "y", expectation.model.signature.inputs, ("a", "b", "c"), 0.5, "onnx"
    )
    model = Model(expectation.model.folder, "", many, lambda _: np.full((1, 3), 1 / 3))
    with pytest.raises(AssertionError, match="say whose chance"):
        Expectation(model, ROW).is_above(0)
    Expectation(model, ROW, of="c").is_between(0.3, 0.4)
