"""Every source gives the same table, or one line that says why not."""

import gzip
import json
import sqlite3
import sys
import zipfile
from datetime import date, datetime
from types import ModuleType

import fsspec
import pandas as pd
import polars as pl
import pytest

from your_package import sources
from your_package.errors import Status, Stop
from your_package.settings import DataSettings
from your_package.store import loads

SINCE, UNTIL = date(2026, 5, 2), date(2026, 5, 5)
DAYS = [date(2026, 5, day) for day in range(1, 7)]
TABLE = pl.DataFrame(
    {
        "key": ["007", "a,b", "c;d", 'say "é"', "two\nlines", "x"],
        "day": DAYS,
        "number": [1.5, None, -2.25, 0.5, 1e9 + 0.5, 3.5],
        "whole": [1, 2, None, 4, 5, 2**53 - 1],
        "flag": [True, False, None, True, False, True],
    }
)
WORDS = TABLE.with_columns(number=pl.Series(["1.5", None, "-2.25", "0.5", "1000000000.5", "3.5"]))
WORDS = WORDS.cast(pl.String)


def as_words(table):
    """Numbers, days and truths as a CSV file has them."""
    days = [name for name, kind in table.schema.items() if kind == pl.Datetime]
    table = table.with_columns(pl.col(days).cast(pl.Date))
    written = table.write_csv(float_scientific=False).encode()
    return pl.read_csv(written, infer_schema=False, null_values=[""])


def packed(write):
    """The same file, compressed."""

    def write_packed(path):
        plain = path.with_suffix("")
        write(plain)
        path.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()

    return write_packed


