"""YOURS: what a good model of these customers does, whatever its score. Edit it freely.

A score is an average over many rows; these sentences are about single ones. The gate asks them of
every challenger, and one that does not hold is a REJECT. Of each kind write down what your users
take for granted:

invariance              what must not matter does not
direction               what matters, matters in the right direction
minimum functionality   the easy cases are right

`expect` is explained in behaviour.py of the package.
"""

import pytest

# These sentences are about the sample's customers: remove this line when you write your own.
pytestmark = pytest.mark.usefixtures("of_the_sample")

CUSTOMER = {
    "region": "north",
    "plan": "plus",
    "tenure_months": 20,
    "support_calls": 1,
    "usage_hours": 20.0,
    "monthly_spend": 45.0,
    "satisfaction": 6,
}
DELIGHTED = {"satisfaction": 10, "support_calls": 0, "tenure_months": 60, "plan": "pro"}
ANGRY = {"satisfaction": 1, "support_calls": 4, "tenure_months": 1, "region": "online"}
SILENT = {"monthly_spend": None, "satisfaction": None}


def test_invariance_where_the_shop_is_does_not_matter(expect):
    expect(CUSTOMER).stays(within=0.15).when(region=["east", "south", "west"])


def test_invariance_a_month_more_or_less_does_not_matter(expect):
    expect(CUSTOMER).stays(within=0.15).when(tenure_months=[19, 21])


def test_invariance_a_region_that_nobody_knows_is_no_alarm(expect):
    expect(CUSTOMER).stays(within=0.15).when(region="moon")


def test_direction_an_unhappier_customer_leaves_more_often(expect):
    expect(CUSTOMER).rises(by=0.02).when(satisfaction=2)


def test_direction_a_newer_customer_leaves_more_often(expect):
    expect(CUSTOMER).rises(by=0.02).when(tenure_months=1)


def test_direction_who_calls_for_help_and_is_unhappy_leaves_more_often(expect):
    expect(CUSTOMER).rises(by=0.02).when(support_calls=4, satisfaction=3)


def test_direction_more_satisfaction_keeps_more_customers(expect):
    expect(CUSTOMER).falls().when(satisfaction=[2, 6, 10])


def test_minimum_functionality_a_delighted_customer_stays(expect):
    expect(CUSTOMER | DELIGHTED).is_below(0.1)


def test_minimum_functionality_an_angry_newcomer_leaves(expect):
    expect(CUSTOMER | ANGRY).is_above(0.5)


def test_minimum_functionality_what_is_optional_may_be_missing(expect):
    expect(CUSTOMER | SILENT).is_between(0.02, 0.8)
