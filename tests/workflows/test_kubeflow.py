"""The pipelines of the option `orchestrator=kubeflow`, run by Kubeflow's own local runner.

Each stage is a container of deploy/training.Dockerfile's image; a server keeps the state.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import engine as engines
import pytest
from conftest import Project
from orchestrated import at_once, break_data, edit, environment, project_with, weaken
from real_servers import mlflow_server

pytest_plugins = ["parts"]

RUN = """
import importlib.util, os, sys
from kfp import local

file, name, server, root = sys.argv[1:]
spec = importlib.util.spec_from_file_location("pipeline", file)
pipeline = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pipeline)
# As root, for what a container answers is written where the test's own user keeps it.
local.init(local.DockerRunner(network_mode="host", user="0"), pipeline_root=root)
getattr(pipeline, name)(server=server)
"""


@pytest.fixture(scope="module")
def kubeflow(tmp_path_factory) -> Path:
    """The programs of an environment with Kubeflow's SDK and Docker's client."""
    return environment(tmp_path_factory.mktemp("kubeflow") / "env", "kfp>=2.17,<3", "docker>=7")


@pytest.fixture
def server(installed, tmp_path) -> Iterator[str]:
    """An MLflow server, which holds the state of every stage."""
    command = [installed("binary").folder / ".venv" / "bin" / "mlflow"]
    kept = (f"sqlite:///{tmp_path}/records.db", str(tmp_path / "artifacts"))
    with mlflow_server(command, tmp_path, *kept, {}) as url:
        yield url


@pytest.fixture
def run(kubeflow: Path, engine: str, server: str) -> Callable[[str, Project], tuple[int, int]]:
    """Run a pipeline in images of the project as it is now: its status, and how many began."""

    def pipeline(name: str, project: Project) -> tuple[int, int]:
        image = f"training-{os.getpid()}:{time.time_ns()}"
        engines.training_image(engine, project.folder, image)
        host = {"DOCKER_HOST": engine} if engine else {}
        told = {**host, "ML_IMAGE": image, "PYTHONPATH": ""}
        file = project.folder / "deploy" / "kubeflow" / "pipeline.py"
        given = (file, name, server, project.folder.parent / "out")
        done = project.run(kubeflow / "python", "-c", RUN, *given, status=None, env=told)
        print(done.stdout[-6000:], done.stderr[-3000:])
        return done.returncode, len(re.findall("Executing task", done.stdout + done.stderr))

    return pipeline


def champion(project: Project, server: str) -> str:
    """The number of the champion that the server names."""
    lines = project.ml("status", env={"MLFLOW_TRACKING_URI": server}).stdout.splitlines()
    return next(line.split()[0] for line in lines if "champion" in line)


def test_a_run_that_passes_is_rejected_or_fails(run, installed, server, tmp_path):
    project = project_with(tmp_path / "made", installed("binary"), orchestrator="kubeflow")
    assert run("training", project) == (0, len(["validate", "train", "gate", "promote"]))
    assert champion(project, server) == "v1"
    assert run("monitoring", project) == (0, len(["monitor"]))

    weaken(project)
    assert run("training", project) == (0, len(["validate", "train"]))
    break_data(project)
    status, began = run("training", project)
    assert (status != 0, began) == (True, len(["validate"]))
    status, began = run("monitoring", project)
    assert (status != 0, began) == (True, len(["monitor"]))
    assert champion(project, server) == "v1"


def test_a_champion_whose_customers_have_changed_is_replaced(run, installed, server, tmp_path):
    project = project_with(tmp_path / "made", installed("binary"), orchestrator="kubeflow")
    at_once(project)
    told = {"MLFLOW_TRACKING_URI": server}
    past = datetime.now(tz=UTC).date() - timedelta(days=60)
    project.ml("train", "--today", str(past), env=told)
    project.ml("promote", env=told)
    code = next((project.folder / "src").glob("*/data.py"))
    read = "return sources.read(source, since, until)"
    other = '(pl.col("churned") - pl.col("plan").eq("pro")).abs()'  # who left with this plan stays
    edit(code, read, f"{read}.with_columns(churned={other})")
    began = ["monitor", "validate", "train", "gate", "promote"]
    assert run("monitoring", project) == (0, len(began))
    assert champion(project, server) == "v2"
