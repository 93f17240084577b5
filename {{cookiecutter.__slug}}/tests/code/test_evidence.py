"""What makes evidence unsound is collected, never raised and never scored."""

import numpy as np
import pytest

from your_package.metrics.scored import Scored
from your_package.settings import GateSettings
from your_package.steps import evaluate as step

ANSWERS = np.array([0, 1, 0, 1, 1, 0])
GOOD = np.column_stack([1 - ANSWERS * 0.5, ANSWERS * 0.5])


def evaluate(answers, predictions, metric, problems=(), max_loss_increase=0.05):
    """The step's evidence; where a champion stands alone it is the anchor too."""
    task = "regression" if metric in ("mae", "mse") else "binary"
    if "champion" in predictions:
        predictions = {"anchor": predictions["champion"], **predictions}
    scored = Scored(task, metric, answers, predictions)
    return step.evaluate(scored, GateSettings(max_loss_increase=max_loss_increase), problems)


def spoilt(value):
    """The good answers with one of them replaced."""
    predicted = GOOD.copy()
    predicted[2, 1] = value
    return predicted


def judge(answers=ANSWERS, metric="roc_auc", problems=(), **predictions):
    everybody = {"challenger": GOOD, "champion": GOOD, "anchor": GOOD, "dummy": GOOD} | predictions
    return evaluate(answers, everybody, metric, problems)


def test_sound_evidence_compares_the_challenger_with_everybody():
    made = judge(champion=spoilt(0.9))
    assert made.problems == ()
    assert list(made.gaps) == ["champion", "anchor", "dummy"]
    assert (made.rows, made.smallest_class, made.challenger) == (6, 3, 1.0)
    assert made.gaps["champion"].delta > 0
    assert made.gaps["anchor"].delta == 0


@pytest.mark.parametrize("who", ["challenger", "champion", "anchor", "dummy"])
@pytest.mark.parametrize(
    ("predicted", "named"),
    [
        (spoilt(np.nan), "gave 1 answers that are no finite number"),
        (spoilt(np.inf), "gave 1 answers that are no finite number"),
        (GOOD[:-1], "answered 5 of 6 rows"),
        (GOOD[:0], "answered 0 of 6 rows"),
    ],
)
def test_answers_that_cannot_be_compared_are_a_problem_with_a_name(who, predicted, named):
    made = judge(**{who: predicted})
    assert made.problems == (f"the {who} {named}",)
    assert made.challenger is None
    assert made.gaps == {}


@pytest.mark.parametrize(
    ("answers", "metric", "named"),
    [
        (np.ones(6, dtype=int), "roc_auc", "one class only"),
        (np.array([0, 1, -1, 1, -1, 0]), "roc_auc", "2 holdout rows have a class that no training"),
        (np.array([0, 1, -1, 1, 1, 0]), "log_loss", "1 holdout rows have a class"),
        (np.array([0, 1, -1, 1, 1, 0]), "brier", "1 holdout rows have a class"),
    ],
)
def test_answers_that_no_model_could_know_are_a_problem(answers, metric, named):
    made = judge(answers, metric)
    assert len(made.problems) == 1
    assert named in made.problems[0]
    assert made.challenger is None


def test_a_number_to_predict_that_is_not_finite_is_a_problem():
    predicted = {"challenger": np.zeros(3), "dummy": np.zeros(3)}
    made = evaluate(np.array([1.0, np.nan, 2.0]), predicted, "mae")
    assert made.problems == ("the holdout has answers that are no finite number",)


def test_without_a_challenger_there_is_nothing_to_judge():
    made = evaluate(ANSWERS, {"champion": GOOD, "dummy": GOOD}, "roc_auc")
    assert made.problems == ("there is no answer of the challenger",)


def test_a_champion_without_an_anchor_is_a_problem():
    scored = Scored("binary", "brier", ANSWERS, {"challenger": GOOD, "dummy": GOOD, "anchor": GOOD})
    made = step.evaluate(scored, GateSettings())
    assert made.problems == ("champion and anchor have to be scored together",)


def test_problems_that_are_known_already_are_kept_first():
    made = judge(problems=["a leak"], anchor=GOOD[:-1])
    assert made.problems == ("a leak", "the anchor answered 5 of 6 rows")


def test_a_model_with_equal_answers_is_the_same_but_for_noise_in_the_last_digits():
    assert judge().same_as_champion
    assert judge(champion=GOOD * (1 + 1e-9)).same_as_champion
    assert not judge(champion=spoilt(1e-4)).same_as_champion


@pytest.mark.parametrize(
    ("metric", "margin"),
    [("roc_auc", 0.0), ("log_loss", -0.1 * np.log(0.5) / 2), ("brier", 0.0125)],
)
def test_the_margin_is_a_share_of_the_loss_of_the_champion(metric, margin):
    everybody = {"challenger": GOOD, "champion": GOOD, "dummy": GOOD}
    assert evaluate(ANSWERS, everybody, metric, (), 0.1).margin == pytest.approx(margin)


def test_without_a_champion_there_is_no_margin():
    assert evaluate(ANSWERS, {"challenger": GOOD, "dummy": GOOD}, "brier").margin == 0


def test_without_a_champion_nothing_is_the_same():
    assert not evaluate(ANSWERS, {"challenger": GOOD, "dummy": GOOD}, "brier").same_as_champion


def test_the_rarest_class_is_counted_and_numbers_have_none():
    rare = np.array([0, 1, 0, 0, 0, 0])
    assert judge(rare).smallest_class == 1
    numbers = {"challenger": np.zeros(3), "dummy": np.ones(3)}
    assert evaluate(np.arange(3.0), numbers, "mse").smallest_class is None
