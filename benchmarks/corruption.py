# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "matplotlib>=3.10",
#     "numpy>=2.2",
#     "polars>=1.35",
#     "pydantic>=2.12",
#     "pyyaml>=6.0.3",
#     "scikit-learn>=1.7.2",
#     "scipy>=1.16",
# ]
# [tool.uv]
# exclude-newer = "2026-11-14"
# ///
"""How often inferred data checks catch a corrupted table, and how often they alarm on a clean one.

    uv run benchmarks/corruption.py                          # all; writes benchmarks/results/
    uv run benchmarks/corruption.py --only ours --half tune  # prints only, as any choice does
    uv run benchmarks/corruption.py --only ours --verbose    # and lists alarms and misses
    uv run benchmarks/corruption.py --quick                  # two tables, ours; prints only

Every tool is fitted on one draw of a table with no hand tuning and then sees fresh draws, clean or
corrupted in one way (tables.py, peers.py). Other tools' answers are kept in the temporary folder.

The kinds below alternate within each family between two halves, in the order in which they stand:
the first, third and so on may be looked at while checks are tuned (`tune`), the others may not
(`test`). Near twins stand in the same half. Strengths were fixed before anything was tuned.
"""

import argparse
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from statistics import fmean

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
import polars.selectors as cs
from common import RESULTS, facts, say, table
from peers import PEERS, Findings, Local, View, Worker
from tables import TABLES, Table, batch, read_on, reference

STRENGTHS = ("weak", "middle", "strong")
CLEAN = 200  # clean batches over all tables
CLEAN_KIND = "clean"
QUIET = 0.05  # a table's share of false alarms
LOUD = " (!)"
PACKAGES = ("numpy", "polars", "scipy", "scikit-learn")
CORRUPTED_SEEDS = range(100, 110)  # of the batches that are corrupted; clean ones are below


class NotHereError(Exception):
    """The kind does not apply to this table."""


