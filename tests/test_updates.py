"""cruft takes a project from an earlier version to this one, and its user loses nothing."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import PROJECT, TEMPLATE, Project, bake_into

PAGE = (PROJECT / "docs" / "updating.md").read_text(encoding="utf-8")
CHANGES = (TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
SECTION = re.compile(
    r"^\[tool\.cruft\]\n.*?^\]\n", re.M | re.S
)  # of pyproject.toml: what is theirs
MINE = [
    "README.md",
    "contract.yaml",
    "settings.toml",
    *(f"src/customer_model/{name}.py" for name in ("data", "features", "model")),
    "tests/model/test_behaviour.py",
]
EARLIER = ("the version before last", "the last version")
OTHERWISE = ("update", "-y", "--variables-to-update")
MADE_UP = 2  # a third one, which is made of the newest, so that what has changed since is known


def git(folder: Path, *command: str, status: int | None = 0, **env: str) -> str:
    """Run git as somebody; what it printed, errors too."""
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    done = subprocess.run(
        ["git", *who, *command], cwd=folder, capture_output=True, text=True, env=os.environ | env
    )
    assert status is None or done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def write_head(folder: Path) -> None:
    """Make a folder hold the template as it is in the work tree, and nothing else."""
    for old in folder.iterdir():
        if old.name != ".git":
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    listed = git(TEMPLATE, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in filter(None, listed.split("\0")):
        if (TEMPLATE / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TEMPLATE / name, folder / name)


def made_up(product: Path, steps: int) -> None:
    """Take the newest product back by a step or two: other words, and a file that has gone."""
    (product / "docs" / "monitor.md").unlink()
    for name in ["errors.py", "show.py", "model.py", "cli.py"][: 2 * steps]:
        path = product / "src" / "{{cookiecutter.__package}}" / name
        path.write_text('"""As it was."""\n' + path.read_text("utf-8").partition("\n")[2], "utf-8")
    (product / "docs" / "old.md").write_text("It has gone since.\n" * steps, encoding="utf-8")
    settings = product / "settings.toml"
    settings.write_text("# As it was.\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    facts = product / "pyproject.toml"
    facts.write_text(facts.read_text("utf-8").replace("hypothesis>=6.140", "hypothesis>=6.1"))


def earlier_versions() -> list[str]:
    """The last two tags; until there are, earlier commits; nothing in a shallow clone."""
    tags = git(TEMPLATE, "tag", "--merged", "HEAD", "--sort=creatordate", "v*").split()
    commits = git(TEMPLATE, "log", "--format=%H", "-40", "--", str(PROJECT)).split()
    return tags[-2:] if len(tags) > 1 else [commits[39], commits[12]] if len(commits) == 40 else []


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A repository whose tags are three earlier versions, and whose head is the work tree.

    The third is made of the newest; in a shallow clone, which has no other, all of them are.
    """
    folder = tmp_path_factory.mktemp("template")
    versions = earlier_versions()
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number in (0, 1, MADE_UP):
        write_head(folder)
        if number < len(versions):
            product = folder / PROJECT.name
            shutil.rmtree(product)
            packed = folder.parent / f"{folder.name}-{number}.tar"
            git(TEMPLATE, "archive", f"--output={packed}", versions[number])
            shutil.unpack_archive(packed, folder, filter="data")
        else:
            made_up(folder / PROJECT.name, 1 if number else 2)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", str(number))
        git(folder, "tag", f"v0.0.{number + 1}")
    write_head(folder)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "head")
    return folder


