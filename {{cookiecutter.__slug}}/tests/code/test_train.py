"""Answers as a model learns them, and the constant that every model has to beat."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from your_package.errors import Status, Stop
from your_package.metrics.scores import score
from your_package.steps.train import (
    constant_answer,
    encode_answers,
    train,
    train_linear,
)

NUMBERS = np.array([0.0, 1.0, 1.0, 2.0, 50.0])


@pytest.mark.parametrize("metric", ["mae", "mse"])
def test_no_number_is_a_better_constant(metric):
    (best,) = constant_answer(NUMBERS, 0, metric)
    others = np.linspace(-5, 60, 131)
    values = [score(NUMBERS, np.full(5, other), metric).value for other in others]
    assert score(NUMBERS, np.full(5, best), metric).value >= max(values)


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_no_probability_is_a_better_constant(metric):
    answers = np.array([0, 1, 1, 2, 1, -1])
    best, known = constant_answer(answers, 3, metric), answers[:-1].astype(float)
    assert best == pytest.approx([0.2, 0.6, 0.2])
    others = np.random.default_rng(0).dirichlet([1, 3, 1], 200)
    values = [score(known, np.tile(other, (5, 1)), metric).value for other in others]
    assert score(known, np.tile(best, (5, 1)), metric).value > max(values)


def test_an_answer_that_training_did_not_know_has_no_place():
    assert encode_answers(["b", "z", "a", None], ["a", "b"]).tolist() == [1, -1, 0, -1]


@pytest.mark.parametrize(
    ("answers", "classes"),
    [(["no", "yes", "no"], ("no", "yes")), ([1, 0, 1], (0, 1)), ([True, False], (False, True))],
)
def test_classes_are_known_by_their_own_names_in_order(answers, classes):
    inputs = {"x": np.arange(len(answers))}
    assert train(DummyClassifier(), inputs, answers, "binary").classes == classes


@pytest.mark.parametrize(
    ("task", "answers", "named"),
    [
        ("binary", [1, 1], "needs two values; the training rows have 1"),
        ("binary", [1, 2, 3], "needs two values; the training rows have 3"),
        ("multiclass", ["a", "a"], "needs at least two values; the training rows have 1"),
    ],
)
def test_answers_that_cannot_be_learned_are_a_clear_stop(task, answers, named):
    with pytest.raises(Stop, match=named) as stopped:
        train(DummyClassifier(), {"x": np.arange(len(answers))}, answers, task)
    assert stopped.value.status == Status.DATA


def test_a_table_of_text_alone_has_no_linear_yardstick():
    texts = {"review": np.array(["late", "kind"] * 20, dtype=object)}
    assert train_linear(texts, [], np.array([0, 1] * 20), 2) is None
