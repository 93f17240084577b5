"""One scheduled run of ct.yml without act: the same commands, in the same order, on a new runner.

usage: python week.py RUNNER DAY REGISTRY, so that a test can kill it at any moment
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest import Done, Project

Command = Callable[..., Done]


def week(project: Project, ml: Command, day: str, registry: str) -> str:
    """Pull, train and judge, record; what is proven is deployed twice, then becomes champion.

    The bundle is an image of one layer, and stands for the service's own: what is shown here is
    that state and registry agree, whatever happens.
    """
    ml("state", "pull")
    done = ml("train", "--today", day, "--if-new", "--pack", "out", "--json", status=None)
    assert done.returncode in (0, 1), done.stderr
    if not done.stdout:
        return "nothing new"
    verdict = json.loads(done.stdout)["decision"]["verdict"]
    index = project.folder / "out" / "bundle" / "index.json"
    bundle = json.loads(index.read_text())["manifests"][0]["digest"]
    recorded = state(
        project, "record", "out", "--bundle", bundle, "--repository", f"{registry}/bundle"
    )
    if verdict != "PROMOTE":
        return verdict
    version = recorded["digest"]
    image = f"{registry}/bundle@{bundle}"
    state(project, "image", version, image)
    for environment, move in (("staging", "deployed"), ("production", "promote")):
        if not deploy(project, environment, move, version, image):
            return "late"
    return verdict


def deploy(project: Project, environment: str, move: str, version: str, image: str) -> bool:
    """What the action `environment` does; False where somebody else was faster."""
    if not allowed(project, "check", version):
        return False
    project.run("bash", "deploy/deploy.sh", environment, image)
    if allowed(project, move, version, "--deployed", environment):
        return True
    there = state(project, "running", environment)["image"]
    if there:  # else it was the first one here, and who was faster has not settled yet
        project.run("bash", "deploy/deploy.sh", environment, there)
    return False


def allowed(project: Project, *command: str) -> bool:
    """Whether the state takes it."""
    done = project.run("sh", ".github/state", *command, status=None)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


def state(project: Project, *command: str) -> dict[str, str]:
    """A command of the ledger, as a job with nothing installed runs it."""
    lines = project.run("sh", ".github/state", *command).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines)


if __name__ == "__main__":
    runner = Project(Path(sys.argv[1]))
    print(week(runner, lambda *command, **more: runner.uv("ml", *command, **more), *sys.argv[2:]))
