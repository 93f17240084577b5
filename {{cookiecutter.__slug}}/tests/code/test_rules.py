"""A request keeps the rules that the training rows had to keep, and is told which it broke."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from your_package.serving.rules import Rules
from your_package.store.encode import Input

INPUTS = (
    Input("n", "number", nullable=False, range=(0.0, 10.0)),
    Input("whole", "number", integer=True),
    Input("open", "number"),
    Input("word", "category", nullable=False, values=("a", "b", 1)),
    Input("code", "category", shape=r"[A-Z]{2}-\d+"),
    Input("day", "date"),
    Input("since", "date"),
    Input("note", "text"),
)
ROW = {
    "n": 1.5,
    "whole": 3,
    "open": None,
    "word": "a",
    "code": "AB-12",
    "day": "2026-05-04",
    "since": None,
    "note": "x",
}
RULES = Rules(INPUTS, (("since", "day"),))


def test_a_good_row_breaks_nothing():
    assert RULES.broken([ROW] * 3) == []


@pytest.mark.parametrize(
    ("change", "column", "rule", "message"),
    [
        ({"n": 11}, "n", "range", "11 is outside 0 to 10"),
        ({"n": None}, "n", "nulls", "null, and a value is needed"),
        ({"n": "1"}, "n", "type", '"1" is no number'),
        ({"n": True}, "n", "type", "true is no number"),
        ({"whole": 3.5}, "whole", "type", "3.5 is no whole number"),
        ({"whole": 1e300}, "whole", "type", "1e+300 is too large"),
        ({"open": 1e39}, "open", "type", "1e+39 is too large"),
        ({"open": float("inf")}, "open", "type", "Infinity is too large"),
        ({"word": "c"}, "word", "values", '"c" is not among the 3 known values'),
        ({"word": "1"}, "word", "values", '"1" is not among the 3 known values'),
        ({"word": 1.0}, "word", "type", "1.0 is no category"),
        ({"code": "ab-1"}, "code", "shape", None),
        ({"code": "AB-12x"}, "code", "shape", None),
        ({"day": "2026-13-04"}, "day", "type", '"2026-13-04" is no date'),
        ({"day": 20260504}, "day", "type", "20260504 is no date"),
        ({"since": "2026-05-05"}, "since", "order", "later or larger than day"),
        ({"note": []}, "note", "type", "a list is no text"),
    ],
)
def test_each_rule_is_named_in_the_words_of_the_contract(change, column, rule, message):
    (found,) = RULES.broken([ROW, ROW | change])
    assert (found.row, found.column, found.rule) == (1, column, rule)
    assert message in (None, found.message)


@pytest.mark.parametrize(
    "change",
    [{"whole": 4.0}, {"whole": None}, {"word": 1}, {"code": None}, {"since": "2026-05-04"}],
)
def test_what_the_contract_allows_is_allowed(change):
    assert RULES.broken([ROW | change]) == []


@pytest.mark.parametrize("name", ROW)
def test_a_column_that_is_not_there_is_missing(name):
    (found,) = RULES.broken([{key: value for key, value in ROW.items() if key != name}])
    assert (found.column, found.rule) == (name, "missing")


def test_ten_findings_are_enough():
    assert len(RULES.broken([ROW | {"n": -1, "word": "z"}] * 1000)) == 10


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([])


@given(st.fixed_dictionaries(dict.fromkeys(ROW, anything)))
def test_the_quick_look_and_the_words_agree_on_any_row(row):
    """The quick one only skips: a row that it passes has nothing wrong, and the others have."""
    assert bool(RULES.broken([row])) is not RULES._is_fine(row)  # noqa: SLF001
    assert bool(RULES._words_for(0, row)) is not RULES._is_fine(row)  # noqa: SLF001
