"""YOURS: what a good model of these customers does, whatever its score. Edit it freely.

A score is an average over many rows; these sentences are about single ones. They are asked of
the model that training makes. Of each kind write down what your users take for granted:

invariance              what must not matter does not
direction               what matters, matters in the right direction
minimum functionality   the easy cases are right
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


@pytest.fixture(scope="session")
def leaves(predict):
    """The chance that the customer above leaves, with some things changed."""
    return lambda **changed: predict(CUSTOMER | changed)[0, 1]


@pytest.mark.parametrize("region", ["east", "south", "west"])
def test_invariance_where_the_shop_is_does_not_matter(leaves, region):
    assert leaves(region=region) == pytest.approx(leaves(), abs=0.15)


def test_invariance_a_month_more_or_less_does_not_matter(leaves):
    assert leaves(tenure_months=21) == pytest.approx(leaves(), abs=0.15)


def test_invariance_a_region_that_nobody_knows_is_no_alarm(leaves):
    assert leaves(region="moon") == pytest.approx(leaves(), abs=0.15)


@pytest.mark.parametrize(
    "unhappier",
    [{"satisfaction": 2}, {"tenure_months": 1}, {"support_calls": 4, "satisfaction": 3}],
    ids=str,
)
def test_direction_an_unhappier_customer_leaves_more_often(leaves, unhappier):
    assert leaves(**unhappier) > leaves() + 0.02


def test_direction_more_satisfaction_keeps_more_customers(leaves):
    chances = [leaves(satisfaction=n) for n in (2, 6, 10)]
    assert chances == sorted(chances, reverse=True)


def test_minimum_functionality_a_delighted_customer_stays(leaves):
    assert leaves(satisfaction=10, support_calls=0, tenure_months=60, plan="pro") < 0.1


def test_minimum_functionality_an_angry_newcomer_leaves(leaves):
    assert leaves(satisfaction=1, support_calls=4, tenure_months=1, region="online") > 0.5


def test_minimum_functionality_what_is_optional_may_be_missing(leaves):
    assert 0.02 < leaves(monthly_spend=None, satisfaction=None) < 0.8
