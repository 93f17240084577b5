"""A raw value is read as its format says; what does not fit becomes null, never another value."""

from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from your_package.checks.typed import (
    POLARS,
    marks,
    split_example,
    typed,
)
from your_package.contract import Column


def read(values, kind, dtype=pl.String, **rules):
    column = Column.model_validate({"type": kind, **rules}, strict=False)
    table = pl.DataFrame({"c": pl.Series(values, dtype=dtype)})
    found = table.with_columns(typed("c", table.schema["c"], column).alias("c"))["c"]
    assert found.dtype == POLARS[column.type]
    return found.to_list()


AT = datetime(2026, 5, 30, 12, 0, tzinfo=UTC)
VALUES = [
    ("integer", None, " 7 ", 7),
    ("integer", None, "7.0", 7),
    ("integer", None, "-1e3", -1000),
    ("integer", None, "9007199254740993", 9007199254740993),
    ("integer", None, "7.5", None),
    ("integer", None, "7,000", None),
    ("integer", None, "99999999999999999999", None),
    ("integer", None, "", None),
    ("integer", "1,234.5", "7,000", 7000),
    ("integer", "1,234", "7,000", 7000),
    ("number", None, "3e-1", 0.3),
    ("number", None, "nan", None),
    ("number", None, "inf", None),
    ("number", None, "1,5", None),
    ("number", "1,5", "1,5", 1.5),
    ("number", "1,5", "1.5", None),
    ("number", "1.234,5", "1.234.567,89", 1234567.89),
    ("number", "1.234,5", "1234567,89", 1234567.89),
    ("number", "1.234,5", "12.34,5", None),
    ("number", "1.234,5", "1.2345", None),
    ("number", "1,234.5", "-1,234,567.5", -1234567.5),
    ("number", "1,234.5", "1,234,56", None),
    ("number", "1 234,5", "1 234 567,5", 1234567.5),
    ("number", "1 234,5", "1\u00a0234\u202f567,5", 1234567.5),
    ("number", "1'234.5", "1'234'567.5", 1234567.5),
    ("number", "$1,234.5", "$1,234.50", 1234.5),
    ("number", "$1,234.5", "$ 7", 7.0),
    ("number", "$1,234.5", "-$7.5", -7.5),
    ("number", "$1,234.5", "7.5", 7.5),
    ("number", "$1,234.5", "€7.5", None),
    ("number", "1.234,5 €", "7,5€", 7.5),
    ("number", "12.5 %", "40 %", 40.0),
    ("number", "12.5 %", "40 %%", None),
    ("number", "EUR 1.5", "EUR 2.5", 2.5),
    ("number", "1.5 kg", "2.5 kg", 2.5),
    ("number", "1.5 kg", "2.5 lb", None),
    ("boolean", None, "TRUE", True),
    ("boolean", None, " no ", False),
    ("boolean", None, "1", True),
    ("boolean", None, "2", None),
    ("boolean", "ja/nein", "Ja", True),
    ("boolean", "ja/nein", "NEIN", False),
    ("boolean", "ja/nein", "yes", None),
    ("boolean", "да/нет", "НЕТ", False),
    ("date", None, "2026-05-30", date(2026, 5, 30)),
    ("date", None, "2026-05-30T00:00:00Z", date(2026, 5, 30)),
    ("date", None, "2026-05-30 12:00", None),
    ("date", None, "2026-02-30", None),
    ("date", None, "30.05.2026", None),
    ("date", "%d.%m.%Y", "30.05.2026", date(2026, 5, 30)),
    ("date", "%d.%m.%Y", "05.30.2026", None),
    ("date", "%m/%d/%Y", "05/30/2026", date(2026, 5, 30)),
    ("date", "%d %b %Y", "30 May 2026", date(2026, 5, 30)),
    ("date", "%Y%m%d", "20260530", date(2026, 5, 30)),
    ("datetime", None, "2026-05-30T12:00:00Z", AT),
    ("datetime", None, "2026-05-30 12:00", AT),
    ("datetime", None, "2026-05-30T14:00:00+02:00", AT),
    ("datetime", None, "2026-05-30T14:00:00+0200", AT),
    ("datetime", None, "2026-05-30T14:00+02", AT),
    ("datetime", None, "2026-05-30T12:00:00.250Z", AT + timedelta(milliseconds=250)),
    ("datetime", None, "2026-05-30", AT - timedelta(hours=12)),
    ("datetime", None, "noon", None),
    ("datetime", "%d.%m.%Y %H:%M", "30.05.2026 12:00", AT),
    ("datetime", "%d.%m.%Y %H:%M %z", "30.05.2026 14:00 +0200", AT),
    ("datetime", "%m/%d/%Y %I:%M %p", "05/30/2026 12:00 PM", AT),
    ("text", None, " as it is ", " as it is "),
]


