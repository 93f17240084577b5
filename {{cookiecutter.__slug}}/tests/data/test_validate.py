"""Every way to break the contract is found by its rule, with how many rows and the first three."""

from datetime import date, timedelta

import polars as pl
import pytest

from your_package import sample
from your_package.checks.findings import Finding
from your_package.contract import Contract
from your_package.steps.validate import validate

TODAY = date(2026, 6, 1)
COLUMNS = {
    "id": {"type": "text", "role": "key", "unique": True},
    "day": {"type": "date", "role": "time"},
    "size": {"type": "number", "role": "number", "range": [0, 100], "nulls": 0.3},
    "count": {"type": "integer", "role": "number", "range": [0, 50]},
    "kind": {"type": "text", "role": "category", "values": ["a", "b"], "unseen_max": 0.1},
    "open": {"type": "boolean", "role": "category"},
    "at": {"type": "datetime"},
    "y": {"type": "integer", "role": "target", "values": [0, 1]},
}
CONTRACT = Contract.model_validate(
    {"columns": COLUMNS, "rows": {"min": 10}, "time": {"max_age_days": 7}}, strict=False
)
CLEAN = {
    "id": [f"r{n}" for n in range(10)],
    "day": ["2026-05-30"] * 10,
    "size": ["1.5", "2", "3e1", "0", "100", "7", "8", "9", None, None],
    "count": ["1", "2", "3", "4.0", "5", "6", "7", "8", "9", "10"],
    "kind": ["a", "b"] * 5,
    "open": ["true", "false", "True", "0", "1", "yes", "no", "true", "true", "true"],
    "at": ["2026-05-30T12:00:00Z"] * 10,
    "y": ["0", "1"] * 5,
}


def check(table=None, contract=CONTRACT, *, labelled=True, **changes):
    rows = pl.LazyFrame(table or CLEAN | changes)
    return validate(rows, contract, TODAY, labelled=labelled)


def other(column, *values):
    """The clean column with its first values replaced."""
    return {column: [*values, *CLEAN[column][len(values) :]]}


def test_clean_rows_have_no_findings_and_get_their_types():
    found = check()
    assert found.findings == ()
    rows = found.rows.collect()
    assert rows["day"][0] == date(2026, 5, 30)
    assert rows["size"].to_list()[:5] == [1.5, 2.0, 30.0, 0.0, 100.0]
    assert rows["count"].to_list() == list(range(1, 11))
    assert rows["open"].to_list() == [True, False, True, False, True, True, False, *[True] * 3]
    assert (rows["at"].dtype, rows["y"].to_list()[:2]) == (pl.Datetime("us", "UTC"), [0, 1])


@pytest.mark.parametrize(
    ("column", "values", "rule", "count", "examples"),
    [
        ("size", ["x", "1", "1,5", "--", "?"], "type", 4, ["1: 'x'", "3: '1,5'", "4: '--'"]),
        ("count", ["1.5", "two"], "type", 2, ["1: '1.5'", "2: 'two'"]),
        ("day", ["30.5.2026"], "type", 1, ["1: '30.5.2026'"]),
        ("day", ["2026-02-30"], "type", 1, ["1: '2026-02-30'"]),
        ("open", ["maybe"], "type", 1, ["1: 'maybe'"]),
        ("at", ["noon"], "type", 1, ["1: 'noon'"]),
        ("y", ["left"], "type", 1, ["1: 'left'"]),
        ("count", [None, "2", None], "nulls", 2, ["1: None", "3: None"]),
        ("size", [None, None], "nulls", 4, ["1: None", "2: None", "9: None"]),
        ("kind", [None], "nulls", 1, ["1: None"]),
        ("size", ["-0.1", "100.1"], "range", 2, ["1: '-0.1'", "2: '100.1'"]),
        ("count", ["51"], "range", 1, ["1: '51'"]),
        ("kind", ["c", "A"], "values", 2, ["1: 'c'", "2: 'A'"]),
        ("y", ["2"], "values", 1, ["1: '2'"]),
        ("id", ["r9", "r8"], "unique", 4, ["1: 'r9'", "2: 'r8'", "9: 'r8'"]),
        ("day", ["2026-06-02"], "future", 1, ["1: '2026-06-02'"]),
    ],
)
def test_a_broken_rule_is_found_with_its_rows(column, values, rule, count, examples):
    (found,) = check(**other(column, *values)).failures
    assert (found.column, found.rule, found.severity) == (column, rule, "fail")
    assert found.message.startswith(f"{count} of 10 rows ")
    assert list(found.examples) == [f"row {example}" for example in examples]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("size", [None]),
        ("size", ["0", "100"]),
        ("size", ["NaN"]),
        ("kind", ["c"]),
        ("day", ["2026-06-01"]),
        ("day", ["2026-05-25"] * 10),
    ],
)
def test_what_the_contract_allows_is_no_finding(column, values):
    assert check(**other(column, *values)).findings == ()


def test_a_column_that_is_not_there_fails_and_one_too_many_warns():
    table = {name: values for name, values in CLEAN.items() if name != "kind"}
    assert check(table | {"extra": ["x"] * 10}).findings == (
        Finding("kind", "missing", "fail", "the column is not there"),
        Finding("extra", "extra", "warn", "not in the contract, so it is not used"),
    )


def test_the_answer_may_be_absent_only_where_it_is_to_be_predicted():
    table = {name: values for name, values in CLEAN.items() if name != "y"}
    assert [found.column for found in check(table).failures] == ["y"]
    assert check(table, labelled=False).findings == ()


def test_too_few_rows_are_found():
    (found,) = check({name: values[1:] for name, values in CLEAN.items()}).failures
    assert (found.rule, found.message) == ("rows", "9 rows, at least 10 are needed")


def test_rows_that_are_too_old_are_found():
    (found,) = check(day=["2026-05-24"] * 10).failures
    assert (found.column, found.rule) == ("day", "stale")
    assert "newest row is of 2026-05-24, more than 7 days before" in found.message


def test_no_rows_at_all_are_too_few_and_nothing_else():
    found = check({name: pl.Series([], dtype=pl.String) for name in CLEAN}).findings
    assert [one.rule for one in found] == ["rows"]


def test_several_broken_rules_are_found_in_one_pass():
    found = check(**other("size", "x"), **other("count", "99"), **other("kind", None))
    assert {(one.column, one.rule) for one in found.failures} >= {
        ("size", "type"),
        ("count", "range"),
        ("kind", "nulls"),
    }


def test_a_rule_that_only_warns_does_not_stop_a_training():
    mild = {"kind": COLUMNS["kind"] | {"severity": "warn"}}
    contract = Contract.model_validate({"columns": COLUMNS | mild}, strict=False)
    found = check(None, contract, **other("kind", "c", "d"))
    assert [(one.column, one.severity) for one in found.findings] == [("kind", "warn")]
    assert found.failures == ()


def test_types_that_a_file_brings_are_checked_like_text():
    typed = {"count": [1.0, 2.5, *range(8)], "size": [float("nan"), 200.0, *[1.0] * 8]}
    found = check(**typed).failures
    assert [(one.column, one.rule, one.examples) for one in found] == [
        ("size", "range", ("row 2: 200.0",)),
        ("count", "type", ("row 2: 2.5",)),
    ]


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_the_sample_keeps_its_contract_on_every_day(sample_contract, task):
    for month in range(24):
        today = date(2024, 3, 1) + timedelta(days=43 * month)
        rows = sample.rows(task, today - timedelta(days=5), today).lazy()
        assert validate(rows, sample_contract(task), today).findings == (), today
