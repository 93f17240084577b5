"""The gate as a table of promises. docs/gate.md explains the rule."""

from dataclasses import replace
from math import inf, nan, nextafter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from your_package.evidence import Evidence, Gap
from your_package.settings import GateSettings
from your_package.steps.gate import decide

SETTINGS = GateSettings()
MARGIN = 1 / 64
Z = 1.645


def evidence(delta=0.03, error=0.01, anchor=(0.05, 0.01), dummy=(0.25, 0.01), **others):
    """A challenger that is promoted, but for what is named; `with_margin` is the error of both."""
    with_margin = others.pop("with_margin", error)
    sound = Evidence(
        metric="roc_auc",
        rows=1000,
        smallest_class=300,
        challenger=0.78,
        margin=MARGIN,
        gaps={
            "champion": Gap(0.75, delta, error, with_margin),
            "anchor": Gap(0.7, *anchor, anchor[1]),
            "dummy": Gap(0.5, *dummy, dummy[1]),
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
        ("exactly equal, without any error", {"delta": 0.0, "error": 0.0}, "KEEP"),
        ("the margin itself is uncertain", {"delta": 0.01, "with_margin": 0.02}, "KEEP"),
        ("the margin is certain", {"delta": 0.01, "with_margin": 0.015}, "PROMOTE"),
        ("a little worse", {"delta": -0.005, "error": 0.001}, "KEEP"),
        ("maybe much worse, maybe not", {"delta": -0.03, "error": 0.01}, "KEEP"),
        ("provably worse by more than the margin", {"delta": -0.04, "error": 0.01}, "REJECT"),
        ("provably worse, within the margin", {"delta": -0.014, "error": 0.0001}, "KEEP"),
        ("worse than the anchor", {"anchor": (-0.02, 0.001)}, "KEEP"),
        ("the anchor's level is not proven", {"anchor": (0.0, 0.01)}, "KEEP"),
        ("the anchor's level is proven", {"anchor": (0.0, 0.009)}, "PROMOTE"),
        ("no better than a constant", {"dummy": (0.01, 0.01)}, "REJECT"),
        ("199 rows", {"rows": 199}, "KEEP"),
        ("199 rows, and terrible", {"rows": 199, "delta": -0.4}, "KEEP"),
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
        ("no constant answer", {"gaps": {"champion": Gap(0.7, 0.1, 0.01, 0.01)}}),
    ],
)
def test_unsound_evidence_fails_closed(promise, told):
    decision = decide(evidence(**told), SETTINGS)
    assert decision.verdict == "INVALID", promise
    assert decision.reason
    assert decision.comparisons == ()
    assert not decision.beats_anchor


@pytest.mark.parametrize("where", ["delta", "error", "anchor", "dummy", "challenger"])
@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_a_number_that_is_not_finite_is_never_promoted(where, number):
    told = {where: (number, 0.01) if where in ("anchor", "dummy") else number}
    assert verdict(**told) == "INVALID"


def test_problems_are_the_reason():
    decision = decide(evidence(problems=("a leak", "a gap")), SETTINGS)
    assert decision.reason == "a leak; a gap"


small = st.floats(0, 0.05)
wide = st.floats(-0.1, 0.1)


@given(delta=wide, error=small, with_margin=small, anchor=wide, anchor_error=small)
def test_the_rule_is_the_one_of_the_page(delta, error, with_margin, anchor, anchor_error):
    needed = max(0.5 * error, Z * with_margin - MARGIN)
    held = anchor - (Z * anchor_error - MARGIN)
    worse = delta + MARGIN + Z * with_margin
    assume(all(abs(distance) > 1e-9 for distance in (delta, delta - needed, held, worse)))
    expected = "KEEP"
    if delta > max(0, needed) and held > 0:
        expected = "PROMOTE"
    elif worse < 0:
        expected = "REJECT"
    told = {"delta": delta, "error": error, "with_margin": with_margin}
    assert verdict(anchor=(anchor, anchor_error), **told) == expected


def test_exactly_what_is_needed_is_enough():
    assert verdict(delta=1 / 256, error=1 / 128) == "PROMOTE"
    assert verdict(delta=nextafter(1 / 256, -1), error=1 / 128) == "KEEP"


def test_exactly_the_margin_worse_is_no_reason_to_reject():
    assert verdict(delta=-MARGIN, error=0.0) == "KEEP"
    assert verdict(delta=nextafter(-MARGIN, -1), error=0.0) == "REJECT"


def test_exactly_the_margin_under_the_anchor_is_too_little():
    assert verdict(anchor=(-MARGIN, 0.0)) == "KEEP"
    assert verdict(anchor=(nextafter(-MARGIN, 1), 0.0)) == "PROMOTE"


def test_a_decision_shows_what_led_to_it():
    decision = decide(evidence(delta=0.01, error=0.02, with_margin=0.03), SETTINGS)
    champion, anchor, dummy = decision.comparisons
    assert (champion.against, anchor.against, dummy.against) == ("champion", "anchor", "dummy")
    assert champion.needed == pytest.approx(Z * 0.03 - MARGIN)
    assert anchor.needed == pytest.approx(Z * 0.01 - MARGIN)
    assert (dummy.needed, decision.margin) == (0.0, MARGIN)
    assert champion.lower == pytest.approx(0.01 - Z * 0.02)
    assert champion.upper == pytest.approx(0.01 + Z * 0.02)


def test_the_anchor_is_beaten_only_when_that_is_proven():
    assert decide(evidence(anchor=(0.02, 0.01)), SETTINGS).beats_anchor
    assert not decide(evidence(anchor=(0.016, 0.01)), SETTINGS).beats_anchor


def test_keep_says_how_many_rows_would_settle_it_where_more_would():
    decision = decide(evidence(delta=0.0, error=0.02, with_margin=0.01), SETTINGS)
    assert decision.rows_to_settle == 2530  # 1000 rows, (1.645 + 0.84) errors of 0.64 margins
    assert decide(evidence(), SETTINGS).rows_to_settle is None
    assert decide(evidence(delta=0.0, error=0.001), SETTINGS).rows_to_settle is None


@pytest.mark.parametrize(
    ("delta", "error", "expected"),
    [(0.2, 0.1, "PROMOTE"), (0.16, 0.1, "KEEP"), (-0.16, 0.1, "KEEP"), (-0.2, 0.1, "REJECT")],
)
def test_the_first_model_has_to_beat_a_constant_answer(delta, error, expected):
    decision = decide(evidence(gaps={"dummy": Gap(0.5, delta, error, error)}), SETTINGS)
    assert decision.verdict == expected
    assert decision.beats_anchor


def test_settings_move_the_bar():
    assert verdict(GateSettings(min_rows=1001)) == "KEEP"
    assert verdict(GateSettings(min_rows_per_class=301)) == "KEEP"
    assert verdict(margin=0.05, delta=0.03, error=0.04) == "PROMOTE"
