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
def spends(predict):
    """What the customer above spends next month, with some things changed."""
    return lambda **changed: predict(CUSTOMER | changed)[0]


@pytest.mark.parametrize("region", ["east", "south", "west"])
def test_invariance_where_the_shop_is_does_not_matter(spends, region):
    assert spends(region=region) == pytest.approx(spends(), abs=3)


def test_invariance_a_month_more_or_less_does_not_matter(spends):
    assert spends(tenure_months=21) == pytest.approx(spends(), abs=3)


def test_invariance_a_region_that_nobody_knows_is_no_alarm(spends):
    assert spends(region="moon") == pytest.approx(spends(), abs=3)


def test_direction_who_spends_more_goes_on_spending_more(spends):
    amounts = [spends(monthly_spend=amount) for amount in (20.0, 40.0, 60.0, 80.0)]
    assert amounts == sorted(amounts)


def test_direction_a_happier_customer_spends_more(spends):
    assert spends(satisfaction=10) > spends(satisfaction=2)


@pytest.mark.parametrize("amount", [25.0, 45.0, 70.0])
def test_minimum_functionality_next_month_is_much_like_this_one(spends, amount):
    assert spends(monthly_spend=amount) == pytest.approx(amount, rel=0.25)


def test_minimum_functionality_what_is_optional_may_be_missing(spends):
    assert 20 < spends(monthly_spend=None, satisfaction=None) < 80
