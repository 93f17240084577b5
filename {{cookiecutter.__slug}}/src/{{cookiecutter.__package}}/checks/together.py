"""A batch beside the reference across columns: dependence, target, leaks, copies and days."""

from collections.abc import Iterator
from datetime import timedelta
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..contract import Contract
from .clusters import BLOCKS, spread
from .dependence import Tie, correlation, correlations
from .findings import TABLE, Finding, finding
from .measure import Measure
from .reference import Reference
from .scores import scores
from .sketch import COPIES, HASH
from .summarize import HASHES, relative

FEWEST = 100
FLOOR = 0.02
SURE = 6.0
GONE = 0.3


def compare_together(
    seen: Measure, table: pl.DataFrame, contract: Contract, reference: Reference, *, fresh: bool
) -> Iterator[Finding]:
    """Everything that no single column shows."""
    table = relative(table, contract)
    if len(table) >= FEWEST:
        dealt = BLOCKS * len(table) / max(1, reference.dependence.rows)
        stretches = spread(list(seen.days), reference.block) if reference.block else dealt
        yield from _dependence(table, contract, reference, stretches)
    yield from _copies(seen, contract, reference, fresh=fresh)
    yield from _gaps(seen, contract, reference)


def _dependence(
    table: pl.DataFrame, contract: Contract, reference: Reference, stretches: float
) -> Iterator[Finding]:
    known, target = reference.dependence, contract.target
    scales = {name: one for name, one in known.scales.items() if name in table.columns}
    if len(scales) < 2:
        return
    matrix = scores(table, scales)
    place = {name: n for n, name in enumerate(scales)}
    found = correlations(matrix)
    for a, b, tie in known.pairs:
        if a in place and b in place and target not in (a, b):
            now = float(found[place[a], place[b]])
            if _broken(tie, now, stretches, 0.07):
                yield finding(contract, a, "correlation", _changed(b, tie, now))
    if target in place:
        yield from _target(matrix, place, contract, reference, stretches)


def _changed(other: str, tie: Tie, now: float) -> str:
    return f"rank correlation with {other} {tie.r:+.2f} → {now:+.2f}"


def _broken(tie: Tie, now: float, stretches: float, least: float) -> bool:
    """A change that matters, and that is more than from one stretch of time to the next."""
    error = max(tie.spread, FLOOR) * sqrt(1 / BLOCKS + 1 / stretches)
    return abs(tie.r - now) > max(least, SURE * error)


def _target(
    matrix: NDArray,
    place: dict[str, int],
    contract: Contract,
    reference: Reference,
    stretches: float,
) -> Iterator[Finding]:
    """What the inputs tell of the target, all together and each alone."""
    known, target = reference.dependence, contract.target
    names = [name for name in known.weights if name in place]
    answers = matrix[:, place[target]]
    weights = np.array([known.weights[name] for name in names])
    now = correlation((matrix[:, [place[n] for n in names]] - 0.5) @ weights, answers)
    less = known.target.r > 0.1 and now < known.target.r
    if less and _broken(known.target, now, stretches, 0.04):
        message = f"inputs told it with a correlation of {known.target.r:.2f}, now {now:+.2f}"
        gone = now < GONE * known.target.r  # a world that changes weakens it: that is to be learnt
        yield finding(contract, target, "target" if gone else "correlation", message)
        return
    for name in names:
        alone = correlation(matrix[:, place[name]], answers)
        if _broken(known.alone[name], alone, stretches, 0.08):
            message = _changed(target, known.alone[name], alone)
            yield finding(contract, name, "correlation", message)


def _copies(
    seen: Measure, contract: Contract, reference: Reference, *, fresh: bool
) -> Iterator[Finding]:
    copied, before = seen.sketch.copied, reference.copied
    n = int(seen.sketch.rows[COPIES].sum())
    if n and copied - before > 0.005 + 6 * sqrt((before + 1 / n) / n) + 0.2 * before:
        message = f"{copied:.1%} of the rows are copies of another, before {before:.1%}"
        yield finding(contract, TABLE, "duplicates", message)
    if not fresh or reference.polars != pl.__version__ or not reference.hashes:
        return
    hashes = seen.sketch.rows[HASH]
    reach = max(reference.hashes) if len(reference.hashes) >= HASHES else 2**64 - 1
    looked = hashes.filter(hashes <= reach)
    same = int(looked.is_in(pl.Series(reference.hashes, dtype=pl.UInt64).implode()).sum())
    allowed = 2 * before * len(looked) + 0.01 * len(looked) + 5
    if same > allowed:
        message = f"about {same / len(looked):.0%} are rows that the reference has: an old batch?"
        yield finding(contract, TABLE, "overlap", message)


def _gaps(seen: Measure, contract: Contract, reference: Reference) -> Iterator[Finding]:
    """Days without a row on weekdays that always had some."""
    clock = contract.time_column
    if not clock or not reference.weekdays or not seen.days or reference.rows_a_day < 5:
        return
    first, last = min(seen.days), max(seen.days)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    usual = [day for day in days if reference.weekdays[day.weekday()] >= 0.95]
    missing = [day for day in usual if day not in seen.days]
    if missing:
        message = f"{len(missing)} of {len(usual)} days have no row, {missing[0]} the first of them"
        yield finding(contract, clock, "gaps", message)
