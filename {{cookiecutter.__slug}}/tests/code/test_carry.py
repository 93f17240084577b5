"""`ml state export` and `import`: nothing is lost on the way, twice is once, a crash is mended."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from argparse import Namespace
from pathlib import Path

import pytest

from your_package import carry
from your_package.carry import folder, told
from your_package.errors import Status, Stop
from your_package.promote import promote, roll_back
from your_package.state import commands, value
from your_package.state.ledger import Ledger
from your_package.state.server import Server
from your_package.state.value import State
from your_package.store.tracking import Registry
from your_package.store.versions import Aliases

IMAGE = "host/name@sha256:1"
SOURCE = Path(carry.__path__[0]).parents[1]


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def place(tmp_path, empty_store):
    """A project's folder with an empty store, by name."""

    def make(name):
        (tmp_path / name).mkdir()
        (tmp_path / name / "settings.toml").write_text('name = "small"\n', encoding="utf-8")
        shutil.copy(empty_store, tmp_path / name)
        return tmp_path / name

    return make


@pytest.fixture
def small(registry, add_version):
    """One champion."""
    (registry.root / "settings.toml").write_text('name = "small"\n', encoding="utf-8")
    add_version(beats_anchor=True)
    promote(registry)
    return registry


@pytest.fixture(scope="module")
def full(tmp_path_factory, empty_store, recorder):
    """Two champions, one taken back, one that waits; a search; a deployment; much in one run."""
    root = tmp_path_factory.mktemp("full")
    shutil.copy(empty_store, root)
    (root / "settings.toml").write_text('name = "small"\n', encoding="utf-8")
    registry = Registry(root, "small")
    first = recorder(registry, "PROMOTE", None, beats_anchor=True)
    promote(registry)
    second = recorder(registry, "PROMOTE", first, beats_anchor=False)
    promote(registry)
    roll_back(registry)
    recorder(registry, "KEEP", first, beats_anchor=False)
    registry.record_search([({"depth": 3}, {"cv": 0.8})])
    Server(registry).swap(deployment(second.digest), "deploy")
    with registry.door() as client:
        fill(client, client.search_runs([registry.experiment(client)])[0].info.run_id)
    return registry


def fill(client, run):
    """More than one call of MLflow takes, a metric over time, and words of all kinds."""
    from mlflow.entities import Param  # noqa: TID251 - as somebody's own code would

    for step, score in enumerate((0.5, 0.6, float("inf"))):
        client.log_metric(run, "epoch", score, 1000 + step, step)
    for start in (0, 100):
        client.log_batch(run, params=[Param(f"p{start + n}", str(n)) for n in range(75)])
    client.set_tag(run, "note", "Grüße\n| ✓")


def deployment(digest):
    return lambda state: value.deployed(
        value.with_image(state, digest, IMAGE), "staging", digest, "2026-06-01T04:17:00+00:00"
    )


def export(root, name="all.tar"):
    return commands.export(root, Namespace(file=root / name, ledger=False))


def take(root, source, digest=""):
    return commands.import_(root, Namespace(file=source, digest=digest, ledger=False))


def stopped(status, function, *given, **named):
    with pytest.raises(Stop) as stop:
        function(*given, **named)
    assert stop.value.status == status
    assert "\n" not in str(stop.value)
    return str(stop.value)


@pytest.mark.parametrize("name", ["all.tar", "all"])
def test_what_comes_there_is_what_was_here(name, full, place):
    """The digest is over every version, bundle, run, metric, file, decision and alias."""
    here = export(full.root, name)
    assert (here["champion"], here["versions"], here["decisions"], here["runs"]) == (1, 3, 3, 5)
    there = place("there")
    come = take(there, full.root / name, here["digest"])
    assert (come["new_versions"], come["new_runs"]) == (3, 5)
    assert export(there, f"again-{name}") == here
    other = Registry(there, "small")
    assert other.aliases() == full.aliases()
    assert [v.rolled_back for v in other.versions()] == [False, True, False]
    assert Server(other).read().environments["staging"].image == IMAGE
    assert (other.fetch(other.versions()[1]) / "gate" / "report.md").read_text("utf-8") == "2\n"
    parents = [run.tags.get("search") for run in read(there / f"again-{name}").runs]
    assert parents.count("1") == 1


def read(source):
    with folder.opened(source, "small", None) as (carried, _):
        return carried


def test_twice_does_nothing_and_what_came_later_stays(full, place):
    export(full.root)
    source, there = full.root / "all.tar", place("there")
    take(there, source)
    again = take(there, source)
    assert (again["new_versions"], again["new_runs"]) == (0, 0)
    other = Registry(there, "small")
    promote_third(other)
    message = stopped(Status.REJECTED, take, there, source)
    assert "v3" in message
    assert other.aliases().champion == 3


