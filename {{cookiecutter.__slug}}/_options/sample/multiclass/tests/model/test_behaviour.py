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
def chances(predict, trained):
    """What the customer above chooses next, with some things changed: a chance for each plan."""
    names = trained.signature.classes
    return lambda **changed: dict(zip(names, predict(CUSTOMER | changed)[0], strict=True))


@pytest.mark.parametrize("region", ["east", "south", "west"])
def test_invariance_where_the_shop_is_does_not_matter(chances, region):
    assert chances(region=region) == pytest.approx(chances(), abs=0.2)


def test_invariance_a_month_more_or_less_does_not_matter(chances):
    assert chances(tenure_months=21) == pytest.approx(chances(), abs=0.2)


def test_invariance_a_region_that_nobody_knows_is_no_alarm(chances):
    assert chances(region="moon") == pytest.approx(chances(), abs=0.2)


@pytest.mark.parametrize(
    "unhappier", [{"satisfaction": 2}, {"support_calls": 4, "satisfaction": 3}], ids=str
)
def test_direction_an_unhappier_customer_leaves_more_often(chances, unhappier):
    assert chances(**unhappier)["leaves"] > chances()["leaves"]


def test_direction_who_uses_more_chooses_the_larger_plan(chances):
    assert chances(usage_hours=45.0)["pro"] > chances(usage_hours=5.0)["pro"]


@pytest.mark.parametrize("plan", ["basic", "plus", "pro"])
def test_minimum_functionality_a_happy_customer_keeps_the_plan(chances, plan):
    happy = chances(plan=plan, satisfaction=10, support_calls=0, tenure_months=60)
    assert max(happy, key=happy.get) == plan


def test_minimum_functionality_an_angry_newcomer_leaves(chances):
    angry = chances(satisfaction=1, support_calls=4, tenure_months=1, region="online")
    assert angry["leaves"] > 0.3


def test_minimum_functionality_what_is_optional_may_be_missing(chances):
    assert max(chances(monthly_spend=None, satisfaction=None).values()) < 0.98
