"""How a text table is written: its encoding, its delimiter, and names for its columns."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from charset_normalizer import from_bytes

from ..errors import Status, Stop

HEAD = 1_000_000
DELIMITERS = ",;\t|"
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# In a word of a Western language no sign stands between two letters.
NO_WORD = re.compile("[^\\W\\d_][¡-¿×÷ƒ‚„…†‡ˆ‰‹›˜™•][^\\W\\d_]|\ufffd")
LEGACY = [
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
]


@dataclass(frozen=True)
class Dialect:
    """Encoding, delimiter and the header's cells."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]

    def names(self, columns: int) -> list[str]:
        """A name for each column: without outer spaces, none empty, none twice."""
        cells = [cell.strip().strip("\ufeff") for cell in self.header[:columns]]
        cells += [""] * (columns - len(cells))
        cells = [cell or f"column {n}" for n, cell in enumerate(cells, 1)]
        named: list[str] = []
        for cell in cells:
            others = (f"{cell} ({n})" for n in count(2))
            free = (other for other in others if other not in named and other not in cells)
            named.append(next(free) if cell in named else cell)
        return named


def sniff(path: Path) -> Dialect:
    """Look at the first megabyte.

    Raises:
        Stop: not text, no header, or lines of different lengths.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    encoding = _encoding(head)
    if encoding is None:
        raise Stop(Status.DATA, f"{path}: not a text in an encoding that can be told; use UTF-8.")
    text = head.decode(encoding, errors="ignore")
    if "\r" in text and "\n" not in text:
        raise Stop(Status.DATA, f"{path}: the line ends of an old Macintosh; save it with others.")
    whole = len(head) < HEAD
    rows = {mark: _rows(text, mark, whole=whole) for mark in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda mark: _regular(rows[mark]))
    lines = rows[delimiter]
    if not any(cell.strip() for line in lines for cell in line):
        raise Stop(Status.DATA, f"{path}: an empty file: no column and no row.")
    _check(path, lines)
    return Dialect(encoding if encoding != "utf-8-sig" else "utf-8", delimiter, tuple(lines[0]))


def _encoding(head: bytes) -> str | None:
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return encoding
    zeros = head[:2000].count(0)
    if zeros > 0.2 * len(head[:2000]):
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    if zeros:
        return None
    for cut in range(4 if len(head) == HEAD else 1):  # a character may be cut where it ends
        try:
            head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return "utf-8"
    if _western(head[:100_000].decode("cp1252", errors="replace")):
        return "cp1252"
    best = from_bytes(head[:100_000], cp_isolation=LEGACY).best()
    return best.encoding if best else "cp1252"


def _western(text: str) -> bool:
    """Whether bytes read as cp1252 are words: no signs inside, and letters of ASCII in most."""
    accented = [word for word in re.findall(r"[^\W\d_]{3,}", text) if not word.isascii()]
    foreign = [word for word in accented if min(word) > "\x7f"]
    return not NO_WORD.search(text) and len(foreign) <= 0.2 * len(accented)


def _rows(text: str, delimiter: str, *, whole: bool) -> list[list[str]]:
    csv.field_size_limit(HEAD)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error:
        return []
    return rows if whole else rows[:-1]


def _regular(rows: list[list[str]]) -> tuple[float, int]:
    """How likely it is that these are the table's cells: regular, and many to a line."""
    widths = Counter(len(row) for row in rows[:2000])
    if not widths:
        return (0.0, 0)
    width, count = widths.most_common(1)[0]
    return (count / widths.total() if width > 1 else 0.0, width)


def _check(path: Path, rows: list[list[str]]) -> None:
    header, width = rows[0], len(rows[0])
    for number, row in enumerate(rows[1:], 2):
        if len(row) > width:
            raise Stop(
                Status.DATA,
                f"{path}: row {number} has {len(row)} fields, the header {width}: mend the file.",
            )
    if len(rows) > 1 and all(_number(cell) for cell in header):
        raise Stop(
            Status.DATA, f"{path}: the first line holds numbers alone: give the columns names."
        )


def _number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True
