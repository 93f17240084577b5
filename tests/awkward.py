"""Files that `ml adopt` meets in the wild, and what each has to come to.

A builder writes one file into a folder and returns its path; its decorator says whether the whole
loop works with it afterwards, or in which words it is refused. The sentence that a test shows is
the builder's name. All are seeded, and the answer can be learned.

usage: python awkward.py NAME FOLDER, for the builders that need Polars
"""

import csv
import gzip
import io
import json
import random
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal
from xml.sax.saxutils import escape

Row = dict[str, Any]
Build = Callable[[Path], Path]
REGIONS = ("east", "north", "south", "west")


@dataclass(frozen=True)
class Case:
    """A file and its promise; every pattern is found in one decision, or in the refusal."""

    build: Build
    promise: Literal["works", "refused", "either"]
    says: tuple[str, ...] = ()
    target: str = "outcome"
    options: tuple[str, ...] = ()
    task: str | None = "binary"
    rows: int = 400
    roles: Mapping[str, str] = field(default_factory=dict)  # "id|group": any of them
    inputs: frozenset[str] | None = None  # exactly these
    needs_polars: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """What follows `ml adopt FILE`."""
        return ("--target", self.target, *self.options)


CASES: dict[str, Case] = {}


def _promise(promise: Literal["works", "refused", "either"], *says: str, **more: Any) -> Callable:
    def keep(build: Build) -> Build:
        sentence = build.__name__.strip("_").replace("_", " ")
        CASES[sentence] = Case(build, promise, says, **more)
        return build

    return keep


def works(*says: str, **more: Any) -> Callable:
    """The whole loop works with it; each pattern is found in one of the decisions."""
    return _promise("works", *says, **more)


def refused(*says: str, **more: Any) -> Callable:
    """Exit status 3 and one line that holds each pattern."""
    return _promise("refused", *says, **more)


def either(*says: str, **more: Any) -> Callable:
    """The whole loop or one clear line; each pattern is found in whichever it is."""
    return _promise("either", *says, **more)


# --- tables -------------------------------------------------------------------------------------


def people(rows: int = 400, seed: int = 1) -> list[Row]:
    """Rows of five columns; `usage` and `region` decide the outcome in 19 of 20 rows."""
    dice = random.Random(seed)
    table = []
    for _ in range(rows):
        row: Row = {
            "region": dice.choice(REGIONS),
            "age": dice.randint(18, 90),
            "usage": round(dice.uniform(0, 100), 2),
            "spend": round(dice.uniform(1000, 9999), 1),
        }
        likely = row["usage"] + 10 * (row["region"] == "north") > 52
        table.append(row | {"outcome": int(likely != (dice.random() < 0.05))})
    return table


def changed(rows: Iterable[Row], **columns: Callable[[Row], Any]) -> list[Row]:
    """The rows with columns computed from each row; a new name goes first."""
    table = []
    for row in rows:
        made = {name: compute(row) for name, compute in columns.items()}
        new = {name: value for name, value in made.items() if name not in row}
        table.append(new | row | made)
    return table


def renamed(rows: Iterable[Row], **names: str) -> list[Row]:
    """The rows with other names of columns."""
    return [{names.get(name, name): value for name, value in row.items()} for row in rows]


def grid(rows: Sequence[Row]) -> list[list[Any]]:
    """A header and the values."""
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def csv_text(table: Sequence[Sequence[Any]], delimiter: str = ",", ending: str = "\n") -> str:
    """A table as text, quoted where it has to be."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ending).writerows(table)
    return text.getvalue()


def save(
    folder: Path, content: str | bytes, name: str = "rows.csv", encoding: str = "utf-8"
) -> Path:
    """Write a file exactly so."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def save_rows(folder: Path, rows: Sequence[Row], **how: Any) -> Path:
    """Write rows as delimited text; `how` goes to `csv_text` and `save`."""
    layout = {key: how.pop(key) for key in ("delimiter", "ending") if key in how}
    return save(folder, csv_text(grid(rows), **layout), **how)


def day(row: Row, first: date = date(2024, 1, 3)) -> date:
    """A day of two years that follows from the row, and says nothing about its outcome."""
    return first + timedelta(days=int(row["spend"] * 10) % 700)


def german(number: float) -> str:
    """1234.5 as 1234,5."""
    return str(number).replace(".", ",")


def person(number: int) -> str:
    """An identifier that says nothing else."""
    return f"C{number * 7919 % 100_000:05d}"


# --- encodings and layouts ----------------------------------------------------------------------

