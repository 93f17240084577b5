"""Everybody is scored on the same rows, in the same order of classes, or the trial says why not."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from your_package.steps.split import split
from your_package.store.fingerprints import write_fingerprints
from your_package.store.versions import Aliases
from your_package.trial import hold_trial

TASK = "multiclass"
DAY = date(2026, 6, 1)


@pytest.fixture(scope="session")
def parts(sample_rows, sample_contract):
    return split(sample_rows(TASK), sample_contract(TASK), 0.5)


@pytest.fixture
def hold(parts, sample_project, small_model):
    """Hold a trial of this challenger against a champion that is also the anchor."""

    def make(challenger, champion=None, wanted=None, rows=parts):
        rival = champion or small_model(TASK)
        version = SimpleNamespace(number=1, digest=wanted or rival.digest)
        registry: Any = SimpleNamespace(
            recover=lambda: Aliases(champion=1, anchor=1),
            version=lambda _: version,
            fetch=lambda _: rival.folder,
            history=list,
        )
        return hold_trial(sample_project(TASK), registry, challenger, rows, "d4", DAY).evidence

    return make


def test_the_same_model_is_the_same_whatever_the_order_of_its_classes(hold, small_model):
    model = small_model(TASK)
    turned = replace(model.signature, classes=model.signature.classes[::-1])
    challenger = replace(
        model, signature=turned, predict=lambda inputs: model.predict(inputs)[:, ::-1]
    )
    for judged in (model, challenger):
        made = hold(judged)
        assert made.problems == ()
        assert made.same_as_champion
        assert made.gaps["champion"].delta == pytest.approx(0, abs=1e-12)


def test_a_challenger_that_is_random_is_far_from_the_champion(hold, small_model):
    model, random = small_model(TASK), np.random.default_rng(0)
    challenger = replace(
        model, predict=lambda inputs: random.dirichlet(np.ones(4), len(inputs["plan"]))
    )
    made = hold(challenger)
    assert not made.same_as_champion
    assert made.gaps["champion"].delta < -0.5
    both = (made.gaps["champion"], made.gaps["anchor"])
    assert both[0].delta == both[1].delta
    assert both[0].margin_error == pytest.approx(both[1].margin_error)


def test_a_rival_that_is_not_what_was_judged_is_a_problem(hold, small_model):
    made = hold(small_model(TASK), wanted="f" * 64)
    assert len(made.problems) == 2
    assert made.problems[0].startswith("champion v1 cannot be scored: ")
    assert made.problems[1].startswith("anchor v1 cannot be scored: ")


def test_a_rival_that_predicts_something_else_is_a_problem(hold, small_model):
    made = hold(small_model(TASK), champion=small_model("binary"))
    assert "it predicts 'churned', the challenger 'next_plan'" in made.problems[0]


def without(model, name):
    """The same model, which no longer reads this column: it answers as if it were missing."""
    kept = tuple(column for column in model.signature.inputs if column.name != name)

    def predict(inputs):
        gone = np.full(len(inputs["plan"]), np.nan, dtype=np.float32)
        return model.predict({**inputs, name: gone})

    return replace(model, signature=replace(model.signature, inputs=kept), predict=predict)


def test_a_champion_that_reads_a_column_more_is_scored_all_the_same(hold, small_model):
    made = hold(without(small_model(TASK), "usage_hours"))
    assert made.problems == ()
    assert {"champion", "anchor"} <= set(made.gaps)
    assert "latency" in {guard.name for guard in made.guards}


def test_a_champion_whose_column_is_gone_is_a_problem_and_no_crash(hold, small_model, parts):
    fewer = replace(parts, holdout=parts.holdout.drop("usage_hours"))
    made = hold(without(small_model(TASK), "usage_hours"), rows=fewer)
    assert made.problems[0].startswith("champion v1 cannot be scored: it needs the columns usage")


def test_a_challenger_that_trained_on_rows_of_the_holdout_is_a_problem(
    hold, parts, small_model, tmp_path
):
    write_fingerprints(tmp_path, parts.holdout_hashes[:3])
    made = hold(replace(small_model(TASK), folder=tmp_path))
    assert made.problems == ("3 holdout rows were training rows of the challenger",)
