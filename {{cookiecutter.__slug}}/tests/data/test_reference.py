"""A table of promises: each kind of broken batch is found by its rule, beside accepted rows."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from your_package.batch import Batch
from your_package.checks.reference import (
    read_reference,
    write_reference,
)
from your_package.checks.summarize import build_reference
from your_package.contract import Contract
from your_package.page import write_page
from your_package.project import Project
from your_package.settings import Settings
from your_package.steps.validate import validate

FIRST = date(2026, 1, 5)
DAYS = 200
TODAY = FIRST + timedelta(days=DAYS)
ROWS = 4_000
NOTES = ("asked for a discount", "wants to leave soon", "was happy with the help", "no answer")
COLUMNS = {
    "id": {"type": "text", "role": "key"},
    "day": {"type": "date", "role": "time"},
    "opened": {"type": "date", "role": "number"},
    "mail": {
        "type": "text",
        "role": "other",
        "personal": True,
        "unique": True,
        "shape": r"person\d+x\d+@mail[.]example",
        "nulls": 0.1,
    },
    "city": {"type": "text", "role": "category"},
    "size": {"type": "number", "role": "number", "nulls": 0.5},
    "area": {"type": "number", "role": "number"},
    "warmth": {"type": "number", "role": "number"},
    "calls": {"type": "integer", "role": "number"},
    "open": {"type": "boolean", "role": "category"},
    "note": {"type": "text", "role": "text"},
    "left": {"type": "integer", "role": "target"},
}
CONTRACT = Contract.model_validate({"columns": COLUMNS, "order": [["opened", "day"]]}, strict=False)


def table(seed, rows=ROWS):
    """Rows of one seed; all seeds draw from the same distributions."""
    random = np.random.default_rng(seed)
    day = np.sort(random.integers(0, DAYS, rows))
    opened = day - random.integers(1, 900, rows)
    city = random.choice(["Köln", "Rom", "Oslo", "Bern"], rows, p=[0.4, 0.3, 0.2, 0.1])
    size = np.round(random.gamma(6, 8, rows), 2)
    calls = random.poisson(3, rows)
    open_ = random.random(rows) < 0.7
    worry = (size - 48) / 10 + 0.6 * (calls - 3) - 1.5 * (city == "Rom")
    return pl.DataFrame(
        {
            "id": [f"C{seed:03d}-{n:05d}" for n in range(rows)],
            "day": [FIRST + timedelta(days=int(n)) for n in day],
            "opened": [FIRST + timedelta(days=int(n)) for n in opened],
            "mail": [f"person{seed}x{n}@mail.example" for n in range(rows)],
            "city": city.tolist(),
            "size": size,
            "area": np.round(size * random.normal(3, 0.3, rows), 2),
            "warmth": np.round(random.normal(15, 6, rows), 1),
            "calls": calls,
            "open": open_,
            "note": [f"{NOTES[n % 4]} on call {n}" for n in random.integers(100, 999, rows)],
            "left": (random.random(rows) < 1 / (1 + np.exp(-worry))).astype(int),
        }
    )


ACCEPTED = table(0)
BATCH = table(77)


@pytest.fixture(scope="module")
def reference():
    return build_reference(ACCEPTED.lazy(), CONTRACT)


def findings(rows, reference, contract=CONTRACT, *, fresh=True):
    return validate(rows.lazy(), contract, TODAY, reference=reference, fresh=fresh).findings


def tenth(column, value):
    """The column with this value in every tenth row."""
    odd = pl.int_range(pl.len()) % 10 == 0
    return pl.when(odd).then(value).otherwise(column).alias(column)


def word(old, new):
    """The cities with one word in place of another."""
    return pl.col("city").replace(old, new)


def shuffled(column):
    return pl.col(column).shuffle(seed=1)


def text(value):
    return pl.lit(value, dtype=pl.String)


LATER = pl.col("day") + timedelta(days=3)
COPIED = pl.col("left") * 10 + pl.col("warmth") * 0.01
TOLD = pl.when(pl.col("left") == 1).then(text("Rom")).otherwise(text("Oslo"))
WARNED = {"distribution", "precision", "personal", "correlation"}
BROKEN = {
    "inches": (pl.col("size") * 2.54, "unit", "× 2.54 (inches to centimetres)"),
    "cents": (pl.col("size") / 100, "unit", "÷ 100"),
    "Fahrenheit": (pl.col("warmth") * 1.8 + 32, "unit", "Celsius to Fahrenheit"),
    "the sign": (-pl.col("size"), "unit", "× −1 (the sign is turned)"),
    "−999": (tenth("size", -999.0), "sentinel", "10.0% of the values are exactly -999"),
    "new nulls": (tenth("size", None), "nulls", "10.0% are missing where the reference had 0.0%"),
    "one number": (pl.lit(3).alias("calls"), "constant", "only 3, where the reference has"),
    "one word": (text("Rom").alias("city"), "constant", "only 'Rom', where the reference has 4"),
    "one truth": (pl.lit(True).alias("open"), "constant", "only 'true'"),
    "shifted": (pl.col("warmth") + 3, "distribution", "(KS; median 15.1 → 18.1)"),
    "clipped": (pl.col("size").clip(0, 60), "distribution", "are exactly 60"),
    "rounded": (pl.col("area").round(0), "precision", "mostly 2 decimals → 0"),
    "computed": (pl.col("area") * 1.0001, "precision", "mostly 2 decimals → 5"),
    "unseen": (tenth("city", text("Paris")), "values", "10.0% are values that the reference has"),
    "capitals": (word("Rom", "ROM"), "values", "'ROM' is 'Rom' but for upper and lower case"),
    "a space": (tenth("city", text("Rom ")), "values", "'Rom ' is 'Rom' but for spaces"),
    "mojibake": (word("Köln", "KÃ¶ln"), "values", "'KÃ¶ln' is 'Köln' but for its encoding"),
    "no accents": (word("Köln", "Koln"), "values", "'Koln' is 'Köln' but for accents"),
    "a word gone": (word("Bern", "Rom"), "distribution", "'Bern' 10.2% → 0.0%"),
    "other lengths": (pl.col("note").str.head(10), "distribution", "other lengths"),
    "no text": (tenth("note", text("n/a")), "shape", "10.0% stand for nothing"),
    "e-mails": (tenth("note", text("to a.b@mail.example")), "personal", "holds e-mail addresses"),
    "swapped answers": (shuffled("left"), "target", "inputs told it with a correlation of 0.6"),
    "a leaking number": (COPIED.alias("warmth"), "leak", "tells left all by itself"),
    "a leaking word": (TOLD.alias("city"), "leak", "tells left all by itself"),
    "the order": (tenth("opened", LATER), "order", "400 of 4000 rows later or larger than day"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_column_is_found_by_its_rule(reference, kind):
    change, rule, message = BROKEN[kind]
    column = change.meta.output_name()
    found = findings(BATCH.with_columns(change), reference)
    told = [one for one in found if (one.column, one.rule) == (column, rule)]
    assert any(message in one.message for one in told), found
    assert {one.severity for one in told} == {"warn" if rule in WARNED else "fail"}
    assert {one.column for one in found} <= {column, "left"}  # and of no other is anything said


def test_a_shuffled_column_is_found_by_its_partner(reference):
    found = findings(BATCH.with_columns(shuffled("area")), reference)
    assert {(one.rule, one.severity) for one in found} == {("correlation", "warn")}
    assert found[0].column == "size"
    assert found[0].message.startswith("rank correlation with area +0.97 → ")


@pytest.mark.parametrize("timed", [True, False], ids=["beside a time", "without"])
def test_a_date_that_stands_for_nothing_is_found(timed):
    columns = {name: column for name, column in COLUMNS.items() if timed or name != "day"}
    contract = Contract.model_validate({"columns": columns}, strict=False)
    known = build_reference(ACCEPTED.select(list(columns)).lazy(), contract)
    rows = BATCH.select(list(columns))
    assert findings(rows, known, contract) == ()
    found = findings(rows.with_columns(tenth("opened", date(1900, 1, 1))), known, contract)[0]
    assert (found.column, found.rule, found.severity) == ("opened", "sentinel", "fail")
    assert found.message.startswith("10.0% of the values are exactly 1900-01-01")


HOLIDAY = FIRST + timedelta(days=50)
AWAY = pl.col("day").is_between(HOLIDAY, HOLIDAY + timedelta(days=10))
TABLES = {
    "copies": (
        pl.concat([BATCH, BATCH.head(400)]),
        ("(table)", "duplicates"),
        "9.1% of the rows are copies of another, before 0.0%",
    ),
    "old rows": (
        pl.concat([ACCEPTED.head(1000), BATCH.tail(3000)]),
        ("(table)", "overlap"),
        "are rows that the reference has: an old batch?",
    ),
    "days missing": (
        BATCH.filter(~AWAY),
        ("day", "gaps"),
        "11 of 200 days have no row, 2026-02-24 the first of them",
    ),
}


@pytest.mark.parametrize("kind", TABLES)
def test_broken_tables_are_found(reference, kind):
    rows, (column, rule), message = TABLES[kind]
    found = [one for one in findings(rows, reference) if one.column != "mail"]
    assert [(one.column, one.rule, one.severity) for one in found] == [(column, rule, "warn")]
    assert message in found[0].message


def test_another_name_of_a_column_is_named(reference):
    found = findings(BATCH.rename({"size": "Size_"}), reference)
    assert (found[0].column, found[0].rule) == ("size", "missing")
    assert "'Size_' may be it under another name" in found[0].message
    found = findings(BATCH.rename({"area": "x1"}), reference)
    assert "'x1' may be it under another name" in found[0].message  # by its values


def test_accepted_rows_may_come_again_where_nobody_calls_them_fresh(reference):
    assert findings(ACCEPTED, reference, fresh=False) == ()
    assert [one.rule for one in findings(ACCEPTED, reference)] == ["overlap"]


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_clean_batch_gives_no_finding(reference, seed):
    assert findings(table(seed), reference) == ()


@pytest.mark.parametrize("rows", [1, 10, 60, 200, 1000])
def test_a_small_clean_batch_gives_no_finding(reference, rows):
    for seed in range(30, 34):
        assert findings(table(seed).tail(rows), reference) == (), seed


def test_few_rows_are_no_proof(reference):
    """Ten rows of one city are chance; a thousand are not."""
    rows = BATCH.with_columns(text("Rom").alias("city"))
    assert findings(rows.tail(10), reference) == ()
    assert findings(rows.tail(1000), reference) != ()


def test_a_reference_reads_back_as_it_was_written(reference, tmp_path):
    write_reference(tmp_path / "reference.json", reference)
    assert read_reference(tmp_path / "reference.json") == reference


def test_a_reference_holds_no_row_and_nothing_personal(reference, tmp_path):
    write_reference(tmp_path / "reference.json", reference)
    written = (tmp_path / "reference.json").read_text(encoding="utf-8")
    assert '"size"' in written
    for secret in ("mail.example", "person0x", "C000-", '"mail"'):
        assert secret not in written, secret


def test_a_personal_value_appears_nowhere(reference, tmp_path):
    mail = pl.when(pl.int_range(pl.len()) < 5).then(text("secret@elsewhere.example"))
    rows = BATCH.with_columns(mail.otherwise("mail").alias("mail"))
    found = validate(rows.lazy(), CONTRACT, TODAY, reference=reference)
    assert {(one.column, one.rule) for one in found.findings} == {
        ("mail", "shape"),
        ("mail", "unique"),
    }
    assert all(one.examples == ("row 1", "row 2", "row 3") for one in found.findings)
    project = Project(tmp_path, Settings(name="small", task="binary"), CONTRACT)
    page = write_page(project, Batch(found, reference), None).read_text(encoding="utf-8")
    assert "personal: not shown" in page
    assert page.count("<svg") == page.count('<svg role="img" aria-label="How the values of ') > 0
    for secret in ("secret", "elsewhere", "person77x"):
        assert secret not in page, secret
        assert secret not in str(found.findings), secret
