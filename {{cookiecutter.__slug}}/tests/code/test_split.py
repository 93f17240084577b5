"""Which rows judge: the newest, or a stable hash; never another set by chance."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from your_package.errors import Status, Stop
from your_package.steps.split import row_hashes, split

TODAY = date(2026, 6, 1)


@pytest.fixture(scope="session")
def timeless(sample_contract):
    return sample_contract(observed_on=None)


@pytest.fixture(scope="session")
def nameless(sample_contract):
    return sample_contract(observed_on=None, customer_id=None)


def is_later(parts):
    return min(parts.holdout["observed_on"]) > max(parts.training["observed_on"])


def days(*ages, **others):
    observed = [TODAY - timedelta(days=age) for age in ages]
    return pl.DataFrame({"observed_on": observed, "row": range(len(ages)), **others})


def test_every_row_that_judges_is_later_than_every_row_that_trains(sample_rows, sample_contract):
    parts = split(sample_rows(), sample_contract(), 0.2)
    assert is_later(parts)
    assert len(parts.holdout) / 1200 == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("share", "judging"), [(0.1, [9]), (0.2, [8, 9]), (0.5, [5, 6, 7, 8, 9]), (0.01, [9])]
)
def test_the_newest_share_judges(sample_contract, share, judging):
    parts = split(days(*range(10, 0, -1)), sample_contract(), share)
    assert parts.holdout["row"].to_list() == judging


@pytest.mark.parametrize(
    ("horizon", "training"), [(1, [0, 1, 2, 3, 4]), (2, [0, 1, 2, 3]), (4, [0, 1]), (5, [0])]
)
def test_a_forecast_learns_from_no_answer_that_came_later(sample_contract, horizon, training):
    """The day before the cut tells what is `horizon` days later: that was not known at the cut."""
    parts = split(days(*range(10, 0, -1)), sample_contract(), 0.5, horizon)
    assert parts.training["row"].to_list() == training
    assert parts.holdout["row"].to_list() == [5, 6, 7, 8, 9]
    assert len(parts.training_hashes) == len(training)


def test_a_horizon_that_leaves_nothing_to_learn_from_is_said(sample_contract):
    with pytest.raises(Stop, match="No row is left for the training part"):
        split(days(*range(10, 0, -1)), sample_contract(), 0.5, 6)


def test_rows_of_one_moment_stay_together(sample_contract):
    parts = split(days(3, 2, 1, 1, 1, 2, 1), sample_contract(), 0.2)
    assert parts.holdout["row"].to_list() == [2, 3, 4, 6]
    assert parts.how == "observed from 2026-05-31 on"


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30), st.floats(0.05, 0.95))
def test_no_row_is_lost_and_none_is_on_both_sides(sample_contract, ages, share):
    table = days(*ages)
    if len(set(ages)) == 1:
        with pytest.raises(Stop, match="No row is left for the training part"):
            split(table, sample_contract(), share)
        return
    try:
        parts = split(table, sample_contract(), share)
    except Stop:
        assert ages.count(max(ages)) > int(len(ages) * (1 - share))
        return
    both = pl.concat([parts.training, parts.holdout])
    assert both["row"].sort().to_list() == list(range(len(ages)))
    assert len(parts.training_hashes) == len(parts.training)
    assert len(parts.holdout_hashes) == len(parts.holdout)
    assert is_later(parts)


def test_a_table_of_one_day_stops_and_says_what_to_do(sample_contract):
    with pytest.raises(Stop, match=r"give more rows or change \[split\] holdout") as stopped:
        split(days(1, 1, 1), sample_contract(), 0.2)
    assert stopped.value.status == Status.DATA


def test_a_hash_takes_its_share(sample_rows, timeless):
    parts = split(sample_rows().drop("observed_on"), timeless, 0.3)
    assert len(parts.holdout) / 1200 == pytest.approx(0.3, abs=0.04)
    assert parts.how == "by a hash of customer_id"


def test_a_row_keeps_its_side_when_rows_come_go_or_are_shuffled(sample_rows, timeless):
    table = sample_rows().drop("observed_on")
    judging = set(split(table, timeless, 0.2).holdout["customer_id"])
    fewer = split(table.head(700), timeless, 0.2).holdout["customer_id"]
    shuffled = split(table.sample(fraction=1, shuffle=True, seed=1), timeless, 0.2)
    assert set(fewer) == judging & set(table["customer_id"].head(700))
    assert set(shuffled.holdout["customer_id"]) == judging


def test_a_row_that_is_corrected_keeps_the_side_of_its_key(sample_rows, timeless):
    table = sample_rows().drop("observed_on")
    corrected = table.with_columns(pl.col("usage_hours") + 1)
    judging = split(table, timeless, 0.2)
    again = split(corrected, timeless, 0.2)
    assert again.holdout["customer_id"].equals(judging.holdout["customer_id"])
    assert again.holdout_id != judging.holdout_id


def test_without_a_key_equal_rows_stay_together(sample_rows, nameless):
    table = sample_rows().drop("observed_on", "customer_id")
    parts = split(pl.concat([table, table]), nameless, 0.2)
    once = split(table, nameless, 0.2)
    assert len(parts.holdout) == 2 * len(once.holdout)
    assert not set(parts.training_hashes.tolist()) & set(parts.holdout_hashes.tolist())


def test_the_name_of_the_holdout_is_that_of_its_content(sample_rows, sample_contract):
    table = sample_rows()
    one = split(table, sample_contract(), 0.2)
    other = split(table.reverse().select(reversed(table.columns)), sample_contract(), 0.2)
    assert one.holdout_id == other.holdout_id
    assert split(table, sample_contract(), 0.3).holdout_id != one.holdout_id


def test_hashes_are_the_ones_that_older_bundles_hold():
    """If an update of a library changes these, holdouts move and old fingerprints find no leak."""
    table = pl.DataFrame(
        {"b": ["x", None], "a": [1, -2], "c": [0.5, None], "d": [date(2026, 6, 1)] * 2}
    )
    assert row_hashes(table).tolist() == [2074022890229664195, 797712059914555778]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1], "b": ["x"]}, {"b": ["x"], "a": [1]}),
        ({"a": [1]}, {"a": [1.0]}),
        ({"a": [True]}, {"a": [1]}),
        ({"a": [0.0]}, {"a": [-0.0]}),
        ({"a": [None, 2.0]}, {"a": [float("nan"), 2.0]}),
    ],
)
def test_what_is_equal_has_one_hash(one, other):
    assert row_hashes(pl.DataFrame(one)).tolist() == row_hashes(pl.DataFrame(other)).tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1], "b": [2]}, {"a": [2], "b": [1]}),
        ({"a": ["1"]}, {"a": ["2"]}),
        ({"a": [2**53]}, {"a": [2**53 + 1]}),
        ({"a": [""]}, {"a": pl.Series([None], dtype=pl.String)}),
        ({"a": ["x"], "b": [""]}, {"a": [""], "b": ["x"]}),
    ],
)
def test_what_differs_has_another_hash(one, other):
    assert row_hashes(pl.DataFrame(one)).tolist() != row_hashes(pl.DataFrame(other)).tolist()


def test_a_hash_does_not_depend_on_the_other_rows(sample_rows):
    table = sample_rows(days=3)
    assert np.array_equal(row_hashes(table)[60:90], row_hashes(table[60:90]))
