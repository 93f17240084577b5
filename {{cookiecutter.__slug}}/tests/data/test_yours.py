"""settings.toml and contract.yaml, whatever you write into them, are valid and fit each other."""

import re
import tomllib
from pathlib import Path

import pytest

from your_package.contract import read_contract
from your_package.settings import (
    METRICS,
    GateSettings,
    Settings,
    read_settings,
)

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "settings.toml").read_text(encoding="utf-8")
ANSWERS = {
    "binary": {"integer", "text", "boolean"},
    "multiclass": {"integer", "text", "boolean"},
    "regression": {"integer", "number"},
}


def commented():
    """Keys that a comment shows with their default: section, key and value."""
    section = ""
    for line in TEXT.splitlines():
        if found := re.match(r"\[(\w+)\]", line):
            section = found[1]
        elif found := re.match(r"# (\w+) += (.+)", line):
            value = tomllib.loads(f"{found[1]} = {found[2]}")
            yield section, found[1], value[found[1]]


@pytest.fixture(scope="session")
def settings():
    return read_settings(ROOT)


@pytest.fixture(scope="session")
def contract():
    return read_contract(ROOT / "contract.yaml")


@pytest.mark.parametrize(("section", "key", "value"), list(commented()))
def test_a_comment_shows_a_key_that_exists_with_its_real_default(settings, section, key, value):
    """Or an example, where nothing is the default."""
    defaults = Settings(name="a", task=settings.task)
    default = getattr(getattr(defaults, section), key)
    assert value in METRICS["binary"] if key == "metric" else default in (value, None, "")


def test_a_key_that_is_commented_out_can_be_switched_on(settings):
    usual = Settings(name="a", task=settings.task)
    for section, key, value in commented():
        if key != "metric":
            told = {"name": "a", "task": settings.task, section: {key: value}}
            found = getattr(Settings.model_validate(told), section)
            assert getattr(found, key) == value
            assert found.model_copy(update={key: None}) == getattr(usual, section).model_copy(
                update={key: None}
            )


def test_every_key_of_the_gate_is_shown_in_the_file():
    shown = {key for section, key, _ in commented() if section == "gate"}
    assert set(GateSettings.model_fields) <= shown | set(tomllib.loads(TEXT).get("gate", {}))


def test_the_answer_has_a_type_that_the_task_can_learn(settings, contract):
    assert contract.columns[contract.target].type in ANSWERS[settings.task]


def test_a_binary_answer_that_lists_its_values_has_two(settings, contract):
    values = contract.columns[contract.target].values
    assert settings.task != "binary" or values is None or len(values) == 2


def test_what_is_a_number_to_the_model_is_a_number_in_the_data(contract):
    numbers = [name for name in contract.named("number") if name in contract.inputs]
    types = {name: contract.columns[name].type for name in numbers}
    assert {name for name, kind in types.items() if kind in ("text", "boolean")} == set()


def test_a_key_names_one_row_and_is_never_missing(contract):
    key = contract.key_column
    assert key is None or (contract.columns[key].unique and contract.columns[key].nulls == 0)


def test_the_time_of_a_row_is_a_date_and_never_missing(contract):
    clock = contract.time_column
    if clock:
        assert contract.columns[clock].type in ("date", "datetime")
        assert contract.columns[clock].nulls == 0
    assert clock or contract.time.max_age_days is None


def test_every_range_has_a_lower_and_an_upper_end(contract):
    ranges = {name: column.range for name, column in contract.columns.items() if column.range}
    assert [name for name, (low, high) in ranges.items() if low >= high] == []


def test_the_rows_of_the_project_have_every_column(project, today):
    from your_package.load import load_rows

    there = load_rows(project, today).collect_schema().names()
    assert [name for name in project.contract.columns if name not in there] == []
