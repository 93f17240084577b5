"""Scores and their standard errors, against scikit-learn, brute force and the bootstrap."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn import metrics

from your_package.metrics.scored import Scored
from your_package.metrics.scores import score
from your_package.settings import GateSettings
from your_package.steps import evaluate as step


def evaluate(answers, models, metric, max_loss_increase=0.05):
    """The step's evidence; the champion is the anchor too, and the challenger beats itself."""
    regression = metric in ("mae", "mse")
    everybody = {"dummy": models["challenger"], **models}
    if "champion" in models:
        everybody["anchor"] = models["champion"]
    scored = Scored("regression" if regression else "binary", metric, answers, everybody)
    settings = GateSettings(max_loss_increase=max_loss_increase)
    return step.evaluate(scored, settings)


def columns(p):
    """Probabilities of both classes from those of the second."""
    p = np.asarray(p, dtype=float)
    return np.column_stack([1 - p, p])


def placements(answers, p):
    """Share of the other class that each row is on the right side of, by comparing all pairs."""
    won = np.sign(p[answers == 1][:, None] - p[answers == 0][None, :]) / 2 + 0.5
    return won.mean(axis=1), won.mean(axis=0)


def brute_force(answers, one, other):
    """AUC of `one`, and the standard error of the difference, by DeLong's pairwise definition."""
    (positive, negative), rival = placements(answers, one), placements(answers, other)
    variance = np.var(positive - rival[0], ddof=1) / len(positive)
    variance += np.var(negative - rival[1], ddof=1) / len(negative)
    return positive.mean(), np.sqrt(variance)


@st.composite
def two_models(draw):
    """Answers and two models' scores, coarse enough to have many ties."""
    n = draw(st.integers(4, 40))
    answers = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    assume(2 <= answers.sum() <= n - 2)
    scores = st.lists(st.integers(0, 8), min_size=n, max_size=n)
    return answers, np.array(draw(scores)) / 8, np.array(draw(scores)) / 8


