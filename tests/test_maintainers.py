"""What maintainers are told is so: paths, commands, figures, and a site without broken links."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from conftest import PROJECT, SOURCES, TEMPLATE

TOLD = ("CONTRIBUTING.md", "AGENTS.md")
PLACES = (TEMPLATE, PROJECT, SOURCES, PROJECT / "_options" / "deploy" / "registry")
MAKEFILE = (TEMPLATE / "Makefile").read_text(encoding="utf-8")


def read(name: str) -> str:
    return (TEMPLATE / name).read_text(encoding="utf-8")


def paths(text: str) -> list[str]:
    """Words in backticks, and the map's first words, that look like a path."""
    listed = re.search(r"^```\n(.*?)^```", text, re.M | re.S)
    rows = [re.split(r"\s{2,}", row)[0] for row in listed[1].splitlines()] if listed else []
    words = [w for told in [*re.findall(r"`([^`\n]+)`", text), *rows] for w in told.split()]
    looks = re.compile(r"[\w.{}*-]+(/[\w.{}*-]*)*")
    return [w for w in words if looks.fullmatch(w) and re.search(r"/|\.(py|md|json|yml|toml)$", w)]


@pytest.mark.parametrize("name", TOLD)
def test_every_path_that_is_named_exists(name):
    named = [p for p in paths(read(name)) if not p.startswith("build/") and p != ".cruft.json"]
    assert len(named) > 4
    missing = [p for p in named if not any(list(place.glob(p)) for place in PLACES)]
    assert missing == []


def test_every_name_in_capitals_is_in_the_tests():
    every = "".join(p.read_text(encoding="utf-8") for p in (TEMPLATE / "tests").glob("*.py"))
    names = set(re.findall(r"`([A-Z_]{5,})`", read("CONTRIBUTING.md"))) - {"DEMO_KEY"}
    assert {"OPTIONS", "PERMISSIONS", "TRIGGERS", "OWN_PERMISSIONS"} <= names
    kept = every + (TEMPLATE / ".github" / "workflows" / "demo.yml").read_text(encoding="utf-8")
    assert [name for name in names if name not in kept] == []


def test_a_function_that_is_named_with_its_file_is_there():
    """As "`score` of `metrics/scores.py`"."""
    named = re.findall(r"`(\w+)` of\s+`([\w/]+\.py)`", read("CONTRIBUTING.md"))
    assert len(named) > 2
    for function, file in named:
        (path,) = [found for place in PLACES for found in place.glob(file)]
        assert re.search(rf"^(def )?{function}\b", path.read_text("utf-8"), re.M), (function, file)


def test_whoever_adds_an_option_or_a_command_is_told_every_place():
    page = " ".join(read("CONTRIBUTING.md").split())
    option, command = (
        re.search(rf"\*\*{w}:\*\* (.*?) \*\*", page)[1] for w in ("An option", "A command")
    )
    for word in ("`OPTIONS`", "`BROUGHT`", "`SHARED`", "/shared/`"):
        assert word in option
    for path in SOURCES.glob("cli*.py"):
        assert f"`{path.name}`" in command


def test_agents_are_told_every_module_that_may_import_mlflow():
    rules = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    (told,) = re.findall(r'^mlflow\.msg = "(.*)"$', rules, re.M)
    text = (PROJECT / "AGENTS.md").read_text(encoding="utf-8")
    for name in re.findall(r"(\w+)\.py", told):
        assert f"`store/{name}.py`" in text


def test_every_make_command_that_is_named_is_there_and_the_speeds_are_told():
    targets = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)[1].split())
    for name in (*TOLD, "README.md"):
        assert set(re.findall(r"(?:^|`)make ([\w-]+)", read(name), re.M)) <= targets, name
    assert {t for t in targets if t.startswith("test")} <= set(
        re.findall(r"`make ([\w-]+)`", read("CONTRIBUTING.md"))
    )