def write_xlsx(path):
    """A workbook with one sheet: inline words, numbers, truths, and days with a day's style."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    rows = [TABLE.columns, *TABLE.rows()]
    cells = "".join(f"<row>{''.join(map(xlsx_cell, row))}</row>" for row in rows)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.sheet.main+xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}"><sheets>'
        '<sheet name="rows" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="sheet.xml"/>'
        f'<Relationship Id="r2" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet {main}><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
        "xl/sheet.xml": f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def xlsx_cell(value):
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value!r}</v></c>"


def write_json(path):
    path.write_text(json.dumps(TABLE.to_dicts(), default=str), encoding="utf-8")


WRITERS = {
    "csv": TABLE.write_csv,
    "CSV": TABLE.write_csv,
    "txt": lambda path: TABLE.write_csv(path, separator=";"),
    "tsv": lambda path: TABLE.write_csv(path, separator="\t"),
    "tab": lambda path: TABLE.write_csv(path, separator="\t"),
    "csv.gz": packed(TABLE.write_csv),
    "tsv.gz": packed(lambda path: TABLE.write_csv(path, separator="\t")),
    "parquet": TABLE.write_parquet,
    "pq": TABLE.write_parquet,
    "jsonl": TABLE.write_ndjson,
    "ndjson": TABLE.write_ndjson,
    "jsonl.gz": packed(TABLE.write_ndjson),
    "json": write_json,
    "json.gz": packed(write_json),
    "xlsx": write_xlsx,
}


@pytest.mark.parametrize("ending", WRITERS)
def test_each_format_gives_the_same_table(tmp_path, ending):
    path = tmp_path / f"rows.{ending}"
    WRITERS[ending](path)
    found = sources.read_file(str(path)).collect()
    assert as_words(found).equals(WORDS)


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "csv.gz"])
def test_a_text_file_stays_text(tmp_path, ending):
    path = tmp_path / f"rows.{ending}"
    WRITERS[ending](path)
    assert set(sources.read_file(str(path)).collect_schema().values()) == {pl.String()}


@pytest.mark.parametrize("ending", ["parquet", "pq"])
def test_parquet_keeps_its_types(tmp_path, ending):
    path = tmp_path / f"rows.{ending}"
    WRITERS[ending](path)
    assert sources.read_file(str(path)).collect().equals(TABLE)


def test_excel_brings_days_numbers_and_truths(tmp_path):
    write_xlsx(tmp_path / "rows.xlsx")
    found = sources.read_file(str(tmp_path / "rows.xlsx")).collect_schema()
    assert found["number"] == pl.Float64
    assert found["day"] in (pl.Date, pl.Datetime("ms"))
    assert found["flag"] == pl.Boolean
    assert found["key"] == pl.String


# --- patterns -----------------------------------------------------------------------------------

PATTERNS = {"a star": "part-*.{}", "a number": "part-[12].{}", "folders": "**/part-*.{}"}


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "csv.gz"])
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS)
def test_a_pattern_gives_the_rows_of_all_its_files_in_the_order_of_their_names(
    tmp_path, ending, pattern
):
    for number in (2, 1):
        WRITERS[ending](tmp_path / f"part-{number}.{ending}")
    (tmp_path / f"other.{ending}").write_bytes(b"not, ours\n1\n")
    found = sources.read(str(tmp_path / pattern.format(ending)), SINCE, UNTIL).collect()
    assert as_words(found).equals(pl.concat([WORDS, WORDS]))


def test_files_of_a_pattern_may_have_their_columns_in_any_order_and_lack_some(tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("c;b;a\n5;4;3\n")
    found = sources.read_file(str(tmp_path / "*.csv")).collect()
    assert found.rows() == [("1", "2", None), ("3", "4", "5")]


def test_brackets_in_the_name_of_a_file_that_is_there_are_no_pattern(tmp_path):
    (tmp_path / "rows1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "rows[1].csv").write_text("a,b\n3,4\n")
    assert sources.read_file(str(tmp_path / "rows[1].csv")).collect().rows() == [("3", "4")]


TYPES = {
    "a day and a number": ([date(2026, 5, 1)], [1]),
    "a list and a number": ([[1]], [1]),
    "a truth and a day": ([True], [date(2026, 5, 1)]),
}


@pytest.mark.parametrize(("one", "other"), TYPES.values(), ids=TYPES)
def test_files_whose_types_contradict_are_refused_in_one_line(tmp_path, one, other):
    """A day must not become the number of days since 1970 because another file has numbers."""
    pl.DataFrame({"a": one}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"a": other}).write_parquet(tmp_path / "2.parquet")
    with pytest.raises(Stop) as stopped:
        loads.keep(tmp_path, sources.read_file(str(tmp_path / "*.parquet")), "*.parquet", None)
    check_line(stopped.value, Status.DATA, "parquet")


# --- what is no table ---------------------------------------------------------------------------

REFUSED = {
    "no file": ("rows.csv", None, "no such file"),
    "no file of a pattern": ("rows-*.csv", None, "no file is named so"),
    "a folder": ("", None, "a folder"),
    "an empty file": ("rows.csv", b"", "empty"),
    "an ending that is not known": ("rows.docx", b"x", "use .csv"),
    "no ending": ("rows", b"x", "use .csv"),
    "text as Parquet": ("rows.parquet", b"PAR1 this is none", "not readable as a table"),
    "text as Excel": ("rows.xlsx", b"a,b\n1,2\n", "not readable as a table"),
    "text as JSON lines": ("rows.jsonl", b"{not json", "not readable as a table"),
    "text as JSON": ("rows.json", b"not json", "not readable as a table"),
    "text as gzip": ("rows.csv.gz", b"a,b\n1,2\n", "not readable as a table"),
    "gzip that is cut": ("rows.csv.gz", gzip.compress(b"a,b\n1,2\n")[:-9], "not readable"),
    "Parquet that is packed once more": ("rows.parquet.gz", gzip.compress(b"PAR1"), "not readable"),
    "a PDF as CSV": ("rows.csv", b"%PDF-1.7\n", "a PDF"),
    "Excel as CSV": ("rows.csv", b"PK\x03\x04....", "Office file"),
    "JSON without a row": ("rows.json", b"[]", "without columns"),
}


def check_line(stop, status, words):
    assert stop.status == status
    assert words in str(stop)
    assert len(str(stop).splitlines()) == 1
    assert len(str(stop)) < 600


@pytest.mark.parametrize(("name", "content", "words"), REFUSED.values(), ids=REFUSED)
def test_one_line_refuses(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Stop) as stopped:
        sources.read_file(str(tmp_path / name)).collect()
    check_line(stopped.value, Status.DATA, words)
    assert name in str(stopped.value)


# --- URLs; real servers are tried in the template's own tests -----------------------------------


@pytest.fixture
def memory():
    """A file system behind a URL: memory://."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def upload(system, folder, name, table=TABLE):
    ending = name.split(".", 1)[1]
    path = folder / f"upload.{ending}"
    {"csv": table.write_csv, "parquet": table.write_parquet}.get(ending, WRITERS[ending])(path)
    system.pipe(f"/{name}", path.read_bytes())


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "parquet", "jsonl", "json", "xlsx"])
def test_a_url_gives_the_same_table(tmp_path, memory, ending):
    upload(memory, tmp_path, f"bucket/rows.{ending}")
    found = sources.read(f"memory://bucket/rows.{ending}", SINCE, UNTIL).collect()
    assert as_words(found).equals(WORDS)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_pattern_in_a_url_gives_all_rows_also_of_files_of_one_name(tmp_path, memory, ending):
    upload(memory, tmp_path, f"bucket/day=1/rows.{ending}", TABLE[:2])
    upload(memory, tmp_path, f"bucket/day=2/rows.{ending}", TABLE[2:])
    found = sources.read(f"memory://bucket/day=*/rows.{ending}", SINCE, UNTIL).collect()
    assert as_words(found.select(TABLE.columns)).equals(WORDS)


