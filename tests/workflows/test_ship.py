"""The scripts of the option `other_ci`, with a real git remote, registry and Docker engine."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import engine as engines
import pytest
from conftest import Project, need
from github import GitHub
from orchestrated import edit, model_of, project_with
from repository import BAD, GOOD, WEAK, Repository
from services import connect

pytest_plugins = ["parts"]

RUN = "https://ci.example/7"
Script = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def checkout(installed, guarded, tmp_path: Path) -> tuple[Project, Repository]:
    """A project that is pushed, as a CI has checked it out; what can be seen from outside."""
    need("skopeo")
    project = project_with(tmp_path / "work", installed("binary"), other_ci="gitlab")
    connect(project.folder, guarded.remote)
    guarded.publish(project.folder)
    return project, Repository(project.folder, guarded)


@pytest.fixture
def script(checkout, tmp_path: Path) -> Iterator[Script]:
    """Run a script of the project with what a CI gives it: no word of GitHub's, no uv."""
    project, seen = checkout
    home = tmp_path / "home"
    home.mkdir()
    given = {"REGISTRY_USER": "octocat", "REGISTRY_PASSWORD": GitHub.token, "HOME": str(home)}
    given |= {"REGISTRY": seen.registry, "DOCKER_HOST": seen.services.docker, "SMOKE_SECONDS": "8"}
    (home / "docker").symlink_to(engines.client())  # another may be earlier on PATH
    given["PATH"] = f"{home}:{os.environ['PATH']}"
    foreign = ("GITHUB_", "GH_", "REGISTRY_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}

    def run(*command: str, **more: str) -> subprocess.CompletedProcess:
        told = {key: value for key, value in {**kept, **given, **more}.items() if value}
        return subprocess.run(
            command, cwd=project.folder, env=told, capture_output=True, text=True, timeout=600
        )

    yield run
    for host in seen.hosts:
        engines.docker(seen.services.docker, "rm", "--force", host)


def judge(checkout, *edited: str) -> int:
    """A job that trains, in a fresh checkout, after an edit of the model; what it ended with."""
    project, seen = checkout
    if edited:
        edit(model_of(project), *edited)
        seen.services.publish(project.folder)
    project.run("git", "clean", "-qxdff", "--exclude=.venv")
    login = {"REGISTRY_AUTH_FILE": os.environ.get("REGISTRY_AUTH_FILE", "")}
    project.ml("state", "pull", env=login)
    done = project.ml("train", "--pack", "outcome", status=None, env=login)
    print(done.stdout, done.stderr)
    return done.returncode


def test_what_a_training_decides_is_recorded_and_what_is_proven_arrives(
    checkout, script, monkeypatch, tmp_path
):
    """A first model, nothing new, one that production does not take at first, and a worse one."""
    _, seen = checkout
    ship = ["bash", "deploy/ship.sh", "outcome", seen.registry.upper(), RUN]
    assert judge(checkout, GOOD, WEAK) == 0
    refused = script(*ship)
    assert (refused.returncode != 0, "nothing is shipped" in refused.stdout) == (True, False)
    assert script("sh", ".github/login").returncode == 0
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "home" / ".docker" / "config.json"))

    built = script("bash", "deploy/image.sh", "outcome", "model:change")
    assert (built.returncode, '"prediction"' in built.stdout) == (0, True), built.stderr
    done = script(*ship)
    assert done.returncode == 0, done.stderr
    assert seen.aliases() == (1, 1, None)
    assert seen.runs_now() == {"staging": 1, "production": 1}
    assert seen.tag("staging") == seen.tag("production") == seen.image_of(1)

    assert judge(checkout) == 0
    done = script(*ship)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "KEEP: nothing is shipped.")
    assert seen.aliases() == (1, 1, None)

    assert judge(checkout, WEAK, GOOD) == 0
    done = script(*ship, PRODUCTION_URL=seen.host(1))  # it still runs the first
    assert done.returncode == 1
    assert "it is" in done.stdout + done.stderr
    assert seen.aliases() == (1, 1, None)
    assert seen.runs_now() == {"staging": 2, "production": 1}
    assert seen.tag("production") == seen.image_of(1) != seen.tag("staging") == seen.image_of(2)
    done = script(*ship)  # the job once more
    assert done.returncode == 0, done.stderr
    assert seen.aliases() == (2, 2, 1)
    assert seen.tag("production") == seen.image_of(2)

    assert judge(checkout, GOOD, BAD) == 1
    done = script(*ship)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "REJECT: nothing is shipped.")
    assert seen.aliases() == (2, 2, 1)
    decisions = seen.state()["decisions"]
    told = [one["judgement"]["verdict"] for one in decisions]
    assert told == ["PROMOTE", "KEEP", "PROMOTE", "REJECT"]
    assert {one["run"] for one in decisions} == {RUN}
