"""docs/ml-test-score.md tells the truth: what it names is there, and its score is the rubric's."""

import ast
import re
from math import inf
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "ml-test-score.md").read_text(encoding="utf-8")
SECTIONS = {
    "Data": "Features and data",
    "Model": "model development",
    "Infra": "ML infrastructure",
    "Monitor": "monitoring",
}
NUMBERS = [f"{section} {number}" for section in SECTIONS for number in range(1, 8)]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT[TEXT.index("\n## ") :].splitlines()
    if line.startswith("|") and not line.startswith(("|---", "| number "))
]
HOW = {number: how for number, _, _, how in ROWS}
STATE = {number: state.strip("`") for number, _, state, _ in ROWS}
BY_ITSELF = re.compile(r"`ml train`|`\.github/workflows/")
TESTED = re.compile(r"`(tests/|\.github/workflows/)")
# The upper end of each range of the rubric's scale, and words of what it says there.
SCALE = {
    0: "a research project",
    1: "serious holes",
    2: "a first pass",
    3: "reasonably tested",
    5: "strong",
    inf: "exceptional",
}
SPANS = sorted(set(re.findall(r"`([^`\n]+)`", TEXT)))
PATHS = [one for one in SPANS if "/" in one or re.search(r"\.(py|md|toml|ya?ml|json)\b", one)]
COMMANDS = [one for one in SPANS if one.startswith("ml ")]
SETTINGS = [one for one in SPANS if one.startswith("[")]


def points(number):
    """A point for what runs by itself, half of one for what somebody has to start."""
    if STATE[number] != "met":
        return 0.0
    return 1.0 if BY_ITSELF.search(HOW[number]) else 0.5


def scores():
    return {one: sum(points(n) for n in NUMBERS if n.startswith(f"{one} ")) for one in SECTIONS}


def test_the_rubric_has_seven_items_in_each_of_four_sections():
    assert [number for number, *_ in ROWS] == NUMBERS
    assert all(item and how for _, item, _, how in ROWS)


def test_every_item_is_met_or_yours_or_not_there_yet():
    assert set(STATE.values()) <= {"met", "yours", "not yet"}


@pytest.mark.parametrize("number", [number for number, state in STATE.items() if state == "met"])
def test_what_is_met_names_a_test_or_a_workflow(number):
    assert TESTED.search(HOW[number])


@pytest.mark.parametrize("path", PATHS)
def test_every_path_and_test_that_it_names_is_there(path):
    name, _, function = path.partition("::")
    files = sorted(ROOT.glob(name))
    assert files
    if function:
        (file,) = files
        tree = ast.parse(file.read_text(encoding="utf-8"))
        assert function.startswith("test_")
        assert function in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_and_option_that_it_names_is_one_of_the_cli(line):
    from typer.main import get_command

    import your_package.cli  # noqa: F401 - its commands register themselves
    from your_package.options import app

    _, name, *words = line.split()
    commands = getattr(get_command(app), "commands", {})
    assert name in commands
    known = {option for parameter in commands[name].params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize("words", SETTINGS)
def test_every_setting_that_it_names_can_be_set(words):
    from your_package.settings import Settings

    section, key = words[1:].split("] ")
    assert hasattr(getattr(Settings(name="small", task="binary"), section), key)


def test_the_score_is_the_smallest_of_the_four_sections():
    found = scores()
    told = ", ".join(f"{title} {found[one]:g}" for one, title in SECTIONS.items())
    assert f"{told}.\n**The ML Test Score is {min(found.values()):g}**" in TEXT


def test_the_score_means_what_the_rubric_says_of_it():
    score = min(scores().values())
    meant = next(words for end, words in SCALE.items() if score <= end)
    last = TEXT[TEXT.index("\n## Score") :]
    assert [words for words in SCALE.values() if words in last] == [meant]
