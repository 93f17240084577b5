"""The pipelines of the option `orchestrator=kubeflow`, run by Kubeflow's own local runner.

Each stage is a container of deploy/train.Dockerfile's image; a server keeps the state.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import engine as engines
import pytest
from conftest import Project
from orchestrated import break_data, environment, project_with, weaken
from real_servers import free_port, wait_until

pytest_plugins = ["parts"]

STAGES = ["validate", "train", "gate", "promote"]  # each begins where the one before said yes
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
    port, project = free_port(), installed("binary")
    command = [project.folder / ".venv" / "bin" / "mlflow", "server", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    command += ["--serve-artifacts", "--artifacts-destination", f"{tmp_path}/artifacts"]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    uri = f"http://127.0.0.1:{port}"
    probe = [sys.executable, "-c", f"import urllib.request as u; u.urlopen('{uri}/health')"]
    wait_until(lambda: subprocess.run(probe, capture_output=True).returncode == 0, process)
    yield uri
    os.killpg(process.pid, 9)
    process.wait(20)


def build(engine: str, project: Project) -> str:
    """The project's training image."""
    name = f"train-{os.getpid()}:{len(list(project.folder.parent.iterdir()))}"
    command = ["build", "--quiet", "--file", str(project.folder / "deploy" / "train.Dockerfile")]
    done = engines.docker(engine, *command, "--tag", name, str(project.folder))
    assert done.returncode == 0, done.stderr
    return name


def run(
    kubeflow: Path, name: str, project: Project, engine: str, server: str
) -> tuple[int, list[str]]:
    """Run a pipeline in images of the project as it is now: its status, and what began."""
    file = project.folder / "deploy" / "kubeflow" / "pipeline.py"
    root = project.folder.parent / "outputs"
    host = {"DOCKER_HOST": engine} if engine else {}
    told = {**host, "ML_IMAGE": build(engine, project), "PYTHONPATH": ""}
    command = [kubeflow / "python", "-c", RUN, file, name, server, root]
    done = project.run(*command, status=None, env=told)
    print(done.stdout[-6000:], done.stderr[-3000:])
    began = len(re.findall(r"Executing task", done.stdout + done.stderr))
    return done.returncode, STAGES[:began]


def champion(project: Project, server: str) -> str:
    """The number of the champion that the server names."""
    lines = project.ml("status", env={"MLFLOW_TRACKING_URI": server}).stdout.splitlines()
    return next(line.split()[0] for line in lines if "champion" in line)


def test_a_run_that_passes_is_rejected_or_fails(kubeflow, installed, engine, server, tmp_path):
    project = project_with(tmp_path / "made", installed("binary"), orchestrator="kubeflow")
    status, began = run(kubeflow, "training", project, engine, server)
    assert (status, began) == (0, STAGES)
    assert champion(project, server) == "v1"

    weaken(project)
    assert run(kubeflow, "training", project, engine, server) == (0, ["validate", "train"])
    break_data(project)
    status, began = run(kubeflow, "training", project, engine, server)
    assert status != 0
    assert began == ["validate"]
    assert champion(project, server) == "v1"
