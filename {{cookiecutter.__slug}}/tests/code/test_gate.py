"""The gate as a table of promises. docs/gate.md explains the rule."""

from dataclasses import replace
from math import inf, nan, nextafter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from your_package.evidence import Evidence, Gap
from your_package.settings import GateSettings
from your_package.steps.gate import decide

# Of a champion with AUC 0.75 the loss is 0.25, so this share makes the margin 1/64 exactly.
SETTINGS = GateSettings(max_loss_increase=1 / 16)
MARGIN = 1 / 64
Z = 1.645


def evidence(delta=0.03, error=0.01, anchor=(0.05, 0.01), dummy=(0.25, 0.01), **others):
    """A challenger that is promoted, but for what is named."""
    sound = Evidence(
        metric="roc_auc",
        rows=1000,
        smallest_class=300,
        challenger=0.78,
        gaps={
            "champion": Gap(0.75, delta, error),
            "anchor": Gap(0.7, *anchor),
            "dummy": Gap(0.5, *dummy),
        },
    )
    return replace(sound, **others)


def verdict(settings=SETTINGS, **told):
    return str(decide(evidence(**told), settings).verdict)


@pytest.mark.parametrize(
    ("promise", "told", "expected"),
    [
        ("clearly better", {"delta": 0.03, "error": 0.01}, "PROMOTE"),
        ("better by half an error, which is small", {"delta": 0.002, "error": 0.004}, "PROMOTE"),
        ("better by less than half an error", {"delta": 0.0019, "error": 0.004}, "KEEP"),
        ("better, but the error is large", {"delta": 0.03, "error": 0.04}, "KEEP"),
        ("equal on paper", {"delta": 0.0, "error": 0.004}, "KEEP"),
        ("a little worse", {"delta": -0.005, "error": 0.001}, "KEEP"),
        ("maybe much worse, maybe not", {"delta": -0.03, "error": 0.01}, "KEEP"),
        ("provably worse by more than the margin", {"delta": -0.04, "error": 0.01}, "REJECT"),
        ("provably worse, within the margin", {"delta": -0.014, "error": 0.0001}, "KEEP"),
        ("worse than the anchor", {"anchor": (-0.02, 0.001)}, "KEEP"),
        ("the anchor's level is not proven", {"anchor": (0.0, 0.01)}, "KEEP"),
        ("the anchor's level is proven", {"anchor": (0.0, 0.009)}, "PROMOTE"),
        ("no better than a constant", {"dummy": (0.01, 0.01)}, "REJECT"),
        ("199 rows", {"rows": 199}, "KEEP"),
        ("200 rows", {"rows": 200}, "PROMOTE"),
        ("19 rows of the rarest class", {"smallest_class": 19}, "KEEP"),
        ("20 rows of the rarest class", {"smallest_class": 20}, "PROMOTE"),
        ("numbers have no classes", {"smallest_class": None}, "PROMOTE"),
        ("the same answers", {"same_as_champion": True}, "KEEP"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_verdict(promise, told, expected):
    assert verdict(**told) == expected, promise


@pytest.mark.parametrize(
    ("promise", "told"),
    [
        ("a problem", {"problems": ("3 holdout rows were training rows",)}),
        ("a problem, however good the scores", {"delta": 0.2, "problems": ("leak",)}),
        ("no score", {"challenger": None}),
        ("no gaps", {"gaps": {}}),
        ("no constant answer", {"gaps": {"champion": Gap(0.7, 0.1, 0.01)}}),
    ],
)
def test_unsound_evidence_fails_closed(promise, told):
    decision = decide(evidence(**told), SETTINGS)
    assert decision.verdict == "INVALID", promise
    assert decision.reason
    assert decision.comparisons == ()
    assert not decision.beats_anchor


@pytest.mark.xfail(strict=True, reason="decide() compares NaN, and so promotes")
@pytest.mark.parametrize("where", ["delta", "error", "anchor", "dummy", "challenger"])
@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_a_number_that_is_not_finite_is_never_promoted(where, number):
    told = {where: (number, 0.01) if where in ("anchor", "dummy") else number}
    assert verdict(**told) == "INVALID"


def test_problems_are_the_reason():
    decision = decide(evidence(problems=("a leak", "a gap")), SETTINGS)
    assert decision.reason == "a leak; a gap"


@given(st.floats(-0.1, 0.1), st.floats(0, 0.05), st.floats(-0.1, 0.1), st.floats(0, 0.05))
def test_the_rule_is_the_one_of_the_page(delta, error, anchor, anchor_error):
    needed = max(0.5 * error, Z * error - MARGIN)
    near = (delta - needed, delta + Z * error + MARGIN, anchor - Z * anchor_error + MARGIN)
    assume(all(abs(distance) > 1e-9 for distance in near))
    expected = "KEEP"
    if delta >= needed and anchor - Z * anchor_error > -MARGIN:
        expected = "PROMOTE"
    elif delta + Z * error < -MARGIN:
        expected = "REJECT"
    assert verdict(delta=delta, error=error, anchor=(anchor, anchor_error)) == expected


@pytest.mark.parametrize(("error", "needed"), [(1 / 128, 1 / 256), (0.0, 0.0)])
def test_exactly_what_is_needed_is_enough(error, needed):
    assert verdict(delta=needed, error=error) == "PROMOTE"
    assert verdict(delta=nextafter(needed, -1), error=error) == "KEEP"


def test_exactly_the_margin_worse_is_no_reason_to_reject():
    assert verdict(delta=-MARGIN, error=0.0) == "KEEP"
    assert verdict(delta=nextafter(-MARGIN, -1), error=0.0) == "REJECT"


def test_exactly_the_margin_under_the_anchor_is_too_little():
    assert verdict(anchor=(-MARGIN, 0.0)) == "KEEP"
    assert verdict(anchor=(nextafter(-MARGIN, 1), 0.0)) == "PROMOTE"


@pytest.mark.parametrize(
    ("metric", "champion", "margin"),
    [("roc_auc", 0.8, 0.01), ("log_loss", -0.4, 0.02), ("mae", -30.0, 1.5), ("brier", 0.0, 0.0)],
)
def test_the_margin_is_a_share_of_the_loss_of_the_champion(metric, champion, margin):
    gaps = dict.fromkeys(["champion", "anchor", "dummy"], Gap(champion, 0.1, 0.01))
    decision = decide(evidence(metric=metric, gaps=gaps), GateSettings(max_loss_increase=0.05))
    assert decision.margin == pytest.approx(margin)


def test_a_decision_shows_what_led_to_it():
    decision = decide(evidence(delta=0.01, error=0.02), SETTINGS)
    champion, anchor, dummy = decision.comparisons
    assert (champion.against, anchor.against, dummy.against) == ("champion", "anchor", "dummy")
    assert champion.needed == pytest.approx(Z * 0.02 - MARGIN)
    assert (anchor.needed, dummy.needed) == (-MARGIN, 0.0)
    assert champion.lower == pytest.approx(0.01 - Z * 0.02)
    assert champion.upper == pytest.approx(0.01 + Z * 0.02)


def test_the_anchor_is_beaten_only_when_that_is_proven():
    assert decide(evidence(anchor=(0.02, 0.01)), SETTINGS).beats_anchor
    assert not decide(evidence(anchor=(0.016, 0.01)), SETTINGS).beats_anchor


def test_keep_says_how_many_rows_would_settle_it():
    decision = decide(evidence(delta=0.0, error=0.01), SETTINGS)
    assert decision.rows_to_settle == 2530  # 1000 rows, (1.645 + 0.84) errors of 0.64 margins
    assert decide(evidence(), SETTINGS).rows_to_settle is None


@pytest.mark.parametrize(
    ("delta", "error", "expected"),
    [(0.2, 0.1, "PROMOTE"), (0.16, 0.1, "KEEP"), (-0.16, 0.1, "KEEP"), (-0.2, 0.1, "REJECT")],
)
def test_the_first_model_has_to_beat_a_constant_answer(delta, error, expected):
    decision = decide(evidence(gaps={"dummy": Gap(0.5, delta, error)}), SETTINGS)
    assert decision.verdict == expected
    assert decision.beats_anchor


def test_settings_move_the_bar():
    assert verdict(GateSettings(min_rows=1001)) == "KEEP"
    assert verdict(GateSettings(min_rows_per_class=301)) == "KEEP"
    assert verdict(GateSettings(max_loss_increase=0.5), delta=0.03, error=0.04) == "PROMOTE"
