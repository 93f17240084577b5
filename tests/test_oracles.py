"""The gate's statistics against other libraries, published numbers, brute force and simulation."""

import re
import sys
import tracemalloc
from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from math import inf, log, nan, sqrt
from statistics import fmean, variance

import numpy as np
import pytest
import statsmodels.api as sm
from conftest import TEMPLATE
from MLstatkit import Delong_test
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, logit
from scipy.stats import binom, norm, t, ttest_rel
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import normal_sample_size_one_tail

sys.path.append(str(TEMPLATE / "benchmarks"))
from common import load_package

load_package()
from project.evidence import Evidence, Gap, Guard, Harm  # noqa: E402
from project.guards.calibrate import logistic_line, reliability, spiegelhalter  # noqa: E402
from project.guards.fairness import fairness_guards, fairness_harms, rates  # noqa: E402
from project.guards.family import MOST_SLICES, calibration_harm, family, slice_harms  # noqa: E402
from project.guards.harms import harm_of, holm, proven  # noqa: E402
from project.guards.plain import flips, simpler  # noqa: E402
from project.metrics.compare import compare, measure  # noqa: E402
from project.metrics.errors import Z, standard_error, tango_error  # noqa: E402
from project.metrics.scored import Dependence, Labels, Scored  # noqa: E402
from project.metrics.scores import score  # noqa: E402
from project.settings import METRICS, GateSettings  # noqa: E402
from project.steps.evaluate import evaluate  # noqa: E402
from project.steps.gate import Verdict, decide  # noqa: E402

USUAL = GateSettings()
NO_LIMITS = GateSettings(max_loss_increase=1e-9, slice_max_drop=1e-9)
TASKS = [(task, metric) for task, known in METRICS.items() for metric in known]
RANKED = ("roc_auc", "average_precision")
OWN = {"challenger": 1.0}
DIFFERENCE = {"challenger": 1.0, "champion": -1.0}
DRAWS = 4_000


def both(p) -> np.ndarray:
    """Probabilities of both classes from those of the second."""
    p = np.asarray(p, dtype=np.float64)
    return np.column_stack([1 - p, p])


