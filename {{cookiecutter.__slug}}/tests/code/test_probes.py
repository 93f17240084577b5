"""What only an opened model can tell: planted defects are each found by name."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from your_package.probes.behaviour import behaviour
from your_package.probes.explain import shifts
from your_package.probes.holdout import (
    alike,
    freshness,
    leaked,
    new_leaks,
    sketch,
    wear,
)
from your_package.probes.parity import parity
from your_package.probes.robust import robustness
from your_package.probes.speed import speed
from your_package.settings import GateSettings
from your_package.steps.split import split
from your_package.store.fingerprints import write_fingerprints

SETTINGS = GateSettings()
TASKS = ["binary", "regression", "multiclass"]


@pytest.fixture
def inputs(encoded):
    return lambda task="binary": encoded(task)[0]


def by_name(guards):
    return {one.name: one for one in guards}


@pytest.mark.parametrize("task", TASKS)
def test_a_bundle_answers_alike_in_a_fresh_process(task, small_model, inputs):
    found = by_name(parity(small_model(task), inputs(task)))
    assert (found["determinism"].ok, found["parity"].ok) == (True, True)


@pytest.mark.parametrize(
    ("defect", "wrong"),
    [
        ("flipped class order", lambda answers: answers[:, ::-1]),
        ("shifted rows", lambda answers: np.roll(answers, 1, axis=0)),
        ("a little off", lambda answers: answers + 1e-4),
    ],
)
def test_a_model_that_answers_otherwise_than_its_bundle(defect, wrong, small_model, inputs):
    model = small_model()
    other = replace(model, predict=lambda rows: wrong(model.predict(rows)))
    found = by_name(parity(other, inputs()))
    assert (found["parity"].ok, found["parity"].severity) == (False, "invalid"), defect


def test_a_model_that_changes_its_mind_is_invalid(small_model, inputs):
    model, random = small_model(), np.random.default_rng(0)
    moody = replace(model, predict=lambda rows: model.predict(rows) + random.normal(0, 1e-9))
    assert by_name(parity(moody, inputs()))["determinism"].ok is False


def test_a_bundle_that_cannot_be_opened_elsewhere_is_invalid(small_model, inputs, tmp_path):
    found = by_name(parity(replace(small_model(), folder=tmp_path), inputs()))
    assert found["parity"].ok is False
    assert "cannot open the bundle" in found["parity"].text


@pytest.mark.parametrize("task", TASKS)
def test_a_sound_model_answers_strange_rows(task, small_model, inputs):
    assert robustness(small_model(task), inputs(task)).ok


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda rows: np.full((len(rows["plan"]), 2), np.nan), "no finite number"),
        (lambda rows: np.full((len(rows["plan"]), 2), 1.5), "no probabilities"),
        (lambda _: {}["plan"], "fails with KeyError"),
    ],
)
def test_a_model_that_answers_nonsense_is_blocked(answer, word, small_model, inputs):
    found = robustness(replace(small_model(), predict=answer), inputs())
    assert (found.ok, found.severity) == (False, "block")
    assert word in found.text


def test_a_slower_and_a_larger_model_is_a_warning_and_blocks_over_a_budget(
    small_model, sample_rows, tmp_path
):
    model, rows = small_model(), sample_rows("binary")
    content = (model.folder / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(content * 3)

    def slow(rows):
        for _ in range(5):
            answers = model.predict(rows)
        return answers

    other = replace(model, folder=tmp_path, predict=slow)
    found = by_name(speed(other, model, rows, SETTINGS))
    assert {(one.name, one.severity, one.ok) for one in found.values()} == {
        ("latency", "warn", False),
        ("size", "warn", False),
    }
    tight = GateSettings(max_latency_ms=1e-6, max_size_mb=1e-6)
    over = list(speed(model, None, rows, tight))
    assert [(one.ok, one.severity) for one in over] == [(False, "block")] * 2
    assert list(speed(model, None, rows, SETTINGS)) == []


@pytest.fixture
def parts(sample_rows, sample_contract):
    return split(sample_rows("binary"), sample_contract("binary"), 0.3)


def test_rows_owners_and_days_that_trained_a_model_are_named(
    parts, small_model, sample_contract, tmp_path
):
    contract = sample_contract("binary")
    for number, (hashes, owners, until, word) in enumerate(
        [
            (parts.holdout_hashes[:2], None, "", "2 holdout rows were training rows of the rival"),
            (parts.training_hashes, None, "2026-05-31", "has trained on rows up to 2026-05-31"),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_fingerprints(folder, hashes, owners, until)
        (found,) = leaked("rival", replace(small_model(), folder=folder), parts, contract)
        assert word in found


def test_an_owner_on_both_sides_is_a_leak(sample_rows, sample_contract, small_model, tmp_path):
    contract = sample_contract(
        observed_on={"type": "date"}, customer_id={"type": "text", "role": "group"}
    )
    by_owner = split(sample_rows("binary"), contract, 0.3)
    write_fingerprints(tmp_path, by_owner.training_hashes, by_owner.training_owners)
    model = replace(small_model(), folder=tmp_path)
    assert list(leaked("rival", model, by_owner, contract)) == []
    swapped = replace(by_owner, holdout_owners=by_owner.training_owners)
    assert any("owners of holdout rows" in one for one in leaked("rival", model, swapped, contract))


@pytest.mark.parametrize(("most", "ok"), [(0, False), (1, True), (None, None)])
def test_old_answers_are_blocked_where_an_age_is_set(parts, sample_contract, most, ok):
    settings, contract = GateSettings(max_data_age_days=most), sample_contract("binary")
    today = parts.holdout["observed_on"].max() + timedelta(days=1)
    found = [one.ok for one in freshness(parts, contract, settings, today)]
    assert found == ([] if ok is None else [ok])


@pytest.mark.parametrize(
    ("uses", "severity", "ok"),
    [
        (0, "warn", True),
        (9, "warn", True),
        (10, "warn", False),
        (29, "warn", False),
        (30, "invalid", False),
    ],
)
def test_a_holdout_wears_out(uses, severity, ok):
    (found,) = wear(uses, SETTINGS)
    assert (found.severity, found.ok) == (severity, ok)


def test_holdouts_are_compared_by_the_rows_that_they_share(parts):
    fewer = replace(parts, holdout_hashes=parts.holdout_hashes[::2])
    other = replace(parts, holdout_hashes=parts.training_hashes)
    assert alike(sketch(parts), sketch(parts)) == 1
    assert 0.25 < alike(sketch(parts), sketch(fewer)) < 0.75
    assert alike(sketch(parts), sketch(other)) == 0
    assert alike(sketch(parts), "[]") == 0


def test_a_leak_blocks_where_it_is_new_and_warns_where_it_was_there(small_model):
    champion = small_model()
    known = champion.signature.inputs[0].name
    assert [(g.severity, g.ok) for g in new_leaks(["new"], champion, "y")] == [("block", False)]
    assert [(g.severity, g.ok) for g in new_leaks([known], champion, "y")] == [("warn", False)]
    assert [(g.severity, g.ok) for g in new_leaks(["new"], None, "y")] == [("warn", False)]
    assert [(g.severity, g.ok) for g in new_leaks([], champion, "y")] == [("warn", True)]


BEHAVIOUR = """
import os
from pathlib import Path

