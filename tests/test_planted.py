"""Defects that are planted into real trainings of a generated project are each stopped by name."""

import json
from datetime import date

import pytest
from conftest import TEMPLATE, TODAY

SCRIPT = TEMPLATE / "tests" / "plant.py"
STOPPED = {
    "shuffled labels": ("REJECT", "provably worse than the champion", "secondary score (block)"),
    "constant model": ("REJECT", "provably worse than the champion", "slices (block)"),
    "truncated training": ("REJECT", "provably worse than the champion", "calibration (block)"),
    "leaked target": ("REJECT", "hint tells churned all by itself", "target leak (block)"),
    "leaked rows": ("INVALID", "5 holdout rows were training rows of the challenger", None),
    "one bad slice": ("REJECT", "region = north", "slices (block)"),
    "flipped class order": ("REJECT", "provably worse than the champion", "behaviour (block)"),
    "changed feature order": ("REJECT", "provably worse than the champion", "behaviour (block)"),
    "miscalibration": ("REJECT", "calibration: proven harm", "calibration (block)"),
    "a slower and a larger model": (None, "", "size (warn)"),
    "a model over its budget": ("REJECT", "0.001 MB are allowed", "size (block)"),
    "old answers": ("REJECT", "1 days old; 0 are allowed", "freshness (block)"),
}


@pytest.fixture(scope="session")
def planted(installed, tmp_path_factory):
    """What the gate of a real project says of every defect."""
    project = installed("binary").copy(tmp_path_factory.mktemp("planted") / "project")
    (package,) = (path.name for path in (project.folder / "src").iterdir())
    one = {"OMP_NUM_THREADS": "1"}  # threads that wait for one another on two busy cores
    done = project.uv("python", SCRIPT, package, TODAY, env=one)
    return json.loads(done.stdout.splitlines()[-1])


def test_the_same_training_without_a_defect_is_promoted(planted):
    assert planted["none"]["verdict"] == "PROMOTE"
    assert not [name for name in planted["none"]["failed"] if name.endswith("(block)")]


@pytest.mark.parametrize("defect", STOPPED)
def test_each_defect_is_stopped_by_name(defect, planted):
    verdict, words, guard = STOPPED[defect]
    found = planted[defect]
    assert verdict in (None, found["verdict"]), found["reason"]
    assert words in found["reason"]
    assert guard is None or guard in found["failed"]


def test_no_defect_was_forgotten(planted):
    assert set(planted) == {*STOPPED, "none"}


def test_without_its_settings_the_gate_is_the_same(project):
    """Deleting [gate] from settings.toml loosens nothing: the defaults are the strict ones."""
    path = project.folder / "settings.toml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[gate]"), text.index("[card]")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    made = json.loads(project.ml("train", "--today", TODAY, "--json").stdout)
    assert made["decision"]["verdict"] == "PROMOTE"
    result = json.loads((project.folder / "reports" / "gate" / "result.json").read_text("utf-8"))
    assert (result["settings"]["max_loss_increase"], result["settings"]["min_rows"]) == (0.05, 200)
    assert date.fromisoformat(TODAY)


def test_a_report_that_was_tampered_with_is_found_out(project):
    project.ml("train", "--today", TODAY)
    assert project.ml("gate", "--explain").stdout.startswith("PROMOTE: ")
    path = project.folder / "reports" / "gate" / "result.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"PROMOTE"', '"KEEP"', 1), "utf-8")
    done = project.ml("gate", "--explain", status=4)
    assert "the file was changed" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_gate_finds_its_own_planted_cases(project):
    found = json.loads(project.ml("gate", "--selftest", "--json").stdout)
    assert [one["planted"] for one in found if not one["ok"]] == []
    assert len(found) == 8


def test_a_search_ends_in_a_judged_model_and_is_used_again(project):
    project.ml("train", "--today", TODAY, "--tune", "--trials", "2", "--minutes", "5")
    parameters = json.loads((project.folder / "params.json").read_text(encoding="utf-8"))
    again = json.loads(project.ml("train", "--today", TODAY, "--json").stdout)
    assert again["decision"]["verdict"] == "PROMOTE"
    assert isinstance(parameters, dict)
    assert project.ml("card").stdout.startswith("# Model card: ")


def test_a_metric_of_ones_own_decides(project):
    (package,) = (path for path in (project.folder / "src").iterdir())
    (package / "mine.py").write_text(
        "def caught(answers, predicted):\n"
        '    """Share of the leavers among the most likely fifth."""\n'
        "    order = predicted[:, 1].argsort()[::-1]\n"
        "    return float(answers[order[: len(order) // 5]].mean())\n",
        encoding="utf-8",
    )
    own = f'metric = "python:{package.name}.mine:caught" '
    project.edit("settings.toml", ('# metric = "roc_auc" ', own))
    done = project.ml("train", "--today", TODAY, status=2)
    assert "say in [gate] margin how much worse is still as good" in done.stderr
    project.edit("settings.toml", ("# margin = 0.01 ", "margin = 0.02 "))
    first = json.loads(project.ml("train", "--today", TODAY, "--json").stdout)
    assert first["decision"]["verdict"] == "PROMOTE"
    project.ml("promote")
    later = json.loads(project.ml("train", "--today", "2026-06-20", "--json", status=None).stdout)
    assert later["decision"]["margin"] == 0.02
    assert later["decision"]["metric"] == f"python:{package.name}.mine:caught"
