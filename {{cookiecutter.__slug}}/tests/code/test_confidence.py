"""The score that a model's own confidence promises, beside the one that came true."""

import numpy as np
import pytest

from your_package.metrics.scores import score
from your_package.monitor.confidence import (
    CONFIDENCE,
    expect,
    learn,
    read_confidence,
)

METRICS = {
    "binary": ["roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1_macro"],
    "multiclass": ["log_loss", "brier", "accuracy", "f1_macro"],
    "regression": ["mae", "mse"],
}


def draw(task, seed, rows, shift=0.0):
    """Answers and predictions; a shift moves the rows and not what follows from them."""
    random = np.random.default_rng(seed)
    x = random.normal(shift, 1, rows)
    if task == "regression":
        return 3 * x + random.normal(0, 1 + 0.3 * np.abs(x)), 3 * x
    if task == "binary":
        p = 1 / (1 + np.exp(-1.5 * x))
        said = 1 / (1 + np.exp(-2.5 * x))  # too sure of itself
        return (random.random(rows) < p).astype(float), np.column_stack([1 - said, said])
    weight = np.exp(np.column_stack([np.zeros(rows), x, random.normal(0, 1, rows)]))
    p = weight / weight.sum(axis=1, keepdims=True)
    return (random.random((rows, 1)) > p.cumsum(axis=1)).sum(axis=1).astype(float), p


@pytest.mark.parametrize(
    ("task", "metric"), [(task, metric) for task, metrics in METRICS.items() for metric in metrics]
)
@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_what_was_expected_came_true(task, metric, shift):
    known = learn(*draw(task, 1, 8_000))
    answers, said = draw(task, 2, 8_000, shift)
    value, error = expect(known, said, metric, 0.5)
    real = score(answers, said, metric)
    assert abs(value - real.value) < max(5 * error, 0.03 * abs(real.value))
    assert 0 < error < 0.2 * abs(real.value)


@pytest.mark.parametrize("offset", [-3.0, -5.5])  # one in nine, one in sixty
@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_what_is_rare_is_expected_as_often_as_it_comes(offset, metric):
    """One bin holds nearly all of a rare class: inside of it the model's own order goes on."""

    def drawn(seed):
        random = np.random.default_rng(seed)
        p = 1 / (1 + np.exp(-offset - 1.8 * random.normal(0, 1, 20_000)))
        return (random.random(20_000) < p).astype(float), np.column_stack([1 - p, p])

    answers, said = drawn(2)
    value, _ = expect(learn(*drawn(1)), said, metric, 0.5)
    assert abs(value - score(answers, said, metric).value) < 0.04


@pytest.mark.parametrize("metric", METRICS["binary"])
def test_draws_without_the_rare_class_tell_no_order(metric):
    known = learn(*draw("binary", 1, 300))
    said = np.tile([1 - 1e-12, 1e-12], (50, 1))
    value, error = expect(known, said, metric, 0.5)
    assert np.isnan(value) == (metric in ("roc_auc", "average_precision"))
    assert error >= 0


def test_it_cannot_see_a_world_that_answers_otherwise():
    """Which is why the report says how far to trust it."""
    known = learn(*draw("binary", 1, 8_000))
    answers, said = draw("binary", 2, 8_000)
    value, _ = expect(known, said, "roc_auc", 0.5)
    assert value - score(1 - answers, said, "roc_auc").value > 0.4


def test_the_same_rows_give_the_same_expectation():
    known = learn(*draw("binary", 1, 3_000))
    _, said = draw("binary", 2, 1_000)
    assert expect(known, said, "roc_auc", 0.5) == expect(known, said, "roc_auc", 0.5)


@pytest.mark.parametrize("rows", [1, 3, 30])
@pytest.mark.parametrize("task", METRICS)
def test_few_rows_are_learnt_from_as_well(task, rows):
    known = learn(*draw(task, 1, rows))
    value, _ = expect(known, draw(task, 2, 600)[1], METRICS[task][-1], 0.5)
    assert np.isfinite(value)


def test_a_bundle_of_before_tells_nothing(tmp_path):
    assert read_confidence(tmp_path) is None
    (tmp_path / CONFIDENCE).write_text("{}", encoding="utf-8")
    assert read_confidence(tmp_path) is None
    known = learn(*draw("binary", 1, 300))
    (tmp_path / CONFIDENCE).write_text(known.model_dump_json(), encoding="utf-8")
    assert read_confidence(tmp_path) == known
