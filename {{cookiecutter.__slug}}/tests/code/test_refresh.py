"""What adopt writes anew leaves alone what the user wrote: rules, comments and settings."""

import tomllib
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from your_package.adopt.refresh import merge, plain
from your_package.adopt.write import (
    contract_file,
    literal,
    put,
    settings_file,
)
from your_package.contract import Contract, parse_contract
from your_package.settings import Settings

OLD = {
    "id": {"type": "text", "role": "key", "unique": True},
    "size": {"type": "number", "role": "number", "range": [0, 10], "nulls": 0.1},
    "kind": {"type": "text", "role": "category", "values": ["a", "b"]},
    "gone": {"type": "number", "role": "number"},
    "y": {"type": "integer", "role": "target", "values": [0, 1]},
}
NEW = {
    "id": OLD["id"],
    "size": {"type": "number", "role": "number", "range": [0, 25], "nulls": 0.2},
    "kind": {"type": "text", "role": "category", "values": ["a", "b", "c"]},
    "fresh": {"type": "boolean", "role": "category"},
    "y": OLD["y"],
}


def contract(columns, rows=100):
    return Contract.model_validate({"columns": columns, "rows": {"min": rows}}, strict=False)


BASE, FRESH = plain(contract(OLD)), plain(contract(NEW, 150))
WRITTEN = contract_file(contract(OLD))


def merged(text, base=BASE, fresh=FRESH):
    """The merged contract, its text, and what was kept; the text must be read by the project."""
    found, kept = merge(text, base, fresh)
    return parse_contract(found, "contract.yaml"), found, kept


def test_what_adopt_wrote_takes_the_fresh_values():
    found, _, kept = merged(WRITTEN)
    assert kept == []
    assert found == contract(
        {name: NEW[name] for name in ("id", "size", "kind", "y", "fresh")}, 150
    )
    assert "gone" not in found.columns


def test_nothing_new_changes_no_byte():
    assert merge(WRITTEN, BASE, BASE) == (WRITTEN, [])


def test_a_rule_that_the_data_no_longer_give_goes():
    fresh = {**OLD, "size": {"type": "number", "role": "number"}}
    found, _, kept = merged(WRITTEN, fresh=plain(contract(fresh)))
    assert kept == []
    assert found == contract(fresh)


def test_a_long_line_stays_one_line():
    wide = contract(
        {**OLD, "kind": {**OLD["kind"], "values": [f"word number {n}" for n in range(50)]}}
    )
    text = contract_file(wide)
    assert merge(text, plain(wide), plain(wide)) == (text, [])


def test_a_second_refresh_changes_nothing_more():
    _, text, _ = merged(WRITTEN)
    assert merge(text, FRESH, FRESH) == (text, [])


EDITS = [
    ("range: [0, 10]", "range: [0, 12]", "range", (0.0, 12.0), "columns.size.range"),
    (", range: [0, 10]", "", "range", None, "columns.size.range"),
    ("nulls: 0.1", "nulls: 0.5", "nulls", 0.5, "columns.size.nulls"),
    ("nulls: 0.1", "nulls: 0", "nulls", 0.0, "columns.size.nulls"),
]


@pytest.mark.parametrize(("before", "after", "rule", "value", "named"), EDITS)
def test_an_edited_rule_stays_and_is_named(before, after, rule, value, named):
    assert before in WRITTEN
    found, _, kept = merged(WRITTEN.replace(before, after))
    assert getattr(found.columns["size"], rule) == value
    (told,) = kept
    assert told.startswith(f"{named} ")
    assert "(the data say " in told


def test_rules_that_only_a_user_writes_stay():
    text = WRITTEN.replace("nulls: 0.1", "nulls: 0.1, severity: {nulls: warn}, sensitive: true")
    text += "order: []\nforbidden: [secret]\ntime: {future: true}\n"
    found, _, kept = merged(text)
    assert kept == []
    assert found.columns["size"].severity == {"nulls": "warn"}
    assert found.columns["size"].sensitive is True
    assert found.columns["size"].range == (0.0, 25.0)
    assert (found.forbidden, found.time.future) == (["secret"], True)


def test_a_role_that_the_user_changed_stays():
    found, _, _ = merged(WRITTEN.replace("role: key", "role: id"))
    assert found.columns["id"].role == "id"


def test_a_column_of_the_users_own_stays():
    text = WRITTEN.replace("rows:", "  mine: {type: text}\nrows:")
    found, _, _ = merged(text)
    assert found.columns["mine"].type == "text"


def test_a_column_that_is_gone_from_the_data_goes_only_if_adopt_wrote_it():
    assert "gone" not in merged(WRITTEN)[0].columns
    assert "gone" in merged(WRITTEN, base={"columns": {}})[0].columns


def test_a_deleted_column_that_is_still_in_the_data_is_proposed_again():
    lines = [line for line in WRITTEN.splitlines(keepends=True) if not line.startswith("  kind:")]
    assert merged("".join(lines))[0].columns["kind"].values == ["a", "b", "c"]


