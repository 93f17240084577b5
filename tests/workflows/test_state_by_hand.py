"""`ml state push` and `pull` between two people, with a git remote and a registry between them."""

import json

import pytest
from conftest import TODAY, Project, need
from repository import GOOD, WEAK
from services import connect, git

pytest_plugins = ["parts"]


@pytest.fixture
def people(installed, services, registry, tmp_path):
    """Two checkouts of one remote; REGISTRY names where bundles go."""
    need("skopeo")

    def person(name: str) -> Project:
        made = installed("binary").copy(tmp_path / name)
        connect(made.folder, services.remote)
        return made

    return person("ann"), person("bob"), {"REGISTRY": f"{registry}/Octo/{tmp_path.name}"}


def status(project: Project) -> dict:
    return json.loads(project.ml("status", "--json").stdout)


def test_what_one_promotes_the_other_serves(people, services):
    ann, bob, where = people
    ann.ml("train", "--today", TODAY)
    ann.ml("promote")
    ann.ml("state", "push", env=where)
    before = git(services.remote, "rev-parse", "ml-state")
    ann.ml("state", "push", env=where)
    assert git(services.remote, "rev-parse", "ml-state") == before
    assert status(bob)["aliases"]["champion"] == 1
    bob.ml("state", "pull")
    assert "v1 answered" in bob.ml("serve", "--smoke").stdout
    judged = json.loads(bob.ml("train", "--today", TODAY, "--json").stdout)["decision"]
    assert judged["verdict"] == "KEEP"
    bob.ml("state", "push", env=where)
    told = json.loads(ann.ml("state", "show").stdout)
    assert [one["judgement"]["verdict"] for one in told["decisions"]] == ["PROMOTE", "KEEP"]
    bob.ml("state", "pull")
    assert len(status(bob)["versions"]) == 1


def test_who_was_slower_is_told_and_loses_nothing(people):
    """Both trained a first model: the second champion was judged against nobody."""
    ann, bob, where = people
    for person, day in ((ann, TODAY), (bob, "2026-05-01")):
        person.ml("train", "--today", day)
        person.ml("promote")
    ann.ml("state", "push", env=where)
    late = bob.ml("state", "push", env=where, status=1)
    assert "judged against another champion" in late.stderr
    told = json.loads(ann.ml("state", "show").stdout)
    assert len(told["versions"]) == 2
    assert told["aliases"]["champion"] == 1


def edit(project: Project, name: str, old: str, new: str) -> None:
    path = project.folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_rollback_at_one_place_is_one_at_the_other(people):
    ann, bob, where = people
    edit(ann, "settings.toml", "# behaviour = true ", "behaviour = false ")
    for old, new in ((GOOD, WEAK), (WEAK, GOOD)):
        edit(ann, "src/customer_model/model.py", old, new)
        ann.ml("train", "--today", TODAY)
        ann.ml("promote")
        ann.ml("state", "push", env=where)
    bob.ml("state", "pull")
    assert status(bob)["aliases"]["champion"] == 2
    ann.ml("rollback")
    ann.ml("state", "push", env=where)
    bob.ml("state", "pull")
    told = status(bob)
    assert told["aliases"]["champion"] == 1
    assert [one["rolled_back"] for one in told["versions"]] == [False, True]


@pytest.mark.parametrize("place", ["", "127.0.0.1:1/nobody/listens"])
def test_a_registry_that_is_not_there_leaves_the_ledger_as_it_was(place, people, services):
    ann, _, _ = people
    ann.ml("train", "--today", TODAY)
    done = ann.ml("state", "push", env={"REGISTRY": place}, status=2)
    assert len(done.stderr.strip().splitlines()) == 1
    assert ("REGISTRY" if not place else "skopeo login") in done.stderr
    assert git(services.remote, "branch", "--list", "ml-state") == ""


def test_a_bundle_that_was_changed_in_the_registry_is_refused(people, tmp_path):
    """The ledger names a digest; whoever answers with other bytes is found out."""
    ann, bob, where = people
    ann.ml("train", "--today", TODAY)
    ann.ml("promote")
    ann.ml("state", "push", env=where)
    bob.ml("state", "pull")
    places = list(tmp_path.parent.glob("registry*/blobs/**/data"))
    mine = [path for path in places if b"manifest.json" in path.read_bytes()]
    assert mine
    for path in mine:
        path.write_bytes(path.read_bytes().replace(b"roc_auc", b"roc_auk"))
    assert bob.ml("serve", "--smoke", status=None).returncode in (2, 4)
