"""A text table is read as it was written: any delimiter, encoding, quoting and names."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from your_package.errors import Status, Stop
from your_package.sources import read_file

DELIMITERS = ",;\t|"
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
MARKS = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}  # the others bring their own, or none
WESTERN = {
    "German": "Müller Straße Größe Köln schön für Äpfel Öl Übung grün weiß Nürnberg Jäger",
    "French": "façade cœur élève où naïve Noël forêt à été crème très hôtel Besançon déjà",
    "Spanish": "señor niño año España mañana corazón también José Núñez ¿qué? ¡hola! camión",
    "Portuguese": "João São coração não pão avó você açúcar irmã informação Conceição maçã",
    "Danish": "København Århus Østerbro Ærø smørrebrød blåbær kød køb pære grøn Sørensen",
    "Swedish": "Göteborg Malmö Västerås Örebro Åsa Björn Häggström smörgås räksallad på för",
    "signs": "5€ 10€ 7m² 12m³ 3°C 10µm Coca-Cola® Nº3 café ½ 20£ ±5",
}
STRANGE = " '\"äéßøñ漢字\u00a0€°µ☃𝄞#%&/\\:*?[]{}<>=+-_.()"
LETTERS = "abcXYZ019" + STRANGE
NAMES = st.text(LETTERS, max_size=8)


def written(table, delimiter=",", *, quote_all=False, end="\n"):
    """The table as a text, by the rules of RFC 4180 and nobody's library."""
    special = {delimiter, '"', "\r", "\n"}

    def cell(text):
        quoted = quote_all or special & set(text)
        return '"' + text.replace('"', '""') + '"' if quoted else text

    return "".join(delimiter.join(map(cell, row)) + end for row in table)


@pytest.fixture(scope="session")
def read(tmp_path_factory):
    """Names and rows of a file with this content."""
    folder = tmp_path_factory.mktemp("dialect")

    def names_and_rows(content, name="rows.csv"):
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        table = read_file(str(path)).collect()
        return table.columns, [list(row) for row in table.rows()]

    return names_and_rows


def as_read(rows):
    """An empty cell is a missing one."""
    return [[cell or None for cell in row] for row in rows]


@st.composite
def tables(draw, cells=LETTERS, least=2):
    """A header that is not all numbers, and rows of as many cells."""
    width = draw(st.integers(least, 6))
    header = draw(st.lists(NAMES, min_size=width - 1, max_size=width - 1))
    header.insert(draw(st.integers(0, width - 1)), draw(NAMES.map("name".__add__)))
    row = st.lists(st.text(cells, max_size=8), min_size=width, max_size=width)
    rows = draw(st.lists(row, min_size=1, max_size=8))
    return [header, *rows]


