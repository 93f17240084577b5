"""A generated repository on its fake GitHub, for the tests that run its workflows."""

import json
from pathlib import Path
from typing import Any

import act
import engine as engines
from conftest import Project
from real_servers import free_port
from services import Services, connect, git, pointer

DONE, SKIP, FAIL = "success", "skipped", "failure"
KEPT = {"train": DONE, "image": SKIP, "publish": DONE, "deploy": SKIP}
NOTHING_NEW = {**KEPT, "publish": SKIP}
SHIPPED = {
    "train": DONE,
    "image": DONE,
    "publish": DONE,
    "deploy / staging": DONE,
    "deploy / production": DONE,
}
GOOD = "max_iter=150,"
WEAK = "max_iter=15,"  # a first champion that is easily beaten
BAD = "max_iter=1,"  # provably worse than either


class Repository:
    """A generated repository on its fake GitHub, and what can be seen of it from outside."""

    def __init__(self, folder: Path, services: Services) -> None:
        """Nothing is started."""
        self.folder, self.services = folder, services
        self.registry = f"{services.registry}/octo/{folder.parent.name.lower()}"
        self.hosts: list[str] = []
        self.variables = {"REGISTRY": self.registry, "SMOKE_SECONDS": "8"}

    def run(self, workflow: str, event: str, **more: Any) -> act.Run:
        """Run a workflow; the project's own tests, which test_generated.py runs whole, are few."""
        variables = {**self.variables, **more.pop("variables", {})}
        more.setdefault("env", {"PYTEST_ADDOPTS": "tests/code/test_gate.py"})
        return act.run(
            self.folder, workflow, event, services=self.services, variables=variables, **more
        )

    def expect(self, jobs: dict[str, str], workflow: str, event: str, **more: Any) -> act.Run:
        """Run a workflow; the jobs and their results have to be these and no others."""
        done = self.run(workflow, event, **more)
        assert done.jobs == jobs, done.log[-6000:]
        return done

    def change(self, name: str, old: str, new: str) -> None:
        """Edit a file and push."""
        Project(self.folder).edit(name, (old, new))
        self.services.publish(self.folder)

    def model(self, old: str, new: str) -> None:
        """Edit the model and push."""
        self.change("src/customer_model/model.py", old, new)

    def state(self) -> dict:
        """state.json as anybody may read it."""
        return json.loads(git(self.services.remote, "show", "ml-state:state.json"))

    def aliases(self) -> tuple[int | None, int | None, int | None]:
        """Champion, anchor, previous."""
        told = self.state()["aliases"]
        return told["champion"], told["anchor"], told["previous"]

    def runs_now(self) -> dict[str, int]:
        """The version of each environment, as the state tells it."""
        return {name: one["version"] for name, one in self.state()["environments"].items()}

    def tag(self, name: str) -> str:
        """The digest that a tag of the image points to."""
        return pointer(f"{self.registry}:{name}")

    def image_of(self, number: int) -> str:
        """Digest of the image of a version."""
        (version,) = [
            v["version"] for v in self.state()["versions"] if v["version"]["number"] == number
        ]
        return version["image"].partition("@")[2]

    def host(self, number: int) -> str:
        """Address of a host that runs a version, and that nothing will ever update."""
        port, image = free_port(), f"{self.registry}@{self.image_of(number)}"
        started = engines.docker(
            self.services.docker, "run", "--detach", "--network=host", "--label=ml-test-host",
            f"--env=PORT={port}", image,
        )  # fmt: skip
        assert started.returncode == 0, started.stderr
        self.hosts.append(started.stdout.strip())
        return f"http://127.0.0.1:{port}"

    def clone(self, project: Project) -> Project:
        """A colleague's checkout: an environment, a remote, and no state of its own."""
        made = project.copy(self.folder.parent / "clone")
        connect(made.folder, self.services.remote)
        return made

    def open_issues(self, label: str) -> list[dict]:
        """Issues that somebody should look at."""
        issues = self.services.github.issues.values()
        return [i for i in issues if i["state"] == "open" and {"name": label} in i["labels"]]