def test_the_bundle_is_named():
    assert Path(os.environ["ML_BUNDLE"]).is_dir()

def test_what_never_holds():
    assert {holds}
"""


@pytest.mark.parametrize(("holds", "ok"), [("True", True), ("False", False)])
def test_the_users_sentences_are_asked(tmp_path, holds, ok):
    tests = tmp_path / "tests" / "model"
    tests.mkdir(parents=True)
    (tests / "test_behaviour.py").write_text(BEHAVIOUR.format(holds=holds), encoding="utf-8")
    found = behaviour(tmp_path, tmp_path)
    assert (found.ok, found.severity) == (ok, "block")
    assert ok or "what never holds" in found.text


def test_a_file_that_is_missing_or_empty_or_broken_is_said_so(tmp_path):
    assert behaviour(tmp_path, tmp_path).ok is None
    tests = tmp_path / "tests" / "model"
    tests.mkdir(parents=True)
    (tests / "test_behaviour.py").write_text("", encoding="utf-8")
    assert behaviour(tmp_path, tmp_path).ok is None
    (tests / "test_behaviour.py").write_text("import nothing_of_this_name", encoding="utf-8")
    assert behaviour(tmp_path, tmp_path).ok is False


def test_the_columns_that_moved_most_come_first():
    before = pl.DataFrame({"a": range(1000), "b": ["x", "y"] * 500, "c": [None, 1.0] * 500})
    now = before.with_columns(a=pl.col("a") + 900, b=pl.lit("x"))
    found = shifts(before, now, ["a", "b", "c", "gone"][:3])
    assert [one.column for one in found] == ["a", "b", "c"]
    assert found[0].distance == pytest.approx(0.9, abs=0.06)
    assert found[1].distance == pytest.approx(0.5)
    assert found[2].distance == 0
