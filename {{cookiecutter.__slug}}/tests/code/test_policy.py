"""What starts a retraining, in which order, and what has to wait."""

import pytest

from your_package.monitor.policy import Signs, settle
from your_package.settings import MonitorSettings

ALL = Signs("score", "predictions", "features", "age")


def told(signs, **settings):
    return settle(signs, MonitorSettings(**settings))


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (Signs(), (False, "")),
        (ALL, (True, "score")),
        (Signs(predictions="p", features="f", age="a"), (True, "p")),
        (Signs(features="f", age="a"), (True, "f")),
        (Signs(age="a"), (True, "a")),
        (Signs(predictions="p", features="f", scored=True), (False, "")),
        (Signs(predictions="p", features="f", age="a", scored=True), (True, "a")),
        (Signs("s", scored=True), (True, "s")),
    ],
)
def test_labels_decide_and_drift_stands_in_while_they_are_late(signs, expected):
    assert told(signs) == expected


@pytest.mark.parametrize("sign", ["score", "predictions", "features", "age"])
def test_what_the_user_does_not_name_only_reports(sign):
    only = Signs(**{sign: sign})
    assert told(only, retrain_on=[sign]) == (True, sign)
    others = [one for one in ("score", "predictions", "features", "age") if one != sign]
    assert told(only, retrain_on=others) == (False, "")
    assert told(ALL, retrain_on=[]) == (False, "")


@pytest.mark.parametrize(
    ("days", "due"),
    [
        ((), True),
        ((0,), False),
        ((2,), False),
        ((3,), True),
        ((3, 5), False),  # two in a week are the most
        ((3, 8, 9), True),
        ((7, 8), True),
        ((-5, -400), True),  # clocks that disagree hold up nothing
    ],
)
def test_after_a_trial_it_is_quiet_for_a_while(days, due):
    found, reason = told(Signs("loss", trained=days))
    assert found is due
    assert reason.startswith("loss")
    assert due or "judged" in reason


def test_the_calm_is_the_users_to_set():
    assert told(Signs("loss", trained=(0, 0, 0)), quiet_days=0, most_a_week=9)[0]
    assert not told(Signs("loss", trained=(9,)), quiet_days=10)[0]