def test_files_behind_a_url_may_lack_columns_that_others_have(tmp_path, memory):
    upload(memory, tmp_path, "bucket/1.parquet", TABLE.drop("flag"))
    upload(memory, tmp_path, "bucket/2.parquet", TABLE)
    found = sources.read("memory://bucket/*.parquet", SINCE, UNTIL).collect()
    assert found["flag"].to_list() == [None] * len(TABLE) + TABLE["flag"].to_list()


def test_a_url_that_changes_is_read_again(tmp_path, memory):
    for rows in (TABLE[:2], TABLE[2:]):
        upload(memory, tmp_path, "bucket/rows.csv", rows)
        assert len(sources.read("memory://bucket/rows.csv", SINCE, UNTIL).collect()) == len(rows)


URLS = {
    "nothing there": ("memory://bucket/rows.csv", Status.DATA, "memory://bucket/rows.csv"),
    "no Parquet there": ("memory://bucket/rows.parquet", Status.DATA, "memory://bucket/rows"),
    "nothing of a pattern": ("memory://bucket/*.csv", Status.DATA, "nothing is named so"),
    "an unknown kind": ("nonsense://bucket/rows.csv", Status.SETTINGS, "nonsense:// is not known"),
    "text as Parquet": ("memory://text.parquet", Status.DATA, "memory://text.parquet"),
    "S3 without its library": ("s3://b/rows.csv", Status.SETTINGS, "uv add --group train s3fs"),
    "Google without it": ("gs://b/rows.csv", Status.SETTINGS, "uv add --group train gcsfs"),
    "Azure without it": ("abfs://b/rows.csv", Status.SETTINGS, "uv add --group train adlfs"),
}


@pytest.mark.parametrize(("url", "status", "words"), URLS.values(), ids=URLS)
def test_one_line_refuses_a_url(memory, monkeypatch, url, status, words):
    for library in ("s3fs", "gcsfs", "adlfs"):
        monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    fsspec.register_implementation("memory", type(memory), clobber=True)
    memory.pipe("/text.parquet", b"no table")
    with pytest.raises(Stop) as stopped:
        sources.read(url, SINCE, UNTIL).collect()
    check_line(stopped.value, status, words)


