"""Parameters are searched inside the training part, and only there."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from your_package import tune
from your_package.errors import Status, Stop
from your_package.project import read_parameters
from your_package.steps.split import split
from your_package.steps.tune import (
    Attempt,
    Budget,
    best,
    folds,
)


@pytest.fixture
def small(sample_project, sample_rows, sample_contract, empty_store):
    import shutil

    def make(task="binary"):
        project = sample_project(task)
        shutil.copy(empty_store, project.root)
        return project, split(sample_rows(task, 30), sample_contract(task), 0.3)

    return make


class Untouchable:
    """A holdout that no search may read."""

    def __getattr__(self, name):  # noqa: D105
        raise AssertionError(f"the holdout was asked for {name}")


def quick(task):
    found = {"max_iter": [2, 40], "max_leaf_nodes": [4, 8]}
    return {"loss": ["squared_error"], **found} if task == "regression" else found


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_a_search_never_sees_the_holdout(small, monkeypatch, task):
    """It is not passed in; a holdout that raises when it is touched proves it."""
    monkeypatch.setattr(tune.yours, "search_space", quick)
    project, parts = small(task)
    guarded = replace(parts, holdout=Untouchable(), holdout_hashes=Untouchable())
    found, attempts = tune.tune(project, guarded.training, Budget(trials=3))
    assert len(attempts) == 4
    assert attempts[0].parameters == {}
    assert max(one.mean for one in attempts) == best(attempts).mean
    assert found.parameters == best(attempts).parameters


def test_what_was_found_is_kept_and_used(small, monkeypatch):
    from your_package.fitting import build_estimator
    from your_package.store.tracking import Registry

    monkeypatch.setattr(tune.yours, "search_space", lambda _: {"max_iter": [30]})
    project, parts = small()
    registry = Registry(project.root, project.settings.name)
    tuned = tune.tuned(project, registry, parts.training, Budget(trials=1))
    assert read_parameters(project.root) == dict(tuned.parameters)
    estimator = build_estimator(project, 100, {"max_iter": 30})
    assert estimator.get_params()["histgradientboostingclassifier__max_iter"] == 30
    assert registry.history() == []


def test_where_nothing_may_be_written_it_says_so_before_the_search(small, monkeypatch):
    """The image to train in; root, as which tests may run, may write wherever a disk can."""
    from your_package.store.tracking import Registry

    monkeypatch.setattr(tune.os, "access", lambda *_: False)
    project, parts = small()
    registry = Registry(project.root, project.settings.name)
    with pytest.raises(Stop, match=r"may not write here: search in a checkout"):
        tune.tuned(project, registry, parts.training, Budget(trials=1))


def test_a_budget_of_no_time_tries_the_default_alone(small, monkeypatch):
    monkeypatch.setattr(tune.yours, "search_space", lambda _: {"max_iter": range(60)})
    project, parts = small()
    _, attempts = tune.tune(project, parts.training, Budget(trials=50, minutes=0))
    assert [one.parameters for one in attempts] == [{}]


def test_a_parameter_that_the_estimator_does_not_know_is_a_setting_to_mend(small, monkeypatch):
    monkeypatch.setattr(tune.yours, "search_space", lambda _: {"depth_of_thought": [1]})
    project, parts = small()
    with pytest.raises(Stop, match=r"does not fit model\.py") as stopped:
        tune.tune(project, parts.training, Budget(trials=1))
    assert stopped.value.status == Status.SETTINGS


@pytest.mark.parametrize("text", ["{", "[1]", "\xff"])
def test_a_file_of_parameters_that_is_none_is_said_so(tmp_path, text):
    (tmp_path / "params.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(Stop, match=r"params\.json"):
        read_parameters(tmp_path)


def test_the_default_stays_where_nothing_is_better():
    worse = [Attempt({"a": n}, (0.1, 0.2)) for n in range(3)]
    assert best([Attempt({}, (0.2, 0.2)), *worse]).parameters == {}


def test_later_rows_judge_earlier_ones():
    order = np.random.default_rng(0).permutation(100)
    for train, judge in folds(100, np.zeros(100), None, order):
        assert order[train].max() < order[judge].min()


def test_the_rows_of_an_owner_stay_together():
    owners = np.repeat(np.arange(20), 5)
    for train, judge in folds(100, np.zeros(100), owners, None):
        assert not set(owners[train]) & set(owners[judge])


def test_every_row_judges_once_and_classes_keep_their_shares():
    answers = np.array([0] * 90 + [1] * 10)
    parts = folds(100, answers, None, None)
    assert sorted(np.concatenate([judge for _, judge in parts])) == list(range(100))
    assert {int(answers[judge].sum()) for _, judge in parts} == {2}


def test_a_search_space_is_json(small):
    """What is found has to survive in a file."""
    project, parts = small()
    _, attempts = tune.tune(project, parts.training.head(300), Budget(trials=2))
    assert json.loads(json.dumps([dict(one.parameters) for one in attempts]))
    assert isinstance(parts.training, pl.DataFrame)
