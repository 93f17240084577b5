"""A simulated year: the loop's own steps, worlds that are what they say, and one picture."""

import json
import pickle  # noqa: TID251 - as processes hand it on
from dataclasses import replace
from datetime import date, timedelta
from math import isfinite, nan
from statistics import fmean

import numpy as np
import pytest

from your_package import sample
from your_package.errors import Stop
from your_package.simulate.report import (
    sentence,
    write_report,
)
from your_package.simulate.run import (
    OWN,
    Lived,
    Plan,
    choose,
    live,
)
from your_package.simulate.sources import WEEK, Own, Sampled
from your_package.simulate.worlds import (
    START,
    WORLDS,
    rot,
    spoil,
)
from your_package.simulate.year import BROKEN, POLICIES, Year

TODAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def lived(sample_project):
    """Seven weeks of a world with a broken export in the sixth."""
    project = sample_project("binary")
    ticks = []
    source = Sampled(project, WORLDS["batches"], 7, seed=1)
    weeks = Year(project).live(source, 7, lambda: ticks.append(1))
    assert len(ticks) == 7
    return Lived("batches", "says", tuple(weeks))


def test_policies_are_compared_in_the_weeks_that_all_have(lived):
    """A loop that promotes late is not spared the weeks that the others had to live."""
    late = [replace(week, scores={**week.scores, "loop": nan}) for week in lived.weeks[:3]]
    some = replace(lived, weeks=(*late, *lived.weeks[3:]))
    for policy in POLICIES:
        assert some.mean(policy) == fmean(week.scores[policy] for week in lived.weeks[3:])
    assert "in the 4 weeks in which all had a model" in sentence(some, "roc_auc")
    assert "nothing can be compared" in sentence(replace(lived, weeks=tuple(late)), "roc_auc")


def test_every_policy_has_a_true_score_in_every_week(lived):
    for week in lived.weeks:
        assert sorted(week.scores) == sorted(POLICIES)
        assert all(0.4 < value < 0.9 for value in week.scores.values())
    assert lived.weeks[0].verdict == "PROMOTE"
    assert len(set(lived.weeks[0].scores.values())) == 1  # the first model is everybody's
    assert lived.promotions == sum(week.verdict == "PROMOTE" for week in lived.weeks)


def test_a_broken_export_stops_the_loop_and_reaches_who_does_not_look(lived):
    broken = lived.weeks[5]
    assert broken.verdict == BROKEN
    assert "monthly_spend" in broken.reason
    assert broken.scores["always"] < broken.scores["loop"] - 0.1
    mended = lived.weeks[6]
    assert mended.verdict != BROKEN
    assert abs(mended.scores["always"] - mended.scores["loop"]) < 0.03


def test_the_report_has_a_row_a_world_and_a_picture(lived, tmp_path):
    path = write_report(tmp_path, [lived], "roc_auc")
    text = path.read_text(encoding="utf-8")
    assert "| batches | 0." in text
    assert "1 batches were stopped" in text
    assert (path.parent / "simulate.png").stat().st_size > 10_000
    weeks = json.loads((path.parent / "weeks.json").read_text(encoding="utf-8"))[0]["weeks"]
    assert [week["verdict"] for week in weeks] == [week.verdict for week in lived.weeks]


def share(rows, day):
    part = rows.filter(observed_on=day)
    return float((part["region"] == "online").mean())


def year(name, seed=0):
    world = replace(WORLDS[name].world, seed=seed, rows_a_day=400)
    ends = (START, START + timedelta(days=363))
    return [sample.rows("binary", day, day + WEEK, world) for day in ends]


def test_the_worlds_are_what_they_say():
    first, last = year("stable")
    assert share(first, START) == pytest.approx(share(last, START + timedelta(days=363)), abs=0.12)
    first, last = year("covariate")
    assert (last["region"] == "online").mean() - (first["region"] == "online").mean() > 0.35
    world = WORLDS["concept"].world
    assert abs(world.season(np.array([1.0]))[0] - world.season(np.array([2.0]))[0]) > 1.5


