"""settings.toml: every mistake is named, and nothing that is misspelt passes unseen."""

import pytest
from pydantic import ValidationError

from your_package.errors import Status, Stop
from your_package.root import find_root
from your_package.settings import (
    METRICS,
    Settings,
    read_settings,
)

GOOD = 'name = "churn"\ntask = "binary"\n'


def write(folder, text):
    (folder / "settings.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('name = "churn"\ntusk = "binary"', "unknown key 'tusk'; did you mean 'task'?"),
        (GOOD + "[splitt]\nholdout = 0.3", "unknown key 'splitt'; did you mean 'split'?"),
        (GOOD + "[split]\nholdoud = 0.3", "'split.holdoud'; did you mean 'holdout'?"),
        (GOOD + "[gate]\nmax_los_increase = 0.1", "did you mean 'max_loss_increase'?"),
        (GOOD + "[serve]\nzzz = 1", "'serve.zzz'; known keys: host, port, log, log_sample."),
        ('name = "churn"', "task: Field required"),
        (GOOD + '[split]\nholdout = "0.2"', "split.holdout: "),
        (GOOD + "[split]\nholdout = 1.0", "split.holdout: "),
        (GOOD + "[split]\nholdout = 0", "split.holdout: "),
        (GOOD + "[data]\nwindow_days = 1.5", "data.window_days: "),
        (GOOD + "[data]\nwindow_days = true", "data.window_days: "),
        (GOOD + "[train]\nseed = -1", "train.seed: "),
        (GOOD + "[train]\nthreshold = 1", "train.threshold: "),
        (GOOD + '[train]\ntrusted_types = "a.B"', "train.trusted_types: "),
        (GOOD + "[serve]\nport = 70000", "serve.port: "),
        (GOOD + "[gate]\nmin_rows = 1", "gate.min_rows: "),
        (GOOD + "gate = 5", "gate: "),
        (GOOD + '[gate]\nmetric = "auc"', "'auc' does not fit a binary task"),
        (GOOD + "[gate]\nmetric = 5", "gate.metric: "),
        (GOOD + '[gate]\nmetric = "python:mine:profit"', "say in [gate] margin"),
        (GOOD + '[gate]\nmetric = "mae"', "'mae' does not fit a binary task: use roc_auc"),
        ('name = "a\'b"\ntask = "binary"', "name: "),
        ('name = ""\ntask = "binary"', "name: "),
        ('name = "churn"\ntask = "ranking"', "task: "),
        ("name = churn", "settings.toml is not valid TOML"),
    ],
)
def test_a_mistake_ends_with_its_place_and_what_to_do(tmp_path, text, named):
    with pytest.raises(Stop) as stopped:
        read_settings(write(tmp_path, text))
    assert stopped.value.status == Status.SETTINGS
    assert named in str(stopped.value)
    assert str(stopped.value).startswith("settings.toml")


def test_all_mistakes_are_named_at_once(tmp_path):
    text = GOOD + "[split]\nholdout = 2.0\n[serve]\nprot = 80\n[data]\nwindow_days = -1"
    with pytest.raises(Stop) as stopped:
        read_settings(write(tmp_path, text))
    lines = str(stopped.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("settings.toml: ") for line in lines)


def test_bytes_that_are_no_text_are_a_clear_stop(tmp_path):
    (tmp_path / "settings.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(Stop, match="not valid TOML"):
        read_settings(tmp_path)


def test_two_keys_are_enough(tmp_path):
    settings = read_settings(write(tmp_path, GOOD))
    assert settings == Settings(name="churn", task="binary")


def test_a_value_that_is_set_wins_over_the_default(tmp_path):
    text = GOOD + '[split]\nholdout = 0.3\n[gate]\nmetric = "brier"\nmin_rows = 50'
    settings = read_settings(write(tmp_path, text))
    assert (settings.split.holdout, settings.gate.min_rows) == (0.3, 50)
    assert settings.metric == "brier"


@pytest.mark.parametrize(
    ("task", "metric"), [("binary", "roc_auc"), ("multiclass", "log_loss"), ("regression", "mae")]
)
def test_each_task_has_its_metric(task, metric):
    assert Settings(name="a", task=task).metric == metric


@pytest.mark.parametrize("task", METRICS)
def test_every_metric_of_a_task_can_be_chosen(task):
    for metric in METRICS[task]:
        chosen = {"name": "a", "task": task, "gate": {"metric": metric}}
        assert Settings.model_validate(chosen).metric == metric


@pytest.mark.parametrize("place", ["name", "split.holdout"])
def test_settings_do_not_change_once_read(place):
    settings = Settings(name="a", task="binary")
    section, _, key = place.rpartition(".")
    with pytest.raises(ValidationError, match="frozen"):
        setattr(getattr(settings, section) if section else settings, key, "b")


def test_the_project_is_found_from_any_folder_inside_it(tmp_path):
    deep = write(tmp_path, GOOD) / "a" / "b"
    deep.mkdir(parents=True)
    assert find_root(deep) == tmp_path
    assert find_root(tmp_path) == tmp_path


def test_outside_a_project_the_message_says_where_to_go(tmp_path):
    with pytest.raises(Stop, match="run `ml` inside the project") as stopped:
        find_root(tmp_path)
    assert stopped.value.status == Status.SETTINGS
