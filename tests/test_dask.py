"""A real Dask scheduler and two workers: what they bring back is what this machine finds.

The project gets an environment of its own, with the group `dask` and XGBoost: a second or two with
uv's cache.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import TODAY, Done, Project

PATIENCE = 300
# A metric of the user's own: its bootstrap is shared out. It writes down in which processes.
METRIC = """
import os
from pathlib import Path

import numpy as np

PIDS = Path(__file__).parents[2] / "pids"


def score(answers, predicted):
    PIDS.mkdir(exist_ok=True)
    (PIDS / str(os.getpid())).touch()
    return -float(np.mean((predicted[:, 1] - answers) ** 2))
"""
SCHEDULER = """
import sys
sys.modules[sys.argv.pop(1)] = None  # whoever imports it fails
from distributed.cli.dask_scheduler import main
main()
"""
ROWS = """
from datetime import date, timedelta; from pathlib import Path; from customer_model import sample
Path("data").mkdir(); Path("history").mkdir()
t = sample.rows("binary", date(2026, 5, 1), date(2026, 6, 1))
for n, part in enumerate(t.partition_by("observed_on", maintain_order=True)):
    part.write_parquet(f"data/{n:02}.parquet")
bad = part.with_columns(monthly_spend=-part["monthly_spend"])
bad.write_parquet("data/bad.pq")
for n in range(3):
    day = date(2025, 1, 1) + timedelta(days=100 * n)
    sample.rows("binary", day, day + timedelta(days=100)).write_parquet(f"history/{n}.parquet")
"""


LOST = """
import os, signal, sys, time
from customer_model.engine.door import open_engine
from customer_model.errors import Stop
from customer_model.settings import EngineSettings
engine = open_engine(EngineSettings(kind="dask", address=sys.argv[1]))
print(list(engine.map(lambda shared, item: shared + item, 1, [1, 2])))
os.kill(int(sys.argv[2]), signal.SIGKILL)
for _ in range(2):  # at once, and when the client has given up
    try:
        print(engine.pieces, list(engine.map(lambda shared, item: shared + item, 1, [1, 2])))
    except Stop as stop:
        print(stop)
    time.sleep(15)
"""


@dataclass(frozen=True)
class Cluster:
    """A scheduler and its workers, as processes."""

    address: str
    scheduler: subprocess.Popen
    workers: Sequence[subprocess.Popen]


@contextmanager
def cluster(project: Project, scratch: Path, *, blind: bool = True) -> Iterator[Cluster]:
    """Start and stop them; a blind scheduler cannot import the project."""
    scratch.mkdir(parents=True, exist_ok=True)
    dask, known = project.folder / ".venv" / "bin" / "dask", scratch / "scheduler.json"
    where = ["--host", "127.0.0.1", "--no-dashboard"]
    quiet = {**os.environ, "PYTHONPATH": str(project.folder / "src")}
    scheduler = [dask.with_name("python"), "-c", SCHEDULER, "customer_model" if blind else "-"]
    told = ["--port", "0", "--scheduler-file", known, "--dashboard-address", ":0"]
    log = (scratch / "log").open("w")
    started: dict[str, Any] = {"stderr": log, "env": quiet, "start_new_session": True}
    running = [subprocess.Popen([*scheduler, *where, *told], **started)]
    try:
        wait(known.is_file)
        address = json.loads(wait(lambda: known.read_text()))["address"]
        one = [dask, "worker", address, "--nthreads", "1", "--local-directory", scratch, *where]
        for _ in range(2):
            running.append(subprocess.Popen(one, **started))
        yield Cluster(address, running[0], running[1:])
    finally:
        for process in running:  # with what they have started: a worker's nanny starts it anew
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)


def wait(look: Callable[[], Any]) -> Any:
    """What `look` finds, as soon as it finds something."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def ours(installed, tmp_path_factory) -> Project:
    """A project with Dask, XGBoost, a metric of its own and rows in many files."""
    made = installed("binary")
    project = made.copy(tmp_path_factory.mktemp("engine") / "project", environment=False)
    project.run("uv", "sync", "--quiet", "--group", "dask")
    python = project.folder / ".venv" / "bin" / "python"
    new = ["--exclude-newer", "2026-11-14", "xgboost-cpu"]
    project.run("uv", "pip", "install", "--quiet", "--python", python, *new)
    (project.folder / "src" / "customer_model" / "own.py").write_text(METRIC)
    text = settings(project).read_text(encoding="utf-8")
    text = re.sub(r"(?m)^# metric = .*$", 'metric = "python:customer_model.own:score"', text)
    text = re.sub(r"(?m)^# margin = .*$", "margin = 0.01", text)
    settings(project).write_text(text, encoding="utf-8")
    project.run(python, "-c", ROWS)
    return project


