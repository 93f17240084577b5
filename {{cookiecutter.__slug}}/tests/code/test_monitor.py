"""A champion is watched on rows that came after it; only a proven loss asks for a retraining."""

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from your_package import monitor, pipeline, sample
from your_package.errors import Status, Stop
from your_package.promote import promote
from your_package.store.bundle import MANIFEST
from your_package.store.tracking import Registry

DAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def shipped(sample_project):
    """A project with a champion that was trained on the rows before the first of June."""
    project = sample_project("binary")
    pipeline.run(project, DAY, lambda _: nullcontext())
    registry = Registry(project.root, project.settings.name)
    promote(registry)
    return project, registry


@pytest.fixture
def later(shipped, monkeypatch):
    """Watch so many days later, with rows that are changed on their way."""

    def watch(days, change=lambda rows: rows):
        since, today = DAY - timedelta(days=30), DAY + timedelta(days=days)
        rows = change(sample.rows("binary", since, today))
        monkeypatch.setattr(monitor, "load_rows", lambda *_: rows.lazy())
        return monitor.watch(*shipped, today)

    return watch


def test_without_a_champion_there_is_nothing_to_watch(sample_project):
    project = sample_project("regression")
    seen = monitor.watch(project, Registry(project.root, project.settings.name), DAY)
    assert (seen.due, seen.version) == (False, None)


def test_few_rows_say_nothing(later):
    seen = later(5)
    assert (seen.due, seen.rows) == (False, 5 * sample.ROWS_A_DAY)
    assert "500 are needed" in seen.reason


def test_rows_that_were_judged_are_not_asked_again(later):
    assert later(0).rows == 0


def test_a_champion_that_holds_is_left_alone(later):
    seen = later(20)
    assert not seen.due
    assert seen.labelled == 20 * sample.ROWS_A_DAY
    assert seen.now.lower < seen.judged.upper
    assert "within reach of" in seen.reason


def turned(rows):
    flipped = pl.when(plan="plus").then(1 - pl.col("churned")).otherwise("churned")
    return rows.with_columns(
        churned=pl.when(pl.col("observed_on") < DAY).then("churned").otherwise(flipped)
    )


def test_a_proven_loss_asks_for_a_retraining(later):
    seen = later(20, turned)
    assert seen.due
    assert seen.now.upper < seen.judged.lower
    assert "is proven below" in seen.reason
    assert "churned" in {one.column for one in seen.findings}


def test_rows_without_answers_are_compared_and_not_scored(later):
    seen = later(20, lambda rows: rows.with_columns(churned=pl.lit(None, dtype=pl.Int64)))
    assert (seen.due, seen.labelled, seen.rows) == (False, 0, 20 * sample.ROWS_A_DAY)


def test_moved_inputs_are_told_and_start_nothing(later):
    seen = later(20, lambda rows: rows.with_columns(pl.col("usage_hours") * 1.6))
    moved = {one.column for one in seen.findings if one.rule == "distribution"}
    assert "usage_hours" in moved
    assert not seen.due


def test_a_broken_batch_is_no_loss(later):
    broken = lambda rows: rows.with_columns(tenure_months=pl.lit(-5))  # noqa: E731
    with pytest.raises(Stop) as stop:
        later(20, broken)
    assert stop.value.status == Status.DATA


def test_without_a_time_column_rows_that_trained_are_left_out(shipped, monkeypatch):
    project, registry = shipped
    columns = dict(project.contract.columns)
    columns["observed_on"] = columns["observed_on"].model_copy(update={"role": "other"})
    contract = project.contract.model_copy(update={"columns": columns})
    rows = sample.rows("binary", DAY - timedelta(days=180), DAY)
    monkeypatch.setattr(monitor, "load_rows", lambda *_: rows.lazy())
    seen = monitor.watch(replace(project, contract=contract), registry, DAY)
    assert 0 < seen.rows < len(rows) / 2


def test_a_bundle_says_what_the_gate_saw_of_it(shipped):
    _, registry = shipped
    folder = registry.fetch(registry.champion())
    judged = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["judged"]
    assert judged["metric"] == "roc_auc"
    assert judged["until"] == "2026-05-31"
    assert 0.5 < judged["value"] < 1
    assert 0 < judged["error"] < 0.1


def test_the_report_says_it_in_words_and_numbers(later, tmp_path):
    path = monitor.write_report(tmp_path, later(20, turned))
    text = path.read_text(encoding="utf-8")
    assert text.startswith("## Monitor: a retraining is due\n")
    assert "| at the gate |" in text
    assert "| churned | distribution | warn |" in text