def promote_third(registry):
    registry.move(Aliases(champion=3, anchor=1, previous=1))


@pytest.mark.parametrize("name", ["all.tar", "all"])
def test_an_export_is_whole_or_not_there_and_never_over_something_else(
    name, small, add_version, monkeypatch
):
    target = small.root / name
    monkeypatch.setattr(folder, "_settle", killed)
    with pytest.raises(Killed):
        export(small.root, name)
    assert not target.exists()
    monkeypatch.undo()
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    first = export(small.root, name)
    before = target.stat().st_mtime_ns
    assert export(small.root, name) == first
    assert target.stat().st_mtime_ns == before
    add_version("KEEP")
    assert "name another" in stopped(Status.SETTINGS, export, small.root, name)
    assert sorted(small.root.glob(".*.part")) == []


class Killed(BaseException):
    """What a process that is killed would never catch."""


def killed(*_):
    raise Killed


WRITES = ("create_run", "create_model_version", "create_registered_model", "log_artifacts")
WRITES += ("log_batch", "log_inputs", "set_tag", "set_terminated", "set_registered_model_tag")
WRITES += ("set_registered_model_alias", "delete_registered_model_tag")


def test_a_crash_before_any_write_is_mended_by_the_same_command(small, place, monkeypatch):
    wanted = export(small.root)
    source, fatal, met = small.root / "all.tar", 0, set()
    while True:
        fatal += 1
        there = place(f"there-{fatal}")
        die_before(fatal, monkeypatch, met)
        try:
            take(there, source)
        except Killed:
            monkeypatch.undo()
        else:
            break
        found = Registry(there, "small")
        assert found.aliases() in (Aliases(), small.aliases())
        assert [found.fetch(v).is_dir() for v in found.versions()] in ([], [True])
        take(there, source)
        assert export(there, f"{fatal}.tar") == wanted
    assert met == set(WRITES)


def die_before(fatal, monkeypatch, met):
    """Raise before the write with this number, and note of which kind it was."""
    from mlflow import MlflowClient  # noqa: TID251 - to break it as a crash would

    left = [fatal]

    def wrapped(write):
        def call(*given, **named):
            left[0] -= 1
            if not left[0]:
                met.add(write.__name__)
                raise Killed
            return write(*given, **named)

        return call

    for name in WRITES:
        monkeypatch.setattr(MlflowClient, name, wrapped(getattr(MlflowClient, name)))


def test_numbers_that_are_taken_there_are_others_and_the_aliases_follow(full, place):
    export(full.root)
    there = place("there")
    other = Registry(there, "small")
    with other.door() as client:
        client.create_registered_model("small")
        client.create_model_version("small", "elsewhere", None)  # without a verdict: not ours
    take(there, full.root / "all.tar")
    assert [version.number for version in other.versions()] == [2, 3, 4]
    assert other.aliases() == Aliases(champion=2, anchor=2, previous=2)
    assert Server(other).read().environments["staging"].version == 3


def reseal(whole):
    """What whoever changes an export would do: a manifest that fits."""
    facts = json.loads((whole / "manifest.json").read_text(encoding="utf-8"))
    del facts["files"]
    folder.bundle.seal(whole, facts)


def a_byte(whole):
    path = next((whole / "blobs").iterdir())
    path.write_bytes(path.read_bytes() + b" ")


def a_byte_and_the_manifest(whole):
    a_byte(whole)
    reseal(whole)


def another_bundle(whole):
    """The report of a version is another one, under a hash of its own."""
    lines = (whole / "runs.jsonl").read_text(encoding="utf-8").splitlines()
    (whole / "blobs" / folder.bundle.sha256(whole / "state.json")).write_bytes(
        (whole / "state.json").read_bytes()
    )
    facts = json.loads(lines[0])
    facts["files"]["bundle/gate/report.md"] = folder.bundle.sha256(whole / "state.json")
    text = "\n".join([json.dumps(facts), *lines[1:]]) + "\n"
    (whole / "runs.jsonl").write_text(text, encoding="utf-8")
    reseal(whole)


def a_path_that_leads_out(whole):
    path = whole / "runs.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"bundle/gate/report.md"', '"../../report.md"'), encoding="utf-8")
    reseal(whole)


def a_version_less(whole):
    path = whole / "state.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["versions"] = facts["versions"][:-1]
    path.write_text(json.dumps(facts), encoding="utf-8")


def a_file_more(whole):
    (whole / "blobs" / "more").write_text("more", encoding="utf-8")


TAMPERED = [
    a_byte,
    a_byte_and_the_manifest,
    another_bundle,
    a_path_that_leads_out,
    a_version_less,
    a_file_more,
]


