"""What people and machines read of a decision: short, safe, and enough to decide again."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from your_package.evidence import (
    Evidence,
    Gap,
    Guard,
    Harm,
    Rival,
)
from your_package.report.explain import explain
from your_package.report.markdown import cell
from your_package.report.plots import (
    draw_history,
    draw_slices,
)
from your_package.report.result import schema_text
from your_package.settings import GateSettings
from your_package.steps.gate import decide
from your_package.store.versions import Judgement, Past

DOCS = Path(__file__).parents[2] / "docs"
PNG = b"\x89PNG"
NORTH = Harm("slices", "region = north", "roc_auc", 90, -0.2, 0.02, 1e-9, 0.02)


PLAIN = GateSettings()


def judged(delta=0.0, guards=(), harms=(), error=0.02, settings=PLAIN):
    gaps: dict[Rival, Gap] = {
        "dummy": Gap(0.5, 0.25, 0.01, 0.01),
        "champion": Gap(0.75, delta, error, error),
        "anchor": Gap(0.7, 0.05, 0.01, 0.01),
    }
    found = Evidence("roc_auc", 1000, 300, 0.75 + delta, 0.01, gaps, guards=guards, harms=harms)
    return decide(found, settings)


def first(delta):
    """A first model, which has nobody beside it but a constant answer."""
    found = Evidence("roc_auc", 1000, 300, 0.5 + delta, 0.0, {"dummy": Gap(0.5, delta, 0.02, 0.02)})
    return decide(found, PLAIN)


def test_the_published_schema_is_the_one_of_the_code():
    """Write it anew with `python -m PACKAGE.report.result > docs/result.schema.json`."""
    assert (DOCS / "result.schema.json").read_text(encoding="utf-8") == schema_text()


def test_the_schema_asks_for_everything_that_a_decision_needs():
    schema = json.loads(schema_text())
    assert {"schema", "verdict", "evidence", "settings", "comparisons"} <= set(schema["required"])


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (judged(), ["KEEP: not enough evidence", "to the champion of at least +0.0229"]),
        (judged(), ["holdout rows, if the models are equally good", "max_loss_increase = 0.16"]),
        (judged(-0.2), ["REJECT: provably worse", "surely worse than the champion"]),
        (judged(-0.2), ["a difference to the champion above -0.0100; it is -0.2000"]),
        (first(0.0), ["KEEP: not provably better", "would change it:\n- more rows, or columns"]),
        (first(-0.2), ["REJECT: provably worse than a constant", "- more rows, or columns"]),
        (judged(0.05), ["PROMOTE: good enough", "would have missed the line against the champion"]),
        (
            judged(0.05, guards=(Guard("latency", "block", False, "9 ms"),)),
            ["REJECT: latency: 9 ms", "or another [gate] max_latency_ms"],
        ),
        (
            judged(0.05, guards=(Guard("parity", "invalid", False, "off by 1"),)),
            ["INVALID: parity: off by 1", "mend what is unsound"],
        ),
        (
            judged(0.05, guards=(Guard("negative flips", "warn", False, "9 %"),)),
            ["PROMOTE", "negative flips is a warning: 9 %."],
        ),
        (
            judged(0.05, harms=(NORTH,)),
            ["REJECT: slices: proven harm: region = north", "slice_max_drop"],
        ),
    ],
)
def test_a_decision_is_explained_in_plain_words(decision, words):
    text = "\n".join(explain(decision, PLAIN))
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (GateSettings(margin=0.01), "[gate] margin = 0.0329, if so much worse"),
        (GateSettings(floor=0.9), "a score of 0.9 or better, or another [gate] floor"),
    ],
)
def test_the_setting_that_is_named_is_the_one_that_counts(settings, words):
    """A margin of one's own makes `max_loss_increase` mean nothing."""
    text = "\n".join(explain(judged(settings=settings), settings))
    assert words in text
    assert "max_loss_increase" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<script>", "&lt;script&gt;"),
        ("[x](http://y)", "\\[x\\](http://y)"),
        ("a\nb\r", "a b "),
        ("`rm`", "\\`rm\\`"),
        ("usage_hours", "usage_hours"),
    ],
)
def test_words_of_the_data_stay_words(text, shown):
    assert cell(text) == shown


def test_harm_is_drawn_and_history_too(tmp_path):
    harms = [
        Harm("slices", f"region = {n}", "roc_auc", 90, n / 100, 0.02, 0.5, 0.02) for n in range(40)
    ]
    draw_slices(harms, harms[:1], tmp_path / "slices.png")
    past = [
        Past(
            datetime(2026, 1, 1 + n, tzinfo=UTC),
            Judgement(verdict, None, False, 0.8),
            str(n),
            "[]",
            {"anchor": (n / 100, 0.01)},
            "",
        )
        for n, verdict in enumerate(["PROMOTE", "KEEP", "REJECT", "KEEP"])
    ]
    draw_history(past, tmp_path / "history.png")
    for name in ("slices.png", "history.png"):
        assert (tmp_path / name).read_bytes().startswith(PNG)