@given(
    table=tables(LETTERS + DELIMITERS + "\n"),
    delimiter=st.sampled_from(DELIMITERS),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_quoted_is_read_as_it_was_written(read, table, delimiter, encoding, end):
    text = MARKS.get(encoding, "") + written(table, delimiter, quote_all=True, end=end)
    _, rows = read(text.encode(encoding))
    assert rows == as_read(table[1:])


@given(
    table=tables(),
    delimiter=st.sampled_from(DELIMITERS),
    encoding=st.sampled_from(ENCODINGS),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_what_needs_no_quotes_is_read_without_them(read, table, delimiter, encoding, end, last):
    text = MARKS.get(encoding, "") + written(table, delimiter, end=end)
    _, rows = read((text if last else text.removesuffix(end)).encode(encoding))
    assert rows == as_read(table[1:])


@given(table=tables(LETTERS + "\n"), delimiter=st.sampled_from(DELIMITERS))
def test_the_delimiter_itself_may_be_in_a_quoted_cell(read, table, delimiter):
    table = [[cell.replace("#", delimiter) for cell in row] for row in table]
    _, rows = read(written(table, delimiter))
    assert rows == as_read(table[1:])


@given(header=st.lists(NAMES, min_size=1, max_size=8), delimiter=st.sampled_from(DELIMITERS))
def test_each_column_has_a_name_of_its_own(read, header, delimiter):
    """A name that is there once stays, but for outer spaces; none is empty, none comes twice."""
    header = [*header, "name"]
    names, rows = read(written([header, ["x"] * len(header)], delimiter, quote_all=True))
    assert rows == [["x"] * len(header)]
    assert all(names)
    assert len(set(names)) == len(names)
    cells = [cell.strip() for cell in header]
    once = Counter(cells)
    for cell, name in zip(cells, names, strict=True):
        assert name == cell or not cell or once[cell] > 1
    assert set(filter(None, cells)) <= set(names)


@given(
    language=st.sampled_from(sorted(WESTERN)),
    places=st.lists(st.integers(0, 99), min_size=5, max_size=40),
    delimiter=st.sampled_from(DELIMITERS),
)
def test_a_western_language_in_cp1252_is_read_as_it_was_written(read, language, places, delimiter):
    words = WESTERN[language].split()
    table = [["id", "word"], *([f"n{n}", words[n % len(words)]] for n in places)]
    names, rows = read(written(table, delimiter).encode("cp1252"))
    assert names == table[0]
    assert rows == table[1:]


@given(cells=st.lists(st.text("abc 019äé", min_size=1), min_size=1, max_size=20))
def test_one_column_needs_no_delimiter(read, cells):
    assert read(written([["only name"], *([cell] for cell in cells)])) == (
        ["only name"],
        [[cell] for cell in cells],
    )


READ = {
    "a mark before the first name": ("\ufeffa,b\n1,2\n", ["a", "b"], [["1", "2"]]),
    "decimal commas between semicolons": ("a;b\n1,5;2,5\n", ["a", "b"], [["1,5", "2,5"]]),
    "thousands in quotes": ('a,b\n"1,234",x\n', ["a", "b"], [["1,234", "x"]]),
    "a semicolon in a sentence": ("a,b\nx; y,z\n,z\n", ["a", "b"], [["x; y", "z"], [None, "z"]]),
    "leading zeros and signs": ("a,b\n007,+1\n", ["a", "b"], [["007", "+1"]]),
    "spaces around a value": ("a,b\n x , y\n", ["a", "b"], [[" x ", " y"]]),
    "spaces around a name": (" a ,b\n1,2\n", ["a", "b"], [["1", "2"]]),
    "words that look like nothing": ("a,b\nNA,null\n", ["a", "b"], [["NA", "null"]]),
    "quoted nothing": ('a,b\n"",x\n', ["a", "b"], [[None, "x"]]),
    "rows that end early": ("a,b\n1\n2,3\n", ["a", "b"], [["1", None], ["2", "3"]]),
    "a header alone": ("a,b\n", ["a", "b"], []),
    "no end of the last line": ("a,b\n1,2", ["a", "b"], [["1", "2"]]),
    "empty lines before the header": ("\n\na,b\n1,2\n", ["a", "b"], [["1", "2"]]),
    "empty lines at the end": ("a,b\n1,2\n\n\n", ["a", "b"], [["1", "2"]]),
    "a cell of 200 000 letters": (f"a,b\n{'x' * 200_000},y\n", ["a", "b"], [["x" * 200_000, "y"]]),
    "a name that a second one would get": ("a,a,a (2)\n1,2,3\n", None, [["1", "2", "3"]]),
    "a line break in a name": ('"a\nb",c\n1,2\n', ["a\nb", "c"], [["1", "2"]]),
}


@pytest.mark.parametrize(("content", "names", "rows"), READ.values(), ids=READ)
def test_a_table_may_have(read, content, names, rows):
    found, cells = read(content)
    assert cells == rows
    assert names in (None, found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("cut", range(4))
def test_a_letter_of_several_bytes_may_lie_where_the_look_ends(read, cut):
    """The first megabyte tells the dialect; its end cuts a letter of four bytes at each place."""
    filled = "x" * 97 + ";y\n"
    _, rows = read("a;b\n" + "x" * cut + filled * 9_999 + "𝄞;z\n" * 30)
    assert rows[-1] == ["𝄞", "z"]


@pytest.mark.parametrize("end", ["", "\n", " \n", "  \n"])
def test_a_single_western_letter_at_the_very_end_is_no_cut_off_utf_8(read, end):
    _, rows = read(f"a,b\nx,é{end}".encode("cp1252"))
    assert rows == [["x", f"é{end}".removesuffix("\n")]]


REFUSED = {
    "a row with more cells than the header": ("a,b\n1,2\n3,4,5\n", "row 3 has 3 fields"),
    "rows that end in a comma, the header not": ("a,b\n1,2,\n3,4,\n", "row 2 has 3 fields"),
    "the line ends of an old Macintosh": ("a,b\r1,2\r", "old Macintosh"),
    "numbers alone in the first line": ("1,2\n3,4\n", "holds numbers alone"),
    "line ends alone": ("\n\n\n", "an empty file"),
    "a PDF": (b"%PDF-1.7\n1 0 obj\n", "a PDF"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture"),
    "an archive": (b"PK\x03\x04" + bytes(50), "a ZIP or Office file"),
    "bytes of anything": (bytes(range(256)) * 4, "encoding"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_one_line_refuses(read, content, words):
    with pytest.raises(Stop, match=words) as stopped:
        read(content)
    assert stopped.value.status == Status.DATA
    assert "rows.csv" in str(stopped.value)
    assert len(str(stopped.value).splitlines()) == 1


def test_a_limit_another_delimiter_in_every_line_wins_if_it_makes_more_cells(read):
    """Nothing in the file tells that a person sees two columns here, not three."""
    assert read("a;x;p,b\nc;x;p,d\n")[0] == ["a", "x", "p,b"]


def test_a_limit_an_empty_line_between_rows_is_a_row_without_a_value(read):
    """A row of nothing must not vanish unseen: the contract counts what is missing."""
    assert read("a,b\n1,2\n\n,\n3,4\n")[1] == [["1", "2"], [None, None], [None, None], ["3", "4"]]


def test_a_limit_a_name_that_is_a_number_needs_one_that_is_none(read):
    assert read("year,2025\nx,1\n")[0] == ["year", "2025"]
    with pytest.raises(Stop, match="give the columns names"):
        read("2024,2025\n3,1\n")


def test_a_limit_utf_16_without_a_mark_is_told_by_its_zeros(read):
    assert read("a,b\n1,ä\n".encode("utf-16-le")) == (["a", "b"], [["1", "ä"]])
    with pytest.raises(Stop):
        read("漢字,仮名\n東,京\n".encode("utf-16-le"))


@pytest.mark.parametrize(("word", "encoding"), [("õ", "cp1252"), ("Dvořák", "cp1250")])
def test_a_limit_a_code_page_is_a_guess_that_keeps_all_but_the_accents(read, word, encoding):
    """Nothing in the file names its code page; Western Europe's is taken where it makes words."""
    names, rows = read(f"a,b\nx,{word}\n".encode(encoding))
    assert names == ["a", "b"]
    assert rows[0][0] == "x"
    assert len(rows[0][1]) == len(word)