@pytest.fixture(scope="module")
def shared(ours, tmp_path_factory) -> Iterator[Cluster]:
    with cluster(ours, tmp_path_factory.mktemp("cluster")) as running:
        yield running


def settings(project: Project) -> Path:
    return project.folder / "settings.toml"


def use(project: Project, address: str) -> None:
    """Point settings.toml at a scheduler, or at none; nothing else changes."""
    kind = "dask" if address else "local"
    text = settings(project).read_text(encoding="utf-8")
    text = re.sub(r'(?m)^(# )?kind = "(local|dask)"', f'kind = "{kind}"', text)
    text = re.sub(r'(?m)^(# )?address = "[^"]*"', f'address = "{address}"', text)
    settings(project).write_text(text, encoding="utf-8")


def ml(project: Project, address: str, *arguments: str, status: int = 0) -> Done:
    """`ml …` in a process of its own, with or without the cluster."""
    use(project, address)
    command = project.folder / ".venv" / "bin" / "ml"
    return project.run(command, *arguments, status=status, timeout=PATIENCE * 2)


def forget(project: Project) -> None:
    for name in ("mlflow.db", "params.json"):
        (project.folder / name).unlink(missing_ok=True)
    for name in ("mlartifacts", ".ml", "reports", "pids"):
        shutil.rmtree(project.folder / name, ignore_errors=True)


def verdict(done: Done) -> dict:
    """What must not depend on where it was found."""
    told = json.loads(done.stdout)
    version = {key: told["version"][key] for key in ("identity", "data_id", "judgement")}
    timed = ("latency", "speed")
    guards = [one for one in told["decision"]["guards"] if one["name"] not in timed]
    return {**told["decision"], "guards": guards} | version


SEARCH = ("train", "--tune", "--trials", "2", "--today", TODAY, "--json")


@pytest.fixture(scope="module")
def here(ours) -> tuple[dict, str]:
    """Verdict and parameters of a search on this machine."""
    done = ml(ours, "", *SEARCH)
    known = verdict(done), (ours.folder / "params.json").read_text()
    forget(ours)
    return known


