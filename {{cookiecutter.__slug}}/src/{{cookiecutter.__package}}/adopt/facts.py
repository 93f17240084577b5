"""What must be exact and not sampled: missing values, ends, and how often each value occurs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from ..checks.typed import as_raw, typed
from ..contract import Column

MOST_LEVELS = 1_000


@dataclass(frozen=True)
class Facts:
    """One column over all rows."""

    nulls: int
    misfits: int
    low: float | None = None
    high: float | None = None
    newest: date | None = None
    distinct: int = 0
    levels: dict[str, int] = field(default_factory=dict)

    @property
    def repeated(self) -> bool:
        """Whether a value occurs twice."""
        return any(count > 1 for count in self.levels.values())


def exact_facts(table: pl.LazyFrame, entries: Mapping[str, Column]) -> dict[str, Facts]:
    """Facts of these columns, in one pass."""
    schema = table.collect_schema()
    wanted = []
    for n, (name, entry) in enumerate(entries.items()):
        value, raw = typed(name, schema[name], entry), as_raw(name, schema[name], entry)
        missing = value.is_null()
        unfit = missing & raw.is_not_null()
        if entry.type in ("integer", "number"):
            unfit &= ~raw.cast(pl.Float64, strict=False).is_nan().fill_null(value=False)
        wanted += [(missing & ~unfit).sum().alias(f"{n} nulls"), unfit.sum().alias(f"{n} misfits")]
        if entry.type not in ("text", "boolean"):
            wanted += [value.min().alias(f"{n} low"), value.max().alias(f"{n} high")]
        if entry.type in ("text", "boolean", "integer"):
            counted = value.drop_nulls().value_counts(sort=True)
            wanted.append(counted.head(MOST_LEVELS).implode().alias(f"{n} levels"))
            wanted.append(value.n_unique().alias(f"{n} distinct"))
    seen = table.select(wanted).collect(engine="streaming").row(0, named=True)
    return {name: _facts(seen, n) for n, name in enumerate(entries)}


def _facts(seen: dict, n: int) -> Facts:
    low, high = seen.get(f"{n} low"), seen.get(f"{n} high")
    dated = isinstance(high, date)
    counted = [tuple(one.values()) for one in seen.get(f"{n} levels") or []]
    levels = {str(v).lower() if isinstance(v, bool) else str(v): count for v, count in counted}
    return Facts(
        nulls=seen[f"{n} nulls"],
        misfits=seen[f"{n} misfits"],
        low=None if dated else low,
        high=None if dated else high,
        newest=(high.date() if isinstance(high, datetime) else high) if dated else None,
        distinct=seen.get(f"{n} distinct", MOST_LEVELS + 1),
        levels=levels,
    )