PLAIN = {"region": "category", "age": "number", "usage": "number", "spend": "number"}


@works(roles=PLAIN | {"outcome": "target"}, inputs=frozenset(PLAIN))
def a_byte_order_mark(folder: Path) -> Path:
    """The first column is `region`, not BOM and region."""
    return save_rows(folder, people(), encoding="utf-8-sig")


@works(roles=PLAIN)
def utf_16(folder: Path) -> Path:
    """As Excel's “Unicode text” is: UTF-16 with a byte order mark, tabs."""
    return save_rows(folder, people(), encoding="utf-16", delimiter="\t", name="rows.txt")


@either()
def utf_16_without_a_mark(folder: Path) -> Path:
    """Told by its null bytes, if at all."""
    return save_rows(folder, people(), encoding="utf-16-le")


@works("(?i)latin|cp1252|windows-1252|8859", target="Kündigung", roles={"Straße": "category"})
def latin_1(folder: Path) -> Path:
    """Umlauts in the header, in the values and in the target's name."""
    places = {"east": "Köln", "north": "Düsseldorf", "south": "Nürnberg", "west": "Göttingen"}
    rows = changed(people(), region=lambda row: places[row["region"]])
    named = renamed(rows, region="Straße", outcome="Kündigung")
    return save_rows(folder, named, encoding="latin-1")


@works(roles=PLAIN)
def windows_line_ends(folder: Path) -> Path:
    """CR LF."""
    return save_rows(folder, people(), ending="\r\n")


@either(roles=PLAIN)
def line_ends_of_an_old_mac(folder: Path) -> Path:
    """CR alone."""
    return save_rows(folder, people(), ending="\r")


@works(roles=PLAIN)
def no_line_end_after_the_last_row(folder: Path) -> Path:
    """The last row is a row."""
    return save(folder, csv_text(grid(people())).rstrip("\n"))


@works(roles=PLAIN)
def tabs(folder: Path) -> Path:
    """TSV."""
    return save_rows(folder, people(), delimiter="\t", name="rows.tsv")


@works(roles=PLAIN)
def pipes(folder: Path) -> Path:
    """A delimiter that no ending tells."""
    return save_rows(folder, people(), delimiter="|")


@works(roles=PLAIN | {"outcome": "target"})
def gzip_of_csv(folder: Path) -> Path:
    """rows.csv.gz."""
    return save(folder, gzip.compress(csv_text(grid(people())).encode(), mtime=0), "rows.csv.gz")


@works(roles=PLAIN)
def gzip_of_json_lines(folder: Path) -> Path:
    """rows.jsonl.gz."""
    lines = "".join(json.dumps(row) + "\n" for row in people())
    return save(folder, gzip.compress(lines.encode(), mtime=0), "rows.jsonl.gz")


