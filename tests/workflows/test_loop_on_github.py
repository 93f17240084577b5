"""The generated repository's workflows, executed: every job, in the situations that matter.

One story a test, told in order; each `act.run` is a run of a workflow on the commit that is there.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import act
import engine as engines
import pytest
from conftest import need
from services import Services, free_port, git

pytest_plugins = ["parts"]

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
GOOD, WEAK = "max_iter=150,", "max_iter=1, max_depth=1,"


class Repository:
    """A generated repository on its fake GitHub, and what can be seen of it from outside."""

    def __init__(self, folder: Path, services: Services) -> None:
        self.folder, self.services = folder, services
        self.registry = f"{services.registry}/octo/{folder.parent.name.lower()}"
        self.hosts: list[str] = []
        self.variables = {"REGISTRY": self.registry, "SMOKE_SECONDS": "8"}

    def run(self, workflow: str, event: str, **more) -> act.Run:
        """Run a workflow; the project's own tests, which test_generated.py runs whole, are few."""
        variables = {**self.variables, **more.pop("variables", {})}
        more.setdefault("env", {"PYTEST_ADDOPTS": "tests/code/test_gate.py"})
        return act.run(
            self.folder, workflow, event, services=self.services, variables=variables, **more
        )

    def expect(self, jobs: dict[str, str], workflow: str, event: str, **more) -> act.Run:
        done = self.run(workflow, event, **more)
        assert done.jobs == jobs, done.log[-6000:]
        return done

    def change(self, name: str, old: str, new: str) -> None:
        """Edit a file and push."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.services.publish(self.folder)

    def model(self, old: str, new: str) -> None:
        self.change("src/customer_model/model.py", old, new)

    def state(self) -> dict:
        """state.json as anybody may read it."""
        return json.loads(git(self.services.remote, "show", "ml-state:state.json"))

    def aliases(self) -> tuple:
        told = self.state()["aliases"]
        return told["champion"], told["anchor"], told["previous"]

    def runs_now(self) -> dict[str, int]:
        return {name: one["version"] for name, one in self.state()["environments"].items()}

    def tag(self, name: str) -> str:
        """The digest that a tag of the image points to."""
        command = ["skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}"]
        told = subprocess.run(
            [*command, f"docker://{self.registry}:{name}"], capture_output=True, text=True
        )
        return told.stdout.strip()

    def image_of(self, number: int) -> str:
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

    def open_issues(self, label: str) -> list[dict]:
        issues = self.services.github.issues.values()
        return [i for i in issues if i["state"] == "open" and {"name": label} in i["labels"]]


@pytest.fixture
def repository(installed, tmp_path: Path, equipped: Services) -> Iterator[Repository]:
    """A new repository of the binary sample, pushed; two months of rows keep the runs short."""
    need("act")
    need("skopeo")
    folder = installed("binary").copy(tmp_path / "work", environment=False).folder
    made = Repository(folder, equipped)
    text = (folder / "settings.toml").read_text(encoding="utf-8")
    text = text.replace("# window_days = 180  ", "window_days = 60  ")
    (folder / "settings.toml").write_text(text, encoding="utf-8")
    equipped.publish(folder)
    yield made
    for host in made.hosts:
        engines.docker(equipped.docker, "rm", "--force", host)


def test_the_first_day_with_no_setting_at_all(repository):
    """A push; then a schedule on which nothing is new; then an equal model, which is kept quiet."""
    first = repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    assert "PROMOTE" in first.summaries["train"]
    assert repository.aliases() == (1, 1, None)
    assert repository.runs_now() == {"staging": 1, "production": 1}
    image = repository.image_of(1)
    assert repository.tag("staging") == repository.tag("production") == image
    assert {line["action"] for line in first.actions} >= {
        "anchore/sbom-action",
        "anchore/scan-action",
    }
    attested = [line for line in first.actions if line["action"] == "actions/attest"]
    assert [one["subject"][0]["digest"]["sha256"] for one in attested] == [image[7:]] * 2
    repository.expect({**KEPT, "report": DONE}, "ct.yml", "schedule")
    again = repository.expect({**NOTHING_NEW, "report": DONE}, "ct.yml", "schedule")
    assert "Nothing new: KEEP" in again.log
    assert repository.services.github.issues == {}
    assert [one["judgement"]["verdict"] for one in repository.state()["decisions"]] == [
        "PROMOTE",
        "KEEP",
    ]


def test_a_worse_a_broken_and_a_mended_model(repository):
    """REJECT on a schedule opens one issue, a failure adds to it, and a good run closes it."""
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    repository.model(GOOD, WEAK)
    rejected = repository.expect({**KEPT, "report": DONE}, "ct.yml", "schedule")
    assert "REJECT" in rejected.summaries["train"]
    (issue,) = repository.open_issues("ml-training")
    assert "The gate says REJECT" in issue["body"]
    repository.model(WEAK, 'max_iter=int("many"),')
    broken = {**KEPT, "train": FAIL, "publish": SKIP, "report": DONE}
    repository.expect(broken, "ct.yml", "schedule")
    assert repository.open_issues("ml-training") == [issue]
    assert len(repository.services.github.comments) == 1
    repository.model('max_iter=int("many"),', GOOD)
    repository.expect({**KEPT, "report": DONE}, "ct.yml", "repository_dispatch")
    assert repository.open_issues("ml-training") == []
    assert repository.aliases() == (1, 1, None)


def test_a_better_model_that_fails_on_its_way_and_the_way_back(repository):
    """Staging fails, production fails, then it arrives; then back, twice, and forth by number."""
    repository.model(GOOD, WEAK)
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    one = repository.host(1)
    repository.model(WEAK, GOOD)
    nothing_moved = (repository.aliases(), repository.runs_now())

    stuck = {**SHIPPED, "deploy / staging": FAIL, "deploy / production": SKIP, "report": SKIP}
    done = repository.run("ct.yml", "push", variables={"STAGING_URL": one})
    assert done.jobs == stuck, done.log[-6000:]
    assert (repository.aliases(), repository.runs_now()) == nothing_moved
    assert repository.tag("staging") == repository.image_of(1)

    stuck = {**SHIPPED, "deploy / production": FAIL, "report": SKIP}
    done = repository.run("ct.yml", "push", variables={"PRODUCTION_URL": one})
    assert done.jobs == stuck, done.log[-6000:]
    assert "it is" in done.log  # the version that the host still runs
    assert repository.aliases() == (1, 1, None)
    assert repository.runs_now() == {"staging": 2, "production": 1}
    assert repository.tag("production") == repository.image_of(1)

    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    assert repository.aliases() == (2, 2, 1)
    assert repository.tag("production") == repository.image_of(2)

    back = {"target": DONE, "deploy / staging": SKIP, "deploy / production": DONE}
    for _ in range(2):
        repository.expect(back, "rollback.yml", "workflow_dispatch", inputs={"to": "previous"})
        assert repository.aliases() == (1, 1, 1)
        assert repository.tag("production") == repository.image_of(1)
    repository.expect(back, "rollback.yml", "workflow_dispatch", inputs={"to": "2"})
    assert repository.aliases()[0] == 2
    assert repository.runs_now() == {"staging": 2, "production": 2}
    nowhere = {"target": FAIL, "deploy": SKIP}
    repository.expect(nowhere, "rollback.yml", "workflow_dispatch", inputs={"to": "7"})


def pull_request(repository: Repository, origin: str) -> dict:
    head = {"repo": {"full_name": origin, "fork": origin != "octo/model"}, "ref": "change"}
    return {"pull_request": {"number": 5, "head": head, "base": {"ref": "main"}}}


CI = {
    "lint": DONE,
    "test (3.11)": DONE,
    "test (3.13)": DONE,
    "train": DONE,
    "image": DONE,
    "comment": DONE,
    "ok": DONE,
}


def test_a_pull_request_from_the_repository_a_fork_and_dependabot(repository):
    """All are trained and judged; only the repository's own gets a comment, and always the same."""
    ours = pull_request(repository, "octo/model")
    done = repository.expect(CI, "ci.yml", "pull_request", payload=ours)
    assert "PROMOTE" in done.summaries["train"]
    (comment,) = repository.services.github.comments.values()
    assert "Model gate: PROMOTE" in comment["body"]
    assert "ml-state" not in git(repository.services.remote, "branch", "--list", "ml-state")
    quick = {"matrix": {"python": "3.11"}}
    few = {name: result for name, result in CI.items() if name != "test (3.13)"}
    repository.expect(few, "ci.yml", "pull_request", payload=ours, **quick)
    assert len(repository.services.github.comments) == 1
    quiet = {**few, "comment": SKIP}
    theirs = pull_request(repository, "somebody/model")
    repository.expect(quiet, "ci.yml", "pull_request", payload=theirs, **quick)
    assert len(repository.services.github.comments) == 1


