"""The state: pure rules on a value, and a ledger in git that loses nothing, whoever writes."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from your_package.errors import Status, Stop
from your_package.state import ledger as ledger_module
from your_package.state import page, value
from your_package.state.ledger import BRANCH, Ledger
from your_package.state.text import from_text, to_text
from your_package.state.value import Decided, Published, State
from your_package.store.versions import Judgement, Version

NOW = "2026-06-01T04:17:00+00:00"


def decided(name, verdict="PROMOTE", champion=None, score=0.8, **more):
    judgement = Judgement(verdict, champion, beats_anchor=False, value=score)
    told = ("roc_auc", "why | not", "", name, "[]", "")
    return Decided(name, NOW, judgement, *told, gaps={"anchor": (0.01, 0.02)}, **more)


def published(digest, verdict="PROMOTE", champion=None):
    judgement = Judgement(verdict, champion, beats_anchor=False, value=0.8)
    return Published(
        Version(0, digest, digest, "rows", judgement, "oci://x", "", False), NOW, "abc"
    )


def with_version(state, digest, verdict="PROMOTE", champion=None):
    made = published(digest, verdict, champion)
    return value.record(state, decided(f"of {digest}", verdict, champion), made)


def with_image(state, digest):
    return value.with_image(state, digest, f"host/name@sha256:{digest}")


@pytest.fixture
def two():
    """Two versions that were champion one after the other, each with its image."""
    state = with_image(with_version(State(), "one"), "one")
    state = value.promote(state, "one")
    state = with_image(with_version(state, "two", champion="one"), "two")
    return value.promote(state, "two")


def stopped(status, function, *given):
    with pytest.raises(Stop) as stop:
        function(*given)
    assert stop.value.status == status
    return str(stop.value)


def test_the_first_proven_version_becomes_champion_and_anchor():
    state = value.promote(with_version(State(), "one"), "one")
    assert (state.aliases.champion, state.aliases.anchor, state.aliases.previous) == (1, 1, None)
    assert state.champion == state.get("one")


def test_a_decision_is_recorded_once():
    state = with_version(State(), "one")
    assert with_version(state, "one") == state


def test_a_known_digest_keeps_its_number_and_takes_the_newer_verdict():
    state = with_version(with_version(State(), "one"), "two")
    again = value.record(state, decided("later", "KEEP"), published("one", "KEEP"))
    assert [v.number for v in again.known] == [1, 2]
    assert again.get("one").version.judgement.verdict == "KEEP"


def test_what_was_not_kept_is_a_decision_and_no_version():
    state = value.record(State(), decided("bad", "REJECT"), None)
    assert (len(state.decisions), state.versions, state.decisions[0].number) == (1, (), None)


def test_a_version_that_was_judged_against_another_champion_is_not_promoted(two):
    late = with_version(two, "late", champion="one")
    assert "another champion; v2 is champion now" in stopped(
        Status.REJECTED, value.promote, late, "late"
    )


@pytest.mark.parametrize("verdict", ["KEEP", "REJECT", "INVALID"])
def test_only_what_the_gate_proved_is_promoted(two, verdict):
    state = with_version(two, "no", verdict, champion="two")
    assert verdict in stopped(Status.REJECTED, value.promote, state, "no")


def test_a_digest_that_nobody_recorded_is_refused(two):
    assert "No version has the digest nobody" in stopped(
        Status.REJECTED, value.promote, two, "nobody"
    )


def test_a_rollback_twice_is_a_rollback_once(two):
    back = value.roll_back(two, "one")
    assert back.champion == back.get("one")
    assert back.get("two").version.rolled_back
    assert value.roll_back(back, "one") == back


def test_what_was_rolled_back_is_not_promoted_but_may_be_gone_back_to(two):
    back = value.roll_back(two, "one")
    assert "rolled back" in stopped(Status.REJECTED, value.promote, back, "two")
    forth = value.roll_back(back, "two")
    assert forth.champion == forth.get("two")
    assert not forth.get("two").version.rolled_back


def test_an_environment_runs_the_image_of_a_version_and_says_since_when(two):
    state = value.deployed(two, "production", "two", NOW)
    assert state.environments["production"].image == "host/name@sha256:two"
    assert value.deployed(state, "production", "two", "2027-01-01T00:00:00+00:00") == state


def test_old_decisions_lose_the_sketch_of_their_holdout_and_nothing_else():
    state = State()
    for number in range(value.SKETCHES + 5):
        one = replace(decided(str(number), "REJECT"), holdout='["a"]')
        state = value.record(state, one, None)
    assert [one.holdout for one in state.decisions[:6]] == ["[]"] * 5 + ['["a"]']


texts = st.text(max_size=30)
judgements = st.builds(
    Judgement,
    st.sampled_from(["PROMOTE", "KEEP", "REJECT", "INVALID"]),
    st.none() | texts,
    st.booleans(),
    st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
)
first = datetime(2000, 1, 1)  # noqa: DTZ001 - hypothesis wants it naive
moments = st.datetimes(first).map(lambda moment: moment.isoformat())


@given(texts, judgements, texts, moments, texts)
def test_any_state_is_read_as_it_was_written_and_has_a_page(digest, judgement, reason, when, run):
    one = replace(decided(digest or "x", score=None), judgement=judgement, reason=reason)
    one = replace(one, when=when, run=run)
    made = published(digest)
    made = replace(made, version=replace(made.version, judgement=judgement, data_id=reason))
    state = value.deployed(value.record(State(), one, made), digest, digest, when)
    assert from_text(to_text(state)) == state
    files = page.page("name", state)
    assert all(line.count("\n") == 0 for line in files["README.md"].splitlines())


def test_a_state_of_the_first_schema_is_read():
    text = to_text(value.record(State(), decided("first"), None))
    old = text.replace('"schema": 2', '"schema": 1').replace(' "stood": "",', "")
    assert old.count("stood") == 0
    assert from_text(old) == from_text(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not what `ml state` writes"),
        ("[]", "not what `ml state` writes"),
        ('{"schema": 99}', "update"),
        ('{"schema": 1}', "not what `ml state` writes"),
    ],
)
def test_what_is_no_state_is_refused(text, said):
    with pytest.raises(Stop, match=said):
        from_text(text)


def git(folder, *arguments):
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a"}
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - the one on the PATH
        cwd=folder,
        env={**os.environ, **who, "GIT_COMMITTER_EMAIL": "a"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def clones(tmp_path):
    """A bare remote, and a function that clones it."""
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")

    def clone(name):
        git(tmp_path, "clone", "--quiet", "remote.git", name)
        return Ledger(tmp_path / name, "model")

    return clone


def add(name):
    return lambda state: value.record(state, decided(name, "KEEP"), None)


def test_a_missing_branch_is_an_empty_state_and_the_first_write_makes_it(clones):
    ledger = clones("one")
    assert ledger.read() == State()
    ledger.swap(add("first"), "first")
    assert [one.id for one in clones("other").read().decisions] == ["first"]
    remote = ledger.root.parent / "remote.git"
    assert git(remote, "ls-tree", "--name-only", BRANCH) == "README.md\nhistory.svg\nstate.json"


def test_two_projects_of_one_repository_have_a_branch_each(clones, monkeypatch):
    ledger = clones("one")
    ledger.swap(add("first"), "first")
    monkeypatch.setenv("ML_STATE_BRANCH", "ml-state-other")
    assert ledger.read() == State()
    ledger.swap(add("second"), "second")
    assert [one.id for one in clones("two").read().decisions] == ["second"]
    monkeypatch.delenv("ML_STATE_BRANCH")
    assert [one.id for one in ledger.read().decisions] == ["first"]


def test_a_change_that_changes_nothing_writes_nothing(clones):
    ledger = clones("one")
    ledger.swap(add("first"), "first")
    before = git(ledger.root, "ls-remote", "origin")
    ledger.swap(lambda state: state, "nothing")
    ledger.swap(add("first"), "again")
    assert git(ledger.root, "ls-remote", "origin") == before


def test_whoever_was_slower_decides_again_on_what_is_there_now(clones):
    one, two = clones("one"), clones("two")
    seen = []

    def slow(state):
        if not seen:
            two.swap(add("faster"), "faster")
        seen.append(len(state.decisions))
        return add("slower")(state)

    one.swap(slow, "slower")
    assert seen == [0, 1]
    assert [o.id for o in two.read().decisions] == ["faster", "slower"]


def test_the_lease_alone_decides_of_many_writers(clones):
    """Four clones, five writes each, at once: every write is there, in one line of commits."""
    ledgers = [clones(str(number)) for number in range(4)]

    def write(ledger):
        for number in range(5):
            ledger.swap(add(f"{ledger.root.name}.{number}"), "write")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, ledgers))
    assert len(ledgers[0].read().decisions) == 20
    remote = ledgers[0].root.parent / "remote.git"
    assert git(remote, "rev-list", "--count", BRANCH) == "20"
    assert git(remote, "rev-list", "--merges", BRANCH) == ""


def test_a_stop_inside_a_change_leaves_all_as_it_was(clones):
    ledger = clones("one")
    ledger.swap(add("first"), "first")
    before = git(ledger.root, "ls-remote", "origin")
    with pytest.raises(Stop):
        ledger.swap(lambda state: value.promote(state, "nobody"), "promote")
    assert git(ledger.root, "ls-remote", "origin") == before


def test_a_ledger_leaves_the_work_tree_and_the_users_branches_alone(clones):
    ledger = clones("one")
    (ledger.root / "mine.txt").write_text("mine", encoding="utf-8")
    git(ledger.root, "add", "mine.txt")
    before = git(ledger.root, "status", "--porcelain")
    ledger.swap(add("first"), "first")
    assert git(ledger.root, "status", "--porcelain") == before
    assert git(ledger.root, "branch") == ""


def test_without_a_remote_one_line_says_what_is_needed(tmp_path):
    git(tmp_path, "init", "--quiet")
    told = stopped(Status.SETTINGS, Ledger(tmp_path, "model").read)
    assert "git remote origin" in told
    assert "\n" not in told


def test_a_token_reaches_git_by_the_environment_and_github_alone(clones, monkeypatch, tmp_path):
    ledger = clones("one")
    monkeypatch.setenv("GH_TOKEN", "secret-of-the-job")
    ledger.swap(add("first"), "first")
    told = [
        p for p in tmp_path.rglob("*") if p.is_file() and b"secret-of-the-job" in p.read_bytes()
    ]
    assert told == []
    header = "http.https://github.com/.extraheader"
    assert header in ledger_module.access().values()
    monkeypatch.delenv("GH_TOKEN")
    assert ledger_module.access() == {}


def test_the_page_shows_the_champion_what_runs_where_and_every_mark():
    state = State()
    for place, verdict in enumerate(("PROMOTE", "KEEP", "REJECT", "INVALID")):
        one = replace(
            decided(verdict, verdict, score=0.7 + place / 100), when=f"2026-06-0{place + 1}"
        )
        state = value.record(state, one, published("one") if verdict == "PROMOTE" else None)
    state = value.deployed(value.promote(with_image(state, "one"), "one"), "staging", "one", NOW)
    files = page.page("model", state)
    assert "**v1** is champion (0.7000)" in files["README.md"]
    assert "| staging | v1 | 2026-06-01 04:17 |" in files["README.md"]
    assert "why \\| not" in files["README.md"]
    assert files["history.svg"].count("<g>") == 4


def run_state(folder, *arguments):
    module = "your_package.state"
    command = [sys.executable, "-m", module, *arguments]
    bare = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    return subprocess.run(
        command, cwd=folder, env=bare, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project_folder(clones):
    ledger = clones("project")
    (ledger.root / "settings.toml").write_text('name = "model"\n', encoding="utf-8")
    ledger.swap(lambda state: with_image(with_version(state, "one"), "one"), "one")
    return ledger.root


def test_the_commands_of_a_job_one_after_the_other(project_folder):
    assert "number=1" in run_state(project_folder, "check", "one").stdout
    promoted = run_state(project_folder, "promote", "one", "--deployed", "staging production")
    assert promoted.stdout.splitlines()[0] == "digest=one"
    running = run_state(project_folder, "running", "production")
    assert running.stdout == "image=host/name@sha256:one\nnumber=1\n"
    assert run_state(project_folder, "running", "elsewhere").stdout == "image=\nnumber=0\n"
    told = json.loads(run_state(project_folder, "show").stdout)
    assert told["aliases"]["champion"] == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["check", "two"], 1, "No version has the digest"),
        (["target", "previous"], 1, "no champion yet"),
        (["target", "x"], 2, "is no version"),
        (["record", "."], 4, "no outcome"),
        (["nothing"], 2, "invalid choice"),
    ],
)
def test_what_a_job_cannot_do_has_a_line_and_a_status(project_folder, arguments, status, said):
    done = run_state(project_folder, *arguments)
    assert (done.returncode, said in done.stderr) == (status, True), done.stderr