def test_a_search_survives_a_worker_and_finds_the_same(ours, shared, here):
    """Fits and bootstraps are shared out; one worker is killed with -9 in the middle."""
    use(ours, shared.address)
    command = [ours.folder / ".venv" / "bin" / "ml", *SEARCH]
    running = subprocess.Popen(
        command, cwd=ours.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    pids = ours.folder / "pids"
    asked = wait(lambda: running.poll() is not None or [path.name for path in pids.glob("*")])
    assert running.poll() is None, running.communicate()
    assert str(running.pid) not in asked
    os.kill(int(asked[0]), signal.SIGKILL)
    said = running.communicate(timeout=2 * PATIENCE)
    assert running.returncode == 0, said
    found = verdict(Done(0, *said)), (ours.folder / "params.json").read_text()
    assert found == here
    others = {path.name for path in (ours.folder / "pids").glob("*")} - {asked[0]}
    assert others - {str(running.pid)}, "nobody took the work over"


@pytest.mark.parametrize(("pattern", "status"), [("data/*.parquet", 0), ("data/*", 3)])
def test_rows_in_many_files_are_judged_as_one_table(ours, shared, pattern, status):
    asked = ("validate", pattern, "--today", TODAY, "--json")
    found = [ml(ours, where, *asked, status=status).stdout for where in ("", shared.address)]
    assert json.loads(found[0]) == json.loads(found[1])
    assert ("range" in found[1]) == bool(status)


def test_answers_are_the_same_bytes(ours, shared, here):
    """In a folder: a file for each; what breaks the contract leaves nothing behind."""
    if not (ours.folder / "mlflow.db").exists():
        ml(ours, "", *SEARCH)
    ml(ours, "", "promote")
    for where, name in (("", "here"), (shared.address, "there")):
        done = ml(ours, where, "predict", "data/*.parquet", name, "--today", TODAY, "--json")
        assert json.loads(done.stdout)["rows"] > 1000
        ml(ours, where, "predict", "data/*", "bad", "--today", TODAY, status=3)
    names = [sorted(p.name for p in (ours.folder / n).iterdir()) for n in ("here", "there")]
    assert names[0] == names[1] == [f"{n:02}.parquet" for n in range(31)]
    for name in names[0]:
        one, other = (ours.folder / folder / name for folder in ("here", "there"))
        assert one.read_bytes() == other.read_bytes()
    assert not list(ours.folder.glob("*bad*"))


def test_a_simulated_year_is_the_same(ours, shared):
    asked = "simulate --weeks 4 --world stable --world labels --json --today".split()
    found = [ml(ours, where, *asked, TODAY).stdout for where in ("", shared.address)]
    assert json.loads(found[0]) == json.loads(found[1])


VALIDATE = ("validate", "data/*.parquet", "--today", TODAY)


def refusal(project: Project, address: str) -> str:
    """The one line that ends a command, within seconds."""
    start = time.monotonic()
    done = ml(project, address, *VALIDATE, status=2)
    assert time.monotonic() - start < 90  # a busy machine imports; the connection has five
    (line,) = done.stderr.strip().splitlines()
    return line


def test_a_scheduler_that_is_not_there_is_one_line(ours):
    assert "no Dask scheduler answers" in refusal(ours, "tcp://127.0.0.1:9")
    told = json.loads(ml(ours, "tcp://127.0.0.1:9", "doctor", "--json", status=2).stdout)
    assert [one["ok"] for one in told if one["name"] == "engine"] == [False]


def test_a_scheduler_that_goes_away_between_two_pieces_of_work_is_one_line(ours, tmp_path):
    python = ours.folder / ".venv" / "bin" / "python"
    with cluster(ours, tmp_path / "cluster") as running:
        told = [python, "-c", LOST, running.address, str(running.scheduler.pid)]
        lines = ours.run(*told).stdout.splitlines()
    assert lines[0] == "[2, 3]"
    assert len(lines) == 3
    assert all("the scheduler is gone: run the command again" in line for line in lines[1:])


def test_workers_of_another_commit_are_refused(ours, shared, tmp_path):
    mine = ours.copy(tmp_path / "mine")
    with (mine.folder / "src" / "customer_model" / "features.py").open("a") as file:
        file.write("\nCHANGED = True\n")
    assert "a worker has the project's sources" in refusal(mine, shared.address)


def test_without_the_group_it_says_what_to_install(project):
    use(project, "tcp://127.0.0.1:9")
    done = project.ml("simulate", "--weeks", "4", status=2)
    assert "uv sync --group dask" in done.stderr


def test_workers_of_this_machine_come_and_go(ours):
    found = [ml(ours, where, *VALIDATE, "--json").stdout for where in ("", "auto")]
    assert json.loads(found[0]) == json.loads(found[1])


def test_the_recipe_of_the_docs_learns_from_more_rows_than_the_window_has(ours, tmp_path):
    """XGBoost's own training on Dask, its code taken from docs/engine.md as it stands."""
    mine = ours.copy(tmp_path / "mine")
    shutil.copytree(ours.folder / "history", mine.folder / "history", dirs_exist_ok=True)
    text = (mine.folder / "docs" / "engine.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```", text)
    for name, block in zip(("features.py", "model.py"), blocks, strict=True):
        (mine.folder / "src" / "customer_model" / name).write_text(block, encoding="utf-8")
    train = ("train", "--today", TODAY, "--json")
    told = settings(mine).read_text(encoding="utf-8")
    told = re.sub(r"(?m)^(metric|margin) = ", r"# \1 = ", told)
    # The sample's sentences are about the window's customers, and this model knows others too.
    settings(mine).write_text(told.replace("# behaviour = true ", "behaviour = false "))
    with cluster(mine, tmp_path / "cluster", blind=False) as running:
        asked = ml(mine, running.address, *train, status=2).stderr
        types = re.search(r"trusted_types = \[.*\]", asked).group()
        told = settings(mine).read_text(encoding="utf-8")
        settings(mine).write_text(re.sub(r"(?m)^# trusted_types = .*$", types, told))
        done = json.loads(ml(mine, running.address, *train).stdout)
    assert done["decision"]["verdict"] == "PROMOTE"
    assert done["packaging"].startswith("skops")
    assert done["decision"]["challenger"] > 0.7