@dataclass(frozen=True)
class Made:
    """A project that somebody made from the template, in a git repository of theirs."""

    template: Path
    folder: Path

    def cruft(self, command: str) -> str:
        """Type a line of the page."""
        assert f"uvx cruft {command.partition(' gh:')[0].partition(' --no-input')[0]}" in PAGE
        words = [w.strip("'") for w in re.findall(r"'[^']*'|\S+", command)]
        return self.type(*(str(self.template) if w.startswith("gh:") else w for w in words))

    def type(self, *words: str) -> str:
        """Run cruft in the project; what it printed, errors too."""
        done = subprocess.run(
            [sys.executable, "-m", "cruft", *words],
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def commit(self, *more: str, status: int = 0, **env: str) -> str:
        """Commit everything; the environment that the tests lend is no part of the project."""
        (self.folder / ".git" / "info" / "exclude").write_text(".venv\n", encoding="utf-8")
        git(self.folder, "add", "--all")
        return git(self.folder, "commit", "--quiet", "-m", "mine", *more, status=status, **env)

    def edit(self, *names: str) -> dict[str, str]:
        """Change the first and the last line of files, and keep what they hold then."""
        for name in names:
            path = self.folder / name
            note = "<!-- mine -->\n" if name.endswith(".md") else "# mine\n"
            blank = "\n\n" if name.endswith(".py") else ""
            path.write_text(f"{note}{path.read_text('utf-8')}{blank}{note}", "utf-8")
        return {name: (self.folder / name).read_text(encoding="utf-8") for name in names}

    def files(self) -> dict[str, bytes]:
        """What git has or would take, but for cruft's own file."""
        listed = git(self.folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = {n for n in listed.split("\0") if n and (self.folder / n).is_file()}
        return {n: (self.folder / n).read_bytes() for n in names - {".cruft.json"}}


@pytest.fixture
def make(template, tmp_path) -> Callable[..., Made]:
    """A project of a version (0, 1, MADE_UP) or of the head, generated by cruft and committed."""

    def create(version: int | None = None, *, first: Callable[[Made], object] = id) -> Made:
        checkout = [] if version is None else ["--checkout", f"v0.0.{version + 1}"]
        command = ["cruft", "create", str(template), "--no-input", *checkout]
        subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, check=True)
        made = Made(template, tmp_path / "customer-model")
        git(made.folder, "init", "--quiet", "--initial-branch=main")
        first(made)
        made.commit()
        told_by_the_changelog(made)
        return made

    return create


def told_by_the_changelog(made: Made) -> None:
    """What a project from before the first version has to do before its first update."""
    path = made.folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    if "[tool.cruft]" not in text:
        newest = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
        section, after = SECTION.search(newest)[0], "[tool.uv.build-backend]"
        path.write_text(text.replace(after, f"{section}\n{after}"), encoding="utf-8")
        made.commit()


def newest(folder: Path, **answers: str) -> dict[str, bytes]:
    """The files of a project that is generated today."""
    made = bake_into(folder, **answers)
    return {p.relative_to(made).as_posix(): p.read_bytes() for p in made.rglob("*") if p.is_file()}


def apart_from(names: list[str], files: dict[str, bytes]) -> dict[str, bytes]:
    """The files of the engine; what cruft is told stands where the user has put it."""
    kept = {name: data for name, data in files.items() if name not in names}
    facts = tomllib.loads(kept["pyproject.toml"].decode())
    return {**kept, "pyproject.toml": repr(sorted(facts.items())).encode()}


@pytest.mark.parametrize("version", [0, 1], ids=EARLIER)
def test_whoever_edited_all_their_files_keeps_them_and_gets_the_new_engine(
    make, lend, version, tmp_path
):
    made = make(version)
    before = made.edit(*MINE)
    made.commit()
    made.cruft("update -y")
    assert {name: (made.folder / name).read_text("utf-8") for name in MINE} == before
    assert apart_from(MINE, made.files()) == apart_from(MINE, newest(tmp_path / "newest"))
    if version == 0:  # their old files and the new engine get on; training asks their sentences
        project = lend(made)
        project.uv("just", "lint", "types", env={"UV_NO_SYNC": "1"})
        project.uv("pytest", "-q", "tests/data/test_yours.py")
        assert "PROMOTE" in project.ml("train", "--today", "2026-06-01").stdout


@pytest.fixture
def lend(installed) -> Callable[[Made], Project]:
    """Give a project the environment that all tests share."""

    def link(made: Made) -> Project:
        ready = installed("binary")
        (made.folder / ".venv").symlink_to(ready.folder / ".venv", target_is_directory=True)
        return Project(made.folder, ready.forks)

    return link


# The hooks that need the whole environment, which other tests run, wait.
QUICK = {"SKIP": "ruff-format,ruff-check,ty,settings"}


def changed_engine(made: Made) -> list[str]:
    """Files of the engine that are other ones in the newest version, which has them still."""
    product = f"{PROJECT.name}/src/{{{{cookiecutter.__package}}}}"
    command = ["diff", "--name-only", "--diff-filter=M", "HEAD~1", "HEAD", "--", product]
    listed = [Path(line.strip('"')).name for line in git(made.template, *command).splitlines()]
    inside = [p.relative_to(made.folder).as_posix() for p in made.folder.glob("src/*/*.py")]
    return [name for name in inside if Path(name).name in listed and name not in MINE]


def test_a_conflict_with_an_edited_engine_is_marked_and_refused_until_it_is_settled(
    make, lend, tmp_path
):
    made = make(MADE_UP)
    lend(made).uv("pre-commit", "install")
    names = changed_engine(made)
    assert names
    for name in names:  # every line, so that whatever is new there meets something
        path = made.folder / name
        path.write_text(path.read_text("utf-8").replace("\n", "  # mine\n"), encoding="utf-8")
    before = made.edit(*MINE)
    made.commit(**QUICK)
    made.cruft("update -y")
    for name in names:
        assert re.search("^<<<<<<< .*^>>>>>>> ", (made.folder / name).read_text(), re.M | re.S)
    assert "no conflict of a merge or an update is left" in made.commit(status=1, **QUICK)
    git(made.folder, "reset", "--quiet")
    theirs = newest(tmp_path / "newest")
    for name in names:
        (made.folder / name).write_bytes(theirs[name])
    made.commit(**QUICK)
    assert apart_from(MINE, made.files()) == apart_from(MINE, theirs)
    assert {name: (made.folder / name).read_text("utf-8") for name in MINE} == before


def test_what_cannot_be_applied_is_left_beside_the_file_and_refused(make, lend):
    """Who edits before the first commit gives git nothing to merge with."""

    def vandalise(made: Made) -> None:
        for path in made.folder.glob("src/*/*.py"):
            path.write_text("'''Mine.'''\n", encoding="utf-8")

    made = make(MADE_UP, first=vandalise)
    lend(made).uv("pre-commit", "install")
    said = made.cruft("update -y")
    rejected = sorted(made.folder.rglob("*.rej"))
    for name in changed_engine(made):
        assert (made.folder / f"{name}.rej") in rejected, said
        assert (made.folder / name).read_text(encoding="utf-8") == "'''Mine.'''\n"
    refused = made.commit(status=1, **QUICK)
    assert "no *.rej is left" in refused
    assert rejected[0].name in refused
    git(made.folder, "reset", "--quiet")
    refused = git(made.folder, "commit", "--quiet", "-am", "tracked alone", status=1, **QUICK)
    assert rejected[0].name in refused, "a file that git does not know was overlooked"
    for path in rejected:
        path.unlink()
    made.commit(**QUICK)


def test_another_answer_brings_its_files_and_the_old_one_takes_them_away(make, tmp_path):
    made = make()
    before = made.edit(*MINE)
    made.commit()
    first = newest(tmp_path / "registry")
    flips = {
        '{"deploy": "kubernetes"}': {"deploy": "kubernetes"},
        '{"deploy": "registry"}': {},
        '{"license": "Apache-2.0"}': {"license": "Apache-2.0"},
        '{"license": "MIT", "deploy": "compose-ssh"}': {"deploy": "compose-ssh"},
    }
    for answers, baked in flips.items():
        if baked.get("license") or "compose" in answers:
            made.type(*OTHERWISE, answers)
        else:
            made.cruft(f"update -y --variables-to-update '{answers}'")
        wanted = newest(tmp_path / re.sub(r"\W", "", answers), **baked)
        assert apart_from(MINE, made.files()) == apart_from(MINE, wanted), answers
        assert bool(list(made.folder.rglob("kustomization.yaml"))) == ("kube" in answers)
        made.commit()
    assert set(made.files()) == set(first)
    assert {name: (made.folder / name).read_text("utf-8") for name in MINE} == before


def test_another_sample_changes_nothing_that_is_yours(make):
    made = make()
    before = made.files()
    made.type(*OTHERWISE, '{"sample": "regression"}')
    assert made.files() == before


def test_a_file_that_was_deleted_stays_deleted(make):
    made = make(1)
    for name in ("docs/gate.md", "justfile"):
        (made.folder / name).unlink()
    made.commit()
    made.cruft("update -y")
    assert not {"docs/gate.md", "justfile"} & set(made.files())
    assert not list(made.folder.rglob("*.rej"))


def test_a_project_of_plain_cookiecutter_is_linked_and_then_updated(template, tmp_path):
    old = tmp_path / "old"
    git(tmp_path, "clone", "--quiet", "--branch", "v0.0.2", str(template), str(old))
    command = ["cookiecutter", str(old), "--no-input", "project_name=Churn"]
    subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, check=True)
    made = Made(template, tmp_path / "churn")
    git(made.folder, "init", "--quiet", "--initial-branch=main")
    made.commit()
    told_by_the_changelog(made)
    link = re.search(r"uvx cruft (link .*)", PAGE)[1].replace("v0.1.0", "v0.0.2")
    made.cruft(f"{link} --no-input")
    made.commit()
    made.cruft("update -y")
    mine = [name.replace("customer_model", "churn") for name in MINE]
    wanted = newest(tmp_path / "newest", project_name="Churn")
    assert apart_from(mine, made.files()) == apart_from(mine, wanted)


def test_what_no_update_touches_is_what_the_page_and_the_agents_are_told():
    listed = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["cruft"]["skip"]
    sentence = re.search(r"no update touches: (.*?)\. Every", PAGE, re.S)[1]
    assert re.findall("`(.*?)`", sentence) == sorted(
        (Path(name).name for name in listed), key=sentence.index
    ), "the page"
    agents = (PROJECT / "AGENTS.md").read_text(encoding="utf-8")
    assert not [name for name in listed if Path(name).name not in agents], "AGENTS.md"
    assert {name.replace("customer_model", "*") for name in MINE} == {*listed} - {
        "params.json",
        "reference.json",
    }


def test_the_changelog_says_of_each_version_what_to_do_newest_first():
    version = tomllib.loads((TEMPLATE / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    parts = re.split(r"^## ", CHANGES, flags=re.M)[1:]
    numbers = [part.split()[0] for part in parts]
    assert numbers[0] == version
    assert numbers == sorted(numbers, key=lambda n: [int(x) for x in n.split(".")], reverse=True)
    for part in parts:
        assert re.search(r"^\*\*Do:\*\* \S", part, re.M), part[:20]
        assert re.search(r"^\*\*New:\*\* \S", part, re.M), part[:20]
