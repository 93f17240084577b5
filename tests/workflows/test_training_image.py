"""The image that trains, built in a real engine and run as job.yaml of Kubernetes says."""

import functools
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import engine as engines
import pytest
import yaml
from conftest import PROJECT, Project
from real_servers import mlflow_server

pytest_plugins = ["parts"]

JOB = PROJECT / "_options/deploy/kubernetes/deploy/kubernetes/training/job.yaml"
POD: dict[str, Any] = yaml.safe_load(JOB.read_text(encoding="utf-8"))["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
USER = POD["securityContext"]["runAsUser"]
# What test_cluster.py asks of the pod, in Docker's words: nobody, no rights, little to write to.
LOCKED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", f"--user={USER}"]
LOCKED += [f"--tmpfs={one['mountPath']}:uid={USER}" for one in CONTAINER["volumeMounts"]]
Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory) -> Project:
    """A project without an environment, as a clone is; its sentences are asked in the image too."""
    return installed("binary").copy(tmp_path_factory.mktemp("image") / "project", False)


@pytest.fixture(scope="module")
def run(engine: str, project: Project) -> Run:
    """Run the image: options of Docker, then what stands behind its name."""
    image = engines.training_image(engine, project.folder, f"training-{os.getpid()}:one")
    start = functools.partial(engines.docker, engine, "run", "--rm")
    return lambda options, *command: start(*options, image, *command)


def test_without_a_command_it_tells_its_commands(run):
    done = run([*LOCKED, "--network=none"])
    assert done.returncode == 0, done.stderr
    assert "Usage: ml" in done.stdout


def test_rows_are_checked_by_nobody_without_a_network(run, project, tmp_path):
    done = run([*LOCKED, "--network=none"], "ml", "validate")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong, text = tmp_path / "contract.yaml", (project.folder / "contract.yaml").read_text("utf-8")
    assert "range: [0, 240]" in text
    wrong.write_text(text.replace("range: [0, 240]", "range: [0, 3]"), encoding="utf-8")
    mounted = f"--volume={wrong}:/project/contract.yaml:ro"
    assert run([*LOCKED, "--network=none", mounted], "ml", "validate").returncode == 3


def test_it_trains_as_the_job_does_and_the_server_keeps_what_it_made(run, installed, tmp_path):
    laptop = installed("binary").copy(tmp_path / "laptop")
    command = [laptop.folder / ".venv" / "bin" / "mlflow"]
    records, kept = f"sqlite:///{tmp_path}/records.db", str(tmp_path / "artifacts")
    with mlflow_server(command, tmp_path, records, kept, {}) as url:
        told = {"MLFLOW_TRACKING_URI": url}
        job = [*LOCKED, "--network=host", f"--env=MLFLOW_TRACKING_URI={url}"]
        asked = [*CONTAINER["command"], *CONTAINER["args"]]
        done = run(job, *asked)
        assert done.returncode == 0, done.stdout + done.stderr
        (result,) = (tmp_path / "artifacts").rglob("bundle/gate/result.json")
        assert "10 sentences hold" in result.read_text("utf-8")
        assert "PROMOTE" in laptop.ml("status", env=told).stdout
        laptop.ml("promote", env=told)
        assert "v1 answered" in laptop.ml("serve", "--smoke", env=told).stdout
        assert "KEEP" in run(job, *asked).stdout
        assert "Nothing new" in run(job, *asked).stderr
    assert not Path(laptop.folder, "mlflow.db").exists()
