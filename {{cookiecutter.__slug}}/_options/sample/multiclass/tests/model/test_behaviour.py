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
HAPPY = {"satisfaction": 10, "support_calls": 0, "tenure_months": 60}
ANGRY = {"satisfaction": 1, "support_calls": 4, "tenure_months": 1, "region": "online"}
PLANS = ["basic", "plus", "pro", "leaves"]


@pytest.mark.parametrize("plan", PLANS)
def test_invariance_where_the_shop_is_does_not_matter(expect, plan):
    expect(CUSTOMER, of=plan).stays(within=0.2).when(region=["east", "south", "west"])


@pytest.mark.parametrize("plan", PLANS)
def test_invariance_a_month_more_or_less_does_not_matter(expect, plan):
    expect(CUSTOMER, of=plan).stays(within=0.2).when(tenure_months=[19, 21])


@pytest.mark.parametrize("plan", PLANS)
def test_invariance_a_region_that_nobody_knows_is_no_alarm(expect, plan):
    expect(CUSTOMER, of=plan).stays(within=0.2).when(region="moon")


def test_direction_an_unhappier_customer_leaves_more_often(expect):
    expect(CUSTOMER, of="leaves").rises().when(satisfaction=2)
    expect(CUSTOMER, of="leaves").rises().when(support_calls=4, satisfaction=3)


def test_direction_who_uses_more_chooses_the_larger_plan(expect):
    expect(CUSTOMER, of="pro").rises().when(usage_hours=[5.0, 45.0])


@pytest.mark.parametrize("plan", ["basic", "plus", "pro"])
def test_minimum_functionality_a_happy_customer_keeps_the_plan(expect, plan):
    expect(CUSTOMER | HAPPY | {"plan": plan}).is_(plan)


def test_minimum_functionality_an_angry_newcomer_leaves(expect):
    expect(CUSTOMER | ANGRY, of="leaves").is_above(0.3)


@pytest.mark.parametrize("plan", PLANS)
def test_minimum_functionality_what_is_optional_may_be_missing(expect, plan):
    expect(CUSTOMER | {"monthly_spend": None, "satisfaction": None}, of=plan).is_below(0.98)