# --- SQL ----------------------------------------------------------------------------------------

MOMENTS = [f"{day} 23:59:59" for day in DAYS]
QUERY = "select key, day from rows where day >= :since and day < :until order by day"


@pytest.fixture
def query(tmp_path, monkeypatch):
    """What a query gives from a SQLite database with the days as text, as SQLite has them."""
    database = sqlite3.connect(tmp_path / "rows.db")
    database.execute("create table rows (key text, day text, moment text, mixed)")
    rows = zip(TABLE["key"], map(str, DAYS), MOMENTS, [1, 2.5, "x", None, "é", 3], strict=True)
    database.executemany("insert into rows values (?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'rows.db'}")

    def ask(text, since=SINCE, until=UNTIL):
        path = tmp_path / "rows.sql"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return sources.read(str(path), since, until).collect()

    return ask


QUERIES = {
    "days": "select day from rows where day >= :since and day < :until order by day",
    "moments": "select day from rows where moment >= :since and moment < :until order by day",
    "each twice": "select day from rows where :since <= day and :since <= moment "
    "and day < :until and moment < :until order by day",
    "a semicolon at the end": "select day from rows where day >= :since and day < :until;\n",
    "a comment that names them": "-- rows :since a day, don't ask\n" + QUERY,
    "a comment with a quote": "/* it's :until */ " + QUERY,
}


@pytest.mark.parametrize("text", QUERIES.values(), ids=QUERIES)
def test_since_is_the_first_day_of_a_query_and_until_the_day_after_the_last(query, text):
    assert query(text)["day"].to_list() == ["2026-05-02", "2026-05-03", "2026-05-04"]


def test_a_query_need_not_ask_for_days(query):
    assert len(query("select * from rows")) == 6
    assert len(query("select * from rows where day > :since")) == 4


def test_quotes_and_signs_in_a_query_and_in_values_are_harmless(query):
    wanted = """select key as "the 'key'" from rows where key <> 'it''s' and key like 'say%'"""
    assert query(wanted).rows() == [('say "é"',)]


def test_a_query_without_rows_is_a_table_without_rows(query):
    assert len(query("select key, day from rows where day < :since", date(1970, 1, 1))) == 0


def test_what_sqlite_mixes_in_a_column_is_all_there(query):
    assert query("select mixed from rows")["mixed"].to_list() == ["1", "2.5", "x", None, "é", "3"]


WRONG_QUERIES = {
    "no such table": ("select * from none", Status.DATA, "none"),
    "no SQL": ("selct 1", Status.DATA, "selct"),
    "an unknown name": ("select :nope", Status.DATA, "nope"),
    "nothing": ("", Status.DATA, "rows.sql"),
    "a comment alone": ("-- later", Status.DATA, "rows.sql"),
    "a change": ("delete from rows", Status.DATA, "rows.sql"),
    "two columns of one name": ("select key, key from rows", Status.DATA, "rows.sql"),
    "bytes": (b"\xff\xfe\x00", Status.SETTINGS, "rows.sql"),
}


@pytest.mark.parametrize(("text", "status", "words"), WRONG_QUERIES.values(), ids=WRONG_QUERIES)
def test_one_line_refuses_a_query(query, text, status, words):
    with pytest.raises(Stop) as stopped:
        query(text)
    check_line(stopped.value, status, words)
    assert len(query("select * from rows")) == 6


