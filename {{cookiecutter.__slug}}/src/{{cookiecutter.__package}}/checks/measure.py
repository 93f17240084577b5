"""One pass over a table, piece by piece: everything that the findings are made from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ..contract import Contract
from .rows import Broken, RowRule, as_typed, count, row_rules, typed_columns
from .sketch import Keys, Sketch

PIECE_CELLS = 4_000_000
MANY_DAYS = 20_000


@dataclass
class Measure:
    """What one pass has seen of a table; two parts add up to the whole."""

    schema: Mapping[str, pl.DataType]
    rules: Sequence[RowRule]
    rows: int
    broken: list[Broken]
    sketch: Sketch
    days: Counter[date]
    keys: dict[str, Keys]

    def take(self, later: "Measure") -> None:
        """Add the part of the table that comes after this one."""
        moved = [
            Broken(b.rows, tuple((p + self.rows, v) for p, v in b.first)) for b in later.broken
        ]
        for name, keys in later.keys.items():
            for part in keys.parts():
                part[:, 1] += self.rows
                self.keys[name].take(part)
        self.broken = [a + b for a, b in zip(self.broken, moved, strict=True)]
        self.sketch, self.days = self.sketch + later.sketch, self.days + later.days
        self.rows += later.rows


def measure(table: pl.LazyFrame, contract: Contract, today: date) -> Measure:
    """Look at every row once; memory holds one piece, a sample and some counts."""
    schema = dict(table.collect_schema())
    absent = [name for name in contract.columns if name not in schema]
    used = {name: kind for name, kind in schema.items() if absent or name in contract.columns}
    rules = row_rules(schema, contract, today)
    size = max(5_000, PIECE_CELLS // max(1, len(used)))
    types = typed_columns(schema, contract)
    pieces = table.select(list(used)).collect_batches(chunk_size=size, maintain_order=True)
    total = None
    for piece in pieces:
        seen = _piece(piece, types, rules, contract)
        total = seen if total is None else _add(total, seen)
    empty = pl.DataFrame(schema=used)
    total = total or _piece(empty, types, rules, contract)
    total.schema = schema
    return total


def _add(total: Measure, seen: Measure) -> Measure:
    total.take(seen)
    return total


def _piece(
    raw: pl.DataFrame, types: list[pl.Expr], rules: list[RowRule], contract: Contract
) -> Measure:
    piece = raw.with_columns(types)
    there = [name for name in contract.columns if name in raw.columns]
    unique = [name for name in there if contract.columns[name].unique]
    keys = {name: Keys() for name in unique}
    for name, held in keys.items():
        held.add(piece[as_typed(name)], 0)
    shown = [name for name in there if not contract.columns[name].personal]
    extra = [name for name in raw.columns if name not in contract.columns]
    kept = piece.select([pl.col(as_typed(n)).alias(n) for n in shown] + [pl.col(n) for n in extra])
    days: Counter[date] = Counter()
    clock = contract.time_column
    if clock in there:
        per_day = piece[as_typed(clock)].cast(pl.Date).drop_nulls().value_counts()
        days.update(dict(per_day.iter_rows()))
    broken = count(piece, rules, 0)
    return Measure({}, rules, len(piece), broken, Sketch.of(kept), days, keys)