def test_a_pull_request_that_would_make_the_model_worse_is_red(repository):
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    repository.model(GOOD, WEAK)
    ours = pull_request(repository, "octo/model")
    done = repository.run("ci.yml", "pull_request", payload=ours, matrix={"python": "3.11"})
    assert done.jobs["train"] == FAIL
    assert done.jobs["ok"] == FAIL
    (comment,) = repository.services.github.comments.values()
    assert "Model gate: REJECT" in comment["body"]
    assert repository.aliases() == (1, 1, None)


def test_a_push_of_words_trains_nothing(repository):
    """The first parent of a pull request's merge is compared; a push trains in ct.yml alone."""
    repository.change("README.md", "# ", "#  ") if False else None
    (repository.folder / "docs" / "note.md").write_text("words", encoding="utf-8")
    repository.services.publish(repository.folder)
    words = {**CI, "train": SKIP, "image": SKIP, "comment": SKIP}
    del words["test (3.13)"]
    ours = pull_request(repository, "octo/model")
    quick = {"matrix": {"python": "3.11"}}
    repository.expect(words, "ci.yml", "pull_request", payload=ours, **quick)
    repository.expect(words, "ci.yml", "push", **quick)


def test_monitoring_with_and_without_a_loss(repository):
    """Quiet at first; then the world turns: one issue, and a retraining in the same run."""
    watched = {"watch": DONE, "retrain": SKIP, "report": DONE}
    repository.expect(watched, "monitor.yml", "schedule")
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    repository.expect(watched, "monitor.yml", "schedule")
    assert repository.services.github.issues == {}


def test_security_in_its_two_situations(repository):
    ours = pull_request(repository, "octo/model")
    looked = {"workflows": DONE, "dependencies": DONE, "vulnerabilities": SKIP, "scorecard": SKIP}
    repository.expect(looked, "security.yml", "pull_request", payload=ours)
    looked = {"workflows": DONE, "dependencies": SKIP, "vulnerabilities": DONE, "scorecard": DONE}
    repository.expect(looked, "security.yml", "schedule")
