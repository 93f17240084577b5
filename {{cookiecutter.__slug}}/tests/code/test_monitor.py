"""A champion is watched on rows that came after it; only a proven loss asks for a retraining."""

import gzip
import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest
from _row import logged_line

from your_package import pipeline, sample
from your_package.errors import Status, Stop
from your_package.monitor import watch as watching
from your_package.monitor.report import write_report
from your_package.monitor.score import Estimate
from your_package.monitor.verdict import verdict
from your_package.predict import champion
from your_package.promote import promote
from your_package.serving.place import Place
from your_package.settings import DataSettings
from your_package.steps.drift import Drift
from your_package.store.bundle import MANIFEST
from your_package.store.encode import encode_rows
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
        monkeypatch.setattr(watching, "load_rows", lambda *_: rows.lazy())
        return watching.watch(shipped[0], shipped[1], today)

    return watch


def test_without_a_champion_there_is_nothing_to_watch(sample_project):
    project = sample_project("regression")
    seen = watching.watch(project, Registry(project.root, project.settings.name), DAY)
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


def test_a_week_of_one_class_has_no_score_and_breaks_nothing(later):
    day = pl.col("observed_on")
    inside = (day >= DAY + timedelta(days=6)) & (day < DAY + timedelta(days=13))
    kept = pl.when(inside).then(0).otherwise("churned")
    seen = later(20, lambda rows: rows.with_columns(churned=kept))
    assert len(seen.scores.weeks) == len(later(20).scores.weeks) - 1


def test_why_a_retraining_waits_or_would_not_help_is_told_apart(shipped, later):
    """A loss is there in each of them, and the issue about it stays open."""
    project, _ = shipped
    lost = later(20, turned)
    assert (lost.due, lost.then) == (True, "retrain")
    waiting = verdict(project, lost, {}, (1,))
    assert (waiting.due, waiting.then) == (False, "wait")
    assert later(20).then == "nothing"


def test_answers_that_were_joined_to_other_rows_start_nothing(later):
    """The score falls to a coin's, and a model that learnt from such rows would be one."""
    wrong = pl.when(pl.col("observed_on") < DAY).then("churned")
    joined = wrong.otherwise(pl.col("churned").shuffle(seed=1))
    seen = later(20, lambda rows: rows.with_columns(churned=joined))
    assert (seen.due, seen.then) == (False, "look")
    assert "is proven below" in seen.reason
    assert "not to be learnt from: churned: target: " in seen.reason


def test_of_few_rows_neither_answers_nor_inputs_start_anything(shipped, later):
    moved = Drift("1", "distance", 0.4, 0.0, drifted=True)
    few = replace(later(5), answers=moved, drift=(replace(moved, column="plan"),))
    seen = verdict(shipped[0], few, {"plan": 1.0}, ())
    assert (seen.due, seen.then) == (False, "nothing")
    assert verdict(shipped[0], replace(few, rows=500), {"plan": 1.0}, ()).due


@pytest.mark.parametrize(("fallen", "due"), [(0.020, False), (0.022, False), (0.024, True)])
def test_luck_at_the_gate_is_no_loss_however_often_it_is_asked(fallen, due, shipped, later):
    """Sure of the newest rows, two standard errors below the gate's score may still be its luck."""
    seen = later(20)
    scores = replace(seen.scores, now=Estimate(0.80 - fallen, 0.0))
    seen = replace(seen, judged=Estimate(0.80, 0.01), scores=scores)
    assert verdict(shipped[0], seen, {}, ()).due is due