ADDRESSES = {
    "none": "",
    "no address": "hunter2",
    "an unknown database": "nonsense://ann:hunter2@host/rows",
    "a driver that is not installed": "oracle://ann:hunter2@host/rows",
    "a port that is no number": "postgresql://ann:hunter2@host:port/rows",
    "a password with a slash": "postgresql://ann:big/hunter2@host.invalid/rows",
    "a password with an at sign": "postgresql://ann:big@hunter2@host.invalid/rows",
    "no such file": "sqlite:////nowhere/hunter2.db",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_one_line_refuses_an_address_and_keeps_the_password(query, monkeypatch, address):
    monkeypatch.setenv("DATABASE_URL", address)
    with pytest.raises(Stop) as stopped:
        query("select 1 as n")
    assert stopped.value.status in (Status.SETTINGS, Status.DATA)
    assert len(str(stopped.value).splitlines()) == 1
    assert "hunter2" not in str(stopped.value)


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ("sftp://ann:hunter2@host.invalid/rows.csv", "sftp://host.invalid/rows.csv"),
        ("s3://key:big@hunter2@bucket/day=*/rows.parquet", "s3://bucket/day=*/rows.parquet"),
        ("delta:s3://bucket/customers@v12", "delta:s3://bucket/customers@v12"),
        ("data/ann@home.csv", "data/ann@home.csv"),
    ],
)
def test_a_login_in_an_address_is_told_to_nobody(told, place):
    """Neither by an error nor by the run, the card and the data version that name the source."""
    assert str(Stop(Status.DATA, f"{told}: nothing is named so.")).startswith(f"{place}: ")
    assert DataSettings(source=told).place == place


# --- functions ----------------------------------------------------------------------------------


@pytest.fixture
def function(monkeypatch):
    """Rows of a function in a module of the user's own."""

    def ask(load):
        module = ModuleType("feeds")
        module.__dict__["load"] = load
        monkeypatch.setitem(sys.modules, "feeds", module)
        return sources.read("python:feeds:load", SINCE, UNTIL)

    return ask


RETURNED = {
    "a Polars table": TABLE,
    "a lazy Polars table": TABLE.lazy(),
    "a pandas table": TABLE.to_pandas(),
    "a pandas table with an index": TABLE.to_pandas().set_index(pd.Index(range(6, 0, -1))),
    "an Arrow table": TABLE.to_arrow(),
    "an Arrow reader": TABLE.to_arrow().to_reader(),
}


@pytest.mark.parametrize("table", RETURNED.values(), ids=RETURNED)
def test_a_function_may_return(function, table):
    found = function(lambda *_: table).collect()
    assert found.columns == TABLE.columns
    assert found["key"].to_list() == TABLE["key"].to_list()
    assert found["day"].cast(pl.Date).to_list() == DAYS
    assert found["number"].to_list() == TABLE["number"].to_list()


def test_a_function_is_told_the_days(function):
    told = []
    function(lambda since, until: told.append((since, until)) or TABLE)
    assert told == [(SINCE, UNTIL)]
    assert type(told[0][0]) is date
    assert not isinstance(told[0][1], datetime)


NAMES = {
    "no such module": ("python:none.such:load", Status.SETTINGS, "put it into src/"),
    "no such function": ("python:json:laod", Status.SETTINGS, "laod"),
    "no function named": ("python:json", Status.SETTINGS, "python:json"),
    "nothing named": ("python:", Status.SETTINGS, "python:"),
    "a relative module": ("python:.feeds:load", Status.SETTINGS, "feeds"),
    "no function": ("python:json:__name__", Status.SETTINGS, "__name__"),
}


@pytest.mark.parametrize(("name", "status", "words"), NAMES.values(), ids=NAMES)
def test_one_line_refuses_a_name(name, status, words):
    with pytest.raises(Stop) as stopped:
        sources.read(name, SINCE, UNTIL)
    check_line(stopped.value, status, words)


@pytest.mark.parametrize("value", [None, 1, "rows", {"a": [1]}, [1, 2]], ids=repr)
def test_what_a_function_returns_instead_of_a_table_is_named(function, value):
    with pytest.raises(Stop) as stopped:
        function(lambda *_: value)
    check_line(stopped.value, Status.DATA, type(value).__name__)