def test_the_commands_of_a_project_that_the_readme_names_are_those_that_tests_type():
    """test_loop.py types the block of the project's README, test_adopt.py adopts tables."""
    block = re.search(r"^```\n(.*?)^```", (PROJECT / "README.md").read_text("utf-8"), re.M | re.S)
    assert block
    told = set(re.findall(r"uv run ml [^`#\n]+", read("README.md")))
    typed = set(re.findall(r"uv run ml [^`#\n]+", block[1]))
    assert {one.strip() for one in told - typed} == {"uv run ml adopt your.csv --target y"}


def test_the_first_screen_is_a_sentence_a_command_and_a_picture():
    title, *first = [part for part in read("README.md").split("\n\n") if part][:4]
    assert title.startswith("# ")
    assert [part[:2] for part in first] == ["A ", "``", "!["]
    assert sum(part.count("\n") + 1 for part in first) < 12


def test_the_three_speeds_name_files_and_together_are_all():
    listed = subprocess.run(
        ["make", "--dry-run", "test-fast", "test-project", "test-slow", "UV=uv"],
        cwd=TEMPLATE, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    named = re.findall(r"tests/\w+(?:\.py)?", listed)
    assert len(named) == len(set(named))
    there = {p.relative_to(TEMPLATE).as_posix() for p in (TEMPLATE / "tests").glob("test_*.py")}
    assert set(named) == there | {"tests/workflows"}
    speeds = [line for line in listed.splitlines() if "pytest" in line]
    assert len(speeds) == 3


def numbers(text: str) -> list[str]:
    """Figures as they are written, without names of columns and rules."""
    return re.findall(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?%?", text)


def figures(page: str) -> list[tuple[str, str]]:
    """Each figure of a part's table or of a point, with the results that they link."""
    found = []
    for part in re.split(r"^## |^- ", page, flags=re.M):
        links = re.findall(r"\]\(\.\./benchmarks/results/([\w-]+\.md)\)", part)
        if not links:
            continue
        rows = [row.split("|", 2)[2] for row in part.splitlines() if row.startswith("|")]
        rows = rows[2:] if rows else [re.sub(r"\]\(.*?\)|`.*?`|p < \.05", "", part)]
        found += [(number, link) for row in rows for number in numbers(row) for link in links[:1]]
    return found


def test_every_figure_of_the_comparison_is_in_the_results_that_it_links():
    page = read("docs/comparison.md")
    assert re.search(r"^State of \d{4}-\d\d-\d\d\.", page, re.M)
    told = figures(page)
    assert len(told) > 60
    missing = []
    for number, link in told:
        results = read(f"benchmarks/results/{link}")
        if not re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)", results):
            missing.append(f"{number} is not in {link}")
    assert missing == []
    for script in re.findall(r"`(benchmarks/\w+\.py)`", page):
        assert (TEMPLATE / script).is_file()


class Links(HTMLParser):
    """What a page loads or links."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        super().__init__()
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what a browser would fetch by itself."""
        given = dict(attrs)
        if tag in ("script", "img") or (tag == "link" and given.get("rel") == "stylesheet"):
            self.loaded.append(given.get("src") or given.get("href") or "")


def test_the_site_builds_without_a_broken_link_and_loads_nothing_from_elsewhere(tmp_path):
    command = ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=TEMPLATE, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = tmp_path / "site"
    for page in (*TEMPLATE.glob("docs/*.md"), *TEMPLATE.glob("benchmarks/results/*.md")):
        place = built / page.relative_to(TEMPLATE).with_suffix("")
        assert (place / "index.html").is_file(), page
    for page in (PROJECT / "docs").glob("*.md"):
        assert (built / "product" / page.stem / "index.html").is_file(), page
    home = Links()
    home.feed((built / "index.html").read_text(encoding="utf-8"))
    assert any(place.endswith("demo.svg") for place in home.loaded)
    for place in filter(None, home.loaded):
        if not place.startswith("https://"):
            assert (built / place.partition("?")[0]).is_file(), place
    assert not [place for place in home.loaded if place.startswith(("http", "//"))]
    index = json.loads((built / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert len(index["docs"]) > 50