def test_rotten_labels_are_more_and_more_and_the_same_again():
    world = replace(WORLDS["labels"].world, seed=3, rows_a_day=20)
    rows = sample.rows("binary", START, START + timedelta(days=364), world)
    rotten = rot("binary", rows, WORLDS["labels"], 3)
    wrong = (rotten["churned"] != rows["churned"]).to_numpy()
    assert wrong[:1500].sum() == 0
    assert wrong[-1500:].mean() > 0.08
    assert rotten.equals(rot("binary", rows, WORLDS["labels"], 3))
    assert rot("binary", rows, WORLDS["stable"], 3).equals(rows)


def test_a_broken_export_changes_units_and_labels():
    rows = sample.rows("binary", START, START + WEEK)
    broken = spoil("binary", rows, 1)
    assert (broken["monthly_spend"] / rows["monthly_spend"]).drop_nulls().mean() == pytest.approx(
        100
    )
    assert sorted(broken["churned"]) == sorted(rows["churned"])
    assert not broken["churned"].equals(rows["churned"])


def test_other_seeds_draw_other_rows_and_the_default_is_as_it_was():
    one, two = (sample.rows("binary", START, START + WEEK, sample.World(seed=s)) for s in (1, 2))
    assert not one.equals(two)
    assert sample.rows("binary", START, START + WEEK).equals(
        sample.rows("binary", START, START + WEEK, sample.World(seed=0))
    )


@pytest.fixture
def adopted(sample_project, tmp_path):
    """A project whose rows are a file of its own, and the day after the last of them."""
    project = sample_project("binary")
    rows = sample.rows("binary", TODAY - timedelta(days=240), TODAY)
    rows.write_csv(tmp_path / "rows.csv")
    data = project.settings.data.model_copy(update={"source": str(tmp_path / "rows.csv")})
    return replace(project, settings=project.settings.model_copy(update={"data": data}))


def test_own_rows_are_lived_through_once_more(adopted):
    source = Own(adopted, 4, TODAY)
    assert source.first == TODAY - 5 * WEEK
    seen = source.until(source.first, 0).collect()
    assert seen["observed_on"].max() < source.first.isoformat()
    weeks = Year(adopted).live(source, 4, lambda: None)
    assert [sorted(week.scores) for week in weeks] == [sorted(POLICIES)] * 4
    assert all(isfinite(value) for week in weeks for value in week.scores.values())


def test_too_little_history_says_how_much_there_is(adopted):
    with pytest.raises(Stop, match="use --weeks 2"):
        Own(adopted, 52, TODAY)


def test_without_time_there_is_nothing_to_replay(adopted):
    columns = dict(adopted.contract.columns)
    columns["observed_on"] = columns["observed_on"].model_copy(update={"role": "other"})
    contract = adopted.contract.model_copy(update={"columns": columns})
    with pytest.raises(Stop, match="no history to replay"):
        Own(replace(adopted, contract=contract), 4, TODAY)


def test_worlds_are_the_samples_and_own_rows_are_ones_own(sample_project, adopted):
    sampled = sample_project("binary")
    assert choose(sampled, ()) == [*WORLDS]
    assert choose(sampled, ["stable"]) == ["stable"]
    assert choose(adopted, ()) == [OWN]
    with pytest.raises(Stop, match="use stable"):
        choose(sampled, ["mars"])
    with pytest.raises(Stop, match="your own rows"):
        choose(adopted, ["stable"])


def test_a_plan_travels_and_is_lived_elsewhere(sample_project):
    """What a process of its own does; it needs no folder of the project's."""
    plan = Plan(sample_project("regression"), "stable", 2, 1, 1, TODAY)
    found = live(pickle.loads(pickle.dumps(plan)), lambda: None)  # noqa: S301
    assert found.weeks[0].verdict == "PROMOTE"
    assert found.mean("loop") < 0  # a loss is kept with its minus
