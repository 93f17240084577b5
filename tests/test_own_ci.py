"""What the template's own workflows run in a shell, run in one: notes, canary, demo."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import TEMPLATE, need

sys.path.insert(0, str(TEMPLATE / "tests" / "workflows"))

import rest
from github import GitHub
from services import git

GITHUB = TEMPLATE / ".github"
VERSION = tomllib.loads((TEMPLATE / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def step(workflow: str, job: str, name: str) -> str:
    """The shell line of a step."""
    found = yaml.safe_load((GITHUB / "workflows" / workflow).read_text(encoding="utf-8"))
    (line,) = [s["run"] for s in found["jobs"][job]["steps"] if s.get("name") == name]
    return line


def shell(line: str, folder: Path, **env: str) -> subprocess.CompletedProcess:
    """Run a line as GitHub does."""
    return subprocess.run(
        [need("bash"), "-e", "-c", line],
        cwd=folder, env=os.environ | env, capture_output=True, text=True,
    )  # fmt: skip


def copied(folder: Path) -> Path:
    """The files that the scripts look at."""
    script = "{{cookiecutter.__slug}}/.github/issue"
    for name in ("pyproject.toml", "CHANGELOG.md", script, ".github/notes", ".github/canary"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TEMPLATE / name, folder / name)
    shutil.copy(GITHUB / "demo", folder / ".github" / "demo")
    return folder


def test_every_file_of_tests_is_run_and_none_hides_another():
    """Pytest runs what `testpaths` names, and ends where two modules share a name."""
    settings = tomllib.loads((TEMPLATE / "pyproject.toml").read_text(encoding="utf-8"))
    named = settings["tool"]["pytest"]["ini_options"]["testpaths"]
    folder = TEMPLATE / "tests"
    assert sorted(n for n in named if n.endswith(".py")) == sorted(
        f"tests/{file.name}" for file in folder.glob("test_*.py")
    )
    names = [file.name for file in folder.rglob("test_*.py")]
    assert len(names) == len(set(names)), sorted(n for n in names if names.count(n) > 1)


def test_a_tag_gets_its_words_of_the_changelog(tmp_path):
    folder = copied(tmp_path)
    log = folder / "CHANGELOG.md"
    log.write_text(log.read_text(encoding="utf-8") + "\n## 0.0.9\n\nOlder words.\n", "utf-8")
    line = step("release.yml", "release", "Notes")
    done = shell(line, folder, GITHUB_REF_NAME=f"v{VERSION}")
    assert done.returncode == 0, done.stderr
    notes = (folder / "notes.md").read_text(encoding="utf-8")
    assert "**Do:**" in notes
    assert "Older words" not in notes
    assert "## " not in notes


@pytest.mark.parametrize(
    ("tag", "change", "told"),
    [
        ("v9.9.9", ("", ""), "pyproject.toml has another version"),
        (f"v{VERSION}", (f"## {VERSION}", "## 7.7.7"), "CHANGELOG.md has nothing under"),
    ],
    ids=["another version", "no words"],
)
def test_a_tag_without_its_version_or_its_words_is_refused(tag, change, told, tmp_path):
    folder = copied(tmp_path)
    log = folder / "CHANGELOG.md"
    log.write_text(log.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    done = shell(step("release.yml", "release", "Notes"), folder, GITHUB_REF_NAME=tag)
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_release_and_the_one_issue_are_what_github_is_asked_for(tmp_path):
    folder = copied(tmp_path)
    (folder / "notes.md").write_text("What is new.\n", encoding="utf-8")
    config = tmp_path / "home" / ".config" / "gh"
    config.mkdir(parents=True)
    need("gh")
    with rest.serve(GitHub()) as github:
        (config / "config.yml").write_text(f"http_unix_socket: {github.socket}\n")
        world = {
            "HOME": str(tmp_path / "home"),
            "GH_CONFIG_DIR": str(config),
            "GH_TOKEN": github.token,
            "GITHUB_REPOSITORY": github.repository,
            "GITHUB_REF_NAME": "v0.1.0",
        }
        shell(step("release.yml", "release", "Release"), folder, **world)
        assert github.unknown == [("POST", f"/repos/{github.repository}/releases")]

        line = step("canary.yml", "report", "Open or close the issue")
        for result, state, said in [
            ("success", [], 0),
            ("failure", ["open"], 0),
            ("failure", ["open"], 1),
            ("success", ["closed"], 1),
        ]:
            done = shell(line, folder, RESULT=result, RUN="https://github.com/run/7", **world)
            assert done.returncode == 0, done.stderr
            assert [issue["state"] for issue in github.issues.values()] == state
            assert len(github.comments) == said
        (issue,) = github.issues.values()
        assert issue["labels"] == [{"name": "canary"}]
        assert "https://github.com/run/7" in issue["body"]


@pytest.fixture
def remote(tmp_path) -> Path:
    """An empty repository, as GitHub gives it."""
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(folder)], check=True)
    return folder


def test_the_demo_is_made_anew_and_only_when_something_differs(tmp_path, remote):
    def push(**files: str) -> subprocess.CompletedProcess:
        """What the job does: the tar of the other job, unpacked, and the script."""
        folder, packed = copied(tmp_path / "work"), tmp_path / "packed"
        shutil.rmtree(folder / "build", ignore_errors=True)
        shutil.rmtree(packed, ignore_errors=True)
        (folder / "build").mkdir()
        packed.mkdir()
        for name, text in {"kept": "same\n", **files}.items():
            (packed / name).write_text(text, encoding="utf-8")
            (packed / name).chmod(0o755)
        subprocess.run(["tar", "-cf", str(folder / "build" / "demo.tar"), "."], cwd=packed)
        line = step("demo.yml", "push", "Push what has changed")
        line = line.replace("git@github.com:$DEMO.git", str(remote))
        return shell(line, folder, DEMO_KEY="a key", GITHUB_SHA="abc", DEMO="octo/demo")

    for files, commits in [({"old": "1\n"}, 1), ({"old": "1\n"}, 1), ({"new": "2\n"}, 2)]:
        done = push(**files)
        assert done.returncode == 0, done.stderr
        assert git(remote, "rev-list", "--count", "main") == str(commits)
        assert git(remote, "ls-tree", "--name-only", "main").split() == ["kept", *files]
    git(remote, "branch", "ml-state", "main")
    assert push(new="3\n").returncode == 0
    assert git(remote, "branch", "--format=%(refname:short)").split() == ["main", "ml-state"]
    assert git(remote, "ls-tree", "main", "new").startswith("100755")
    assert "abc" in git(remote, "log", "-1", "--format=%s", "main")


def test_a_demo_without_a_key_or_a_remote_says_so(tmp_path):
    folder = copied(tmp_path)
    (folder / "made").mkdir()
    line = "sh .github/demo {} made words"
    done = shell(line.format(tmp_path), folder, DEMO_KEY="")
    assert done.returncode == 1
    assert "DEMO_KEY" in done.stderr
    done = shell(line.format(tmp_path / "nowhere"), folder, DEMO_KEY="a key")
    assert done.returncode not in (0, 2)
