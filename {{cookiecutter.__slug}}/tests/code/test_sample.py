"""The sample is the same everywhere, changes over the years, and knows the truth."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from your_package import sample
from your_package.metrics.scores import score

DAY = date(2026, 3, 1)
TASKS = ["binary", "regression", "multiclass"]


@cache
def year(task, number=2025):
    return sample.rows(task, date(number, 1, 1), date(number + 1, 1, 1))


@pytest.mark.parametrize("task", TASKS)
def test_a_day_has_the_same_rows_whatever_was_asked_around_it(task):
    around = sample.rows(task, DAY - timedelta(days=3), DAY + timedelta(days=3))
    alone = sample.rows(task, DAY, DAY + timedelta(days=1))
    assert around.filter(pl.col("observed_on") == DAY).equals(alone)


def test_every_task_has_the_same_customers():
    answers = pl.exclude(list(sample.TARGETS.values()))
    binary, regression, multiclass = (year(task).select(answers) for task in TASKS)
    assert binary.equals(regression)
    assert binary.equals(multiclass)


def test_the_last_day_is_not_included_and_the_first_is():
    table = sample.rows("binary", DAY, DAY + timedelta(days=2))
    assert table["observed_on"].unique().sort().to_list() == [DAY, DAY + timedelta(days=1)]
    assert table["customer_id"].is_unique().all()


def test_no_days_are_no_rows_with_all_columns():
    table = sample.rows("binary", DAY, DAY)
    assert len(table) == 0
    assert table.columns == year("binary").columns


def test_two_days_are_not_alike():
    table = sample.rows("binary", DAY, DAY + timedelta(days=2))
    one, other = table.partition_by("observed_on", include_key=False)
    assert not one["monthly_spend"].equals(other["monthly_spend"])


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_truth_is_a_probability_for_every_class(task):
    truth = sample.truth(task, year(task))
    assert truth.shape == (365 * sample.ROWS_A_DAY, 2 if task == "binary" else 4)
    assert np.all((truth > 0) & (truth < 1))
    assert truth.sum(axis=1) == pytest.approx(1)


def test_the_truth_is_how_often_customers_leave():
    table = year("binary")
    truth = sample.truth("binary", table)[:, 1]
    error = np.sqrt(np.sum(truth * (1 - truth)))
    assert abs(np.sum(table["churned"].to_numpy() - truth)) < 3 * error


def test_the_truth_is_what_customers_spend_on_average():
    table = year("regression")
    rest = table["next_spend"].to_numpy() - sample.truth("regression", table)
    assert abs(rest.mean()) < 3 * 6 / np.sqrt(len(rest))
    assert rest.std() == pytest.approx(6, rel=0.02)


def test_the_truth_is_how_often_each_plan_is_chosen():
    table = year("multiclass")
    truth = sample.truth("multiclass", table)
    chosen = (table["next_plan"].to_numpy()[:, None] == sample.PLANS[None, :]).sum(axis=0)
    error = np.sqrt(np.sum(truth * (1 - truth), axis=0))
    assert np.all(np.abs(chosen - truth.sum(axis=0)) < 3 * error)


def test_what_was_true_in_winter_is_worse_in_summer():
    """A model that stood still loses: of two truths, the one of the day is the better."""
    table = sample.rows("binary", date(2026, 7, 15), date(2026, 11, 15))
    answers = table["churned"].to_numpy()
    earlier = table.with_columns(pl.col("observed_on").dt.offset_by("-6mo"))
    now, then = (score(answers, sample.truth("binary", t), "roc_auc") for t in (table, earlier))
    assert now.value > then.value + 0.02


def test_more_customers_come_online_every_year():
    days = [date(n, 3, 1) for n in (2024, 2025, 2026)]
    tables = [sample.rows("binary", day, day + timedelta(days=30)) for day in days]
    shares = [float(np.mean(table["region"].to_numpy() == "online")) for table in tables]
    assert shares == sorted(shares)
    assert shares[2] - shares[0] > 0.1


def test_a_customer_is_sometimes_not_known_entirely():
    table = year("binary")
    assert table["monthly_spend"].is_null().mean() == pytest.approx(0.06, abs=0.01)
    assert table["satisfaction"].is_null().mean() == pytest.approx(0.12, abs=0.01)
    assert table.select(pl.exclude("monthly_spend", "satisfaction")).null_count().row(0) == (0,) * 9
