"""What drifts: sizes decide, tests guard, and a benign mix is no drift."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from your_package import sample
from your_package.checks.reference import LEVELS
from your_package.checks.summarize import build_reference
from your_package.steps.drift import (
    APART,
    FEWEST,
    Drift,
    drift,
    drift_of_numbers,
    judged,
)

DAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def known(sample_contract):
    contract = sample_contract("binary")
    rows = sample.rows("binary", DAY - timedelta(days=120), DAY)
    return contract, build_reference(rows.lazy(), contract)


def later(change=lambda rows: rows, days=30):
    return change(sample.rows("binary", DAY, DAY + timedelta(days=days)))


def moved(found):
    return {one.column for one in found if one.drifted}


def test_the_same_customers_have_not_moved(known):
    found = drift(later(), *known)
    assert moved(found) == set()
    assert {one.column for one in found} == set(known[0].inputs)
    assert all(0 <= one.size <= 1 and 0 <= one.p <= 1 for one in found)


CHANGES = {
    "usage_hours": pl.col("usage_hours") * 1.4,
    "monthly_spend": pl.when(pl.col("monthly_spend").hash(1) % 4 != 0).then("monthly_spend"),
    "plan": pl.when(pl.col("customer_id").hash(1) % 3 != 0).then("plan").otherwise(pl.lit("pro")),
    "satisfaction": pl.col("satisfaction").clip(upper_bound=5),
}


@pytest.mark.parametrize("column", CHANGES)
def test_what_moved_is_named_first(known, column):
    found = drift(later(lambda rows: rows.with_columns(CHANGES[column].alias(column))), *known)
    assert found[0].column == column
    assert moved(found) == {column}
    assert found[0].size > APART


def test_values_that_go_missing_are_a_drift_of_their_own(known):
    half = pl.when(pl.col("customer_id").hash(1) % 2 == 0).then("usage_hours")
    found = drift(later(lambda rows: rows.with_columns(half.alias("usage_hours"))), *known)
    assert (found[0].column, found[0].kind) == ("usage_hours", "missing")
    assert found[0].size == pytest.approx(0.5, abs=0.05)


def test_a_column_that_is_empty_is_missing(known):
    empty = pl.lit(None, dtype=pl.Float64).alias("usage_hours")
    found = drift(later(lambda rows: rows.with_columns(empty)), *known)
    assert (found[0].column, found[0].size, found[0].drifted) == ("usage_hours", 1.0, True)


def test_a_small_change_is_none_however_many_rows_prove_it(known):
    found = drift(
        later(lambda rows: pl.concat([rows] * 20).with_columns(pl.col("usage_hours") * 1.04)),
        *known,
    )
    one = next(one for one in found if one.column == "usage_hours")
    assert one.p < 0.05
    assert not one.drifted


def test_few_rows_say_nothing(known):
    assert drift(later().head(FEWEST - 1), *known) == ()


def test_holm_asks_more_of_many():
    one = [Drift("a", "distance", 0.3, 0.02, drifted=False)]
    many = [Drift(str(n), "distance", 0.3, 0.02, drifted=False) for n in range(10)]
    assert judged(one)[0].drifted
    assert not any(found.drifted for found in judged(many))
    mixed = judged([*many, Drift("sure", "distance", 0.2, 1e-6, drifted=False)])
    assert [found.column for found in mixed if found.drifted] == ["sure"]


def test_without_drift_alarms_are_rare():
    """A hundred tables of twenty columns that have not moved: fewer than Holm's one in twenty."""
    random = np.random.default_rng(5)
    alarms = 0
    for _ in range(100):
        columns = []
        for n in range(20):
            before = np.sort(random.normal(size=3000))
            levels = np.quantile(before, LEVELS, method="inverted_cdf")
            columns.append(drift_of_numbers(str(n), random.normal(size=800), [*levels], 3000))
        alarms += any(one.drifted for one in judged(columns))
    assert alarms <= 5


def test_a_shift_of_a_quarter_deviation_is_proven_to_be_small():
    random = np.random.default_rng(6)
    levels = np.quantile(random.normal(size=5000), LEVELS, method="inverted_cdf")
    small = drift_of_numbers("a", random.normal(0.25, size=5000), [*levels], 5000)
    large = drift_of_numbers("a", random.normal(0.4, size=5000), [*levels], 5000)
    assert small.size == pytest.approx(0.099, abs=0.02)
    assert judged([large])[0].drifted