@pytest.mark.parametrize(("kind", "form", "value", "wanted"), VALUES)
def test_text_is_read_as_its_format_says(kind, form, value, wanted):
    assert read([value, None], kind, format=form) == [wanted, None]


NATIVE = [
    ("integer", pl.Float64, [1.0, 2.5, None, float("nan")], [1, None, None, None]),
    ("integer", pl.Int64, [2**53 + 1], [2**53 + 1]),
    ("integer", pl.UInt64, [2**63, 1], [None, 1]),
    ("number", pl.Int8, [1, None], [1.0, None]),
    ("number", pl.Float64, [float("inf"), float("nan"), 1.5], [None, None, 1.5]),
    ("number", pl.Boolean, [True, False], [1.0, 0.0]),
    ("text", pl.Int64, [1, None], ["1", None]),
    ("text", pl.Categorical, ["a", None], ["a", None]),
    ("boolean", pl.Int64, [0, 1, 2], [False, True, None]),
    ("boolean", pl.Boolean, [True, None], [True, None]),
    ("date", pl.Date, [date(2026, 5, 30)], [date(2026, 5, 30)]),
    ("datetime", pl.Date, [date(2026, 5, 30)], [AT - timedelta(hours=12)]),
    ("datetime", pl.Datetime("ms"), [datetime(2026, 5, 30, 12)], [AT]),  # noqa: DTZ001
    ("datetime", pl.Datetime("ns", "Asia/Tokyo"), [AT], [AT]),
    ("date", pl.Int64, [20260530], [None]),
    ("datetime", pl.Int64, [1780142400], [None]),
    ("text", pl.List(pl.Int64), [[1]], [None]),
    ("number", pl.Binary, [b"1"], [None]),
]


@pytest.mark.parametrize(("kind", "dtype", "values", "wanted"), NATIVE)
def test_types_that_a_file_brings_are_read_or_null(kind, dtype, values, wanted):
    assert read(values, kind, dtype) == wanted


def test_words_that_stand_for_a_missing_value_are_null_whatever_the_spaces():
    values = ["n/a", " n/a ", "7", "N/A"]
    assert read(values, "number", missing=["n/a", "N/A"]) == [None, None, 7.0, None]
    assert read(values, "text", missing=["n/a"]) == [None, None, "7", "N/A"]


@pytest.mark.parametrize(
    ("example", "before", "digits", "after", "point", "group"),
    [
        ("1234.5", "", "1234.5", "", ".", ""),
        ("$1,234.5", "$", "1,234.5", "", ".", ","),
        ("1.234,5 €", "", "1.234,5", " €", ",", r"\."),
        ("12 %", "", "12", " %", ".", ""),
    ],
)
def test_an_example_tells_how_numbers_are_written(example, before, digits, after, point, group):
    assert split_example(example) == (before, digits, after)
    assert marks(digits) == (point, group)


STYLES = {
    "1234.5": ("", ".", ""),
    "1,5": ("", ",", ""),
    "1,234.5": (",", ".", ""),
    "1.234,5": (".", ",", ""),
    "1 234,5": (" ", ",", ""),
    "1'234.5": ("'", ".", ""),
    "$1,234.5": (",", ".", "$"),
    "£1234.5": ("", ".", "£"),
    "EUR 1.234,5": (".", ",", "EUR "),
}


@pytest.mark.parametrize("style", STYLES)
@given(number=st.decimals(-(10**9), 10**9, places=2), after=st.sampled_from(["", "%", " %", " kg"]))
def test_a_number_that_python_writes_in_a_style_is_read_back(style, number, after):
    group, point, before = STYLES[style]
    sign = "-" if number < 0 else ""
    swapped = f"{abs(number):,.2f}".translate(str.maketrans({",": group, ".": point}))
    assert read([f"{sign}{before}{swapped}{after}"], "number", format=f"{style}{after}") == [
        float(number)
    ]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_every_number_that_python_prints_is_read_back(numbers):
    assert read([repr(number) for number in numbers], "number") == numbers


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_every_integer_is_read_back_without_loss(numbers):
    assert read([str(number) for number in numbers], "integer") == numbers


@pytest.mark.parametrize("form", ["%d.%m.%Y", "%m/%d/%Y", "%d-%b-%Y", "%B %d, %Y", "%Y%m%d"])
@given(day=st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_a_date_that_python_writes_is_read_back(form, day):
    assert read([day.strftime(form)], "date", format=form) == [day]


ZONES = st.integers(-14 * 4, 14 * 4).map(lambda n: timezone(timedelta(minutes=15 * n)))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31), timezones=ZONES))  # noqa: DTZ001
def test_a_moment_of_any_zone_is_read_back(moment):
    assert read([moment.isoformat()], "datetime") == [moment]
    assert read([moment.isoformat(" ")], "datetime") == [moment]