def test_comments_stay_where_they_are():
    text = WRITTEN.replace("\n  kind:", " # in metres\n  # two kinds\n  kind:")
    text = text.replace("rows:", "# enough to judge\nrows:")
    _, found, _ = merged(text)
    lines = found.splitlines()
    assert found.startswith(WRITTEN.split("columns:")[0])
    assert next(line for line in lines if "size" in line).endswith("# in metres")
    assert lines[lines.index("  # two kinds") + 1].startswith("  kind:")
    assert "# enough to judge" in lines


def test_a_contract_in_blocks_stays_one():
    text = yaml.safe_dump(BASE, sort_keys=False)
    found, written, kept = merged(text)
    assert kept == []
    assert found.columns["size"].range == (0.0, 25.0)
    assert "  size:\n    type: number\n" in written


# YAML 1.1 (PyYAML) and 1.2 (ruamel) read some of these differently.
ODD = ["~", "null", "1_000", "a: b", "NO", "yes", "on", "08", "1e3", "0o7"]
NAMES = ["x\ny", "q" * 200, "a: b", "no", "08", "1e3", "on"]


@pytest.mark.parametrize("word", ODD)
def test_words_that_yaml_could_take_for_something_else_stay_words(word):
    fresh = {**OLD, "kind": {**OLD["kind"], "values": ["a", word]}}
    found, _, kept = merged(WRITTEN, fresh=plain(contract(fresh)))
    assert kept == []
    assert found.columns["kind"].values == ["a", word]
    again, _, kept = merged(contract_file(contract(fresh)), base=plain(contract(fresh)))
    assert kept == []
    assert again.columns["kind"].values == ["a", "b", "c"]


@pytest.mark.parametrize("name", NAMES)
def test_columns_of_any_name_are_added_and_kept(name):
    fresh = {**OLD, name: {"type": "number", "role": "number"}}
    found, text, _ = merged(WRITTEN, fresh=plain(contract(fresh)))
    assert list(found.columns) == list(fresh)
    assert list(merged(text, BASE, plain(contract(fresh)))[0].columns) == list(fresh)


# settings.toml

TEXT = """\
# What you decide.

name = "small"   # of the model
task = "binary"

[data]
source = "a # b.csv" # a path
# window_days = 180        # how far back

[gate]
# floor = 0.7              # no model may miss it
max_loss_increase = 0.05

[other]
floor = 3
"""


@pytest.mark.parametrize(
    ("section", "key", "value", "old", "new"),
    [
        ("", "name", "big", 'name = "small"   # of the model', 'name = "big" # of the model'),
        ("data", "source", "s.sql", '"a # b.csv" # a path', '"s.sql" # a path'),
        ("data", "window_days", 0, "# window_days = 180        # how", "window_days = 0 # how"),
        ("gate", "floor", 0.8, "# floor = 0.7              # no", "floor = 0.8 # no"),
        ("gate", "max_loss_increase", None, "max_loss", "# max_loss"),
        ("data", "keep", 5, "how far back\n", "how far back\nkeep = 5\n"),
        ("", "seed", 1, 'task = "binary"\n', 'task = "binary"\nseed = 1\n'),
        ("new", "key", True, "floor = 3\n", "floor = 3\n\n[new]\nkey = true\n"),
        ("gate", "metric", None, "", ""),
        ("data", "window_days", None, "", ""),
    ],
)
def test_one_key_is_set_and_every_other_byte_kept(section, key, value, old, new):
    assert put(TEXT, section, key, value) == TEXT.replace(old, new, 1)


@given(
    key=st.sampled_from([("", "name"), ("data", "source"), ("gate", "floor"), ("new", "word")]),
    value=st.text(st.characters(exclude_categories=["Cc", "Cs"])) | st.integers(0) | st.booleans(),
)
def test_what_is_set_is_read_back_and_nothing_else_has_changed(key, value):
    section, name = key
    found = tomllib.loads(put(TEXT, section, name, value))
    wanted = tomllib.loads(TEXT)
    (wanted.setdefault(section, {}) if section else wanted)[name] = value
    assert found == wanted


@pytest.mark.parametrize("value", ["a\nb", "\t", 'a"b', "a\\b", "", 1e-7, -3, 10**20, False])
def test_a_literal_is_read_back(value):
    assert tomllib.loads(f"key = {literal(value)}") == {"key": value}


def test_settings_are_written_into_the_file_that_is_there(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text((Path(__file__).parents[2] / "settings.toml").read_text("utf-8"), "utf-8")
    before = Settings.model_validate(tomllib.loads(path.read_text("utf-8")))
    gate = before.gate.model_copy(update={"floor": 0.625, "max_loss_increase": 0.11})
    data = before.data.model_copy(update={"source": 'data/my "own" \\ rows.csv', "window_days": 0})
    wanted = before.model_copy(update={"name": "other", "gate": gate, "data": data})
    text = settings_file(path, wanted)
    assert Settings.model_validate(tomllib.loads(text)) == wanted
    comments = [line.rpartition("# ")[2] for line in path.read_text("utf-8").splitlines()]
    assert [one for one in comments if one not in text] == []