@refused("(?i)gzip|compress|not readable|damaged|cut")
def gzip_that_was_cut_off(folder: Path) -> Path:
    """A download that stopped half way."""
    whole = gzip.compress(csv_text(grid(people())).encode(), mtime=0)
    return save(folder, whole[: len(whole) // 2], "rows.csv.gz")


@works(roles=PLAIN | {"member": "category"})
def json_lines(folder: Path) -> Path:
    """Booleans, and a null where there is nothing."""
    rows = changed(
        people(),
        member=lambda row: row["age"] % 2 == 0,
        age=lambda row: row["age"] if row["age"] % 9 else None,
    )
    return save(folder, "".join(json.dumps(row) + "\n" for row in rows), "rows.jsonl")


@either("address", roles=PLAIN)
def json_lines_with_nested_values(folder: Path) -> Path:
    """A column of objects and one of lists: ignored with a word, or refused."""
    rows = changed(
        people(), address=lambda row: {"zip": "01067", "no": row["age"]}, tags=lambda _: ["a", "b"]
    )
    return save(folder, "".join(json.dumps(row) + "\n" for row in rows), "rows.jsonl")


@either()
def a_json_array(folder: Path) -> Path:
    """One array, not a line for each row."""
    return save(folder, json.dumps(people(), indent=1), "rows.json")


@works(roles=PLAIN | {"seen": "time", "name": "category|text"})
def excel(folder: Path) -> Path:
    """Words, numbers, real dates, an empty cell, and a second sheet that is not ours."""
    rows = changed(
        people(),
        seen=day,
        name=lambda row: None if row["age"] < 20 else f"{row['region']} & <co>",
    )
    return save(folder, workbook({"Kunden": grid(rows), "Notes": [["not"], ["ours"]]}), "rows.xlsx")


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    """An .xlsx as Excel reads it: inline words, numbers, and dates as days with a date's style."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    papers = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    numbered = list(enumerate(sheets.items(), 1))
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, (name, _) in numbered
    )
    linked = "".join(
        f'<Relationship Id="r{n}" Type="{papers}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in numbered
    )
    typed = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
        for n, _ in numbered
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{typed}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{papers}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{papers}"><sheets>{listed}</sheets>'
        "</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{linked}'
        f'<Relationship Id="s" Type="{papers}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{main}"><fonts count="1"><font/></fonts>'
        '<fills count="1"><fill><patternFill/></fill></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf numFmtId="0"/>'
        '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
    }
    for n, (_, table) in numbered:
        rows = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in table)
        parts[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
        )
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name), '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return whole.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, date):
        return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


@works(
    roles={"seen": "time", "region": "category", "member": "category", "price": "number"},
    needs_polars=True,
)
def parquet_of_every_type(folder: Path) -> Path:
    """Categorical, boolean, decimal, small and unsigned integers, a time with a zone."""
    import polars as pl

    table = pl.DataFrame(people()).with_columns(
        pl.col("region").cast(pl.Categorical),
        pl.col("age").cast(pl.UInt8),
        pl.col("outcome").cast(pl.Int8),
        member=pl.col("age") % 2 == 0,
        price=pl.col("spend").cast(pl.Decimal(10, 2)),
        seen=pl.datetime(2024, 1, 1, time_zone="Europe/Berlin")
        + pl.duration(hours=pl.col("spend")),
    )
    table.write_parquet(folder / "rows.parquet")
    return folder / "rows.parquet"


@refused("(?i)parquet|not a table|not readable")
def parquet_in_name_only(folder: Path) -> Path:
    """The ending lies."""
    return save_rows(folder, people(), name="rows.parquet")


@either()
def excel_in_name_only(folder: Path) -> Path:
    """Old shops export CSV as .xlsx."""
    return save_rows(folder, people(), name="rows.xlsx")


@either()
def a_zip_archive(folder: Path) -> Path:
    """Not among the promised formats."""
    with zipfile.ZipFile(folder / "rows.zip", "w") as archive:
        archive.writestr("rows.csv", csv_text(grid(people())))
    return folder / "rows.zip"


@works(roles=PLAIN)
def a_name_with_a_pattern_in_it(folder: Path) -> Path:
    """Brackets, stars and quotes in a file's name are its name."""
    (folder / "rows 1.csv").write_text("not,this\n1,2\n")
    return save_rows(folder, people(), name="Kund*innen d'été [1] (2).csv")


@works(roles=PLAIN | {"note": "category|text"})
def quoted_line_breaks(folder: Path) -> Path:
    """Values with line breaks, commas and quotes are one value."""
    notes = ('first line\nsecond, "line"', "one line", "a\r\nb", "x,y")
    return save_rows(folder, changed(people(), note=lambda row: notes[row["age"] % 4]))


@works(inputs=frozenset(PLAIN))
def a_delimiter_at_the_end_of_each_line(folder: Path) -> Path:
    """An empty last header with nothing below it."""
    return save(folder, csv_text([[*row, ""] for row in grid(people())]))


@either("(?i)(line|row)s?\\b.*\\d")
def ragged_lines(folder: Path) -> Path:
    """Two lines are short, one is long: nothing may move to another column unsaid."""
    table = grid(people())
    table[57], table[58], table[203] = table[57][:3], table[58][:4], [*table[203], "more", "still"]
    return save(folder, csv_text(table))


@either()
def words_before_the_header(folder: Path) -> Path:
    """An export's title and an empty line."""
    return save(folder, "Exported on 12.01.2024 by Finance\n\n" + csv_text(grid(people())))


@either()
def null_bytes(folder: Path) -> Path:
    """A program that pads its words with NUL."""
    return save_rows(folder, changed(people(), region=lambda row: row["region"].ljust(8, "\0")))


# --- headers ------------------------------------------------------------------------------------


@works(
    "(?i)usage.*(twice|duplicate|same name|renamed|more than once)", roles={"region": "category"}
)
def two_columns_of_one_name(folder: Path) -> Path:
    """Both are kept, under names that say which."""
    table = grid(people())
    table[0][1] = "usage"
    return save(folder, csv_text(table))


@works(
    target="did it 🚀 work?",
    roles={'say "cheese"': "number", "it's": "category", "größe, in cm": "number"},
)
def emoji_and_quotes_in_the_header(folder: Path) -> Path:
    """A name is data: TOML, YAML, JSON and ONNX all have to carry it."""
    names = {
        "usage": 'say "cheese"',
        "region": "it's",
        "age": "größe, in cm",
        "spend": "{a: [b]} #",
    }
    return save_rows(folder, renamed(people(), **names, outcome="did it 🚀 work?"))


@works()
def spaces_around_names_and_values(folder: Path) -> Path:
    """`region , age`, written by hand."""
    lines = [" , ".join(str(value) for value in row) for row in grid(people())]
    return save(folder, "\n".join(lines) + "\n")


@works(
    target="y", roles={"on": "category", "null": "number", "1": "number", "2024-01-01": "number"}
)
def names_and_values_that_yaml_reads_otherwise(folder: Path) -> Path:
    """`on`, `y`, `null`, `1` and a date as names; Norway, and 1e3, as values."""
    countries = {"east": "NO", "north": "SE", "south": "~", "west": "1e3"}
    rows = changed(people(), region=lambda row: countries[row["region"]])
    names = {"region": "on", "age": "1", "usage": "null", "spend": "2024-01-01", "outcome": "y"}
    return save_rows(folder, renamed(rows, **names))


@either()
def names_that_the_engine_uses_itself(folder: Path) -> Path:
    """What predictions add, and what checks count, are names that a user's column may have."""
    names = {"region": "prediction", "age": "rows", "usage": "newest", "spend": "probability_1"}
    return save_rows(folder, renamed(people(), **names))


@works(inputs=frozenset(PLAIN))
def the_index_that_pandas_leaves(folder: Path) -> Path:
    """A first column without a name that counts the rows is no input."""
    table = [[n - 1 if n else "", *row] for n, row in enumerate(grid(people()))]
    return save(folder, csv_text(table))


@refused("outcome")
def no_header(folder: Path) -> Path:
    """The first row is a row."""
    return save(folder, csv_text(grid(people())[1:]))


# --- values -------------------------------------------------------------------------------------


@works("(?i)decimal|comma|like (1.234)?1?,5", roles=PLAIN)
def semicolons_and_decimal_commas(folder: Path) -> Path:
    """As a German Excel writes CSV."""
    rows = changed(
        people(), usage=lambda row: german(row["usage"]), spend=lambda row: german(row["spend"])
    )
    return save_rows(folder, rows, delimiter=";")


THOUSANDS = {
    "1,234.5": (",", lambda value: f"{value:,.1f}"),
    "1.234,5": (";", lambda value: f"{value:,.1f}".translate(str.maketrans(",.", ".,"))),
    "1 234,5": (";", lambda value: f"{value:,.1f}".translate(str.maketrans(",.", " ,"))),
    "1 234,5 with the space that does not break": (
        ";",
        lambda value: f"{value:,.1f}".translate(str.maketrans(",.", "\u202f,")),
    ),
    "1'234.5": (",", lambda value: f"{value:,.1f}".replace(",", "'")),
}


def thousands(style: str) -> Build:
    """A table whose `spend` is written in this style, and `usage` with the same decimal sign."""
    delimiter, write = THOUSANDS[style]

    def build(folder: Path) -> Path:
        decimal = german if delimiter == ";" else str
        rows = changed(
            people(), spend=lambda row: write(row["spend"]), usage=lambda row: decimal(row["usage"])
        )
        return save_rows(folder, rows, delimiter=delimiter)

    return build


for _style in THOUSANDS:
    CASES[f"thousands as {_style}"] = Case(
        thousands(_style), "works", ("(?i)thousand|decimal|like 1.234",), roles=PLAIN
    )


@works("(?i)spend.*(decimal|thousand|another way)", roles={"region": "category", "age": "number"})
def commas_that_may_be_decimal_or_thousands(folder: Path) -> Path:
    """1,234 with semicolons: it says which of the two it took."""
    rows = changed(people(), spend=lambda row: f"{int(row['spend']):,}")
    return save_rows(folder, rows, delimiter=";")


@works(roles=PLAIN)
def a_currency_before_each_number(folder: Path) -> Path:
    """$7,873.20 is a number."""
    rows = changed(people(), spend=lambda row: f"${row['spend']:,.2f}")
    return save_rows(folder, rows)


@works(roles=PLAIN | {"ticket": "key|id"}, inputs=frozenset(PLAIN))
def codes_with_a_letter_before(folder: Path) -> Path:
    """T00042 is a name, no amount of anything."""
    dice = random.Random(13)
    numbers = dice.sample(range(100_000), 400)
    rows = [{"ticket": f"T{numbers[n]:05d}"} | row for n, row in enumerate(people())]
    return save_rows(folder, rows)


@works("(?i)usage.*(n/a|unknown|not a number|word|missing)", roles=PLAIN)
def numbers_with_a_few_words_between(folder: Path) -> Path:
    """`n/a`, `unknown` and `-` are missing numbers, and that is said."""
    words = ("n/a", "unknown", "-")
    rows = people()
    for place in range(5, 400, 20):
        rows[place]["usage"] = words[place % 3]
    return save_rows(folder, rows)


@works(roles={"code": "category|text|ignored|id", "usage": "number"})
def half_numbers_half_words(folder: Path) -> Path:
    """A column of two minds is no number."""
    mixed = changed(people(), code=lambda row: row["age"] if row["age"] % 2 else f"x{row['age']}")
    return save_rows(folder, mixed)


@works(roles=PLAIN | {"zip": "category|text"})
def leading_zeros(folder: Path) -> Path:
    """A zip code is no number: 01067 keeps its zero."""
    return save_rows(
        folder, changed(people(), zip=lambda row: f"{1067 + 13 * (row['age'] % 40):05d}")
    )


@works(roles=PLAIN | {"member": "category", "vip": "category", "paid": "category"})
def booleans_in_words(folder: Path) -> Path:
    """yes/no, ja/nein and Y/N in one table."""
    rows = changed(
        people(),
        member=lambda row: "yes" if row["age"] % 2 else "no",
        vip=lambda row: "ja" if row["age"] % 3 else "nein",
        paid=lambda row: "Y" if row["age"] % 5 else "N",
    )
    return save_rows(folder, rows)


@works(roles=PLAIN)
def an_answer_in_words_of_another_language(folder: Path) -> Path:
    """The target says ja or nein, and so do the predictions."""
    return save_rows(folder, changed(people(), outcome=lambda row: ("nein", "ja")[row["outcome"]]))


@works(roles=PLAIN)
def an_answer_that_is_true_or_false(folder: Path) -> Path:
    """As pandas writes booleans: True, False."""
    return save_rows(folder, changed(people(), outcome=lambda row: bool(row["outcome"])))


@either()
def an_answer_in_three_spellings(folder: Path) -> Path:
    """`Yes`, `yes ` and `YES` beside `no`."""
    words = ("Yes", "yes ", "YES")
    answer = {"outcome": lambda row: words[row["age"] % 3] if row["outcome"] else "no"}
    return save_rows(folder, changed(people(), **answer))


@works(roles=PLAIN)
def numbers_that_are_infinite_or_no_number(folder: Path) -> Path:
    """inf, -inf and NaN, as NumPy writes them."""
    rows = people()
    for place, word in zip(range(7, 400, 23), ("inf", "-inf", "NaN") * 6, strict=False):
        rows[place]["usage"] = word
    return save_rows(folder, rows)


@works(roles=PLAIN | {"account": "key"})
def identifiers_of_twenty_digits(folder: Path) -> Path:
    """Larger than 64 bits: each is unique only as text."""
    rows = [{"account": 10**19 * 9 + n} | row for n, row in enumerate(people())]
    return save_rows(folder, rows)


@works(roles=PLAIN | {"shade": "category|text|number"})
def a_category_of_two_hundred_values(folder: Path) -> Path:
    """Most values occur twice or thrice; new ones will come."""
    dice = random.Random(5)
    return save_rows(folder, changed(people(), shade=lambda _: f"shade {dice.randrange(200)}"))


@works(roles=PLAIN)
def a_column_that_is_mostly_empty(folder: Path) -> Path:
    """Nineteen of twenty rows have no coupon."""
    rows = changed(people(), coupon=lambda row: None)
    for place in range(0, 400, 20):
        rows[place]["coupon"] = "spring" if place % 40 else "autumn"
    return save_rows(folder, rows)


# --- times --------------------------------------------------------------------------------------

DAYS = {
    "ISO days": "%Y-%m-%d",
    "days as 31.12.2024": "%d.%m.%Y",
    "days as 12/31/2024": "%m/%d/%Y",
    "days as 31 Dec 2024": "%d %b %Y",
    "days as 31/12/2024 with minutes": "%d/%m/%Y %H:%M",
}


def dated(form: str) -> Build:
    """A table with a time column in this format."""

    def build(folder: Path) -> Path:
        moment = {"seen": lambda row: datetime.combine(day(row), datetime.min.time())}
        rows = changed(people(), **moment)
        return save_rows(folder, changed(rows, seen=lambda row: row["seen"].strftime(form)))

    return build


for _name, _form in DAYS.items():
    CASES[_name] = Case(dated(_form), "works", ("seen",), roles=PLAIN | {"seen": "time"})


@works("(?i)seen.*(day|month|%d|dd)")
def days_and_months_that_may_be_swapped(folder: Path) -> Path:
    """03/04/2024, and no day after the 12th: it says which reading it took."""
    rows = changed(people(), seen=lambda row: day(row).replace(day=1 + row["age"] % 12))
    return save_rows(folder, changed(rows, seen=lambda row: row["seen"].strftime("%d/%m/%Y")))


def zoned(write: Callable[[datetime], str]) -> Build:
    """A table with moments that carry their zone."""

    def build(folder: Path) -> Path:
        start = datetime(2024, 1, 3, tzinfo=UTC)
        moment = {"seen": lambda row: write(start + timedelta(minutes=int(row["spend"] * 60)))}
        return save_rows(folder, changed(people(), **moment))

    return build


def _local(moment: datetime) -> datetime:
    """Berlin's clock, as far as an offset goes: summer from April to October."""
    return moment.astimezone(timezone(timedelta(hours=2 if 4 <= moment.month <= 10 else 1)))


ZONES: dict[str, Callable[[datetime], str]] = {
    "times with Z": lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "times with an offset": lambda m: m.astimezone(timezone(timedelta(hours=2))).isoformat(),
    "times with an offset that changes in summer": lambda moment: _local(moment).isoformat(),
}
for _name, _write in ZONES.items():
    CASES[_name] = Case(zoned(_write), "works", ("seen",), roles=PLAIN | {"seen": "time"})


@works()
def a_column_that_began_last_month(folder: Path) -> Path:
    """Only the newest tenth has a discount, so the older rows, which train, have none."""
    rows = sorted(changed(people(), seen=day), key=lambda row: row["seen"])
    started = rows[360]["seen"]
    discount = {"discount": lambda row: row["age"] / 2 if row["seen"] >= started else None}
    return save_rows(folder, changed(rows, **discount))


@either()
def an_answer_that_changes_with_time(folder: Path) -> Path:
    """All old rows say 0 and all new rows 1: the newest fifth has a class that never trained."""
    rows = changed(people(), seen=lambda row: day(row))
    rows.sort(key=lambda row: row["seen"])
    return save_rows(folder, [row | {"outcome": int(n >= 320)} for n, row in enumerate(rows)])


# --- what a column is ---------------------------------------------------------------------------


@works("(?i)notes.*(empty|missing|null|no value)", inputs=frozenset(PLAIN))
def columns_without_a_value(folder: Path) -> Path:
    """Two of them, one with blanks."""
    return save_rows(folder, changed(people(), notes=lambda _: None, more_notes=lambda _: "  "))


@works("(?i)currency.*(constant|one value|same)", inputs=frozenset(PLAIN))
def a_column_with_one_value(folder: Path) -> Path:
    """It teaches nothing."""
    return save_rows(folder, changed(people(), currency=lambda _: "EUR"))


@works("(?i)left.*(leak|equals|same as|gives .* away|is the target|tells)")
def a_column_that_is_the_answer(folder: Path) -> Path:
    """Its name says otherwise."""
    rows = changed(people(), left=lambda row: "gone" if row["outcome"] else "here")
    return save_rows(folder, rows)


@works("(?i)e-mail.*personal|personal.*e-mail", inputs=frozenset(PLAIN))
def an_e_mail_address(folder: Path) -> Path:
    """Personal data are named."""
    rows = [row | {"e-mail": f"{person(n).lower()}@example.org"} for n, row in enumerate(people())]
    return save_rows(folder, rows)


WORDS = {
    "billing": ("charged", "invoice", "refund", "payment", "credit card"),
    "delivery": ("parcel", "courier", "late", "arrived", "shipping"),
    "returns": ("broken", "send back", "size", "colour", "label"),
}


@works(
    task="multiclass",
    rows=450,
    target="department",
    roles={"complaint": "text", "channel": "category"},
)
def sentences(folder: Path) -> Path:
    """What a customer wrote decides who answers."""
    dice = random.Random(3)
    rows = []
    for n in range(450):
        department = dice.choice(sorted(WORDS))
        one, two = dice.sample(WORDS[department], 2)
        words = (
            f"Hello, {dice.choice(('my', 'the'))} {one} … and {two} again, see {person(n)}. Thanks!"
        )
        channel = dice.choice(("mail", "phone", "form"))
        rows.append({"complaint": words, "channel": channel, "department": department})
    return save_rows(folder, rows)


@works(
    task="regression", rows=500, target="Preis €", roles={"gesehen am": "time", "größe": "number"}
)
def a_german_price_list(folder: Path) -> Path:
    """Semicolons, decimal commas, points between thousands, 31.12.2024, Windows' own encoding."""
    dice = random.Random(4)
    price = {"price": lambda row: round(row["spend"] + 30 * row["usage"] + dice.gauss(0, 200), 2)}
    dotted = str.maketrans(",.", ".,")
    rows = changed(
        changed(people(500), seen=day, **price),
        seen=lambda row: row["seen"].strftime("%d.%m.%Y"),
        usage=lambda row: german(row["usage"]),
        spend=lambda row: f"{row['spend']:,.1f}".translate(dotted),
        price=lambda row: f"{row['price']:,.2f}".translate(dotted),
    )
    names = {"seen": "gesehen am", "usage": "größe", "price": "Preis €", "outcome": "verkauft"}
    text = csv_text(grid(renamed(rows, **names)), ";", "\r\n")
    return save(folder, text, "Preise für Köln.csv", "cp1252")


CUSTOMERS = {
    "customer_no": "key",
    "shop_id": "id|group",
    "signed_up": "time",
    "region": "category",
    "zip": "category",
    "age": "number",
    "spend": "number",
    "newsletter": "category",
    "satisfied": "number|category",
    "comment": "text",
    "currency": "constant",
    "legacy_code": "ignored|constant|empty|other",
    "outcome": "target",
}


@works(roles=CUSTOMERS, rows=600)
def customers_with_a_column_of_every_role(folder: Path) -> Path:
    """A dozen columns, each read by hand."""
    dice = random.Random(6)
    moods = (
        "fine so far",
        "would buy again",
        "not for me",
        "asked a friend",
        "too slow",
        "nice box",
    )
    rows = [
        {
            "customer_no": person(n),
            "shop_id": 10_000 + dice.randrange(150) * 37,
            "signed_up": day(row),
            **row,
            "zip": f"{1067 + 13 * (row['age'] % 40):05d}",
            "newsletter": "yes" if dice.random() < 0.4 else "no",
            "satisfied": dice.choice((1, 2, 3, 4, 5, None)),
            "comment": f"{', '.join(dice.sample(moods, 3))}, said on day {dice.randrange(900)}.",
            "currency": "EUR",
            "legacy_code": None,
        }
        for n, row in enumerate(people(600))
    ]
    return save_rows(folder, rows)


# --- answers and sizes --------------------------------------------------------------------------


@works("(?i)outcome.*(20|5|missing|without|null)", roles=PLAIN)
def an_answer_that_is_missing_in_one_row_of_twenty(folder: Path) -> Path:
    """What is done with them is decided and said."""
    rows = people()
    for place in range(3, 400, 20):
        rows[place]["outcome"] = None
    return save_rows(folder, rows)


@works(
    "(?is)(regression|multiclass).*--task|--task.*(regression|multiclass)",
    target="stars",
    task=None,
    rows=500,
)
def an_answer_of_five_whole_numbers(folder: Path) -> Path:
    """1 to 5 may be classes or a number: it says which reading it took, and what changes it."""
    stars = {"stars": lambda row: 1 + min(4, int(row["usage"] // 20))}
    return save_rows(folder, changed(people(500), **stars, outcome=lambda row: row["age"] // 7))


@works(rows=3000, roles=PLAIN)
def one_in_thirty(folder: Path) -> Path:
    """Three rows of a hundred are of the second class."""
    rows = people(3000)
    dice = random.Random(8)
    likely = {"outcome": lambda row: int(row["usage"] > 96.5 or dice.random() < 0.002)}
    return save_rows(folder, changed(rows, **likely))


@either(task=None)
def a_class_with_a_single_row(folder: Path) -> Path:
    """One row of a third class."""
    rows = changed(people(), outcome=lambda row: ("stays", "leaves")[row["outcome"]])
    rows[77]["outcome"] = "dies"
    return save_rows(folder, rows)


@works(rows=200)
def two_thousand_columns(folder: Path) -> Path:
    """Ten times as many columns as rows; one of them decides."""
    dice = random.Random(9)
    rows = []
    for _ in range(200):
        row: Row = {f"f{n}": round(dice.gauss(0, 1), 3) for n in range(1799)}
        row |= {f"word {n}": dice.choice("abc") for n in range(200)}
        rows.append(row | {"outcome": int((row["f7"] > 0) != (dice.random() < 0.05))})
    return save_rows(folder, rows)


@works(rows=50, inputs=frozenset({"dose"}))
def fifty_rows_of_two_columns(folder: Path) -> Path:
    """The smallest table that is promised."""
    dice = random.Random(10)
    doses = [round(dice.uniform(0, 10), 3) for _ in range(50)]
    return save_rows(folder, [{"dose": dose, "outcome": int(dose > 5)} for dose in doses])


@refused("(?i)12 (rows|lines)")
def twelve_rows(folder: Path) -> Path:
    """Nothing can be judged on two rows."""
    return save_rows(folder, people(12))


@refused("(?i)(1|one|a single) row")
def one_row(folder: Path) -> Path:
    """A header and a row."""
    return save_rows(folder, people(1))


@refused("(?i)no rows?|0 rows|header")
def a_header_and_nothing_else(folder: Path) -> Path:
    """An export of an empty table."""
    return save(folder, "region,age,usage,spend,outcome\n")


@refused("(?i)column|input")
def one_column(folder: Path) -> Path:
    """Only the answer, nothing to tell it from."""
    return save_rows(folder, [{"outcome": row["outcome"]} for row in people()])


@refused("(?i)null|empty|missing|no value")
def nothing_but_nulls(folder: Path) -> Path:
    """A header, and rows of commas."""
    return save_rows(folder, [dict.fromkeys(row) for row in people()])


@refused("outcome", "(?i)null|empty|missing|no value")
def an_answer_without_a_value(folder: Path) -> Path:
    """All but the target is there."""
    return save_rows(folder, changed(people(), outcome=lambda _: None))


@refused("outcome", "(?i)one value|constant|same|single")
def an_answer_with_one_value(folder: Path) -> Path:
    """All rows say 1."""
    return save_rows(folder, changed(people(), outcome=lambda _: 1))


@refused("outcome")
def an_answer_that_names_each_row(folder: Path) -> Path:
    """400 words in 400 rows are no classes."""
    rows = [row | {"outcome": f"name {person(n)}"} for n, row in enumerate(people())]
    return save_rows(folder, rows)


@refused("outcome", "(?i)date|time")
def an_answer_that_is_a_day(folder: Path) -> Path:
    """None of the three tasks."""
    return save_rows(folder, changed(people(), outcome=day))


@refused("outcmoe", "outcome", target="outcmoe")
def a_target_that_is_misspelt(folder: Path) -> Path:
    """The nearest name is suggested."""
    return save_rows(folder, people())


@refused("Outcome", "outcome", target="Outcome")
def a_target_in_other_letters(folder: Path) -> Path:
    """Names are case-sensitive; the nearest is suggested."""
    return save_rows(folder, people())


# --- what is no table ---------------------------------------------------------------------------


@refused("(?i)empty")
def an_empty_file(folder: Path) -> Path:
    """No byte."""
    return save(folder, b"")


@refused("(?i)empty|no (rows|columns|header)")
def blank_lines(folder: Path) -> Path:
    """Nothing but line ends."""
    return save(folder, "\n\n  \n\n")


@refused("(?i)folder|directory")
def a_directory(folder: Path) -> Path:
    """A folder where a file is asked for."""
    (folder / "rows.csv").mkdir()
    return folder / "rows.csv"


@refused("(?i)no such file|not there|does not exist|no file")
def a_file_that_is_not_there(folder: Path) -> Path:
    """A path that leads nowhere."""
    return folder / "rows.csv"


PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" * 40


@refused("(?i)pdf|not a table")
def a_pdf(folder: Path) -> Path:
    """With the ending that says so."""
    return save(folder, PDF, "rows.pdf")


@refused("(?i)pdf|not a table")
def a_pdf_named_csv(folder: Path) -> Path:
    """Its first bytes say what it is."""
    return save(folder, PDF)


@refused("(?i)not a table|image|binary|encoding|png")
def a_picture_named_csv(folder: Path) -> Path:
    """Bytes of no encoding."""
    return save(folder, b"\x89PNG\r\n\x1a\n" + random.Random(11).randbytes(5000))


if __name__ == "__main__":
    print(CASES[sys.argv[1]].build(Path(sys.argv[2])))
