"""The loop in a real project: the README's commands, bad input, crashes, two at once, a server."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import SAMPLES, TEMPLATE, TODAY, Project, commands_of
from real_servers import mlflow_server

LATER = "2026-06-08"


def facts(project: Project) -> dict:
    """What `ml status` knows, without what differs from run to run."""
    status = json.loads(project.ml("status", "--json").stdout)
    kept = ("number", "identity", "data_id", "judgement", "rolled_back")
    versions = [{key: one[key] for key in kept} for one in status["versions"]]
    for one in versions:
        one["judgement"]["champion"] = one["judgement"]["champion"] is not None
    return {"aliases": status["aliases"], "versions": versions}


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_commands_of_the_readme_lead_to_a_served_prediction(sample, installed, tmp_path):
    project = installed(sample).copy(tmp_path / "project", environment=False)
    commands = commands_of(project.folder / "README.md")[0]
    assert commands == ["uv run ml train", "uv run ml promote", "uv run ml serve --smoke"]
    seconds = {}
    for command in commands:
        start = time.perf_counter()
        done = project.run(*shlex.split(command))
        seconds[command] = round(time.perf_counter() - start, 1)
    print(sample, seconds)
    assert "as when it was made" in done.stdout
    report = project.folder / "reports" / "gate"
    assert (report / "report.md").read_text(encoding="utf-8").startswith("## Model gate: PROMOTE")
    assert (report / "gate.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((report / "result.json").read_text())["schema"] == 2


def test_each_command_fails_when_there_is_nothing_for_it_to_do(project):
    for command in ("promote", "gate", "rollback", "serve --smoke"):
        done = project.ml(*command.split(), status=1)
        assert "Traceback" not in done.stderr
        assert "ml train" in done.stderr or "no champion" in done.stderr


def test_a_year_of_weeks_moves_the_champion_and_back(project):
    """Train, promote, keep, promote again, roll back twice: aliases say what happened."""
    project.ml("train", "--today", TODAY)
    project.ml("promote")
    again = json.loads(project.ml("train", "--today", TODAY, "--json").stdout)
    assert again["decision"]["verdict"] == "KEEP"
    assert again["version"] is None
    project.ml("promote")  # the champion already
    for week in ("2026-08-03", "2026-09-07", "2026-10-05"):
        done = json.loads(project.ml("train", "--today", week, "--json").stdout)
        if done["decision"]["verdict"] == "PROMOTE":
            break
    assert done["decision"]["verdict"] == "PROMOTE"
    number = done["version"]["number"]
    project.ml("promote")
    assert facts(project)["aliases"]["champion"] == number
    assert facts(project)["aliases"]["previous"] == 1
    for _ in range(2):
        project.ml("rollback")
        aliases = facts(project)["aliases"]
        assert (aliases["champion"], aliases["anchor"]) == (1, 1)
    refused = project.ml("promote", str(number), status=1)
    assert "rolled back" in refused.stderr
    project.ml("rollback", str(number))
    assert facts(project)["aliases"]["champion"] == number


def test_a_judgement_against_an_old_champion_does_not_promote(project):
    project.ml("train", "--today", TODAY)
    project.edit("settings.toml", ("# seed = 0", "seed = 1"))
    project.ml("train", "--today", LATER)
    assert len(facts(project)["versions"]) == 2
    project.ml("promote", "1")
    refused = project.ml("promote", "2", status=1)
    assert "ml gate 2" in refused.stderr
    judged = json.loads(project.ml("gate", "2", "--today", LATER, "--json").stdout)
    assert judged["decision"]["comparisons"][0]["against"] == "champion"


def test_a_worse_and_a_leaking_model_are_stopped(project):
    project.ml("train", "--today", TODAY)
    project.ml("promote")
    told = project.ml("gate", "--today", TODAY, status=1).stderr  # beside itself it would be KEEP
    assert "v1 is champion and nothing is newer" in told
    assert facts(project)["versions"][0]["judgement"]["verdict"] == "PROMOTE"
    model = next((project.folder / "src").glob("*/model.py"))
    good = model.read_text(encoding="utf-8")
    crash = good.replace("max_iter=150", "max_iter=1 // 0")
    model.write_text(crash, encoding="utf-8")
    assert "ZeroDivisionError" in project.ml("train", "--today", LATER, status=70).stderr
    weak = good.replace("max_iter=150", "max_iter=1")
    model.write_text(weak, encoding="utf-8")
    worse = project.ml("train", "--today", LATER, status=1)
    assert "REJECT" in worse.stdout
    model.write_text(good, encoding="utf-8")
    settings = project.folder / "settings.toml"
    half = settings.read_text("utf-8").replace("# holdout = 0.2", "holdout = 0.5")
    settings.write_text(half, "utf-8")
    leak = project.ml("train", "--today", LATER, status=4)
    assert "INVALID" in leak.stdout
    assert "training rows of the champion" in leak.stdout
    assert facts(project)["aliases"]["champion"] == 1
    assert len(facts(project)["versions"]) == 1


def test_a_champion_whose_bundle_was_changed_is_refused(project):
    project.ml("train", "--today", TODAY)
    project.ml("promote")
    bundle = next((project.folder / ".ml" / "bundles").iterdir())
    (bundle / "contract.yaml").write_text("columns: {}\n")
    served = project.ml("serve", "--smoke", status=4)
    assert "not what the manifest says" in served.stderr
    judged = project.ml("train", "--today", LATER, status=4)
    assert "cannot be scored" in judged.stdout


MISTAKES = {
    "a misspelt key": ('name = "', 'nmae = "x"\nname = "', 2, "did you mean 'name'"),
    "a wrong type": ("# window_days = 180", 'window_days = "a year"', 2, "data.window_days"),
    "a wrong metric": ('# metric = "roc_auc"', 'metric = "mae"', 2, "does not fit a binary task"),
    "no TOML": ('task = "', "task = ", 2, "not valid TOML"),
    "no such source": ('source = "sample:binary"', 'source = "data/none.csv"', 3, "no such file"),
    "no such sample": ('"sample:binary"', '"sample:trinary"', 2, "multiclass"),
}


@pytest.mark.parametrize(("old", "new", "status", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_settings_is_one_clear_line(old, new, status, words, project):
    settings = project.folder / "settings.toml"
    text = settings.read_text(encoding="utf-8")
    assert old in text
    settings.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = project.ml("train", status=status)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.folder / "mlflow.db").exists()


def test_a_broken_batch_stops_training_and_leaves_the_champion(project, tmp_path):
    project.ml("train", "--today", TODAY)
    project.ml("promote")
    before = facts(project)
    project.edit("contract.yaml", ("range: [0, 240]", "range: [0, 3]"))
    done = project.ml("train", "--today", LATER, status=3)
    assert "tenure_months: range" in done.stderr
    assert done.stderr.count("row ") >= 3
    assert facts(project) == before


def test_a_warning_is_shown_and_stops_nothing(project):
    project.edit("contract.yaml", ("range: [0, 240]", "range: [0, 3], severity: warn"))
    done = project.ml("train", "--today", TODAY)
    assert "outside 0 to 3" in done.stdout
    assert "PROMOTE" in done.stdout
    assert "outside 0 to 3" in project.ml("validate", "--today", TODAY).stdout


def test_predictions_are_the_same_in_every_format(project, tmp_path):
    project.ml("train", "--today", TODAY)
    project.ml("promote")
    export = (
        "import sys; from datetime import date; from customer_model import sample\n"
        "t = sample.rows('binary', date(2026, 6, 1), date(2026, 6, 9)).drop('churned')\n"
        "t.write_csv('in.csv'); t.write_parquet('in.parquet'); t.write_ndjson('in.jsonl')\n"
    )
    project.uv("python", "-c", export)
    for ending in ("csv", "parquet", "jsonl"):
        project.ml("predict", f"in.{ending}", f"out.{ending}", "--today", LATER)
    compare = (
        "import polars as pl\n"
        "a, b = pl.read_csv('out.csv'), pl.read_parquet('out.parquet')\n"
        "c = pl.read_ndjson('out.jsonl')\n"
        "assert a.columns == b.columns == c.columns and len(a) == 480, a\n"
        "for t in (b, c):\n"
        "    assert a['probability_1'].to_list() == t['probability_1'].to_list()\n"
        "assert a['prediction'].to_list() == [int(p >= .5) for p in a['probability_1']]\n"
    )
    project.uv("python", "-c", compare)
    out = project.folder / "out.csv"
    good = out.read_text(encoding="utf-8")
    for name, content in {
        "missing.csv": "region\nwest\n",
        "empty.csv": "",
        "in.pdf": "%PDF",
    }.items():
        (project.folder / name).write_text(content)
        done = project.ml("predict", name, "out.csv", status=3)
        assert "Traceback" not in done.stderr
    assert out.read_text(encoding="utf-8") == good
    assert not list(project.folder.glob(".part-*"))


def test_serve_answers_until_it_is_told_to_stop(project):
    project.ml("train", "--today", TODAY)
    project.ml("promote")
    command = [project.folder / ".venv" / "bin" / "ml", "serve", "--port", "0"]
    sources = str(project.folder / "src")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": sources}
    service = subprocess.Popen(
        command, cwd=project.folder, stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        said = "".join(service.stdout.readline() for _ in range(3))
        url, body = re.search(r"curl -s (\S+) -d '(.*)'", said).groups()
        answer = json.load(urllib.request.urlopen(url, body.encode(), timeout=10))
        assert answer["predictions"][0] in (0, 1)
        assert sum(answer["probabilities"][0]) == pytest.approx(1)
        ready = json.load(
            urllib.request.urlopen(url.replace("predict", "health/ready"), timeout=10)
        )
        assert ready == {"status": "ready", "version": "v1"}
    finally:
        service.send_signal(signal.SIGTERM)
        assert service.wait(15) in (0, -signal.SIGTERM)


def test_two_promotions_at_once_end_in_one_champion(project):
    project.ml("train", "--today", TODAY)
    project.edit("settings.toml", ("# seed = 0", "seed = 1"))
    project.ml("train", "--today", LATER)
    assert [v["judgement"]["verdict"] for v in facts(project)["versions"]] == ["PROMOTE"] * 2
    with ThreadPoolExecutor(4) as pool:
        asked = ["1", "2", "1", "2"]
        done = list(pool.map(lambda n: project.ml("promote", n, status=None), asked))
    aliases = facts(project)["aliases"]
    winner = str(aliases["champion"])
    assert [d.returncode for d, n in zip(done, asked, strict=True) if n == winner] == [0, 0]
    assert [d.returncode for d, n in zip(done, asked, strict=True) if n != winner] == [1, 1]
    assert aliases == {"champion": int(winner), "anchor": int(winner), "previous": None}


def test_two_trainings_at_once_register_one_model_once(project):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: project.ml("train", "--today", TODAY), range(2)))
    assert len(facts(project)["versions"]) == 1


def test_the_doctor_tells_what_is_missing(project):
    whole = json.loads(project.ml("doctor", "--json").stdout)
    assert {one["name"] for one in whole} >= {"Python", "uv", "git", "docker", "project", "MLflow"}
    bare = project.ml("doctor", status=2, env={"PATH": "/nonexistent"})
    assert "pip install uv" in bare.stdout


@pytest.fixture
def server(project, tmp_path):
    """A real MLflow server with a database and a folder of its own."""
    command = [project.folder / ".venv" / "bin" / "mlflow"]
    records, artifacts = f"sqlite:///{tmp_path}/server.db", str(tmp_path / "artifacts")
    with mlflow_server(command, tmp_path, records, artifacts, {}) as url:
        yield url


def test_a_server_holds_everything_and_another_checkout_sees_it(server, project, tmp_path):
    uses = {"MLFLOW_TRACKING_URI": server}
    project.ml("train", "--today", TODAY, env=uses)
    project.ml("promote", env=uses)
    assert not (project.folder / "mlflow.db").exists()
    other = project.copy(tmp_path / "other")
    done = other.ml("serve", "--smoke", env=uses)
    assert "v1 answered" in done.stdout
    again = json.loads(other.ml("train", "--today", TODAY, "--json", env=uses).stdout)
    assert again["decision"]["verdict"] == "KEEP"


@pytest.mark.parametrize("kind", ["refuses", "is silent"])
def test_a_server_that_does_not_answer_is_an_error_within_seconds(kind, project):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        if kind == "refuses":
            silent.close()
        start = time.perf_counter()
        uri = f"http://127.0.0.1:{port}"
        done = project.ml("status", status=2, env={"MLFLOW_TRACKING_URI": uri})
        assert time.perf_counter() - start < 30
    assert "MLFLOW_TRACKING_URI" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_crash_anywhere_is_mended_by_running_again(installed, tmp_path):
    """kill -9 before and after every write of `ml train` and `ml promote`; see crash.py."""
    project = installed("binary").copy(tmp_path / "project").hurry()
    script = TEMPLATE / "tests" / "crash.py"
    done = project.uv("python", script, str(tmp_path / "crashes"), timeout=1500)
    print(done.stdout)
    assert "all alike" in done.stdout


@pytest.mark.parametrize("table", ["breast_cancer", "wine", "digits", "diabetes"])
def test_real_tables_go_through_the_same_commands(table, project):
    project.uv("python", TEMPLATE / "tests" / "real_table.py", table)
    project.ml("validate")
    trained = json.loads(project.ml("train", "--json").stdout)
    assert trained["decision"]["verdict"] == "PROMOTE"
    assert trained["packaging"].startswith("ONNX")
    project.ml("promote")
    project.ml("predict", "data/rows.csv", "data/answers.parquet")
    project.ml("serve", "--smoke")
    project.uv("python", TEMPLATE / "tests" / "real_table.py", table, "--score")