def test_a_gate_that_judged_the_champion_again_is_the_newest_yardstick(sample_project):
    """A loss that was answered is not answered daily: what counts is what has changed since."""
    project = sample_project("binary")
    settings = project.settings.model_copy(update={"data": DataSettings(source="rows.parquet")})
    project = replace(project, settings=settings)
    registry = Registry(project.root, project.settings.name)

    def until(day):
        rows = turned(sample.rows("binary", DAY - timedelta(days=180), day))
        rows.write_parquet(project.root / "rows.parquet")
        return day

    pipeline.run(project, until(DAY), lambda _: nullcontext())
    promote(registry)
    before = watching.watch(project, registry, until(DAY + timedelta(days=40)))
    assert before.due
    assert before.judged
    pipeline.run(project, DAY + timedelta(days=40), lambda _: nullcontext())
    stood = json.loads(registry.history()[-1].stood)
    after = watching.watch(project, registry, until(DAY + timedelta(days=50)))
    assert (after.version, after.judged) == (1, Estimate(stood["value"], stood["error"]))
    assert stood["value"] < before.judged.value - 0.02
    assert not after.due
    assert f"({before.judged.value:.4f} at its own gate)" in after.reason
    assert after.rows == 50 * sample.ROWS_A_DAY  # what it was not trained on stays newer


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
    monkeypatch.setattr(watching, "load_rows", lambda *_: rows.lazy())
    seen = watching.watch(replace(project, contract=contract), registry, DAY)
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
    path = write_report(tmp_path, later(20, turned))
    text = path.read_text(encoding="utf-8")
    assert text.startswith("## Monitor: a retraining is due\n")
    assert "| at the newest gate |" in text
    assert "| churned | distribution | warn |" in text


@pytest.fixture
def logged(shipped, monkeypatch, tmp_path):
    """Watch so many days later, where rows came through the service and its log alone."""
    project, registry = shipped
    model = champion(registry)[1]
    names = [column.name for column in model.signature.inputs]

    def watch(days, change=lambda rows: rows, labels="churned", version="v1", lie=0.0, data=0):
        rows = change(sample.rows("binary", DAY, DAY + timedelta(days=days)))
        said = model.predict(encode_rows(rows, model.signature.inputs)) + lie
        place = Place.open(str(tmp_path / "log"))
        for day, part in rows.with_row_index().group_by("observed_on"):
            at = datetime.combine(day[0], time(12), UTC)
            asked = part.select(names).to_dicts()
            answers = [said[n].tolist() for n in part["index"]]
            name = f"{day[0]}/{{}}-1.jsonl.gz"
            one = logged_line(at, f"r{day[0]}", version, asked, answers, names)
            place.write(name.format("predictions"), gzip.compress(one))
            if labels:
                told = [
                    {"at": at.isoformat(), "id": f"r{day[0]}", "row": n, "label": value}
                    for n, value in enumerate(part[labels])
                ]
                text = "\n".join(map(json.dumps, told))
                place.write(name.format("labels"), gzip.compress(text.encode()))
        old = sample.rows("binary", DAY - timedelta(days=30), DAY + timedelta(days=data))
        monkeypatch.setattr(watching, "load_rows", lambda *_: old.lazy())
        return watching.watch(project, registry, DAY + timedelta(days=days), str(tmp_path / "log"))

    return watch


def test_traffic_with_labels_is_scored_where_the_data_have_nothing_newer(logged):
    seen = logged(20)
    assert (seen.source, seen.rows, seen.labelled) == ("prediction log", 1200, 1200)
    assert "is within reach of" in seen.reason
    assert seen.versions == {"v1": 1200}
    assert seen.skew < 1e-9
    assert seen.newest_label == DAY + timedelta(days=19)
    assert len(seen.scores.weeks) == 3
    assert 0 < seen.scores.calibration.ece < 0.2
    assert not [one for one in seen.drift if one.drifted]
    assert not seen.answers.drifted


def test_a_loss_in_traffic_asks_for_a_retraining(logged):
    seen = logged(20, turned, data=2)
    assert seen.due
    assert "is proven below" in seen.reason


def test_a_loss_that_traffic_alone_has_seen_waits_for_rows_to_learn_from(logged):
    """Today's data would give today's model once more, day after day."""
    seen = logged(20, turned)
    assert (seen.due, seen.then, seen.learnable) == (False, "look", 0)
    assert "is proven below" in seen.reason
    assert "nothing new to learn" in seen.reason


