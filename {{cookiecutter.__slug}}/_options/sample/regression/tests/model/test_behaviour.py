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


def test_invariance_where_the_shop_is_does_not_matter(expect):
    expect(CUSTOMER).stays(within=3).when(region=["east", "south", "west"])


def test_invariance_a_month_more_or_less_does_not_matter(expect):
    expect(CUSTOMER).stays(within=3).when(tenure_months=[19, 21])


def test_invariance_a_region_that_nobody_knows_is_no_alarm(expect):
    expect(CUSTOMER).stays(within=3).when(region="moon")


def test_direction_who_spends_more_goes_on_spending_more(expect):
    expect(CUSTOMER).rises().when(monthly_spend=[20.0, 40.0, 60.0, 80.0])


def test_direction_a_happier_customer_spends_more(expect):
    expect(CUSTOMER).rises().when(satisfaction=[2, 10])


@pytest.mark.parametrize("amount", [25.0, 45.0, 70.0])
def test_minimum_functionality_next_month_is_much_like_this_one(expect, amount):
    expect(CUSTOMER | {"monthly_spend": amount}).is_between(0.75 * amount, 1.25 * amount)


def test_minimum_functionality_what_is_optional_may_be_missing(expect):
    expect(CUSTOMER | {"monthly_spend": None, "satisfaction": None}).is_between(20, 80)
