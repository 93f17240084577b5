"""contract.yaml: roles fit together, and every mistake is named."""

import pytest

from your_package.contract import read_contract
from your_package.errors import Status, Stop

GOOD = """\
columns:
  id: {type: text, role: key}
  day: {type: date, role: time}
  size: {type: number, role: number}
  kind: {type: text, role: category}
  race: {type: text, role: category, sensitive: true}
  note: {type: text}
  y: {type: integer, role: target}
"""


def read(folder, text):
    path = folder / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    return read_contract(path)


def test_roles_say_what_a_column_is_for(tmp_path):
    contract = read(tmp_path, GOOD)
    assert (contract.key_column, contract.time_column, contract.target) == ("id", "day", "y")


def test_a_model_never_reads_a_sensitive_column_nor_one_without_a_role(tmp_path):
    assert read(tmp_path, GOOD).inputs == ["size", "kind"]


def test_rules_that_are_not_there_have_strict_defaults(tmp_path):
    column = read(tmp_path, GOOD).columns["size"]
    assert (column.nulls, column.unseen_max, column.severity) == (0.0, 0.0, {})
    assert (column.range, column.values, column.unique) == (None, None, False)


def test_key_and_time_are_optional(tmp_path):
    text = "columns:\n  a: {type: number, role: number}\n  y: {type: number, role: target}\n"
    contract = read(tmp_path, text)
    assert contract.key_column is None
    assert contract.time_column is None


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("role: target", "role: other", "exactly one column has role target, not 0"),
        ("note: {type: text}", "z: {type: text, role: target}", "not 2"),
        ("note: {type: text}", "id2: {type: text, role: key}", "role key: id, id2"),
        ("note: {type: text}", "at: {type: date, role: time}", "role time: day, at"),
        ("columns:", "colums:", "unknown key 'colums'; did you mean 'columns'?"),
        ("note: {type: text}", "note: {type: txt}", "columns.note.type: "),
        ("note: {type: text}", "note: {type: text, role: input}", "columns.note.role: "),
        ("note: {type: text}", "note: {type: text, nuls: 0.1}", "did you mean 'nulls'?"),
        ("note: {type: text}", "note: {type: text, values: [NO, SE]}", "quote text as"),
        ("note: {type: text}", "note: {type: text, range: [10, 0]}", "write the smaller number"),
        ("note: {type: text}", "note: {type: text, nulls: 2}", "columns.note.nulls: "),
        ("note: {type: text}", "note: {type: text, range: [1]}", "columns.note.range"),
        ("note: {type: text}", "note: {type: text, range: [a, b]}", "columns.note.range"),
        ("note: {type: text}", "note: {type: text, severity: stop}", "columns.note.severity: "),
        ("note: {type: text}", "note: {role: other}", "columns.note.type: "),
        ("note: {type: text}", "note: text", "columns.note: "),
        ("note: {type: text}", "note: {type: text", "not valid YAML"),
        ("columns:", "rows: {min: 0}\ncolumns:", "rows.min: "),
        ("columns:", "time: {max_age: 3}\ncolumns:", "did you mean 'max_age_days'?"),
    ],
)
def test_a_mistake_ends_with_its_place_and_what_to_do(tmp_path, old, new, named):
    assert old in GOOD
    with pytest.raises(Stop) as stopped:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert stopped.value.status == Status.SETTINGS
    assert named in str(stopped.value)
    assert "contract.yaml" in str(stopped.value)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "columns: 5\n", "5\n", "columns: {}\n"])
def test_a_file_of_another_shape_is_a_clear_stop(tmp_path, text):
    with pytest.raises(Stop, match=r"contract\.yaml") as stopped:
        read(tmp_path, text)
    assert stopped.value.status == Status.SETTINGS


def test_a_contract_without_inputs_is_refused(tmp_path):
    with pytest.raises(Stop, match="a model has no input"):
        read(tmp_path, "columns:\n  y: {type: integer, role: target}\n")


def test_a_contract_that_is_not_there_says_what_it_is_for(tmp_path):
    with pytest.raises(Stop, match="says what a valid row is: `ml adopt FILE"):
        read_contract(tmp_path / "contract.yaml")