def test_a_service_that_answers_otherwise_than_its_bundle_is_found_out(logged):
    assert logged(20, lie=0.001).skew == pytest.approx(0.001, rel=1e-3)
    assert logged(20, lie=0.001, version="v0").skew is None  # another version may differ


def pricier(rows):
    return rows.with_columns(
        plan=pl.lit("pro"), monthly_spend=pl.col("monthly_spend") * 3, support_calls=pl.lit(4)
    )


def test_while_labels_are_late_what_the_model_leans_on_and_its_answers_decide(logged):
    calm, moved = logged(20, labels=None), logged(20, pricier, labels=None)
    assert (calm.due, calm.labelled) == (False, 0)
    assert "too few to score" in calm.reason
    assert calm.expected.score.lower < calm.judged.upper
    assert "no label has come yet" in calm.expected.trust
    assert moved.due
    assert moved.reason.startswith("labels are late, and the answers have moved")
    assert {"plan", "monthly_spend"} <= {one.column for one in moved.drift if one.drifted}


def test_where_labels_have_judged_drift_is_told_and_starts_nothing(logged):
    """Customers of another plan, answered as well as those before."""
    seen = logged(40, lambda rows: rows.filter(pl.col("plan") != "basic"))
    assert "plan" in {one.column for one in seen.drift if one.drifted}
    assert not seen.due


def test_few_labels_say_how_far_to_trust_what_is_expected(logged):
    some = pl.when(pl.col("customer_id").hash(3) % 5 == 0).then("churned")
    told = logged(20, lambda rows: rows.with_columns(some=some), labels="some")
    assert 100 < told.labelled < 500
    assert "so far it holds" in told.expected.trust
    wrong = logged(20, lambda rows: turned(rows).with_columns(some=some), labels="some")
    assert wrong.expected.score.value == pytest.approx(told.expected.score.value)
    assert "do not trust it" in wrong.expected.trust


def test_a_champion_that_has_grown_old_is_due(shipped, monkeypatch):
    project, _ = shipped
    aged = project.settings.monitor.model_copy(update={"max_age_days": 30})
    settings = project.settings.model_copy(update={"monitor": aged})
    made = datetime.now(UTC).date()
    for days, due in ((29, False), (31, True)):
        rows = sample.rows("binary", DAY - timedelta(days=30), DAY)
        monkeypatch.setattr(watching, "load_rows", lambda *_, rows=rows: rows.lazy())
        checked = replace(project, settings=settings, contract=fresh(project.contract))
        seen = watching.watch(checked, shipped[1], made + timedelta(days=days))
        assert seen.due is due
        assert not due or "31 days old" in seen.reason


def fresh(contract):
    """Any age of rows is allowed."""
    return contract.model_copy(
        update={"time": contract.time.model_copy(update={"max_age_days": None})}
    )


def test_just_after_a_trial_it_waits(later, shipped, monkeypatch):
    now = datetime.now(UTC)
    past = replace(shipped[1].history()[0], when=now.replace(year=DAY.year, month=6, day=19))
    monkeypatch.setattr(Registry, "history", lambda _: [past])
    seen = later(20, turned)
    assert not seen.due
    assert "so nothing starts before 3 days" in seen.reason


def test_the_report_of_traffic_names_what_is_odd(logged, tmp_path):
    seen = logged(20, pricier, labels=None)
    path = write_report(tmp_path / "project", seen)
    text = path.read_text(encoding="utf-8")
    assert "| monthly_spend | 0." in text
    assert "Answered by version, rows: v1 1,200." in text
    assert "How far to trust what is expected" in text
    assert {one.name for one in path.parent.iterdir()} == {
        *("report.md", "seen.json", "drift.png", "score.png"),
    }
    again = json.loads((path.parent / "seen.json").read_text(encoding="utf-8"))
    assert (again["due"], again["version"]) == (True, 1)