@pytest.mark.parametrize("change", TAMPERED)
def test_what_was_changed_is_refused_and_nothing_is_taken_in(change, exported, place):
    whole = exported
    change(whole)
    there = place("there")
    assert "refused" in stopped(Status.EVIDENCE, take, there, whole)
    assert Registry(there, "small").versions() == []
    assert Registry(there, "small").history() == []


@pytest.fixture
def exported(small):
    """A small export as a folder."""
    export(small.root, "all")
    return small.root / "all"


def test_whoever_knows_the_digest_takes_no_other(exported, place):
    message = stopped(Status.EVIDENCE, take, place("there"), exported, "0" * 64)
    assert "was expected" in message


def test_what_is_no_export_of_this_project_has_a_line(exported, place, tmp_path):
    there = place("there")
    assert "not there" in stopped(Status.SETTINGS, take, there, tmp_path / "none.tar")
    (tmp_path / "text.tar").write_text("no tar", encoding="utf-8")
    assert "cannot be read" in stopped(Status.EVIDENCE, take, there, tmp_path / "text.tar")
    with tarfile.open(tmp_path / "out.tar", "w") as archive:
        archive.add(exported / "state.json", "../out.json")
    assert "cannot be read" in stopped(Status.EVIDENCE, take, there, tmp_path / "out.tar")
    (tmp_path / "empty").mkdir()
    assert "not a bundle" in stopped(Status.EVIDENCE, take, there, tmp_path / "empty")
    (there / "settings.toml").write_text('name = "other"\n', encoding="utf-8")
    assert "'other'" in stopped(Status.SETTINGS, take, there, exported)
    (there / "mlflow.db").unlink()
    assert "--ledger" in stopped(Status.SETTINGS, export, there, "none.tar")
    assert "make it first" in stopped(Status.SETTINGS, export, exported.parent, "no/where.tar")


def test_the_ledger_takes_all_versions_decisions_and_aliases(full):
    export(full.root)
    carried = read(full.root / "all.tar")
    sources = {digest.digest: f"oci://{digest.number}" for digest in carried.state.known}
    state = told.merged(State(), carried.state, sources)
    assert state.aliases == full.aliases()
    assert [one.id for one in state.decisions] == [one.run_id for one in full.history()]
    assert [one.number for one in state.decisions] == [1, 2, 3]
    assert [(v.number, v.source) for v in state.known] == [(n, f"oci://{n}") for n in (1, 2, 3)]
    assert state.environments == carried.state.environments
    assert told.merged(state, carried.state, {}) == state
    elsewhere = value.roll_back(state, state.known[1].digest)
    stopped(Status.REJECTED, told.merged, elsewhere, carried.state, {})


def test_a_decision_is_the_same_after_it_was_a_run(full):
    export(full.root)
    decisions = read(full.root / "all.tar").state.decisions
    numbers = {one.about: one.number for one in decisions if one.number}
    texts = {"metric": "mae", "reason": "a", "inputs": "b", "stood": "{}", "run": "address"}
    for one in (*decisions, value.replace(decisions[0], **texts)):
        assert told.decision(told.run_of(one, {"a": 0.1}, {}), numbers) == one


@pytest.fixture
def remote(tmp_path):
    """Two checkouts of a remote each, whose ledgers know a decision or nothing."""

    def git(*arguments, where=tmp_path):
        command = ["git", *arguments]
        subprocess.run(command, cwd=where, check=True, capture_output=True)

    def clone(name):
        git("init", "--quiet", "--bare", f"{name}.git")
        git("clone", "--quiet", f"{name}.git", name)
        (tmp_path / name / "settings.toml").write_text('name = "small"\n', encoding="utf-8")
        return Ledger(tmp_path / name, "small")

    return clone


def test_the_ledger_needs_nothing_installed_to_be_carried(remote, full):
    """Python as it comes exports one ledger and fills another; twice makes no second commit."""
    export(full.root)
    [one, *_] = read(full.root / "all.tar").state.decisions
    first, second = remote("first"), remote("second")
    told_alone = value.replace(one, about="", number=None)
    first.swap(lambda state: value.record(state, told_alone, None), "one")
    for ledger, words in ((first, "export"), (second, "import"), (second, "import")):
        done = bare(ledger.root, words, "../ledger.tar", "--ledger")
        assert done.returncode == 0, done.stderr
    assert "new_runs=0" in done.stdout
    assert second.read() == first.read()


def bare(root, *arguments):
    start = f"import sys; sys.path.insert(0, {str(SOURCE)!r})"
    module = f"{carry.__name__.rpartition('.')[0]}.state.__main__"
    code = f"{start}; from {module} import main; main({list(arguments)!r})"
    command = [sys.executable, "-S", "-I", "-c", code]
    kept = {key: text for key, text in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    return subprocess.run(command, cwd=root, env=kept, capture_output=True, text=True, check=False)