def noisy(n=600, seed=0):
    """A champion, and a challenger that is a little better; their errors are alike."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=n)
    answers = (random.random(n) < 1 / (1 + np.exp(-truth))).astype(int)
    shared = random.normal(size=n)
    champion = truth + shared + 0.6 * random.normal(size=n)
    challenger = truth + shared + 0.3 * random.normal(size=n)
    return answers, 1 / (1 + np.exp(-challenger)), 1 / (1 + np.exp(-champion))


@given(two_models())
def test_auc_and_its_standard_error_are_those_of_comparing_all_pairs(given_models):
    answers, one, other = given_models
    area, error = brute_force(answers, one, other)
    models = {"challenger": columns(one), "champion": columns(other)}
    made = evaluate(answers, models, "roc_auc")
    assert made.challenger == pytest.approx(area)
    assert made.gaps["champion"].standard_error == pytest.approx(error, abs=1e-12)


@given(two_models())
def test_auc_is_the_one_of_scikit_learn_ties_included(given_models):
    answers, one, _ = given_models
    ours = score(answers, columns(one), "roc_auc").value
    assert ours == pytest.approx(metrics.roc_auc_score(answers, one))


@given(two_models())
def test_auc_sees_the_order_of_scores_only(given_models):
    answers, one, _ = given_models
    assert score(answers, columns(one), "roc_auc").value == pytest.approx(
        score(answers, columns(one**3 / 2), "roc_auc").value
    )


@given(two_models())
def test_auc_of_the_opposite_scores_is_the_rest_to_one(given_models):
    answers, one, _ = given_models
    area = score(answers, columns(one), "roc_auc").value
    assert score(answers, columns(1 - one), "roc_auc").value == pytest.approx(1 - area)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "brier"])
def test_standard_errors_are_those_of_the_bootstrap(metric):
    """Of the difference, and of the difference with the margin, which varies with the rows too."""
    answers, challenger, champion = noisy()
    models = {"challenger": columns(challenger), "champion": columns(champion)}
    gap = evaluate(answers, models, metric, max_loss_increase=0.2).gaps["champion"]
    random, differences, margins = np.random.default_rng(1), [], []
    for _ in range(1000):
        rows = random.integers(0, len(answers), len(answers))
        one, other = (score(answers[rows], p[rows], metric).value for p in models.values())
        differences.append(one - other)
        margins.append(0.2 * ((metric == "roc_auc") - other))
    assert gap.standard_error == pytest.approx(np.std(differences), rel=0.1)
    assert gap.margin_error == pytest.approx(np.std(np.add(differences, margins)), rel=0.1)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        ("log_loss", metrics.log_loss),
        ("brier", lambda y, p: metrics.brier_score_loss(y, p[:, 1])),
        ("roc_auc", lambda y, p: -metrics.roc_auc_score(y, p[:, 1])),
    ],
)
def test_scores_of_two_classes_are_those_of_scikit_learn(metric, reference):
    answers, challenger, _ = noisy()
    p = columns(challenger)
    assert score(answers, p, metric).value == pytest.approx(-reference(answers, p))


@pytest.mark.parametrize("classes", [3, 5])
def test_scores_of_many_classes_are_those_of_their_definitions(classes):
    random = np.random.default_rng(2)
    p = random.dirichlet(np.ones(classes), 300)
    answers = np.floor(random.uniform(0, classes, 300))
    squares = np.sum((p - np.eye(classes)[answers.astype(int)]) ** 2, axis=1).mean()
    assert score(answers, p, "log_loss").value == pytest.approx(-metrics.log_loss(answers, p))
    assert score(answers, p, "brier").value == pytest.approx(-squares)


@pytest.mark.parametrize(
    ("metric", "reference"),
    [("mae", metrics.mean_absolute_error), ("mse", metrics.mean_squared_error)],
)
def test_scores_of_numbers_are_those_of_scikit_learn_with_the_error_of_a_paired_mean(
    metric, reference
):
    random = np.random.default_rng(3)
    answers = random.normal(50, 10, 200)
    one, other = answers + random.normal(0, 3, 200), answers + random.normal(1, 3, 200)
    made = evaluate(answers, {"challenger": one, "champion": other}, metric)
    losses = np.abs(one - answers), np.abs(other - answers)
    if metric == "mse":
        losses = losses[0] ** 2, losses[1] ** 2
    gap = made.gaps["champion"]
    assert made.challenger == pytest.approx(-reference(answers, one))
    assert gap.rival == pytest.approx(-reference(answers, other))
    assert gap.delta == pytest.approx(reference(answers, other) - reference(answers, one))
    assert gap.standard_error == pytest.approx(np.std(losses[0] - losses[1], ddof=1) / 200**0.5)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_rows_of_one_class_have_no_order_to_be_right_about(metric, answer):
    said = np.column_stack([np.linspace(0.9, 0.1, 9), np.linspace(0.1, 0.9, 9)])
    assert np.isnan(score(np.full(9, answer), said, metric).value)


@pytest.mark.parametrize(
    ("metric", "worst"), [("log_loss", -34.5), ("brier", -1.34), ("accuracy", 0)]
)
def test_a_class_that_the_model_does_not_know_is_never_answered_right(metric, worst):
    """Its place is -1, which would be the last class's."""
    found = score(np.array([-1.0]), np.array([[0.1, 0.1, 0.4, 0.4]]), metric).value
    assert found == pytest.approx(worst, abs=0.05)


def test_scores_that_are_all_equal_are_worth_a_coin():
    answers = np.array([0, 1, 1, 0, 1])
    constant = columns(np.full(5, 0.3))
    made = evaluate(answers, {"challenger": constant, "dummy": constant}, "roc_auc")
    assert made.challenger == 0.5
    assert (made.gaps["dummy"].delta, made.gaps["dummy"].standard_error) == (0, 0)


def test_certainty_that_is_wrong_costs_much_but_not_everything():
    value = score(np.array([0, 1]), columns([1.0, 1.0]), "log_loss").value
    assert np.isfinite(value)
    assert value < -10


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "brier"])
def test_the_order_of_rows_changes_nothing(metric):
    answers, one, other = noisy()
    rows = np.random.default_rng(4).permutation(len(answers))
    made = evaluate(answers, {"challenger": columns(one), "champion": columns(other)}, metric)
    turned = {"challenger": columns(one[rows]), "champion": columns(other[rows])}
    again = evaluate(answers[rows], turned, metric)
    assert again.challenger == pytest.approx(made.challenger)
    gaps = (made.gaps["champion"], again.gaps["champion"])
    assert gaps[0].delta == pytest.approx(gaps[1].delta)
    assert gaps[0].standard_error == pytest.approx(gaps[1].standard_error)


def test_two_models_that_change_places_change_the_sign_alone():
    answers, one, other = noisy()
    there = evaluate(answers, {"challenger": columns(one), "champion": columns(other)}, "roc_auc")
    back = evaluate(answers, {"challenger": columns(other), "champion": columns(one)}, "roc_auc")
    assert there.gaps["champion"].delta == pytest.approx(-back.gaps["champion"].delta)
    assert there.gaps["champion"].delta > 0
    assert there.gaps["champion"].standard_error == back.gaps["champion"].standard_error