@dataclass(frozen=True)
class Case:
    """A clean batch about to be corrupted, and the truth about its table."""

    table: Table
    rows: pl.DataFrame
    reference: pl.DataFrame
    kind: str
    strength: str

    @cached_property
    def random(self) -> np.random.Generator:
        """The same numbers in every run."""
        return np.random.default_rng(self._number(self.strength))

    def by(self, weak: float, middle: float, strong: float) -> float:
        """What the strength stands for."""
        return (weak, middle, strong)[STRENGTHS.index(self.strength)]

    @property
    def share(self) -> float:
        """The usual strength: the share of rows that are hit."""
        return self.by(0.03, 0.2, 1.0)

    @property
    def part(self) -> float:
        """The share of rows where all of them would be another kind."""
        return self.by(0.03, 0.2, 0.6)

    def _number(self, *words: str) -> int:
        return zlib.crc32("/".join([self.table.name, self.kind, *words]).encode())

    def several(self, columns: Sequence[str]) -> list[str]:
        """One, two or four of these columns, at most half of them; always the same ones."""
        if not columns:
            raise NotHereError
        start = self._number() % len(columns)
        most = max(1, min(int(self.by(1, 2, 4)), len(columns) // 2))
        return [columns[(start + n) % len(columns)] for n in range(most)]

    def one(self, columns: Sequence[str]) -> str:
        """One of these columns, the same at every strength."""
        if not columns:
            raise NotHereError
        return columns[self._number() % len(columns)]

    def of(self, *types: cs.Selector) -> list[str]:
        """Input columns of these types that have two values or more; not the key or the time."""
        rest = self.rows.drop(self.table.target, self.table.key or [], self.table.time or [])
        names = [name for kind in types for name in rest.select(kind).columns]
        return [name for name in names if self.rows[name].n_unique() > 1]

    @cached_property
    def inputs(self) -> list[str]:
        """Input columns of any type."""
        return self.of(cs.all())

    @cached_property
    def numbers(self) -> list[str]:
        """Input columns that hold quantities."""
        return [name for name in self.of(cs.numeric()) if name not in self.table.codes]

    @cached_property
    def floats(self) -> list[str]:
        """Input columns that hold fractions, whatever their Polars type."""
        names = self.of(cs.float())
        return [name for name in names if (self.rows[name] % 1 > 0).any()]

    @cached_property
    def measures(self) -> list[str]:
        """Number columns that depend on others, so that a model would lean on them."""
        return [name for name in self.table.linked if name in self.numbers]

    @cached_property
    def levels(self) -> list[str]:
        """Category columns."""
        return [name for name in self.table.categories if name in self.inputs]

    @cached_property
    def texts(self) -> list[str]:
        """Category and free text columns."""
        return self.levels + ([self.table.text] if self.table.text else [])

    @cached_property
    def times(self) -> list[str]:
        """Date and datetime columns, the time column first."""
        names = self.rows.select(cs.temporal()).columns
        return sorted(names, key=lambda name: name != self.table.time)

    def hit(self, share: float, among: pl.Series | None = None) -> pl.Series:
        """Marks a share of the rows, or of those among; at least one."""
        places = np.arange(self.rows.height) if among is None else among.arg_true().to_numpy()
        if not len(places):
            raise NotHereError
        size = max(1, round(share * len(places)))
        marks = np.zeros(self.rows.height, dtype=bool)
        marks[self.random.choice(places, size, replace=False)] = True
        return pl.Series(marks)

    def change(self, column: str, new: pl.Expr | pl.Series, marks: pl.Series) -> pl.DataFrame:
        """New values in the marked rows of a column, in its own type."""
        own = self.rows.schema[column]
        if isinstance(new, pl.Expr) and own.is_integer():
            new = new.cast(pl.Float64).round()
        new = new.cast(own, strict=False)
        return self.rows.with_columns(pl.when(marks).then(new).otherwise(column).alias(column))

    def retype(self, column: str, new: pl.Expr | pl.Series, marks: pl.Series) -> pl.DataFrame:
        """New texts in the marked rows of a column; the others become text as they are."""
        old = pl.col(column).cast(pl.String)
        return self.rows.with_columns(pl.when(marks).then(new).otherwise(old).alias(column))

    def moved(self, column: str, new: pl.Expr) -> pl.DataFrame:
        """New numbers in all rows; those of an integer column are rounded by chance, so that a
        small change of each is no change of none."""
        if self.rows.schema[column].is_integer():
            new += pl.Series(self.random.uniform(-0.5, 0.5, self.rows.height))
        return self.change(column, new, self.hit(1.0))

    def spread(self, column: str) -> float:
        """The column's standard deviation."""
        return float(self.rows[column].cast(pl.Float64).std() or 0.0)

    def mean(self, column: str) -> float:
        """The column's mean."""
        return float(self.rows[column].cast(pl.Float64).mean() or 0.0)

    def shuffled(self, column: str, marks: pl.Series) -> pl.DataFrame:
        """The marked rows' values of a column in another order."""
        values, places = self.rows[column], marks.arg_true().to_numpy()
        order = np.arange(self.rows.height)
        order[places] = self.random.permutation(places)
        return self.rows.with_columns(values[order])


Corrupt = Callable[[Case], pl.DataFrame]


@dataclass(frozen=True)
class Kind:
    """One way to corrupt a table. Its docstring says what and how much."""

    name: str
    family: str
    half: str
    corrupt: Corrupt


KINDS: dict[str, Kind] = {}


def kind(family: str) -> Callable[[Corrupt], Corrupt]:
    """Register a kind; within a family they alternate between the halves."""

    def register(function: Corrupt) -> Corrupt:
        before = sum(other.family == family for other in KINDS.values())
        half = ("tune", "test")[before % 2]
        KINDS[function.__name__] = Kind(function.__name__, family, half, function)
        return function

    return register


# Structure


@kind("structure")
def column_missing(case: Case) -> pl.DataFrame:
    """1, 2 or 4 input columns are not there."""
    return case.rows.drop(case.several(case.inputs))


@kind("structure")
def column_extra(case: Case) -> pl.DataFrame:
    """1, 2 or 4 columns more, as an export with an index or a new release brings."""
    new = [
        pl.int_range(pl.len()).alias("column_0"),
        pl.lit("export.csv").alias("source_file"),
        pl.Series("score_v2", case.random.random(case.rows.height)),
        pl.lit(None, dtype=pl.String).alias("comment"),
    ]
    return case.rows.with_columns(new[: int(case.by(1, 2, 4))])


@kind("structure")
def renamed_case(case: Case) -> pl.DataFrame:
    """The names of 1, 2 or 4 columns in capitals."""
    return case.rows.rename({name: name.upper() for name in case.several(case.inputs)})


SYNONYMS = {
    **{"income": "salary", "balance": "credit", "visits": "calls", "discount": "rebate"},
    **{"city": "town", "plan": "tariff", "age": "years", "amount": "value", "items": "quantity"},
    **{"merchant": "shop", "country": "nation", "channel": "way", "temperature": "temp"},
    **{"pressure": "press", "vibration": "vib", "current": "amps", "flow": "throughput"},
    **{"region": "area", "education": "degree", "device": "client", "product": "article"},
    **{"priority": "urgency", "message": "text", "zip": "postcode", "price": "unit"},
    **{"footfall": "visitors", "stock": "inventory", "score": "rating", "rate": "interest"},
}


@kind("structure")
def renamed_synonym(case: Case) -> pl.DataFrame:
    """1, 2 or 4 columns under another word."""

    def other(name: str) -> str:
        word, *rest = name.split("_")
        return "_".join([SYNONYMS.get(word, f"{word}_value"), *rest])

    return case.rows.rename({name: other(name) for name in case.several(case.inputs)})


@kind("structure")
def names_swapped(case: Case) -> pl.DataFrame:
    """The names of two columns of one type are swapped; 1, 2 or 4 such pairs."""
    first = [name for name in case.inputs[:-1] if partner(case, name)]
    names: dict[str, str] = {}
    for name in case.several(first):
        other = partner(case, name)
        if other and not {name, other} & names.keys():
            names |= {name: other, other: name}
    return case.rows.rename(names).select(case.rows.columns)


def partner(case: Case, name: str) -> str | None:
    """The next column of the same type."""
    later = case.inputs[case.inputs.index(name) + 1 :]
    types = case.rows.schema
    return next((other for other in later if types[other] == types[name]), None)


@kind("structure")
def column_shifted(case: Case) -> pl.DataFrame:
    """1, 2 or 4 linked columns slip by one row."""
    names = case.several(case.table.linked)
    return case.rows.with_columns(case.rows[name].gather(slip(case.rows)) for name in names)


def slip(rows: pl.DataFrame) -> np.ndarray:
    """Every row's predecessor; the first row's is the last."""
    return np.roll(np.arange(rows.height), 1)


# Types: what a detour through text or a spreadsheet leaves


@kind("type")
def unit_suffix(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a number column carry a unit, so the column is text."""
    name = case.one(case.numbers)
    return case.retype(name, pl.format("{} kg", pl.col(name)), case.hit(case.share))


@kind("type")
def thousands_separator(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of the values over 1,000 are written so."""
    name = case.one([name for name in case.numbers if (case.rows[name].abs() >= 1_000).any()])
    large = (case.rows[name].abs() >= 1_000).fill_null(value=False)
    texts = [None if value is None else f"{value:,}" for value in case.rows[name]]
    return case.retype(name, pl.Series(texts, dtype=pl.String), case.hit(case.share, large))


@kind("type")
def decimal_comma(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a column of fractions have a decimal comma."""
    name = case.one(case.floats)
    new = pl.col(name).cast(pl.String).str.replace(".", ",", literal=True)
    return case.retype(name, new, case.hit(case.share))


@kind("type")
def boolean_words(case: Case) -> pl.DataFrame:
    """1, 2 or 4 boolean columns say yes and no."""
    names = case.several(case.of(cs.boolean()))
    words = {True: "yes", False: "no"}
    return case.rows.with_columns(
        pl.col(name).replace_strict(words, return_dtype=pl.String) for name in names
    )


@kind("type")
def date_format(case: Case) -> pl.DataFrame:
    """A date column is text; 3, 20 or 100 % of it is dd/mm/yyyy and the rest ISO."""
    name = case.one(case.times)
    return case.retype(name, pl.col(name).dt.strftime("%d/%m/%Y"), case.hit(case.share))


@kind("type")
def excel_serial(case: Case) -> pl.DataFrame:
    """1, 2 or 4 date columns are days since 1899-12-30."""
    names = case.several(case.times)
    days = [pl.col(name).cast(pl.Datetime("us")) - pl.datetime(1899, 12, 30) for name in names]
    return case.rows.with_columns(
        (day.dt.total_seconds() / 86_400).round(5).alias(name)
        for name, day in zip(names, days, strict=True)
    )


@kind("type")
def text_in_number(case: Case) -> pl.DataFrame:
    """0.3, 3 or 30 % of a number column say "error", so the column is text."""
    name = case.one(case.numbers)
    return case.retype(name, pl.lit("error"), case.hit(case.by(0.003, 0.03, 0.3)))


@kind("type")
def epoch_seconds(case: Case) -> pl.DataFrame:
    """1, 2 or 4 date columns are seconds since 1970."""
    names = case.several(case.times)
    return case.rows.with_columns(pl.col(name).dt.epoch("s") for name in names)


@kind("type")
def category_codes(case: Case) -> pl.DataFrame:
    """1, 2 or 4 category columns are numbers."""
    names = case.several(case.levels)
    return case.rows.with_columns(pl.col(name).rank("dense").cast(pl.Int64) for name in names)


@kind("type")
def numbers_as_text(case: Case) -> pl.DataFrame:
    """1, 2 or 4 number columns are text, every value as it was."""
    return case.rows.with_columns(pl.col(case.several(case.numbers)).cast(pl.String))


# Nulls and what stands for them


@kind("nulls")
def nulls_raised(case: Case) -> pl.DataFrame:
    """5, 20 or 60 % of a column more are missing."""
    name = case.one(case.inputs)
    return case.change(name, pl.lit(None), case.hit(case.by(0.05, 0.2, 0.6)))


@kind("nulls")
def all_null(case: Case) -> pl.DataFrame:
    """1, 2 or 4 columns are empty, of their own type."""
    names = case.several(case.inputs)
    return case.rows.with_columns(
        pl.lit(None, dtype=case.rows.schema[name]).alias(name) for name in names
    )


@kind("nulls")
def null_tokens(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of a text column say N/A or unknown."""
    name = case.one(case.texts)
    words = pl.Series(case.random.choice(["N/A", "unknown"], case.rows.height))
    return case.change(name, words, case.hit(case.part))


@kind("nulls")
def blank_strings(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of a text column are empty strings."""
    return case.change(case.one(case.texts), pl.lit(""), case.hit(case.part))


@kind("nulls")
def sentinel_minus_999(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of a number column are -999."""
    return case.change(case.one(case.numbers), pl.lit(-999), case.hit(case.part))


@kind("nulls")
def zeros_for_nulls(case: Case) -> pl.DataFrame:
    """20, 50 or 100 % of a column's missing numbers are 0."""
    return filled(case, 0.0)


def filled(case: Case, value: float | None) -> pl.DataFrame:
    """A value, or the mean, in place of 20, 50 or 100 % of the nulls."""
    name = case.one([name for name in case.numbers if case.rows[name].null_count()])
    gone = case.rows[name].is_null()
    new = pl.lit(case.mean(name) if value is None else value)
    return case.change(name, new, case.hit(case.by(0.2, 0.5, 1.0), gone))


@kind("nulls")
def sentinel_9999(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of a number column are 9999."""
    return case.change(case.one(case.numbers), pl.lit(9999), case.hit(case.part))


@kind("nulls")
def date_1900(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of a date column are 1900-01-01."""
    return case.change(case.one(case.times), pl.date(1900, 1, 1), case.hit(case.part))


@kind("nulls")
def nulls_filled(case: Case) -> pl.DataFrame:
    """20, 50 or 100 % of a column's missing numbers are the mean."""
    return filled(case, None)


@kind("nulls")
def nulls_hide_high(case: Case) -> pl.DataFrame:
    """10, 40 or 100 % of the highest fifth of a number column are missing."""
    name = case.one(case.measures)
    high = (case.rows[name] > case.rows[name].quantile(0.8)).fill_null(value=False)
    return case.change(name, pl.lit(None), case.hit(case.by(0.1, 0.4, 1.0), high))


# Values


@kind("values")
def constant(case: Case) -> pl.DataFrame:
    """1, 2 or 4 columns hold their most common value only."""
    names = case.several(case.inputs)
    return case.rows.with_columns(
        pl.lit(common(case.rows[name]), dtype=case.rows.schema[name]).alias(name) for name in names
    )


def common(values: pl.Series) -> object:
    """The most common value; of equals the smallest."""
    return values.drop_nulls().mode().sort().first()


@kind("values")
def sign_flipped(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a linked number column have the other sign."""
    name = case.one(case.measures)
    return case.change(name, -pl.col(name), case.hit(case.share))


@kind("values")
def times_100(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a number column are 100 times as large."""
    name = case.one(case.numbers)
    return case.change(name, pl.col(name) * 100, case.hit(case.share))


@kind("values")
def fahrenheit(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a number column are 1.8 x + 32; a temperature where there is one."""
    warm = [name for name in case.numbers if name.startswith("temperature")]
    name = case.one(warm or case.numbers)
    return case.change(name, pl.col(name) * 1.8 + 32, case.hit(case.share))


@kind("values")
def times_1000(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a number column are 1,000 times as large."""
    name = case.one(case.numbers)
    return case.change(name, pl.col(name) * 1_000, case.hit(case.share))


@kind("values")
def outliers(case: Case) -> pl.DataFrame:
    """0.1, 1 or 5 % of a number column lie 20 to 100 standard deviations out."""
    name = case.one(case.numbers)
    far = pl.Series(case.random.uniform(20, 100, case.rows.height)) * case.spread(name)
    return case.change(name, case.mean(name) + far.round(), case.hit(case.by(0.001, 0.01, 0.05)))


@kind("values")
def times_2_54(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a number column are 2.54 times as large."""
    name = case.one(case.floats or case.numbers)
    return case.change(name, pl.col(name) * 2.54, case.hit(case.share))


@kind("values")
def clipped(case: Case) -> pl.DataFrame:
    """A linked number column ends at its 95th, 80th or 60th percentile."""
    name = case.one([name for name in case.measures if tailed(case.rows[name])])
    top = case.rows[name].quantile(case.by(0.95, 0.8, 0.6))
    return case.rows.with_columns(pl.col(name).clip(upper_bound=top))


def tailed(values: pl.Series) -> bool:
    """Whether anything lies above the 95th percentile."""
    return values.max() > values.quantile(0.95)


@kind("values")
def rounded(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a column of fractions are whole."""
    name = case.one(case.floats)
    return case.change(name, pl.col(name).round(), case.hit(case.share))


@kind("values")
def noise(case: Case) -> pl.DataFrame:
    """Normal noise of 0.2, 0.5 or 1 standard deviation on a linked number column."""
    name = case.one(case.measures)
    extra = pl.Series(case.random.normal(0, case.by(0.2, 0.5, 1.0), case.rows.height))
    return case.moved(name, pl.col(name) + extra * case.spread(name))


@kind("values")
def mean_shift(case: Case) -> pl.DataFrame:
    """A linked number column is higher by 0.2, 0.5 or 1 standard deviation."""
    name = case.one(case.measures)
    return case.moved(name, pl.col(name) + case.by(0.2, 0.5, 1.0) * case.spread(name))


@kind("values")
def spread_widened(case: Case) -> pl.DataFrame:
    """A linked number column spreads 1.2, 1.5 or 2 times as wide about its mean."""
    name = case.one(case.measures)
    far = pl.col(name) - case.mean(name)
    return case.moved(name, case.mean(name) + far * case.by(1.2, 1.5, 2.0))


@kind("values")
def log_transformed(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a number column without negatives are log(1 + x)."""
    name = case.one([name for name in case.numbers if (case.rows[name].min() or 0) >= 0])
    return case.change(name, pl.col(name).log1p(), case.hit(case.share))


@kind("values")
def stuck(case: Case) -> pl.DataFrame:
    """A linked column repeats one value over 3, 20 or 60 % of the rows in a run."""
    name = case.one(case.table.linked)
    size = round(case.part * case.rows.height)
    start = int(case.random.integers(case.rows.height - size))
    run = pl.int_range(pl.len()).is_between(start, start + size)
    value = case.rows[name][start:].drop_nulls().first()
    return case.rows.with_columns(pl.when(run).then(pl.lit(value)).otherwise(name).alias(name))


# Categories


@kind("categories")
def unseen_value(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of a category column have a value never seen."""
    return case.change(case.one(case.levels), pl.lit("Atlantis"), case.hit(case.part))


@kind("categories")
def casing(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a category column are in capitals, or in small letters if they were."""
    name = case.one([name for name in case.levels if has(case, name, r"\p{L}{2}")])
    upper = pl.col(name).str.to_uppercase()
    new = pl.when(upper == pl.col(name)).then(pl.col(name).str.to_lowercase()).otherwise(upper)
    return case.change(name, new, case.hit(case.share))


def has(case: Case, name: str, pattern: str) -> bool:
    """Whether any value has the pattern."""
    return bool(case.rows[name].str.contains(pattern).any())


@kind("categories")
def trailing_space(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a category column end in a space."""
    name = case.one(case.levels)
    return case.change(name, pl.col(name) + " ", case.hit(case.share))


@kind("categories")
def mojibake(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a column's accented values are UTF-8 read as Latin-1."""
    return respelled(case, lambda text: text.encode().decode("latin-1"))


def respelled(case: Case, spell: Callable[[str], str]) -> pl.DataFrame:
    """A share of a column's values with letters beyond ASCII, spelled another way."""
    beyond = r"[^\x00-\x7F]"
    name = case.one([name for name in case.levels if has(case, name, beyond)])
    words = {word: spell(word) for word in case.rows[name].drop_nulls().unique().sort()}
    accented = case.rows[name].str.contains(beyond).fill_null(value=False)
    return case.change(name, pl.col(name).replace(words), case.hit(case.share, accented))


@kind("categories")
def level_vanished(case: Case) -> pl.DataFrame:
    """All rows of a level of about 3, about 20 % or of the most common level are gone."""
    name = case.one(case.levels)
    return case.rows.filter(pl.col(name).ne_missing(level_of(case.rows[name], case.share)))


def level_of(values: pl.Series, share: float) -> str:
    """The level whose share of the rows is nearest to this one."""
    counts = values.drop_nulls().value_counts(name="rows").sort("rows", values.name)
    far = (counts["rows"] / len(values) - share).abs()
    return counts[values.name][int(far.arg_min() or 0)]


@kind("categories")
def accents_stripped(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a column's accented values have lost their accents."""
    plain = str.maketrans("éãüóÁôÎ", "eauoAoI")
    return respelled(case, lambda text: text.translate(plain))


@kind("categories")
def levels_permuted(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a category column have the next level's name."""
    name = case.one(case.levels)
    words = case.rows[name].drop_nulls().unique().sort().to_list()
    following = dict(zip(words, words[1:] + words[:1], strict=True))
    return case.change(name, pl.col(name).replace(following), case.hit(case.share))


@kind("categories")
def levels_merged(case: Case) -> pl.DataFrame:
    """A level of about 3, 10 or 30 % of the rows has the most common level's name."""
    name = case.one(case.levels)
    most = common(case.rows[name])
    others = case.rows[name].replace({most: None})
    gone = level_of(others, case.by(0.03, 0.1, 0.3))
    return case.rows.with_columns(pl.col(name).replace({gone: most}))


@kind("categories")
def typos(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of a category column have two neighbouring letters swapped."""
    name = case.one(case.levels)
    places = case.random.random(case.rows.height)
    words = [
        None if word is None else swapped(word, int(place * (len(word) - 1)))
        for word, place in zip(case.rows[name], places, strict=True)
    ]
    return case.change(name, pl.Series(words), case.hit(case.part))


def swapped(word: str, place: int) -> str:
    """The letters at this place and the next swapped."""
    return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]


@kind("categories")
def truncated(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a category column's values end after four letters."""
    name = case.one([name for name in case.levels if has(case, name, ".{5}")])
    return case.change(name, pl.col(name).str.head(4), case.hit(case.share))


# Keys, rows and times


@kind("keys and rows")
def keys_duplicated(case: Case) -> pl.DataFrame:
    """0.2, 2 or 20 % of the keys are another row's."""
    name = keyed(case)
    marks = case.hit(case.by(0.002, 0.02, 0.2))
    others = case.rows[name].filter(~marks)
    new = others[case.random.integers(len(others), size=case.rows.height)]
    return case.change(name, new, marks)


def keyed(case: Case) -> str:
    """The key column."""
    return case.one([case.table.key] if case.table.key else [])


@kind("keys and rows")
def rows_duplicated(case: Case) -> pl.DataFrame:
    """1, 10 or 50 % of the rows are there twice."""
    return pl.concat([case.rows, case.rows.filter(case.hit(case.by(0.01, 0.1, 0.5)))])


@kind("keys and rows")
def leading_zeros_lost(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a text column's numbers have lost their leading zeros."""
    zeros = r"\b0+(\d)"
    name = case.one([n for n in case.rows.select(cs.string()).columns if has(case, n, zeros)])
    marks = case.hit(case.share, case.rows[name].str.contains(zeros).fill_null(value=False))
    return case.change(name, pl.col(name).str.replace_all(zeros, "${1}"), marks)


@kind("keys and rows")
def stale_rows(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of the rows are rows of the reference sent again."""
    height = case.rows.height
    old = case.random.permutation(case.reference.height)[: round(case.share * height)]
    return pl.concat([case.rows.head(height - len(old)), case.reference[np.sort(old)]])


@kind("keys and rows")
def key_shape(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of the keys are of another shape: small letters, no hyphens, or longer."""
    name = keyed(case)
    if case.rows.schema[name].is_integer():
        return case.change(name, pl.col(name) * 1_000 + 7, case.hit(case.share))
    new = pl.col(name).str.to_lowercase().str.replace_all("-", "", literal=True)
    return case.change(name, new, case.hit(case.share))


@kind("keys and rows")
def keys_reused(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of the keys are the reference's, on new rows."""
    name, height = keyed(case), case.rows.height
    old = case.reference[name][case.random.permutation(case.reference.height)]
    size = min(round(case.share * height), len(old))
    return case.rows.with_columns(case.rows[name].head(height - size).append(old.head(size)))


@kind("keys and rows")
def too_few_rows(case: Case) -> pl.DataFrame:
    """50, 10 or 1 % of the rows are left."""
    return case.rows.filter(case.hit(case.by(0.5, 0.1, 0.01)))


@kind("keys and rows")
def days_missing(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of the time covered is missing in the middle."""
    if not case.table.time:
        raise NotHereError
    moment = case.rows[case.table.time].to_physical()
    first, last = int(moment.min()), int(moment.max())
    middle, half = (first + last) / 2, case.part * (last - first) / 2
    return case.rows.filter((moment - middle).abs() > half)


@kind("keys and rows")
def one_category_only(case: Case) -> pl.DataFrame:
    """Of every level but the second most common, 50, 10 or 0 % of the rows are left."""
    name = case.one(case.levels)
    counts = case.rows[name].drop_nulls().value_counts(name="rows").sort("rows", name)
    other = case.rows[name].ne_missing(pl.Series([counts[name][-2]]))
    keep = case.by(0.5, 0.1, 0.0)
    return case.rows.filter(~other | case.hit(keep, other) if keep else ~other)


@kind("keys and rows")
def future_dates(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of the times are a year ahead."""
    name = case.one([case.table.time] if case.table.time else [])
    return case.change(name, pl.col(name).dt.offset_by("365d"), case.hit(case.share))


@kind("keys and rows")
def day_month_swapped(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a column's dates that allow it have day and month swapped."""
    name = case.one(case.times)
    day, month = pl.col(name).dt.day(), pl.col(name).dt.month()
    able = case.rows.select((day <= 12) & (day != month)).to_series().fill_null(value=False)
    marks = case.hit(case.share, able)
    new = pl.when(marks).then(pl.col(name)).dt.replace(month=day, day=month)
    return case.change(name, new, marks)


@kind("keys and rows")
def start_after_end(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of the rows have their start and end swapped."""
    return exchanged(case, case.table.order)


def exchanged(case: Case, names: tuple[str, str] | None) -> pl.DataFrame:
    """Two columns' values swapped in a share of the rows that have both."""
    if not names:
        raise NotHereError
    first, second = names
    marks = case.hit(case.share, case.rows[first].ne(case.rows[second]).fill_null(value=False))
    new = {first: pl.col(second), second: pl.col(first)}
    return case.rows.with_columns(
        pl.when(marks).then(other.cast(case.rows.schema[name], strict=False)).otherwise(name)
        .alias(name)
        for name, other in new.items()
    )  # fmt: skip


# Dependence: every column alone looks as ever, or nearly


@kind("dependence")
def column_shuffled(case: Case) -> pl.DataFrame:
    """A linked column is shuffled over 3, 20 or 100 % of the rows."""
    return case.shuffled(case.one(case.table.linked), case.hit(case.share))


@kind("dependence")
def rows_misjoined(case: Case) -> pl.DataFrame:
    """Half the input columns of 3, 20 or 100 % of the rows belong to another of these rows."""
    places = case.hit(case.share).arg_true().to_numpy()
    order = np.arange(case.rows.height)
    order[places] = np.roll(case.random.permutation(places), 1)
    names = case.inputs[::2]
    return case.rows.with_columns(case.rows.select(names)[order])


@kind("dependence")
def numbers_swapped(case: Case) -> pl.DataFrame:
    """Two linked number columns are swapped in 3, 20 or 100 % of the rows."""
    return exchanged(case, case.table.pair)


@kind("dependence")
def column_copied(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of a linked number column are another one's values."""
    if not case.table.pair:
        raise NotHereError
    name, other = case.table.pair
    return case.change(name, pl.col(other), case.hit(case.share))


# The target


@kind("target")
def target_shuffled(case: Case) -> pl.DataFrame:
    """The target is shuffled over 3, 20 or 100 % of the rows."""
    return case.shuffled(case.table.target, case.hit(case.share))


@kind("target")
def target_flipped(case: Case) -> pl.DataFrame:
    """3, 20 or 100 % of the targets are the other class, the next class, or of the other sign."""
    name = case.table.target
    if case.table.task == "regression":
        return case.change(name, -pl.col(name), case.hit(case.share))
    words = case.rows[name].unique().sort().to_list()
    following = dict(zip(words, words[1:] + words[:1], strict=True))
    new = pl.col(name).replace_strict(following, return_dtype=case.rows.schema[name])
    return case.change(name, new, case.hit(case.share))


@kind("target")
def target_shifted(case: Case) -> pl.DataFrame:
    """3, 10 or 30 % of the most common class are called the rarest; or 0.2, 0.5, 1 sd are added."""
    name = case.table.target
    if case.table.task == "regression":
        extra = case.by(0.2, 0.5, 1.0) * case.spread(name)
        return case.moved(name, pl.col(name) + extra)
    counts = case.rows[name].value_counts(name="rows").sort("rows")
    rare, most = counts[name][0], counts[name][-1]
    marks = case.hit(case.by(0.03, 0.1, 0.3), case.rows[name] == most)
    return case.change(name, pl.lit(rare), marks)


@kind("target")
def target_constant(case: Case) -> pl.DataFrame:
    """50, 90 or 100 % of the targets are overwritten by the most common value."""
    name = case.table.target
    return case.change(name, pl.lit(common(case.rows[name])), case.hit(case.by(0.5, 0.9, 1.0)))


@kind("target")
def target_missing(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of the targets are missing."""
    return case.change(case.table.target, pl.lit(None), case.hit(case.part))


# Leaks: columns that know the answer


def ranks(values: pl.Series) -> np.ndarray:
    """Every value's place in order, from 0 to 1; equal values share a place."""
    places = values.cast(pl.String).rank("dense") if values.dtype == pl.String else values.rank()
    return places.to_numpy() / max(1.0, float(places.max()))


@kind("leak")
def leak_new_column(case: Case) -> pl.DataFrame:
    """A new column is the target, with 30, 10 or 0 % of its values shuffled."""
    wrong = case.by(0.3, 0.1, 0.0)
    rows = case.shuffled(case.table.target, case.hit(wrong)) if wrong else case.rows
    return case.rows.with_columns(pl.Series("status_code", ranks(rows[case.table.target])))


@kind("leak")
def leak_existing(case: Case) -> pl.DataFrame:
    """A number column's own values, in the target's order with noise of 1, 0.5 or 0.1 sd."""
    name = case.one([name for name in case.numbers if not case.rows[name].null_count()])
    place = ranks(case.rows[case.table.target])
    place = place / place.std() + case.random.normal(0, case.by(1.0, 0.5, 0.1), case.rows.height)
    order = np.argsort(np.argsort(place))
    return case.rows.with_columns(case.rows[name].sort()[order].alias(name))


@kind("leak")
def leak_by_nulls(case: Case) -> pl.DataFrame:
    """A column is missing in 30, 70 or 100 % of the most common class, or of the upper half."""
    target = case.rows[case.table.target]
    upper = case.table.task == "regression"
    marks = target > target.median() if upper else target == common(target)
    name = case.one(case.inputs)
    return case.change(name, pl.lit(None), case.hit(case.by(0.3, 0.7, 1.0), marks))


# Personal data where none was


@kind("personal")
def emails(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of a text column hold an e-mail address."""
    return personal(case, [f"anna.meier{n}@example.com" for n in range(500)])


def personal(case: Case, words: Sequence[str]) -> pl.DataFrame:
    """A word at the end of the free text, or in place of a category."""
    name = case.one([case.table.text] if case.table.text else case.levels)
    chosen = pl.Series(words)[case.random.integers(len(words), size=case.rows.height)]
    new = case.rows[name] + " " + chosen if name == case.table.text else chosen
    return case.change(name, new, case.hit(case.part))


@kind("personal")
def phone_numbers(case: Case) -> pl.DataFrame:
    """3, 20 or 60 % of a text column hold a telephone number."""
    return personal(case, [f"+41 79 {n:03d} {n % 97:02d} {n % 89:02d}" for n in range(500)])


@cache
def fresh(place: Table, seed: int) -> pl.DataFrame:
    """A clean batch, drawn once."""
    return batch(place, seed)


def corrupt(place: Table, old: pl.DataFrame, kind: Kind) -> Iterator[tuple[str, pl.DataFrame]]:
    """The kind at every strength, on one fresh batch; nothing where it does not apply."""
    seed = CORRUPTED_SEEDS[list(KINDS).index(kind.name) % len(CORRUPTED_SEEDS)]
    rows = fresh(place, seed)
    for strength in STRENGTHS:
        try:
            broken = kind.corrupt(Case(place, rows, old, kind.name, strength))
        except NotHereError:
            return
        if broken.equals(rows):
            raise ValueError(f"{kind.name} at {strength} changes nothing in {place.name}")
        yield strength, broken


@dataclass(frozen=True)
class Answer:
    """What a tool says of one batch; a clean one has no kind."""

    table: str
    kind: str
    strength: str
    findings: Findings


@dataclass(frozen=True)
class Row:
    """A tool's row in the results."""

    view: View
    answers: tuple[Answer, ...]

    @cached_property
    def alarms(self) -> dict[tuple[str, str], list[tuple[str, bool]]]:
        """By kind and strength: the tables and whether it alarms."""
        found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
        for answer in self.answers:
            pair = (answer.table, self.view.alarms(answer.findings))
            found.setdefault((answer.kind, answer.strength), []).append(pair)
        return found

    @cached_property
    def clean(self) -> list[tuple[str, bool]]:
        """Tables and alarms of the clean batches."""
        return self.alarms[CLEAN_KIND, ""]

    @cached_property
    def quiet(self) -> set[str]:
        """Tables where at most one clean batch in twenty raises an alarm."""
        rates: dict[str, list[bool]] = {}
        for name, alarm in self.clean:
            rates.setdefault(name, []).append(alarm)
        return {name for name, alarms in rates.items() if fmean(alarms) <= QUIET}

    def share(self, kind: str, strength: str) -> float:
        """On what share of the tables where it applies the kind raises an alarm."""
        return fmean(alarm for _, alarm in self.alarms[kind, strength])

    def percent(self, kind: str) -> str:
        """The same at middle strength as text; a slow tool may not have seen the kind."""
        seen = (kind, "middle") in self.alarms
        return f"{100 * self.share(kind, 'middle'):.0f}" if seen else "-"

    def kinds(self, strength: str, half: str = "") -> list[bool]:
        """Whether each kind is caught: on more than half of the tables where it applies."""
        names = {kind for kind, found in self.alarms if found == strength and kind != CLEAN_KIND}
        names = {name for name in names if not half or KINDS[name].half == half}
        return [self.share(name, strength) > 0.5 for name in names]

    def pairs(self, strength: str, *, quiet: bool = False) -> float:
        """Share of (kind, table) pairs caught; if asked, none where clean batches alarm too."""
        return fmean(
            alarm and (not quiet or name in self.quiet)
            for (kind, found), pairs in self.alarms.items()
            if found == strength and kind != CLEAN_KIND
            for name, alarm in pairs
        )


def ask(name: str, options: argparse.Namespace) -> tuple[list[Answer], str]:
    """A tool's answers to every batch, and its version."""
    tool = Worker(name) if PEERS[name].package else Local(name)
    clean = min(options.clean, PEERS[name].clean) // len(TABLES)
    answers, start = [], time.perf_counter()
    some = PEERS[name].tables
    for place in [one for one in options.tables if not some or one.name in some]:
        old, today = reference(place), read_on(place, fresh=True)
        tool.fit(old, place.target, read_on(place, fresh=False))
        for kind, strength, rows in batches(place, old, clean, options.half):
            answers.append(Answer(place.name, kind, strength, tool.check(rows, today)))
        fresh.cache_clear()
        sys.stderr.write(f"{name}, {place.name}: {time.perf_counter() - start:.0f} s so far\n")
    return answers, tool.close()


def batches(
    place: Table, old: pl.DataFrame, clean: int, half: str
) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Clean batches, then corrupted ones, with kind and strength."""
    for seed in range(1, clean + 1):
        yield CLEAN_KIND, "", batch(place, seed)
    for kind in KINDS.values():
        if half in ("all", kind.half):
            for strength, rows in corrupt(place, old, kind):
                yield kind.name, strength, rows


def counted(found: Sequence[bool]) -> str:
    """How many of how many."""
    return f"{sum(found)} of {len(found)}"


def summary(rows: Sequence[Row]) -> str:
    """A row a tool: false alarms, and what it caught."""
    lines = []
    for row in rows:
        false = [alarm for _, alarm in row.clean]
        halves = " / ".join(counted(row.kinds("middle", half)) for half in ("tune", "test"))
        lines.append(
            [
                row.view.name + (LOUD if fmean(false) > 0.5 else ""),
                counted(false),
                " / ".join(str(sum(row.kinds(strength))) for strength in STRENGTHS),
                halves,
                " / ".join(f"{row.pairs(strength):.0%}" for strength in STRENGTHS),
                f"{row.pairs('middle', quiet=True):.0%}",
            ]
        )
    kinds = len(rows[0].kinds("middle"))
    header = ["tool", "false alarms", f"of {kinds} kinds caught, weak / middle / strong"]
    header += ["middle: tune / test half", "pairs caught, weak / middle / strong"]
    return table([*header, "middle, where quiet"], lines)


def by_kind(rows: Sequence[Row]) -> str:
    """A row a kind: the share of its tables where each tool caught it at middle strength."""
    lines = []
    for kind in KINDS.values():
        if (kind.name, "middle") in rows[0].alarms:
            tables = len(rows[0].alarms[kind.name, "middle"])
            shares = [row.percent(kind.name) for row in rows]
            lines.append([kind.name, kind.family, kind.half, str(tables), *shares])
    return table(["kind", "family", "half", "tables", *(row.view.name for row in rows)], lines)


def meanings() -> str:
    """A row a kind: what it does at the three strengths."""
    lines = [[kind.name, (kind.corrupt.__doc__ or "").strip()] for kind in KINDS.values()]
    return "\n".join(f"- `{name}`: {' '.join(says.split())}" for name, says in lines)


def worlds() -> str:
    """A line a table: its size, target and what it is like."""
    lines = []
    for place in TABLES:
        old = reference(place)
        says = (place.draw.__doc__ or "").strip()
        size = f"{old.height:,} x {old.width}"
        lines.append(f"- `{place.name}` ({size}, {place.task}): {says}")
    return "\n".join(lines)


def listing(row: Row) -> str:
    """Every false alarm, every miss, and the reasons of every catch."""
    lines: dict[str, list[str]] = {"false alarm": [], "missed": [], "caught": []}
    for answer in row.answers:
        alarm, clean = row.view.alarms(answer.findings), answer.kind == CLEAN_KIND
        says = " | ".join(answer.findings[:3]) + (" | ..." if len(answer.findings) > 3 else "")
        group = "false alarm" if clean else "caught" if alarm else "missed"
        if alarm or not clean:
            name = f"{answer.kind} {answer.strength}".rstrip() + f", {answer.table}"
            lines[group].append(f"{group}: {name}: {says}".rstrip(" :"))
    return "\n".join(line for group in ("caught", "false alarm", "missed") for line in lines[group])


def report(rows: Sequence[Row], versions: dict[str, str]) -> str:
    """The whole result as Markdown."""
    named = {PEERS[name].package: found for name, found in versions.items() if found}
    tools = ", ".join(f"{package} {found}" for package, found in named.items())
    clean = {row.view.name: len(row.clean) for row in rows if len(row.clean) < CLEAN}
    fewer = "; ".join(f"{name} {count}" for name, count in clean.items())
    says = "\n".join(f"- {row.view.name}: {row.view.says}." for row in rows)
    return f"""# Inferred data checks against corrupted tables

{facts("corruption.py", PACKAGES)} Other tools, each in an environment of its own: {tools}.

Every tool is fitted on one draw of a table, with its defaults and no tuning by hand, and then \
sees fresh draws of the days that follow: {CLEAN} clean ones over {len(TABLES)} tables (slow tools \
saw fewer: {fewer or "none"}), and one for each of {len(KINDS)} kinds of corruption at three \
strengths where the kind applies. Any finding is an alarm, be it a failure or a warning; a tool \
that breaks on a batch alarms too. A kind is caught when the tool alarms on more than half of the \
tables where it applies. A pair is one kind on one table.

{summary(rows)}

![False alarms and corruptions caught, by tool](corruption.png)

**A tool that always alarms catches everything**: rows marked{LOUD} alarm on more than half of the \
clean batches, so what they caught says little. The last column counts a catch only on tables \
where the tool is quiet, that is, where at most one clean batch in twenty raises an alarm.

Before any check was tuned the kinds were split into halves, alternating within each family: this \
project's checks were tuned on the tune half; the test half says what they are worth.

## What each tool was asked to do

{says}

## Middle strength, by kind: per cent of its tables where it was caught

{by_kind(rows)}

## The kinds

{meanings()}

## The tables

{worlds()}

## What this does not show

The tables are synthetic and nothing in them drifts: clean batches are fresh draws of the same \
world, so a false alarm here is noise or a date, never a season or a new customer. Real clean \
batches are harder. Strengths, tables and kinds are ours, if fixed before tuning; other tools were \
made for other ends, and most expect their inferred checks to be edited before use.
"""


COLOURS = ("#D55E00", "#E69F00", "#0072B2")  # Okabe and Ito's palette; markers serve in grey


def draw(rows: Sequence[Row], path: Path) -> None:
    """Two panels with a line for each tool: false alarms, and the pairs caught."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 1.6 + 0.36 * len(rows)), sharey=True)
    places = list(range(len(rows)))[::-1]
    false = [100 * fmean(alarm for _, alarm in row.clean) for row in rows]
    left.barh(places, false, height=0.55, color="0.6")
    for place, value in zip(places, false, strict=True):
        left.text(value + 1.5, place, f"{value:.0f} %", va="center", fontsize=9)
    left.set_yticks(places, [row.view.name for row in rows])
    left.set_xlabel("clean batches that raise an alarm, %")
    right.hlines(places, 0, 100, color="0.88", linewidth=0.8, zorder=1)
    for strength, colour, marker, size in zip(STRENGTHS, COLOURS, "v^o", (80, 55, 30), strict=True):
        values = [100 * row.pairs(strength) for row in rows]
        style = {"color": colour, "marker": marker, "label": strength, "zorder": 3}
        right.scatter(values, places, s=size, **style)
    quiet = [100 * row.pairs("middle", quiet=True) for row in rows]
    style = {"facecolors": "none", "edgecolors": "black", "marker": "s", "zorder": 4}
    right.scatter(quiet, places, s=110, label="middle, only where quiet", **style)
    right.set_xlabel("pairs of kind and table caught, %")
    for panel in (left, right):
        panel.set_xlim(-3, 108)
        panel.set_xticks(range(0, 101, 20))
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle("Inferred data checks, untuned", x=0.02, ha="left", fontsize=13)
    names = right.get_legend_handles_labels()
    figure.legend(*names, loc="lower right", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    figure.savefig(path, dpi=130)
    plt.close(figure)


def read_options() -> argparse.Namespace:
    """The command's options. With any choice nothing is written unless told where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(PEERS), help="a tool; repeatable")
    parser.add_argument("--half", choices=("tune", "test", "all"), default="all")
    parser.add_argument("--clean", type=int, default=CLEAN, help="clean batches over all tables")
    parser.add_argument("--table", action="append", choices=[place.name for place in TABLES])
    parser.add_argument("--verbose", action="store_true", help="list alarms and misses")
    parser.add_argument("--quick", action="store_true", help="two tables, ours; prints only")
    parser.add_argument("--results", type=Path, help="folder for corruption.md and corruption.png")
    options = parser.parse_args()
    chosen = options.only or options.table or options.quick or options.half != "all"
    if options.quick:
        options.only, options.clean = options.only or ["ours"], 32
        options.table = options.table or ["survey", "tickets"]
    if not chosen and options.clean == CLEAN:
        options.results = options.results or RESULTS
    names = options.table or [place.name for place in TABLES]
    options.tables = [place for place in TABLES if place.name in names]
    return options


def main() -> int:
    """Ask every tool, print, write."""
    options = read_options()
    rows, versions = [], {}
    for name in options.only or PEERS:
        answers, versions[name] = ask(name, options)
        rows += [Row(view, tuple(answers)) for view in PEERS[name].views]
    if options.verbose:
        for row in rows:
            say(f"\n{row.view.name}\n\n{listing(row)}\n")
    if not options.results:
        say(f"{summary(rows)}\n\n{by_kind(rows)}")
        return 0
    text = report(rows, versions)
    say(text)
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "corruption.md").write_text(text, encoding="utf-8")
    draw(rows, options.results / "corruption.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
