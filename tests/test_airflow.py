"""The DAGs of the option `orchestrator=airflow`, run by Airflow's own `dags test` on SQLite."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Project
from orchestrated import (
    at_once,
    break_code,
    break_data,
    edit,
    environment,
    model_of,
    project_with,
    weaken,
)

# The sample drifts: January's champion is fine a day later, and proven worse in November.
JANUARY, A_DAY_LATER, NOVEMBER = "2026-01-01", "2026-01-02", "2026-11-27"

TRAIN, MONITOR = "customer-model-train", "customer-model-monitor"
STAGES = ("validate", "train", "gate", "promote")
QUIET = {"AIRFLOW__CORE__LOAD_EXAMPLES": "False", "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
Airflow = Callable[[Project, str], tuple[int, dict[str, str]]]


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> tuple[Path, Path]:
    """Airflow's programs, and a home whose database is ready."""
    folder = tmp_path_factory.mktemp("airflow")
    programs = environment(folder / "env", "apache-airflow>=3,<4")
    told = {**os.environ, **QUIET, "AIRFLOW_HOME": str(folder / "home")}
    subprocess.run([programs / "airflow", "db", "migrate"], env=told, check=True)
    return programs, folder / "home"


@pytest.fixture
def run(installation, tmp_path) -> Airflow:
    """Run a DAG once; what it ended with, and the state of each task."""
    programs, home = installation

    def dags_test(project: Project, dag: str) -> tuple[int, dict[str, str]]:
        here = tmp_path / "home"  # a copy's settings name the database that it was copied from
        shutil.rmtree(here, ignore_errors=True)
        shutil.copytree(home, here)
        dags = str(project.folder / "deploy" / "airflow")
        told = {"AIRFLOW_HOME": str(here), "AIRFLOW__CORE__DAGS_FOLDER": dags, **QUIET}
        told["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{here}/airflow.db"
        done = project.run(programs / "airflow", "dags", "test", dag, status=None, env=told)
        with sqlite3.connect(here / "airflow.db") as asked:
            query = "select task_id, state from task_instance where dag_id = ?"
            states = dict(asked.execute(query, (dag,)).fetchall())
            query = "select count(*) from dag_run where dag_id = ?"
            (started,) = asked.execute(query, (TRAIN,)).fetchone()
        assert states, f"{done.returncode} {done.stdout[-3000:]} {done.stderr[-3000:]}"
        return done.returncode, {**states, **({"started": started} if dag == MONITOR else {})}

    return dags_test


def champion(project: Project) -> str:
    """The first line of `ml status` about the champion."""
    told = project.ml("status").stdout.splitlines()
    return next(line.split()[0] for line in told if "champion" in line)


def test_a_run_that_passes_is_rejected_or_fails(run, installed, tmp_path):
    """One project's life: what is proven is promoted; a no skips what follows; the rest is red."""
    project = project_with(tmp_path, installed("binary"), orchestrator="airflow")
    assert run(project, TRAIN) == (0, dict.fromkeys(STAGES, "success"))
    assert champion(project) == "v1"

    status, states = run(project, TRAIN)  # the same rows again: KEEP, and nothing is newer
    assert (status, states) == (
        0,
        {"validate": "success", "train": "success", "gate": "skipped", "promote": "skipped"},
    )

    weaken(project)
    skipped = dict.fromkeys(STAGES[1:], "skipped")
    assert run(project, TRAIN) == (0, {"validate": "success", **skipped})
    edit(model_of(project), "max_iter=1,", "max_iter=150,")

    break_code(project)
    stopped = {"gate": "upstream_failed", "promote": "upstream_failed"}
    assert run(project, TRAIN) == (1, {"validate": "success", "train": "failed", **stopped})
    assert champion(project) == "v1"


def test_a_champion_that_needs_it_is_retrained_and_one_that_does_not_is_left(
    run, installed, tmp_path, monkeypatch
):
    """`ML_RUN` tells the stage which day it is."""
    project = project_with(tmp_path, installed("binary"), orchestrator="airflow")
    at_once(project)
    project.ml("train", "--today", JANUARY)
    project.ml("promote")
    script = tmp_path / "on"
    script.write_text('#!/bin/sh\nuv run --no-sync ml "$2" --today "$1"\n')
    script.chmod(0o755)

    monkeypatch.setenv("ML_RUN", f"{script} {A_DAY_LATER}")
    left = {"monitor": "success", "retrain": "skipped", "looked": "success", "started": 0}
    assert run(project, MONITOR) == (0, left)

    monkeypatch.setenv("ML_RUN", f"{script} {NOVEMBER}")
    due = {"monitor": "skipped", "retrain": "success", "looked": "success", "started": 1}
    assert run(project, MONITOR) == (0, due)

    break_data(project)  # nothing can be said: that is no reason to train, and it is red
    failed = {"monitor": "failed", "retrain": "skipped", "looked": "upstream_failed", "started": 0}
    assert run(project, MONITOR) == (1, failed)


def test_one_variable_says_how_a_stage_is_run(run, installed, tmp_path, monkeypatch):
    """In an image, for one: `ML_RUN="docker run … IMAGE"`."""
    project = project_with(tmp_path, installed("binary"), orchestrator="airflow")
    told = tmp_path / "told"
    script = tmp_path / "stage"
    script.write_text(f'#!/bin/sh\necho "$PWD $*" >> {told}\n')
    script.chmod(0o755)
    monkeypatch.setenv("ML_RUN", f"{script} here")
    assert run(project, TRAIN) == (0, dict.fromkeys(STAGES, "success"))
    assert told.read_text().splitlines() == [f"{project.folder} here {name}" for name in STAGES]
