"""What `ml adopt` reads off a table: types, roles, rules, the task, and what it refuses."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from your_package.adopt.choice import Notes, Wishes
from your_package.adopt.infer import (
    infer,
    infer_contract,
    sample_rows,
)
from your_package.contract import parse_contract
from your_package.contract_yaml import contract_text
from your_package.errors import Status, Stop
from your_package.steps.validate import validate

TODAY = date(2026, 1, 1)
ROWS = 400
RANDOM = np.random.default_rng(3)
AMOUNTS = [float(n) for n in RANDOM.uniform(1000, 99_999, ROWS).round(2)]
DATES = [TODAY - timedelta(days=int(n)) for n in RANDOM.integers(40, 400, ROWS)]
BASE = {"x": RANDOM.normal(size=ROWS), "y": RANDOM.integers(0, 2, ROWS)}


def inferred(table, target="y", **wishes):
    """The contract, the task and the decisions in words."""
    notes = Notes()
    rows = pl.DataFrame(table, strict=False).lazy()
    found = infer(rows, Wishes(target, **wishes), TODAY, notes)
    said = [f"{one.what} ({one.why}); {one.setting}" for one in notes.choices]
    return found.contract, found.task, said


def column_of(values, name="c"):
    """The entry of one column, as its line of contract.yaml says it, and what was said of it."""
    contract, _, said = inferred({**BASE, name: values})
    entry = contract.columns[name].model_dump(exclude_defaults=True, exclude={"range", "nulls"})
    return entry, [one for one in said if one.startswith(f"{name}: ")]


def written(form):
    return [day.strftime(form) for day in DATES]


def amounts(form, point=".", group=","):
    signs = str.maketrans({".": point, ",": group})
    return [form.replace("n", f"{n:,.2f}".translate(signs)) for n in AMOUNTS]


def repeated(*words):
    return [words[n % len(words)] for n in range(ROWS)]


TEXTS = [f"the {n * 37 % 101} cats went to {n} houses and slept" for n in range(ROWS)]
ONLY = [f"w{n:x}{'z' * (n % 7)}{n * 7919}" for n in range(ROWS)]
YES_NO = {"type": "boolean", "role": "category", "values": [False, True]}
NUMBER = {"type": "number", "role": "number"}
COLUMNS = {
    "leading zeros": (
        [f"{n:05d}" for n in range(7, 8007, 20)],
        {"type": "text", "role": "key", "unique": True, "shape": "[0-9]{5}"},
    ),
    "twenty digits": (
        [str(10**19 + n * 7) for n in range(ROWS)],
        {"type": "text", "role": "key", "unique": True, "shape": "[0-9]{20,}"},
    ),
    "a counter": (list(range(5, 5 + ROWS)), {"type": "integer", "role": "key", "unique": True}),
    "yes": (repeated("Yes", "No", "no"), YES_NO),
    "truth": (repeated(True, False), YES_NO),
    "ja": (repeated("ja", "nein"), {**YES_NO, "format": "ja/nein"}),
    "a dot": (amounts("n", group=""), NUMBER),
    "thousands": (amounts("n"), {**NUMBER, "format": "1,234.5"}),
    "decimal commas": (amounts("n", ",", "."), {**NUMBER, "format": "1.234,5"}),
    "spaces": (amounts("n", ",", "\u202f"), {**NUMBER, "format": "1 234,5"}),
    "dollars": (amounts("$n"), {**NUMBER, "format": "$1,234.5"}),
    "euros": (amounts("n €", ",", "."), {**NUMBER, "format": "1.234,5 €"}),
    "percent": ([f"{n % 97 / 2} %" for n in range(ROWS)], {**NUMBER, "format": "1234.5 %"}),
    "whole": ([float(n % 90) for n in range(ROWS)], {"type": "integer", "role": "number"}),
    "words": (
        repeated("b", "a", "c"),
        {"type": "text", "role": "category", "values": ["a", "b", "c"]},
    ),
    "one word": (["x"] * ROWS, {"type": "text", "role": "constant"}),
    "near-unique": (ONLY, {"type": "text", "role": "key", "unique": True}),
    "sentences": (TEXTS, {"type": "text", "role": "text"}),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_is_read_as_a_person_would(kind):
    values, wanted = COLUMNS[kind]
    assert column_of(values)[0] == wanted


@pytest.mark.parametrize(
    ("words", "told"),
    [(("Yes", "No", "no"), "yes/no"), (("ja", "nein"), "ja/nein"), (("true", "false"), "")],
)
def test_two_words_that_become_true_and_false_are_said(words, told):
    said = [one for one in column_of(repeated(*words))[1] if "is read as true/false" in one]
    assert [one for one in said if f"{told} is read" in one] == said
    assert len(said) == bool(told)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d %b %Y", "%Y/%m/%d"])
def test_dates_are_read_as_they_are_written(form):
    entry, said = column_of(written(form))
    format_ = {} if form == "%Y-%m-%d" else {"format": form}
    assert entry == {"type": "date", "role": "time", **format_}
    assert bool(format_) is any(f"dates are read as {form} (so its" in one for one in said)


@pytest.mark.parametrize(
    ("form", "wanted"),
    [("%Y-%m-%dT%H:%M:%SZ", None), ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M")],
)
def test_moments_are_read_as_they_are_written(form, wanted):
    moments = [datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC) for day in DATES]
    entry, _ = column_of([moment.strftime(form) for moment in moments])
    assert (entry["type"], entry.get("format"), entry["role"]) == ("datetime", wanted, "time")


def test_eight_digits_are_a_date_where_the_name_says_so():
    entry, _ = column_of(written("%Y%m%d"), "signup_date")
    assert entry == {"type": "date", "role": "time", "format": "%Y%m%d"}
    assert column_of(written("%Y%m%d"), "amount")[0]["type"] == "integer"


def test_dates_that_can_be_read_two_ways_are_said():
    entry, said = column_of([f"{1 + n % 12:02d}/{1 + n // 12 % 12:02d}/2024" for n in range(ROWS)])
    assert entry["format"] in ("%d/%m/%Y", "%m/%d/%Y")
    assert any("day and month could be the other way round" in one for one in said)
    assert any(one.endswith("contract.yaml: columns.c.format") for one in said)


def test_of_two_readings_the_steadier_one_is_taken():
    days = [date(2025, 3, 1) + timedelta(days=n % 12) for n in range(ROWS)]
    assert column_of([day.strftime("%m/%d/%Y") for day in days])[0]["format"] == "%m/%d/%Y"
    assert column_of([day.strftime("%d/%m/%Y") for day in days])[0]["format"] == "%d/%m/%Y"


def test_a_few_odd_words_among_numbers_count_as_missing():
    numbers = [f"{n:.3f}" for n in BASE["x"]]
    entry, said = column_of(["unknown", "oops", *numbers[2:]])
    assert entry == {**NUMBER, "missing": ["unknown", "oops"]}
    assert said[0].startswith("c: 'unknown', 'oops' count as missing")


def test_numbers_among_many_words_are_words():
    words = [str(n) if n % 3 else f"k{n % 5}" for n in range(ROWS)]
    assert column_of(words)[0]["type"] == "text"


def test_a_misfit_that_the_sample_missed_is_still_seen():
    rows = 30_000
    codes = [str(n // 7 % 50) for n in range(rows)]
    table = {"x": range(rows), "c": codes, "y": [0, 1] * (rows // 2)}
    for odd in ("?a", "?b", "?c", "?d", "?e", "?f", "?g", "?h"):
        text = pl.DataFrame({**table, "c": [*codes[1:], odd]}).lazy()
        if odd not in sample_rows(text)[0]["c"]:
            break
    else:
        pytest.fail("every odd value was in the sample")
    contract = infer_contract(text, "y", TODAY)
    assert contract.columns["c"].type == "text"
    assert validate(text, contract, TODAY).failures == ()


@pytest.mark.parametrize("values", [[None] * ROWS, [""] * ROWS, ["n/a"] * ROWS])
def test_a_column_without_a_value_is_constant(values):
    entry, said = column_of(pl.Series(values, dtype=pl.String))
    assert entry["role"] == "constant"
    assert "a model learns nothing from it" in said[-1]


@pytest.mark.parametrize("name", ["customer_id", "patientId", "device_no"])
def test_the_id_of_somebody_with_several_rows_is_a_group(name):
    entry, said = column_of([f"K{n % 90 + 100}" for n in range(ROWS)], name)
    assert entry["role"] == "group"
    assert "its rows belong together" in said[-1]


def test_of_two_dates_one_is_the_time_and_the_other_an_input():
    later = [day + timedelta(days=n % 30) for n, day in enumerate(DATES)]
    contract, _, said = inferred({**BASE, "due": later, "created": DATES})
    assert (contract.time_column, contract.columns["due"].role) == ("created", "number")
    assert contract.order == [("created", "due")]
    assert any(one.startswith("created: when a row was observed") for one in said)


def test_old_rows_need_not_be_fresh_and_new_ones_must():
    assert inferred({**BASE, "day": DATES})[0].time.max_age_days is None
    fresh = [TODAY - timedelta(days=n % 30 + 6) for n in range(ROWS)]
    assert inferred({**BASE, "day": fresh})[0].time.max_age_days == 18


def read(table, target="y", **wishes):
    return infer(pl.DataFrame(table).lazy(), Wishes(target, **wishes), TODAY, Notes())


@pytest.mark.parametrize(("every", "rare"), [(2, False), (40, False), (80, True)])
def test_a_second_class_under_two_per_cent_is_rare(every, rare):
    assert read({**BASE, "y": [int(n % every == 0) for n in range(ROWS)]}).rare is rare


def test_one_row_a_moment_and_owner_is_a_panel():
    days = [TODAY - timedelta(days=n // 4) for n in range(ROWS)]
    shop = {"day": days, "shop_id": [f"s{n % 4}" for n in range(ROWS)], "y": AMOUNTS}
    assert read({**BASE, **shop}, group="shop_id", time="day").panel
    assert not read({**BASE, **shop, "shop_id": ["s1"] * 399 + ["s2"]}, group="shop_id").panel
    assert not read({**BASE, **shop, "y": BASE["y"]}, group="shop_id", time="day").panel
    few = {**shop, "day": [TODAY - timedelta(days=n // 8) for n in range(ROWS)]}
    assert not read({**BASE, **few}, group="shop_id", time="day").panel


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([n % 10 + 1 for n in range(ROWS)], (1, 10)),
        ([n % 2 for n in range(ROWS)], (0, 1)),
        ([0.25, 0.75] * 200, (0.25, 0.75)),
    ],
)
def test_a_natural_end_is_kept(values, wanted):
    contract, _, _ = inferred({**BASE, "c": values})
    assert contract.columns["c"].range == wanted


def test_an_open_end_leaves_room():
    contract, _, _ = inferred({**BASE, "c": BASE["x"] * 10 + 100})
    low, high = contract.columns["c"].range
    assert 0 < low < (BASE["x"].min() * 10 + 100) < 160 > (BASE["x"].max() * 10 + 100)
    assert (BASE["x"].max() * 10 + 100) < high < 200


def test_nulls_get_some_room_and_none_stay_none():
    some = [None if n % 10 == 0 else float(n) for n in range(ROWS)]
    contract, _, _ = inferred({**BASE, "c": some})
    assert 0.12 < contract.columns["c"].nulls < 0.3
    assert contract.columns["x"].nulls == 0.0


def test_protected_columns_are_said_and_stay_out_where_the_user_says_so():
    table = {**BASE, "gender": repeated("f", "m"), "age": [20 + n % 60 for n in range(ROWS)]}
    contract, _, said = inferred(table)
    assert contract.columns["gender"].sensitive is False
    assert any(one.startswith("age: an input, though protected by its name") for one in said)
    contract, _, _ = inferred(table, sensitive=("gender",))
    assert contract.columns["gender"].sensitive is True
    assert contract.inputs == ["x", "age"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("contact", [f"a{n}@mail.example" for n in range(ROWS)]),
        ("last_name", [f"Secret{n * 7919}" for n in range(ROWS)]),
        ("phone", [f"{'+49 ' * (n < 9)}{1510000000 + n * 7919}" for n in range(ROWS)]),
        ("ssn", [100_000_000 + n * 7919 for n in range(ROWS)]),
        ("line", [f"+49 171 {1000000 + n * 7919}" for n in range(ROWS)]),
        ("remark", [f"please write to a{n}@mail.example" if n % 5 else "-" for n in range(ROWS)]),
    ],
)
def test_personal_columns_are_neither_inputs_nor_shown(name, values):
    contract, _, said = inferred({**BASE, name: values})
    assert contract.columns[name].personal is True
    assert name not in contract.inputs
    assert any(one.startswith(f"{name}: personal, so neither input nor shown") for one in said)
    for value in values[:20]:
        assert value == "-" or str(value) not in contract_text(contract) + str(said)


def test_what_the_user_says_holds():
    table = {**BASE, "a": DATES, "b": DATES, "c": [f"{n:04d}" for n in range(ROWS)], "d": TEXTS}
    contract, _, _ = inferred(table, time="b", key="d", group="a", drop=("c",))
    assert (contract.time_column, contract.key_column, contract.group_column) == ("b", "d", "a")
    assert contract.ignored == ["c"]
    assert "c" not in contract.columns


def test_nested_values_are_left_out_and_said():
    contract, _, said = inferred({**BASE, "c": [[n] for n in range(ROWS)]})
    assert contract.ignored == ["c"]
    assert "c: ignored (its values are List); contract.yaml: ignored" in said


TARGETS = {
    "zero and one": (repeated(0, 1), "binary", [0, 1]),
    "two words": (repeated("stays", "goes"), "binary", ["goes", "stays"]),
    "truth": (repeated(True, False), "binary", [False, True]),
    "three words": (repeated("a", "b", "c"), "multiclass", ["a", "b", "c"]),
    "five steps": (repeated(1, 2, 3, 4, 5), "multiclass", [1, 2, 3, 4, 5]),
    "many steps": ([n % 30 for n in range(ROWS)], "regression", None),
    "fractions": (AMOUNTS, "regression", None),
    "amounts": (amounts("$n"), "regression", None),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_the_task_follows_from_the_target(kind):
    answers, task, values = TARGETS[kind]
    contract, found, _ = inferred({"x": BASE["x"], "y": answers})
    assert (found, contract.columns["y"].values) == (task, values)


def test_whole_numbers_are_what_the_user_says():
    steps = repeated(1, 2, 3, 4, 5)
    assert inferred({"x": BASE["x"], "y": steps}, task="regression")[1] == "regression"


def test_rows_without_an_answer_are_said():
    answers = [None if n < 7 else n % 2 for n in range(ROWS)]
    contract, _, said = inferred({"x": BASE["x"], "y": answers})
    assert any(one.startswith("7 of 400 rows have no y and are left out") for one in said)
    assert contract.columns["y"].nulls > 7 / 400


LINES = [f"n{n}" for n in range(ROWS)]
RARE = ["rare", *repeated("a", "b")[1:]]
REFUSED = {
    "no column": (BASE, {"target": "yy"}, "There is no column 'yy'; did you mean 'y'?"),
    "no idea": (BASE, {"target": "church"}, "There is no column 'church'; there are x, y."),
    "dropped": (BASE, {"drop": ("y",)}, "'y' is the target: name another column."),
    "few rows": ({"x": [1.0] * 49, "y": [0] * 49}, {}, "49 rows: at least 50 are needed"),
    "empty": ({"x": BASE["x"], "y": [None] * ROWS}, {}, "The target 'y' is empty"),
    "one answer": ({"x": BASE["x"], "y": [1] * ROWS}, {}, "has one value only"),
    "dates": ({"x": BASE["x"], "y": DATES}, {}, "The target 'y' is a date"),
    "words": ({"x": BASE["x"], "y": LINES}, {}, "400 classes, more than 50"),
    "a rare class": ({"x": BASE["x"], "y": RARE}, {}, "fewer than 5 rows of 'rare'"),
    "text": ({"x": BASE["x"], "y": repeated("a", "b")}, {"task": "regression"}, "needs numbers"),
    "fractions": ({"x": BASE["x"], "y": AMOUNTS}, {"task": "multiclass"}, "holds fractions"),
    "not two": ({"x": BASE["x"], "y": repeated(1, 2, 3)}, {"task": "binary"}, "needs two"),
    "no input": ({"x": [1] * ROWS, "y": BASE["y"]}, {}, "No column is left to predict 'y' from"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_teaches_nothing_is_refused_in_one_line(kind):
    table, wishes, message = REFUSED[kind]
    with pytest.raises(Stop) as stopped:
        inferred(table, **wishes)
    assert message in str(stopped.value)
    assert "\n" not in str(stopped.value)
    assert stopped.value.status in (Status.DATA, Status.SETTINGS)


def from_pool(pool):
    return lambda rows: st.lists(pool, min_size=rows, max_size=rows)


WORDS = [
    "no",
    "NO",
    "null",
    "~",
    "1e3",
    "007",
    "08",
    "a: b",
    "{x}",
    "'",
    '"',
    "é\u2028",
    "# c",
    "- ",
]
SIGNS = st.characters(exclude_categories=["Cs"])
DAYS = st.dates(date(2001, 1, 1), date(2025, 12, 1))
POOLS = {
    "integers": st.integers(-(2**53), 2**53),
    "small": st.integers(0, 5) | st.none(),
    "numbers": st.floats(allow_infinity=False) | st.none(),
    "magnitudes": st.floats(1e-30, 1e12),
    "truth": st.booleans() | st.none(),
    "words": st.sampled_from(WORDS) | st.none(),
    "any text": st.text(SIGNS, max_size=8) | st.none(),
    "days": DAYS | st.none(),
    "written days": DAYS.map(lambda day: day.strftime("%d.%m.%Y")),
    "prices": st.integers(0, 10**7).map(lambda n: f"${n / 100:,.2f}"),
    "odd": st.integers(0, 99).map(lambda n: str(n) if n else "none of it"),
}
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
WILD = ("no", "y", "1", "~", "null", "a: b", "{x}", "# c", " x ", "<<", "x\ny", "\u2028", "q" * 200)
OURS = ("row hash", "row copies", "typed an input")


@st.composite
def tables(draw):
    """Columns of any kind under any name, from 60 rows drawn at random out of twelve values."""
    names = draw(st.lists(NAMES | st.sampled_from(WILD), min_size=2, max_size=6, unique=True))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = 60
    table = {}
    for name in names[1:]:
        pool = draw(st.lists(POOLS[draw(st.sampled_from(sorted(POOLS)))], min_size=12, max_size=12))
        table[name] = [pool[n] for n in random.integers(0, len(pool), rows)]
    table |= {"an input": list(random.normal(size=rows))}
    return pl.DataFrame({**table, names[0]: [n % 2 for n in range(rows)]}, strict=False), names[0]


@pytest.mark.parametrize("name", [*WILD, *OURS])
def test_a_column_of_any_name_is_written_and_read_back(name):
    rows = pl.DataFrame({"an input": BASE["x"], name: BASE["x"], "the target": BASE["y"]}).lazy()
    contract = infer_contract(rows, "the target", TODAY)
    assert contract.inputs == ["an input", name]
    assert parse_contract(contract_text(contract), "contract.yaml") == contract
    assert validate(rows, contract, TODAY).failures == ()


@settings(max_examples=30)
@given(tables())
def test_any_table_keeps_the_contract_that_it_gave(drawn):
    rows, target = drawn
    contract = infer_contract(rows.lazy(), target, TODAY)
    assert parse_contract(contract_text(contract), "contract.yaml") == contract
    assert validate(rows.lazy(), contract, TODAY).failures == ()


@settings(max_examples=30)
@given(tables())
def test_any_table_keeps_its_contract_as_text_too(drawn):
    rows, target = drawn
    text = rows.cast(pl.String)
    contract = infer_contract(text.lazy(), target, TODAY)
    assert parse_contract(contract_text(contract), "contract.yaml") == contract
    assert validate(text.lazy(), contract, TODAY).failures == ()


def test_tiny_numbers_keep_their_range():
    rows = pl.DataFrame({**BASE, "charge": BASE["x"] * 1.6e-19})
    contract = infer_contract(rows.lazy(), "y", TODAY)
    assert validate(rows.lazy(), contract, TODAY).failures == ()


def test_a_next_line_sign_in_a_word_is_read_back():
    rows = pl.DataFrame({**BASE, "c": repeated("a\x85b", "c")})
    contract = infer_contract(rows.lazy(), "y", TODAY)
    assert parse_contract(contract_text(contract), "contract.yaml") == contract