def soft(z: np.ndarray) -> np.ndarray:
    """Probabilities from logits, shape (n, classes)."""
    grown = np.exp(z - z.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def binary(answers, metric="roc_auc", *, of=None, **p) -> Scored:
    """A table of a binary task from the probabilities of the second class."""
    predictions = {name: both(values) for name, values in p.items()}
    dependence = Dependence() if of is None else of
    return Scored("binary", metric, np.asarray(answers), predictions, 0.5, dependence)


def numbers(answers, metric="mae", *, of=None, **predicted) -> Scored:
    """A table of a regression."""
    predictions = {name: np.asarray(values, np.float64) for name, values in predicted.items()}
    dependence = Dependence() if of is None else of
    return Scored("regression", metric, np.asarray(answers, float), predictions, 0.5, dependence)


def holdout(task, metric, rows=400, seed=0, *, of=None, apart=0.7, tied=False, shift=-0.6):
    """Two models with independent noise of the same size around the same truth.

    Of rows that depend on one another, half of the noise's variance is shared by an owner's rows,
    or by as many moments as the horizon has.
    """
    random = np.random.default_rng(seed)
    of = Dependence() if of is None else of
    width = 3 if task == "multiclass" else 1
    truth = random.normal(size=(rows, width))
    models = [truth + apart * _noise(random, rows, width, of) for _ in range(2)]
    if task == "regression":
        answers = truth[:, 0] + 0.5 * random.normal(size=rows)
        models, dummy = [m[:, 0] for m in models], np.full(rows, np.median(answers))
    elif task == "binary":
        answers = (random.random(rows) < expit(1.4 * truth[:, 0] + shift)).astype(np.int64)
        models = [both(expit(1.4 * m[:, 0] + shift)) for m in models]
        dummy = both(np.full(rows, answers.mean()))
    else:
        answers = (soft(truth).cumsum(axis=1)[:, :2] < random.random((rows, 1))).sum(axis=1)
        models = [soft(m) for m in models]
        dummy = np.tile(np.bincount(answers, minlength=3) / rows, (rows, 1))
    if tied:
        models = [np.round(m, 1) for m in models]
    predictions = dict(zip(("challenger", "champion"), models, strict=True))
    predictions |= {"anchor": predictions["champion"], "dummy": dummy}
    return Scored(task, metric, answers, predictions, 0.5, of)


def _noise(random, rows: int, width: int, of: Dependence) -> np.ndarray:
    own = random.normal(size=(rows, width))
    if of.groups is None and of.steps is None:
        return own
    if of.steps is None:
        shared = random.normal(size=(of.groups.max() + 1, width))[of.groups]
    else:
        shocks = random.normal(size=(of.steps.max() + of.horizon, width))
        sums = sum(shocks[k : k + of.steps.max() + 1] for k in range(of.horizon))
        shared = (sums / sqrt(of.horizon))[of.steps]
    return (own + shared) / sqrt(2)


def owners(rows: int, count: int) -> Dependence:
    """As many owners, with equally many rows."""
    return Dependence(np.arange(rows) % count)


def series(rows: int, horizon: int, together: int = 1) -> Dependence:
    """Moments of a forecast for `horizon` steps, each with `together` rows."""
    return Dependence(None, np.arange(rows) // together, horizon)


def said(scored: Scored, name: str) -> np.ndarray:
    """The class that a model says."""
    p = scored.predictions[name]
    return (p[:, 1] >= scored.threshold) * 1 if p.shape[1] == 2 else p.argmax(axis=1)


def by_sklearn(scored: Scored, name: str, weights=None) -> float:
    """The metric as scikit-learn has it; higher is better."""
    y, p, more = scored.answers, scored.predictions[name], {"sample_weight": weights}
    classes = np.arange(p.shape[1]) if p.ndim == 2 else None
    last = p[:, 1] if p.ndim == 2 and len(classes) == 2 else p
    match scored.metric:
        case "roc_auc":
            return sk.roc_auc_score(y, last, **more)
        case "average_precision":
            return sk.average_precision_score(y, last, **more)
        case "log_loss":
            return -sk.log_loss(y, p, labels=classes, **more)
        case "brier":
            return -sk.brier_score_loss(y, last, labels=classes, **more)
        case "accuracy":
            return sk.accuracy_score(y, said(scored, name), **more)
        case "f1_macro":
            rule = {"labels": classes, "average": "macro", "zero_division": 0.0}
            return sk.f1_score(y, said(scored, name), **rule, **more)
        case "mae":
            return -sk.mean_absolute_error(y, p, **more)
    return -sk.mean_squared_error(y, p, **more)


def row_scores(scored: Scored, name: str) -> np.ndarray:
    """What each row adds to a metric that is a mean over rows."""
    y, p = scored.answers, scored.predictions[name]
    match scored.metric:
        case "log_loss":
            return np.array([log(p[row, label]) for row, label in enumerate(y)])
        case "brier":
            wrong = np.array(
                [(p[row] - (np.arange(p.shape[1]) == y[row])) for row in range(len(y))]
            )
            return -(wrong**2).sum(axis=1) / (2 if p.shape[1] == 2 else 1)
        case "accuracy":
            return (said(scored, name) == y) * 1.0
    return -(np.abs(p - y) ** (1 if scored.metric == "mae" else 2))


def by_weights(scored: Scored, name: str, weights: np.ndarray) -> np.ndarray:
    """The metric for many weightings of the rows, shape (draws, n)."""
    y, p = scored.answers, scored.predictions[name]
    if scored.metric in RANKED:
        order = np.argsort(-p[:, 1], kind="stable")
        steps = np.flatnonzero(np.diff(p[order, 1], prepend=inf))
        hit, miss = (np.add.reduceat((weights * (y == k))[:, order], steps, axis=1) for k in (1, 0))
        found, wrong = hit.cumsum(axis=1), miss.cumsum(axis=1)
        if scored.metric == "roc_auc":
            return (miss * (found - hit / 2)).sum(axis=1) / found[:, -1] / wrong[:, -1]
        return (hit * found / np.maximum(found + wrong, 1)).sum(axis=1) / found[:, -1]
    if scored.metric == "f1_macro":
        own, classes = said(scored, name), range(p.shape[1])
        right = [weights @ ((y == k) & (own == k)) for k in classes]
        either = [weights @ (1.0 * (y == k) + (own == k)) for k in classes]
        return np.mean([2 * a / b for a, b in zip(right, either, strict=True)], axis=0)
    return weights @ row_scores(scored, name) / weights.sum(axis=1)


def stretch(freedom: int) -> float:
    """How much wider than a normal one a 5 % bound of the t distribution is."""
    return t.ppf(0.95, freedom) / Z


def most(times: int, rate: float = 0.05) -> int:
    """What chance exceeds once in a thousand times."""
    return int(binom.ppf(0.999, times, rate))


# The value of every metric.


def shapes() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Answers and probabilities that a metric may trip over."""
    random = np.random.default_rng(3)
    signal, coin = random.normal(size=500), random.random(500)
    p, rarely = expit(signal), expit(signal - 4)
    even, rare = (coin < p).astype(int), (coin < rarely).astype(int)
    return {
        "balanced": (even, p),
        "two percent": (rare, rarely),
        "ninety-eight percent": (1 - rare, 1 - rarely),
        "one decimal": (even, np.round(p, 1).clip(0.05, 0.95)),
        "two scores": (even, np.where(p > 0.6, 0.7, 0.2)),
        "constant": (even, np.full(500, 0.3)),
        "upside down": (even, 1 - p),
        "perfect": (even, np.where(even == 1, 0.9, 0.1)),
        "nineteen rows": (even[:19], p[:19]),
        "one positive": ((np.arange(30) == 7) * 1, p[:30]),
        "on the threshold": (even, np.where(p > 0.5, 0.5, 0.25)),
    }


@pytest.mark.parametrize("metric", METRICS["binary"])
@pytest.mark.parametrize("shape", shapes())
def test_a_binary_score_is_that_of_scikit_learn(shape, metric):
    answers, p = shapes()[shape]
    for threshold in (0.5, 0.25):
        scored = replace(binary(answers, metric, challenger=p), threshold=threshold)
        found = measure(scored).values["challenger"]
        assert found == pytest.approx(by_sklearn(scored, "challenger"), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS["multiclass"])
@pytest.mark.parametrize("classes", [3, 7])
def test_a_multiclass_score_is_that_of_scikit_learn(classes, metric):
    random = np.random.default_rng(classes)
    z = random.normal(size=(400, classes)) + np.linspace(0, 2, classes)
    answers = (z + random.gumbel(size=z.shape)).argmax(axis=1)
    for digits in (12, 1):
        p = np.round(soft(z), digits).clip(0.01)
        p /= p.sum(axis=1, keepdims=True)
        scored = Scored("multiclass", metric, answers, {"challenger": p})
        found = measure(scored).values["challenger"]
        assert found == pytest.approx(by_sklearn(scored, "challenger"), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS["regression"])
def test_a_regression_score_is_that_of_scikit_learn(metric):
    random = np.random.default_rng(0)
    wild = random.standard_cauchy(300)
    scored = numbers(wild, metric, challenger=random.normal(size=300))
    found = measure(scored).values["challenger"]
    assert found == pytest.approx(by_sklearn(scored, "challenger"), rel=1e-12)


@pytest.mark.parametrize(("task", "metric"), TASKS)
def test_a_row_that_is_there_three_times_has_a_weight_of_three(task, metric):
    scored = holdout(task, metric, 200, tied=metric in RANKED)
    times = np.random.default_rng(1).integers(1, 4, 200)
    found = measure(scored.of(np.repeat(np.arange(200), times))).values["challenger"]
    assert found == pytest.approx(by_sklearn(scored, "challenger", times), abs=1e-12)


@pytest.mark.parametrize("metric", [m for m in METRICS["binary"] if m != "average_precision"])
def test_naming_the_other_class_positive_changes_nothing(metric):
    scored = holdout("binary", metric)
    turned = {name: p[:, ::-1] for name, p in scored.predictions.items()}
    _same_gaps(scored, replace(scored, answers=1 - scored.answers, predictions=turned))


@pytest.mark.parametrize("metric", METRICS["multiclass"])
@pytest.mark.parametrize("absent", [None, 0, 1, 2])
def test_the_order_of_the_classes_changes_nothing(metric, absent):
    scored = holdout("multiclass", metric)
    if absent is not None:
        scored = _without_class(scored, absent)
    for order in ([2, 1, 0], [1, 2, 0], [0, 2, 1]):
        turned = {name: p[:, order] for name, p in scored.predictions.items()}
        answers = np.argsort(order)[scored.answers]
        _same_gaps(scored, replace(scored, answers=answers, predictions=turned))


def _without_class(scored: Scored, absent: int) -> Scored:
    """Neither does this class occur nor does anybody say it."""
    kept = scored.of(np.flatnonzero(scored.answers != absent))
    unsaid = np.where(np.arange(3) == absent, 1e-6, 1.0)
    known = {
        name: p * unsaid / (p * unsaid).sum(1, keepdims=True)
        for name, p in kept.predictions.items()
    }
    return replace(kept, predictions=known)


def _same_gaps(one: Scored, other: Scored) -> None:
    a, b = compare(one, 0.05), compare(other, 0.05)
    assert b.values == pytest.approx(a.values, abs=1e-12)
    assert b.margin == pytest.approx(a.margin, abs=1e-12)
    drawn = 0.1 if one.metric == "f1_macro" else 1e-9
    for name, gap in a.gaps.items():
        assert b.gaps[name].standard_error == pytest.approx(gap.standard_error, rel=drawn)
        assert b.gaps[name].margin_error == pytest.approx(gap.margin_error, rel=drawn)


@pytest.mark.parametrize("metric", METRICS["multiclass"])
def test_a_score_does_not_depend_on_who_else_is_scored(metric):
    scored = holdout("multiclass", metric)
    scored = scored.of(np.flatnonzero(scored.answers < 2))
    careful = _without_class(scored, 2).predictions["challenger"]
    alone = measure(replace(scored, predictions={"challenger": careful}))
    beside = measure(replace(scored, predictions={**scored.predictions, "challenger": careful}))
    expected = alone.values["challenger"]
    assert beside.values["challenger"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [None, 50])
@pytest.mark.parametrize(("task", "metric"), TASKS)
def test_the_order_of_the_rows_changes_nothing(task, metric, count):
    of = None if count is None else owners(400, count)
    scored = holdout(task, metric, of=of, tied=metric in RANKED)
    rows = np.random.default_rng(0).permutation(400)
    _same_gaps(scored, scored.of(rows))


@pytest.mark.parametrize("metric", RANKED)
def test_only_the_order_of_the_scores_counts_for_a_ranking(metric):
    scored = holdout("binary", metric, tied=True)
    turned = {name: both(p[:, 1] ** 3 / 2) for name, p in scored.predictions.items()}
    _same_gaps(scored, replace(scored, predictions=turned))


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_the_target_changes_nothing(unit):
    scored = equal("regression", "mae", 0)
    scaled = {name: unit * p for name, p in scored.predictions.items()}
    turned = replace(scored, answers=unit * scored.answers, predictions=scaled)
    one, other = (evaluate(table, USUAL) for table in (scored, turned))
    assert other.challenger == pytest.approx(unit * one.challenger)
    for a, b in zip(one.harms, other.harms, strict=True):
        assert b.p == pytest.approx(a.p)
    assert decide(other, USUAL).verdict is decide(one, USUAL).verdict


# Standard errors.


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shift", [0.0, -3.5, 3.5])
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("rows", [60, 500])
def test_auc_and_its_error_are_those_of_delong(rows, tied, shift, seed):
    scored = holdout("binary", "roc_auc", rows, seed, tied=tied, shift=shift)
    own, rival = (scored.predictions[name][:, 1] for name in ("challenger", "champion"))
    if not 2 <= scored.answers.sum() <= rows - 2:
        pytest.skip("too few of a class for DeLong's variance")
    z, _, _, _, before, now, info = Delong_test(scored.answers, rival, own)
    assert info["method"] == "delong"
    found = compare(scored, 0.05)
    gap = found.gaps["champion"]
    assert (gap.rival, found.values["challenger"]) == pytest.approx((before, now))
    assert gap.delta / gap.standard_error == pytest.approx(z)
    harm = harm_of(scored, "roc_auc", "slices", "here", 0.02)
    assert harm.p == pytest.approx(t.cdf(z, rows - 1))


@pytest.mark.parametrize(("task", "metric"), TASKS)
def test_influence_is_the_derivative_in_the_weight_of_a_row(task, metric):
    if metric == "f1_macro":
        return
    scored = holdout(task, metric, 80, tied=metric in RANKED)
    found = score(scored.answers, scored.predictions["challenger"], metric).influence
    step, rows = 1e-4, range(0, 80, 4)
    for row in rows:
        up, down = (1 + way * step * (np.arange(80) == row) for way in (1, -1))
        change = by_sklearn(scored, "challenger", up) - by_sklearn(scored, "challenger", down)
        assert found[row] == pytest.approx(80 * change / step / 2, rel=0.03, abs=1e-6)


@pytest.mark.parametrize(("task", "metric"), [(k, m) for k, m in TASKS if m not in RANKED])
def test_a_mean_over_rows_has_the_error_of_a_paired_t_test(task, metric):
    if metric == "f1_macro":
        return
    scored = holdout(task, metric, 150)
    own, rival = (row_scores(scored, name) for name in ("challenger", "champion"))
    error = measure(scored).error(DIFFERENCE)
    assert (own - rival).mean() / error == pytest.approx(ttest_rel(own, rival).statistic)


@pytest.mark.parametrize("metric", ["log_loss", "brier", "accuracy"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("count", [2, 7, 60])
def test_the_error_of_owners_is_that_of_cluster_robust_least_squares(task, metric, count):
    scored = holdout(task, metric, 300, of=owners(300, count))
    uneven = scored.of(np.flatnonzero(np.random.default_rng(0).random(300) < 0.7))
    change = row_scores(uneven, "challenger") - row_scores(uneven, "champion")
    codes = {"groups": uneven.dependence.groups}
    fit = sm.OLS(change, np.ones(len(change))).fit(cov_type="cluster", cov_kwds=codes)
    expected = fit.bse[0] * stretch(len(set(uneven.dependence.groups)) - 1)
    assert measure(uneven).error(DIFFERENCE) == pytest.approx(expected)


@lru_cache
def weightings(rows: int, count: int | None) -> np.ndarray:
    """How often the bootstrap draws each row; whole owners where there are some."""
    random = np.random.default_rng(11)
    if count is None:
        return random.multinomial(rows, np.full(rows, 1 / rows), DRAWS).astype(float)
    drawn = random.multinomial(count, np.full(count, 1 / count), DRAWS)
    return drawn[:, owners(rows, count).groups].astype(float)


@pytest.mark.parametrize("count", [None, 100])
@pytest.mark.parametrize(("task", "metric"), TASKS)
def test_standard_errors_are_those_of_the_bootstrap(task, metric, count):
    of = None if count is None else owners(400, count)
    scored = holdout(task, metric, 400, 5, of=of, tied=metric in RANKED)
    weights, spread = weightings(400, count), measure(scored)
    drawn = {name: by_weights(scored, name, weights) for name in ("challenger", "champion")}
    for place in range(2):
        known = by_sklearn(scored, "challenger", weights[place])
        assert drawn["challenger"][place] == pytest.approx(known)
    for rule in (OWN, DIFFERENCE, {"challenger": 1.0, "champion": -1.05}):
        expected = np.std(sum(weight * drawn[name] for name, weight in rule.items()))
        assert spread.error(rule) == pytest.approx(expected, rel=0.07)


@pytest.mark.parametrize(("task", "metric"), [(k, m) for k, m in TASKS if m != "accuracy"])
def test_the_margin_is_a_share_of_the_loss_and_has_an_error_of_its_own(task, metric):
    scored = holdout(task, metric)
    found, spread = compare(scored, 0.05), measure(scored)
    best = 0 if metric in ("log_loss", "brier", "mae", "mse") else 1
    loss = best - by_sklearn(scored, "champion")
    assert found.margin == pytest.approx(0.05 * loss)
    expected = spread.error({"challenger": 1.0, "champion": -1.05})
    assert found.gaps["champion"].margin_error == pytest.approx(expected)
    anchor = spread.error({"challenger": 1.0, "anchor": -1.0, "champion": -0.05})
    assert found.gaps["anchor"].margin_error == pytest.approx(anchor)
    fixed = compare(scored, 0.05, 0.01)
    assert fixed.margin == 0.01
    assert fixed.gaps["champion"].margin_error == fixed.gaps["champion"].standard_error


def _custom(scored: Scored, function) -> Scored:
    return replace(scored, metric="project:own", custom=function)


@pytest.mark.parametrize("count", [None, 100])
def test_the_error_of_the_users_own_metric_is_that_of_the_bootstrap(count):
    of = None if count is None else owners(400, count)
    scored = holdout("binary", "brier", 400, 5, of=of)
    gain = _custom(scored, lambda y, p: -float(np.mean((p[:, 1] - y) ** 2)))
    drawn = [by_weights(scored, name, weightings(400, count)) for name in DIFFERENCE]
    assert measure(gain).error(DIFFERENCE) == pytest.approx(np.std(drawn[0] - drawn[1]), rel=0.12)


def test_macro_f1_of_many_owners_fits_in_memory():
    scored = holdout("binary", "f1_macro", 10_000, of=owners(10_000, 5_000))
    tracemalloc.start()
    measure(scored)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 50e6


# Forecasts.

TRUTH = [3.1, 2.7, 4.0, 4.4, 3.9, 5.2, 5.0, 4.1, 3.3, 2.9, 3.8, 4.6]
OURS = [2.9, 3.3, 3.6, 4.5, 4.4, 4.7, 5.3, 4.4, 3.0, 3.3, 3.7, 4.9]
THEIRS = [3.0, 2.3, 3.1, 3.6, 3.2, 4.3, 5.6, 4.2, 3.2, 2.6, 3.9, 5.5]


def diebold_mariano(change: list[float], horizon: int) -> float:
    """The statistic with the correction of Harvey, Leybourne & Newbold, word by word."""
    count, mean = len(change), fmean(change)

    def autocovariance(lag: int) -> float:
        pairs = zip(change[lag:], change[: count - lag], strict=True)
        return sum((a - mean) * (b - mean) for a, b in pairs) / count

    long_run = autocovariance(0) + 2 * sum(autocovariance(lag) for lag in range(1, horizon))
    correction = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
    return mean / sqrt(long_run / count) * sqrt(correction)


@pytest.mark.parametrize("together", [1, 3])
@pytest.mark.parametrize("horizon", [1, 2, 3])
@pytest.mark.parametrize("metric", METRICS["regression"])
def test_a_forecast_is_judged_by_diebold_and_mariano(metric, horizon, together):
    truth, ours, theirs = (np.repeat(x, together) for x in (TRUTH, OURS, THEIRS))
    scored = numbers(truth, metric, of=series(len(truth), horizon, together), challenger=ours)
    scored = replace(scored, predictions={"challenger": ours, "champion": theirs, "dummy": theirs})
    gap = compare(scored, 0.05, 0.1).gaps["champion"]
    power = 1 if metric == "mae" else 2
    change = [
        abs(c - a) ** power - abs(b - a) ** power
        for a, b, c in zip(TRUTH, OURS, THEIRS, strict=True)
    ]
    statistic = diebold_mariano(change, horizon)
    assert gap.delta == pytest.approx(fmean(change))
    assert gap.delta / gap.standard_error == pytest.approx(statistic / stretch(11))


@pytest.mark.parametrize("horizon", [2, 3, 6])
def test_a_forecasts_error_is_that_of_statsmodels(horizon):
    random = np.random.default_rng(horizon)
    change = random.normal(size=(90, 2)) @ [1, 0.4]
    lags = {"maxlags": horizon - 1, "kernel": "uniform", "use_correction": False}
    fit = sm.OLS(change, np.ones(90)).fit(cov_type="HAC", cov_kwds=lags)
    short = (91 - 2 * horizon + horizon * (horizon - 1) / 90) / 90
    expected = fit.bse[0] / sqrt(short) * stretch(89)
    assert standard_error(change - change.mean(), series(90, horizon)) == pytest.approx(expected)


def test_a_variance_that_would_be_negative_is_weighted_after_bartlett():
    change = np.array([1.0, -1.1] * 20)
    lags = {"maxlags": 1, "kernel": "bartlett", "use_correction": False}
    fit = sm.OLS(change, np.ones(40)).fit(cov_type="HAC", cov_kwds=lags)
    expected = fit.bse[0] / sqrt((41 - 4 + 2 / 40) / 40) * stretch(39)
    assert standard_error(change - change.mean(), series(40, 2)) == pytest.approx(expected)


@pytest.mark.parametrize("horizon", [1, 3])
def test_a_forecast_no_better_than_the_other_is_proven_better_in_five_percent(horizon):
    random, times = np.random.default_rng(0), 2_000
    shocks = random.normal(size=(times, 60 + horizon))
    found = 0
    for shock in shocks:
        change = sum(shock[k : k + 60] for k in range(horizon))
        error = standard_error(change - change.mean(), series(60, horizon))
        found += change.mean() > Z * error
    assert 0.03 * times < found < 0.075 * times


@pytest.mark.parametrize("metric", ["log_loss", "accuracy", "f1_macro"])
def test_the_error_of_a_forecasts_score_is_its_spread_over_fresh_series(metric):
    values, errors = [], []
    for seed in range(400):
        random = np.random.default_rng(seed)
        shocks = random.normal(size=611)
        level = np.convolve(shocks, np.full(12, 1 / sqrt(12)), "valid")
        answers = random.integers(0, 2, 600)
        p = expit((2 * answers - 1) * (0.5 + level))
        spread = measure(binary(answers, metric, of=series(600, 12), challenger=p))
        values.append(spread.values["challenger"])
        errors.append(spread.error(OWN))
    assert sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(values), rel=0.12)


# Shares of right answers.


def restricted(only_rival: int, only_own: int, rest: int, delta: float) -> float:
    """The error of the difference were it `delta`, by maximizing the likelihood numerically."""
    rows = only_rival + only_own + rest

    def unlikely(q: float) -> float:
        chances = (q, q + delta, 1 - 2 * q - delta)
        pairs = zip((only_rival, only_own, rest), chances, strict=True)
        return -sum(count * log(max(chance, 1e-300)) for count, chance in pairs if count)

    bounds = (max(0.0, -delta) + 1e-12, (1 - delta) / 2 - 1e-12)
    q = minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    return sqrt((2 * q + delta - delta**2) / rows)


@pytest.mark.parametrize("delta", [-0.3, -0.05, -0.01, 0.0, 0.02, 0.2])
@pytest.mark.parametrize(
    ("only_rival", "only_own", "rest"),
    [(16, 6, 139), (7, 1, 13), (0, 9, 41), (9, 0, 41), (25, 28, 565)],
)
def test_tangos_error_is_that_of_the_restricted_likelihood(only_rival, only_own, rest, delta):
    found = tango_error(rest // 2, only_rival, only_own, rest - rest // 2, delta)
    expected = restricted(only_rival, only_own, rest, delta)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("only_own", "only_rival", "rest", "level", "lower", "upper"),
    [
        (6, 16, 139, 0.95, -0.1240, -0.0054),  # Fagerland, Lydersen & Laake 2017, chapter 8
        (28, 25, 565, 0.90, -0.0148, 0.0247),  # scoreci.mp of R's PropCIs
    ],
)
def test_tangos_interval_is_the_published_one(only_own, only_rival, rest, level, lower, upper):
    z, seen = norm.isf((1 - level) / 2), (only_own - only_rival) / (only_own + only_rival + rest)

    def above(delta: float, bound: float) -> float:
        return seen - delta - bound * tango_error(rest, only_rival, only_own, 0, delta)

    found = brentq(above, -0.9, seen, (z,)), brentq(above, seen, 0.9, (-z,))
    assert found == pytest.approx((lower, upper), abs=5e-5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_accuracy_without_a_margin_is_judged_by_mcnemar(task, seed):
    scored = holdout(task, "accuracy", 120, seed)
    own, rival = (said(scored, name) == scored.answers for name in ("challenger", "champion"))
    table = [
        [(own & rival).sum(), (own & ~rival).sum()],
        [(~own & rival).sum(), (~own & ~rival).sum()],
    ]
    expected = mcnemar(table, exact=False, correction=False).statistic
    gap = compare(scored, 0.05).gaps["champion"]
    assert (gap.delta / gap.standard_error) ** 2 == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rows", "only_own", "margin"),
    [(60, 0.06, 0.05), (100, 0.05, 0.05), (200, 0.02, 0.02), (400, 0.1, 0.03)],
)
def test_a_model_less_often_right_by_the_margin_is_held_as_good_in_five_percent(
    rows, only_own, margin
):
    chances = [only_own, only_own + margin, 1 - 2 * only_own - margin]
    times = 20_000
    drawn = np.random.default_rng(rows).multinomial(rows, chances, times)
    tables, often = np.unique(drawn, axis=0, return_counts=True)
    passed = 0
    for (own, rival, rest), count in zip(tables, often, strict=True):
        error = tango_error(rest, rival, own, 0, -margin)
        passed += count * bool((own - rival) / rows + margin > Z * error)
    assert 0.03 < passed / times < 0.062


def test_the_gap_in_accuracy_has_tangos_error_at_a_fixed_margin():
    scored = holdout("binary", "accuracy", 300)
    own, rival = (said(scored, name) == scored.answers for name in ("challenger", "champion"))
    counts = (rival & ~own).sum(), (own & ~rival).sum(), (own == rival).sum()
    gap = compare(scored, 0.05, 0.03).gaps["champion"]
    assert gap.margin_error == pytest.approx(restricted(*counts, -0.03), rel=1e-4)


def test_a_margin_of_the_champions_loss_adds_its_variance_to_tangos():
    scored, share = holdout("binary", "accuracy", 400, 5), 0.5
    own, rival = (said(scored, name) == scored.answers for name in ("challenger", "champion"))
    drawn = [by_weights(scored, name, weightings(400, None)) for name in DIFFERENCE]
    change = drawn[0] - drawn[1]
    more = np.var(change - share * drawn[1]) - np.var(change)
    counts = (rival & ~own).sum(), (own & ~rival).sum(), (own == rival).sum()
    expected = sqrt(restricted(*counts, -share * (1 - rival.mean())) ** 2 + more)
    gap = compare(scored, share).gaps["champion"]
    assert gap.margin_error == pytest.approx(expected, rel=0.03)


# The family of harms.


@pytest.mark.parametrize(
    "p",
    [
        [0.01],
        [0.04, 0.01, 0.03],
        [0.02, 0.02, 0.02, 0.9],
        [0.0, 1.0, 1.0, 0.0],
        list(np.random.default_rng(0).random(100) ** 3),
        [1e-300, 0.0499, 0.05, 0.5],
    ],
)
def test_holm_is_that_of_statsmodels(p):
    expected = multipletests(p, method="holm")[1]
    assert holm(p) == pytest.approx(expected, abs=1e-15)


def test_an_empty_family_has_nothing_to_correct():
    assert len(holm([])) == 0
    assert proven([]) == []


@pytest.mark.parametrize(
    ("p", "delta", "tests", "harmful"),
    [
        (0.04, -0.03, 1, True),
        (0.04, -0.01, 1, False),
        (0.04, 0.03, 1, False),
        (0.06, -0.03, 1, False),
        (0.04, -0.03, 2, False),
        (0.024, -0.03, 2, True),
    ],
)
def test_harm_is_significant_after_holm_and_larger_than_its_limit(p, delta, tests, harmful):
    one = Harm("slices", "here", "mae", 100, delta, 0.01, p, 0.02)
    quiet = replace(one, where="there", p=0.5, delta=0.0)
    assert proven([one, *[quiet] * (tests - 1)]) == [one] * harmful


def equal(task, metric, seed, rows=600, *, of=None, shift=-0.6, slices=4) -> Scored:
    """A challenger as good as the champion everywhere, with slices and sensitive groups."""
    scored = holdout(task, metric, rows, seed, of=of, shift=shift)
    random = np.random.default_rng(seed + 10_000)
    unit = scored.dependence.groups if of is not None and of.steps is None else np.arange(rows)
    labels = {
        "region": np.char.add("r", (unit % slices).astype(str)),
        "size": random.choice(["small", "large"], rows),
    }
    labels = {name: Labels.of(words) for name, words in labels.items()}
    sex = Labels.of(random.choice(["f", "m", "x"], rows))
    return replace(scored, slices=labels, sensitive={"sex": sex})


EQUALS = {
    "ranked rows": lambda seed: equal("binary", "roc_auc", seed),
    "thin slices of few positives": lambda seed: equal(
        "binary", "roc_auc", seed, 1_200, shift=-1.8, slices=20
    ),
    "probabilities": lambda seed: equal("binary", "log_loss", seed),
    "three classes": lambda seed: equal("multiclass", "accuracy", seed),
    "numbers": lambda seed: equal("regression", "mse", seed),
    "eighty owners": lambda seed: equal("binary", "roc_auc", seed, of=owners(600, 80)),
    "eight owners": lambda seed: equal("binary", "roc_auc", seed, of=owners(600, 8)),
    "a forecast": lambda seed: equal("regression", "mae", seed, of=series(600, 3, 3)),
}


@pytest.mark.parametrize("kind", EQUALS)
def test_an_equal_challenger_is_proven_harmful_in_at_most_five_percent(kind):
    times, build = 300, EQUALS[kind]
    harmful = sum(bool(proven(list(family(build(seed), NO_LIMITS)))) for seed in range(times))
    assert harmful <= most(times)


def test_an_equal_challenger_is_seldom_rejected():
    times = 200
    made = [
        decide(evaluate(equal("binary", "roc_auc", seed), USUAL), USUAL) for seed in range(times)
    ]
    assert sum(one.verdict is Verdict.REJECT for one in made) <= most(times)
    assert not [one for one in made if one.verdict is Verdict.INVALID]


@pytest.mark.parametrize(
    ("task", "metric"),
    [("binary", "roc_auc"), ("binary", "f1_macro"), ("multiclass", "brier"), ("regression", "mae")],
)
def test_a_challenger_that_fails_in_one_slice_is_rejected_by_its_name(task, metric):
    scored = equal(task, metric, 1, 2_000)
    broken = scored.predictions["challenger"].copy()
    region = scored.slices["region"]
    rows = np.flatnonzero(region.codes == region.names.index("r2"))
    broken[rows] = broken[np.random.default_rng(0).permutation(rows)]
    broken = replace(scored, predictions={**scored.predictions, "challenger": broken})
    found = [one.where for one in proven(list(slice_harms(broken, USUAL)))]
    assert [where for where in found if where.startswith("region")] == ["region = r2"]
    made = decide(evaluate(broken, USUAL), USUAL)
    assert made.verdict is Verdict.REJECT
    assert "region = r2" in next(one.text for one in made.guards if one.name == "slices")


def test_a_slice_is_judged_on_its_rows_alone():
    scored = equal("regression", "mae", 3)
    harms = {one.where: one for one in slice_harms(scored, USUAL)}
    assert set(harms) == {*(f"region = r{n}" for n in range(4)), "size = large", "size = small"}
    change = row_scores(scored, "challenger") - row_scores(scored, "champion")
    for where, harm in harms.items():
        column, label = where.split(" = ")
        known = scored.slices[column]
        own = change[known.codes == known.names.index(label)]
        expected = ttest_rel(own, np.zeros(len(own)), alternative="less")
        assert (harm.rows, harm.delta) == (len(own), pytest.approx(own.mean()))
        assert harm.p == pytest.approx(expected.pvalue)


def test_small_slices_and_those_beyond_the_hundredth_are_not_judged():
    scored = holdout("regression", "mae", 6_300)
    codes = np.char.zfill((np.arange(6_300) % 125).astype(str), 3)
    assert (
        len(list(slice_harms(replace(scored, slices={"a": Labels.of(codes)}), USUAL)))
        == MOST_SLICES
    )
    few = np.where(np.arange(6_300) < USUAL.slice_min_rows - 1, "few", "many")
    assert [h.where for h in slice_harms(replace(scored, slices={"a": Labels.of(few)}), USUAL)] == [
        "a = many"
    ]


@pytest.mark.parametrize("positive", [9, 10, 390, 391])
def test_a_slice_with_fewer_than_ten_of_a_class_is_not_ranked(positive):
    scored = _answered((np.arange(400) < positive) * 1)(holdout("binary", "roc_auc"))
    scored = replace(scored, slices={"all": Labels.of(np.full(400, "rows"))})
    assert len(list(slice_harms(scored, USUAL))) == (positive in (10, 390))


def test_without_a_champion_there_is_no_family():
    scored = equal("binary", "roc_auc", 0)
    first = {name: scored.predictions[name] for name in ("challenger", "dummy")}
    assert list(family(replace(scored, predictions=first), USUAL)) == []


def _worse_on_every_row() -> Scored:
    zero, half, one = np.zeros(100), np.full(100, 0.5), np.ones(100)
    return numbers(zero, challenger=one, champion=half, anchor=half, dummy=half)


def _constant_beside_perfect() -> Scored:
    answers = np.arange(100) % 2
    good, flat = np.where(answers, 0.75, 0.25), np.full(100, 0.5)
    return binary(answers, challenger=flat, champion=good, anchor=good, dummy=flat)


@pytest.mark.parametrize("build", [_worse_on_every_row, _constant_beside_perfect])
def test_a_difference_without_any_variance_is_proven(build):
    scored = build()
    scored = replace(scored, slices={"region": Labels.of(np.full(100, "north"))})
    assert [one.where for one in proven(list(slice_harms(scored, USUAL)))] == ["region = north"]
    turned = dict(scored.predictions)
    turned["challenger"], turned["champion"] = turned["champion"], turned["challenger"]
    assert proven(list(slice_harms(replace(scored, predictions=turned), USUAL))) == []


# Calibration.


@pytest.mark.parametrize("seed", range(3))
def test_spiegelhalters_z_is_its_definition(seed):
    random = np.random.default_rng(seed)
    p, y = random.random(200), random.integers(0, 2, 200)
    top = sum((a - b) * (1 - 2 * b) for a, b in zip(y, p, strict=True))
    bottom = sum((1 - 2 * b) ** 2 * b * (1 - b) for b in p)
    found = spiegelhalter(binary(y, challenger=p), "challenger")
    assert found == pytest.approx(top / sqrt(bottom))
    turned = spiegelhalter(binary(1 - y, challenger=1 - p), "challenger")
    assert turned == pytest.approx(found)


@pytest.mark.parametrize(
    ("task", "count", "lowest"),
    [("binary", None, 0.03), ("multiclass", None, 0.02), ("binary", 60, 0.0)],
)
def test_right_probabilities_are_called_wrong_in_five_percent(task, count, lowest):
    times, called = 1_000, 0
    for seed in range(times):
        random = np.random.default_rng(seed)
        groups = None if count is None else np.arange(300) % count
        weights = [2, 1] if task == "binary" else [1, 1, 2]
        p = random.dirichlet(weights, 300)
        coins = random.random((300, 1)) if count is None else random.random((count, 1))[groups]
        answers = (p.cumsum(axis=1)[:, :-1] < coins).sum(axis=1)
        scored = Scored(task, "log_loss", answers, {"challenger": p}, 0.5, Dependence(groups))
        called += abs(spiegelhalter(scored, "challenger")) > 1.96
    assert lowest * times <= called <= most(times)


@pytest.mark.parametrize(
    ("p", "y", "z"),
    [
        ([0.0, 1.0, 1.0], [0, 1, 1], 0.0),
        ([0.0, 1.0, 1.0], [1, 1, 1], inf),
        ([0.5, 0.5, 0.5], [1, 1, 1], 0.0),
    ],
)
def test_certain_probabilities_are_right_or_infinitely_wrong(p, y, z):
    assert abs(spiegelhalter(binary(y, challenger=p), "challenger")) == z


@pytest.mark.parametrize(
    ("spread", "level", "slope", "rows"),
    [
        (1.0, 0.0, 1.0, 400),
        (2.0, 0.5, 0.4, 400),
        (1.0, -6.0, 1.0, 4_000),
        (0.1, 0.0, 3.0, 300),
        (6.0, 0.0, 0.3, 300),
    ],
)
def test_the_line_of_calibration_is_the_logistic_regression_of_scikit_learn(
    spread, level, slope, rows
):
    random = np.random.default_rng(4)
    x = (level + spread * random.normal(size=rows)).clip(-13, 13)
    happened = (random.random(rows) < expit(slope * x)).astype(float)
    oracle = LogisticRegression(C=inf, tol=1e-10, max_iter=10_000, solver="newton-cholesky")
    fit = oracle.fit(x[:, None], happened)
    found = logistic_line(expit(x), happened)
    assert found == pytest.approx((fit.coef_[0, 0], fit.intercept_[0]), abs=5e-3)


@pytest.mark.parametrize("happened", [np.zeros(50), np.ones(50), np.arange(50) >= 25])
@pytest.mark.parametrize("p", [np.full(50, 0.3), np.linspace(0, 1, 50), np.repeat([0.0, 1.0], 25)])
def test_the_line_of_calibration_is_finite_whatever_happened(p, happened):
    assert np.isfinite(logistic_line(p, happened * 1.0)).all()


def test_the_bins_of_calibration_are_tenths_of_the_rows():
    random = np.random.default_rng(2)
    p = random.random(200)
    y = (random.random(200) < p).astype(int)
    found = reliability(binary(y, challenger=p), "challenger")
    order = np.argsort(p).reshape(10, 20)
    assert found.said == pytest.approx([fmean(p[rows]) for rows in order])
    assert found.observed == pytest.approx([fmean(y[rows]) for rows in order])
    assert found.rows == (20,) * 10
    assert found.ece == pytest.approx(np.mean(np.abs(np.subtract(found.said, found.observed))))


@pytest.mark.parametrize("digits", [0, 1, 12])
def test_the_error_of_calibration_does_not_depend_on_the_order_of_the_rows(digits):
    random = np.random.default_rng(2)
    p = 0.3 + 0.4 * np.round(random.random(200), digits)
    y = np.sort(random.random(200) < p).astype(int)
    scored = binary(y, challenger=p)
    known = reliability(scored, "challenger").ece
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(200)
        assert reliability(scored.of(rows), "challenger").ece == pytest.approx(known)


def test_a_challenger_has_to_be_miscalibrated_and_worse_to_be_harmful():
    random = np.random.default_rng(0)
    p = random.beta(2, 2, 2_000)
    y = (random.random(2_000) < p).astype(int)
    loud = expit(3 * logit(p))
    for own, champion, harmful in ((loud, p, True), (p, loud, False), (loud, loud, False)):
        scored = binary(
            y, challenger=own, champion=champion, anchor=champion, dummy=np.full(2_000, 0.5)
        )
        harm = calibration_harm(scored, USUAL)
        assert bool(proven([harm])) is harmful
        assert harm.p >= harm_of(scored, "log_loss", "calibration", "all rows", 0).p


def test_gross_miscalibration_of_ten_owners_is_shown():
    random = np.random.default_rng(0)
    p = random.beta(2, 2, 2_000)
    y = (random.random(2_000) < p).astype(int)
    loud = expit(3 * logit(p))
    scored = binary(y, of=owners(2_000, 10), challenger=loud, champion=p)
    assert 10 * calibration_harm(scored, USUAL).p < 0.05


# Fairness.

GROUPS = np.repeat(["a", "b", "c"], [80, 120, 40])


def fair(own: dict[str, int], champion: dict[str, int]) -> Scored:
    """So many of each group are said to be positive; every second row is."""

    def chosen(wanted: dict[str, int]) -> np.ndarray:
        places = {group: np.flatnonzero(group == GROUPS) for group in wanted}
        rows = np.concatenate([places[group][:count] for group, count in wanted.items()])
        return np.where(np.isin(np.arange(240), rows), 0.75, 0.25)

    rival, answers = chosen(champion), np.arange(240) % 2
    flat = np.full(240, 0.5)
    scored = binary(answers, challenger=chosen(own), champion=rival, anchor=rival, dummy=flat)
    return replace(scored, sensitive={"group": Labels.of(GROUPS)})


def test_the_rates_of_groups_are_counted():
    scored = fair({"a": 40, "b": 30, "c": 20}, {"a": 20, "b": 60, "c": 0})
    found = {(one.group, one.measure): one for one in rates(scored, USUAL)}
    assert len(found) == 6
    for group, own, before in (("a", 0.5, 0.25), ("b", 0.25, 0.5), ("c", None, None)):
        one = found[group, "selection rate"]
        assert (one.challenger, one.champion) == (own, before)
        assert one.rows == (group == GROUPS).sum()
    one = found["b", "true positive rate"]
    assert (one.rows, one.challenger, one.champion) == (60, 0.25, 0.5)
    assert found["a", "true positive rate"].challenger is None


def test_a_gap_between_groups_is_compared_with_the_champions_by_hand():
    scored = fair({"a": 60, "b": 30, "c": 20}, {"a": 30, "b": 60, "c": 0})
    harm = next(one for one in fairness_harms(scored, USUAL) if one.metric == "selection rate")
    assert harm.where == "group: b and a"
    assert harm.delta == pytest.approx(abs(30 / 80 - 60 / 120) - abs(60 / 80 - 30 / 120))
    own, before = (said(scored, name).astype(float) for name in ("challenger", "champion"))
    change = own + before  # the gaps have opposite signs, so a row's parts add up
    spread = sum(
        variance(change[group == GROUPS]) / (group == GROUPS).sum() for group in ("a", "b")
    )
    assert harm.standard_error == pytest.approx(sqrt(spread), rel=0.02)
    assert harm.p == pytest.approx(t.cdf(harm.delta / harm.standard_error, 199))
    assert harm.limit == USUAL.slice_max_drop


def test_every_pair_of_large_groups_is_compared():
    scored = equal("multiclass", "log_loss", 0)
    where = [one.where for one in fairness_harms(scored, USUAL)]
    assert len(where) == len(list(combinations("fmx", 2)))
    assert all(one.metric == "accuracy" for one in fairness_harms(scored, USUAL))


def test_the_gap_of_a_regression_is_a_share_of_a_constant_answers_error():
    random = np.random.default_rng(0)
    y = random.normal(size=240)
    own, rival = (y + random.normal(size=240) * np.where(GROUPS == "a", k, 0.5) for k in (2, 1))
    scored = numbers(y, challenger=own, champion=rival, anchor=rival, dummy=np.zeros(240))
    grouped = replace(scored, sensitive={"group": Labels.of(GROUPS)})
    harm = next(fairness_harms(grouped, USUAL))
    wrong = {k: [fmean(np.abs(x - y)[k == GROUPS]) for x in (rival, own)] for k in ("a", "b")}
    before, now = (abs(wrong["a"][k] - wrong["b"][k]) / fmean(np.abs(y)) for k in (0, 1))
    assert harm.delta == pytest.approx(before - now)


def test_the_worst_pair_and_four_fifths_are_told():
    scored = fair({"a": 60, "b": 30, "c": 40}, {"a": 60, "b": 30, "c": 40})
    worst, fifths, few = fairness_guards(scored, USUAL)
    assert (worst.severity, worst.ok) == ("warn", False)
    assert worst.text == "group: selection rate 0.750 of a, 0.250 of b"
    assert (fifths.severity, fifths.ok) == ("report", False)
    assert "33%" in fifths.text
    assert (few.ok, few.severity) == (None, "report")
    even = list(fairness_guards(fair({"a": 40, "b": 60}, {"a": 40, "b": 60}), USUAL))
    assert [one.ok for one in even] == [True, True, None]


@pytest.mark.parametrize(("chosen", "ok"), [(59, True), (60, False)])
def test_the_worst_of_three_gaps_is_judged_at_a_third_of_five_percent(chosen, ok):
    counts = {"a": chosen, "b": 60, "c": 20}
    sizes, shares = {"a": 80, "b": 120}, {"a": chosen / 80, "b": 0.5}
    spread = sqrt(sum(shares[g] * (1 - shares[g]) / sizes[g] for g in sizes))
    settings = GateSettings(fairness_min_rows=40)
    lower = [shares["a"] - 0.5 - norm.isf(0.05 / pairs) * spread for pairs in (3, 1)]
    assert bool(lower[0] <= 0.1) is ok
    assert lower[1] > 0.1
    worst = next(fairness_guards(fair(counts, counts), settings))
    assert worst.ok is ok


def test_turning_a_whole_group_down_is_proven_harm():
    scored = fair({"a": 80}, {"a": 80, "b": 120, "c": 40})
    found = proven(list(fairness_harms(scored, USUAL)))
    assert "group: b and a" in [one.where for one in found]


# Plain warnings.


def test_negative_flips_are_rows_that_were_right_and_turn_wrong():
    y = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    before = [0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9]
    now = [0.9, 0.1, 0.1, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1]
    scored = binary(y, challenger=now, champion=before)
    assert flips(scored, 0.3).ok
    assert not flips(scored, 0.29).ok
    assert "30.0%" in flips(scored, 0.3).text


@pytest.mark.parametrize(("better", "ok"), [(0.02, True), (0.5, False)])
def test_a_linear_model_is_named_once_it_is_proven_better(better, ok):
    random = np.random.default_rng(1)
    y = random.normal(size=300)
    linear, own = (y + scale * random.normal(size=300) for scale in (1.0, 1.0 + better))
    scored = numbers(y, challenger=own, linear=linear)
    change = np.abs(own - y) - np.abs(linear - y)
    lower = change.mean() - Z * change.std(ddof=1) / sqrt(300)
    guard = simpler(measure(scored))
    assert guard.ok is ok is bool(lower <= 0)
    assert f"{lower:+.4f}" in guard.text


# What evaluation and the gate promise of awkward tables.


def _spoilt(name: str, value: float):
    def change(scored: Scored) -> Scored:
        p = scored.predictions[name].copy()
        p[7] = value
        return replace(scored, predictions={**scored.predictions, name: p})

    return change


def _with(name: str, like: str):
    def change(scored: Scored) -> Scored:
        return replace(scored, predictions={**scored.predictions, name: scored.predictions[like]})

    return change


def _lacking(*names: str):
    def change(scored: Scored) -> Scored:
        kept = {name: p for name, p in scored.predictions.items() if name not in names}
        return replace(scored, predictions=kept)

    return change


def _short(name: str):
    def change(scored: Scored) -> Scored:
        p = scored.predictions[name][:-1]
        return replace(scored, predictions={**scored.predictions, name: p})

    return change


def _depending(**how):
    return lambda scored: replace(scored, dependence=Dependence(**how))


def _rows(count: int):
    return lambda scored: scored.of(np.arange(count))


def _nearly(scored: Scored) -> Scored:
    p = scored.predictions["champion"] * (1 + 1e-9)
    return replace(scored, predictions={**scored.predictions, "challenger": p})


def _all_alike(scored: Scored) -> Scored:
    same = dict.fromkeys(scored.predictions, scored.predictions["dummy"])
    return replace(scored, predictions=same)


ZEROS, STEPS = np.zeros(400, dtype=np.int64), np.arange(400) // 100
NUMBER, ALONE = "no finite number", "no standard error"
EVERYWHERE = {
    "the challenger says NaN once": (_spoilt("challenger", nan), "INVALID", NUMBER),
    "the champion says infinity": (_spoilt("champion", inf), "INVALID", NUMBER),
    "the anchor says NaN": (_spoilt("anchor", nan), "INVALID", NUMBER),
    "the constant answer is NaN": (_spoilt("dummy", nan), "INVALID", NUMBER),
    "the challenger leaves a row out": (_short("challenger"), "INVALID", "399 of 400 rows"),
    "the champion leaves a row out": (_short("champion"), "INVALID", "399 of 400 rows"),
    "nobody challenges": (_lacking("challenger"), "INVALID", "no answer of the challenger"),
    "no constant answer": (_lacking("dummy"), "INVALID", "no answer of the dummy"),
    "no anchor": (_lacking("anchor"), "INVALID", "champion and anchor"),
    "no champion": (_lacking("champion"), "INVALID", "champion and anchor"),
    "no row": (_rows(0), "INVALID", "the holdout is empty"),
    "one owner": (_depending(groups=ZEROS), "INVALID", ALONE),
    "one moment": (_depending(steps=ZEROS), "INVALID", ALONE),
    "as many moments as the horizon": (_depending(steps=STEPS, horizon=4), "INVALID", ALONE),
    "the identical model": (_with("challenger", "champion"), "KEEP", "exactly as the champion"),
    "the model but for noise": (_nearly, "KEEP", "exactly as the champion"),
    "everybody is constant": (_all_alike, "KEEP", "exactly as the champion"),
    "nineteen rows": (_rows(19), "KEEP", "19 holdout rows, 200 are needed"),
    "the challenger is constant": (_with("challenger", "dummy"), "REJECT", "worse|constant"),
}
OWN_METRIC = ("binary", "project:own")


def _judged(task: str, metric: str, change) -> tuple[str, str]:
    scored = holdout(task, "brier" if metric == OWN_METRIC[1] else metric, apart=0.3)
    settings = USUAL
    if metric == OWN_METRIC[1]:
        scored = _custom(scored, lambda y, p: float(np.mean((p[:, 1] > 0.5) == y)))
        settings = GateSettings(margin=0.02)
    made = decide(evaluate(change(scored), settings), settings)
    return made.verdict, made.reason


@pytest.mark.parametrize(("task", "metric"), [*TASKS, OWN_METRIC])
@pytest.mark.parametrize("case", EVERYWHERE)
def test_an_awkward_table_has_a_verdict_and_a_reason(case, task, metric):
    change, verdict, words = EVERYWHERE[case]
    found, reason = _judged(task, metric, change)
    assert found == verdict
    assert re.search(words, reason)


def _answered(answers):
    return lambda scored: replace(scored, answers=np.asarray(answers))


def _owned(count: int):
    return lambda scored: replace(scored, dependence=owners(400, count))


UNKNOWN = np.arange(400) % 2 - (np.arange(400) == 4)
GAP_IN_TRUTH = np.where(np.arange(400) == 3, nan, 0.0)
ONE, NEVER = "rows of the rarest class", "a class that no training row had"
SOMEWHERE = [
    ("roc_auc", _answered(ZEROS), "INVALID", "one class only"),
    ("average_precision", _answered(ZEROS + 1), "INVALID", "one class only"),
    ("log_loss", _answered(ZEROS), "KEEP", ONE),
    ("brier", _answered(ZEROS + 1), "KEEP", ONE),
    ("accuracy", _answered(ZEROS), "KEEP", ONE),
    ("f1_macro", _answered(ZEROS + 1), "KEEP", ONE),
    ("roc_auc", _answered(np.arange(400) < 19), "KEEP", ONE),
    ("roc_auc", _answered(np.arange(400) < 1), "KEEP", ONE),
    ("roc_auc", _answered(UNKNOWN), "INVALID", NEVER),
    ("f1_macro", _answered(UNKNOWN), "INVALID", NEVER),
    ("mae", _answered(GAP_IN_TRUTH), "INVALID", "answers that are no finite number"),
]


@pytest.mark.parametrize(("metric", "change", "verdict", "words"), SOMEWHERE)
def test_awkward_answers_have_a_verdict_and_a_reason(metric, change, verdict, words):
    task = "regression" if metric == "mae" else "binary"
    found, reason = _judged(task, metric, change)
    assert found == verdict
    assert re.search(words, reason)


@pytest.mark.parametrize("metric", METRICS["multiclass"])
def test_a_holdout_without_one_of_the_classes_is_not_judged(metric):
    found, reason = _judged("multiclass", metric, _answered(np.arange(400) % 2))
    assert (found, reason.split(",")[0]) == ("KEEP", "0 holdout rows of the rarest class")


@pytest.mark.parametrize(("task", "metric"), TASKS)
@pytest.mark.parametrize("digits", [0, 1])
def test_ties_everywhere_are_judged(digits, task, metric):
    scored = holdout(task, metric, tied=True)
    coarse = {name: np.round(p, digits) for name, p in scored.predictions.items()}
    evidence = evaluate(replace(scored, predictions=coarse), USUAL)
    assert decide(evidence, USUAL).verdict is not Verdict.INVALID
    for gap in evidence.gaps.values():
        assert gap.standard_error >= 0
        assert gap.margin_error >= 0


def test_a_million_rows_are_compared():
    random = np.random.default_rng(0)
    signal = random.normal(size=1_000_000)
    y = (random.random(1_000_000) < expit(signal)).astype(int)
    own, rival = (expit(signal + random.normal(size=1_000_000)) for _ in range(2))
    everybody = {"challenger": own, "champion": rival, "anchor": rival}
    for metric in ("roc_auc", "log_loss"):
        scored = binary(y, metric, **everybody, dummy=np.full(1_000_000, y.mean()))
        found, few = compare(scored, 0.05), compare(scored.of(np.arange(10_000)), 0.05)
        for name in ("challenger", "dummy"):
            assert found.values[name] == pytest.approx(by_sklearn(scored, name))
        error = found.gaps["champion"].standard_error
        assert 10 * error == pytest.approx(few.gaps["champion"].standard_error, rel=0.05)


# What the gate decides.


def worse(task: str, metric: str, seed: int, rows: int) -> Scored:
    """A challenger with a little more noise than the champion."""
    scored = holdout(task, metric, rows, seed)
    more = holdout(task, metric, rows, seed, apart=0.95).predictions["challenger"]
    return replace(scored, predictions={**scored.predictions, "challenger": more})


@pytest.mark.parametrize(("task", "metric"), TASKS)
def test_a_challenger_worse_by_the_margin_is_promoted_in_at_most_five_percent(task, metric):
    large = measure(worse(task, metric, 99_999, 200_000)).values
    best = 0 if metric in ("log_loss", "brier", "mae", "mse") else 1
    share = (large["champion"] - large["challenger"]) / (best - large["champion"])
    assert 0.02 < share < 0.8
    times, promoted = 400, 0
    for seed in range(times):
        found = compare(worse(task, metric, seed, 400), share)
        gap = found.gaps["champion"]
        promoted += gap.delta > 0 and gap.delta >= Z * gap.margin_error - found.margin
    assert promoted <= most(times)


@pytest.mark.parametrize(
    ("metric", "rows", "positive"),
    [
        ("roc_auc", 40, 20),
        ("roc_auc", 400, 20),
        ("roc_auc", 60, 3),
        ("roc_auc", 40, 1),
        ("average_precision", 1_000, 20),
        ("average_precision", 60, 3),
        ("average_precision", 40, 20),
        ("accuracy", 100, 50),
        ("f1_macro", 400, 20),
    ],
)
def test_a_first_model_of_noise_is_promoted_in_at_most_five_percent(metric, rows, positive):
    times, promoted = 600, 0
    y = (np.arange(rows) < positive) * 1
    for seed in range(times):
        p = np.random.default_rng((rows, positive, seed)).random(rows)
        scored = binary(y, metric, challenger=p, dummy=np.full(rows, positive / rows))
        promoted += decide(evaluate(scored, USUAL), USUAL).verdict is Verdict.PROMOTE
    assert promoted <= most(times, 0.06)


FLOOR = Gap(0.5, 0.3, 0.01, 0.01)


def told(delta: float, error: float, margin_error: float, **more) -> Evidence:
    """Evidence with these differences, a floor that is passed and an anchor like the champion."""
    gap = Gap(0.8, delta, error, margin_error)
    anchor = more.pop("anchor", gap)
    known = {"metric": "roc_auc", "rows": 1_000, "smallest_class": 300, "challenger": 0.8 + delta}
    gaps = {"champion": gap, "anchor": anchor, "dummy": more.pop("dummy", FLOOR)}
    return Evidence(**{**known, "margin": 0.01, "gaps": gaps, **more})


DECISIONS = {
    "better by more than half an error": (told(0.004, 0.006, 0.006), "PROMOTE"),
    "better by less than half an error": (told(0.002, 0.006, 0.006), "KEEP"),
    "equal": (told(0.0, 0.006, 0.006), "KEEP"),
    "equal without any error": (told(0.0, 0.0, 0.0), "KEEP"),
    "better, and the margin's error is too large": (told(0.006, 0.01, 0.01), "KEEP"),
    "better by exactly what is needed": (told(0.00645, 0.01, 0.01), "PROMOTE"),
    "worse within the margin": (told(-0.01, 0.006, 0.006), "KEEP"),
    "worse than the margin, not provably": (told(-0.019, 0.006, 0.006), "KEEP"),
    "worse than the margin, provably": (told(-0.02, 0.006, 0.006), "REJECT"),
    "a difference that is NaN": (told(nan, 0.006, 0.006), "INVALID"),
    "an error that is NaN": (told(0.02, nan, 0.006), "INVALID"),
    "a margin error that is infinite": (told(0.02, 0.006, inf), "INVALID"),
    "a margin that is NaN": (told(0.02, 0.006, 0.006, margin=nan), "INVALID"),
    "the anchor's level is lost": (
        told(0.02, 0.006, 0.006, anchor=Gap(0.83, -0.011, 0.0001, 0.0001)),
        "KEEP",
    ),
    "the anchor's level is not proven": (
        told(0.02, 0.006, 0.006, anchor=Gap(0.82, 0.003, 0.01, 0.01)),
        "KEEP",
    ),
    "the anchor's level is held": (
        told(0.02, 0.006, 0.006, anchor=Gap(0.81, 0.007, 0.01, 0.01)),
        "PROMOTE",
    ),
    "no better than a constant, provably": (
        told(0.02, 0.006, 0.006, dummy=Gap(0.8, 0.016, 0.01, 0.01)),
        "REJECT",
    ),
    "few rows": (told(0.02, 0.006, 0.006, rows=199), "KEEP"),
    "few of a class": (told(0.02, 0.006, 0.006, smallest_class=19), "KEEP"),
    "the same model": (told(0.02, 0.006, 0.006, same_as_champion=True), "KEEP"),
    "a guard that blocks": (
        told(0.02, 0.006, 0.006, guards=(Guard("x", "block", False, "y"),)),
        "REJECT",
    ),
    "a guard that warns": (
        told(0.02, 0.006, 0.006, guards=(Guard("x", "warn", False, "y"),)),
        "PROMOTE",
    ),
    "a guard that was not judged": (
        told(0.02, 0.006, 0.006, guards=(Guard("x", "block", None, "y"),)),
        "PROMOTE",
    ),
    "a guard that makes all unsound": (
        told(0.02, 0.006, 0.006, guards=(Guard("x", "invalid", False, "y"),)),
        "INVALID",
    ),
}


@pytest.mark.parametrize("case", DECISIONS)
def test_the_rule_is_that_of_its_documentation(case):
    evidence, verdict = DECISIONS[case]
    assert decide(evidence, USUAL).verdict == verdict


FIRST = {
    "better than a constant": (0.017, 0.01, {}, {}, "PROMOTE"),
    "perhaps better than a constant": (0.016, 0.01, {}, {}, "KEEP"),
    "perhaps worse than a constant": (-0.016, 0.01, {}, {}, "KEEP"),
    "worse than a constant": (-0.017, 0.01, {}, {}, "REJECT"),
    "nineteen rows": (0.3, 0.01, {"rows": 19, "smallest_class": 9}, {}, "KEEP"),
    "below the floor": (0.3, 0.01, {}, {"floor": 0.81}, "REJECT"),
    "on the floor": (0.3, 0.01, {}, {"floor": 0.8}, "PROMOTE"),
    "a loss above the floor": (
        0.3,
        0.01,
        {"metric": "mae", "challenger": -0.5},
        {"floor": 0.4},
        "REJECT",
    ),
    "a loss below the floor": (
        0.3,
        0.01,
        {"metric": "mae", "challenger": -0.3},
        {"floor": 0.4},
        "PROMOTE",
    ),
}


@pytest.mark.parametrize("case", FIRST)
def test_the_first_model_has_to_beat_a_constant_answer(case):
    delta, error, seen, wanted, verdict = FIRST[case]
    gaps = {"dummy": Gap(0.5, delta, error, error)}
    known = {"metric": "roc_auc", "rows": 1_000, "smallest_class": 300, "challenger": 0.8}
    evidence = Evidence(**{**known, "gaps": gaps, **seen})
    assert decide(evidence, GateSettings(**wanted)).verdict == verdict


def test_rows_to_settle_have_a_power_of_eighty_percent():
    evidence = told(0.001, 0.008, 0.008)
    made = decide(evidence, USUAL)
    spread = 0.008 * sqrt(1_000)
    expected = normal_sample_size_one_tail(0.01, 0.8, 0.05, std_null=spread)
    assert made.verdict is Verdict.KEEP
    assert made.rows_to_settle == pytest.approx(expected, rel=0.005)
