"""The prediction log as a table: what the service was asked, what it said, and what came true."""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from ..contract import Contract
from ..serving.place import Place
from ..sources.remote import filesystem, told
from .lines import ANSWER, AT, ID, ROW, VERSION, as_sent, asked, labelled

AHEAD = timedelta(hours=1)  # what clocks may be apart


@dataclass(frozen=True)
class Traffic:
    """Requests of some days, a row for each row that was asked, the oldest first.

    `rows` has the inputs in the contract's types, the target where a label came, null elsewhere,
    and beside them when, in which request and by which version it was answered, and how.
    """

    rows: pl.DataFrame
    oddities: tuple[str, ...] = ()

    @property
    def versions(self) -> dict[str, int]:
        """How many rows each version answered, the busiest first."""
        counted = self.rows[VERSION].value_counts(sort=True)
        return dict(counted.iter_rows())


def read_traffic(
    place: Place, contract: Contract, since: date, until: date, inputs: Sequence[str] = ()
) -> Traffic:
    """What was asked from `since` up to, but without, `until`; each row once, with its last label.

    Rows that lack one of `inputs`, since the version that answered did not read it, are left out.
    Whatever is odd is left out or settled, counted, and told.
    """
    parts, labels, broken, sent = [], [], 0, as_sent(contract)
    for name in _names(place, since):
        try:
            table = pl.read_ndjson(gzip.decompress(place.read(name)), infer_schema_length=None)
            if "/predictions-" in name:
                parts += asked(table, sent)
            else:
                labels.append(labelled(table, contract))
        except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError):
            broken += 1
    odd = _Odd()
    odd.add(broken, "file of the log is not readable", "files of the log are not readable")
    whole = _whole(parts, inputs, odd)
    if not whole:
        return Traffic(_empty(contract), tuple(odd.said))
    rows = pl.concat(whole, how="diagonal_relaxed")
    rows = _of_days(rows, since, until, odd)
    rows = _once(rows, odd)
    rows = _labelled(rows, labels, contract, odd)
    _gaps(rows, odd)
    return Traffic(rows, tuple(odd.said))


def _names(place: Place, since: date) -> list[str]:
    """The files of this day and later.

    Raises:
        Stop: the store of the log cannot be reached, or its library is not installed.
    """
    with told(place.url):
        if "://" in place.url:
            filesystem(place.url)
        return place.names(since)


class _Odd:
    """Collects what was odd, as sentences with counts."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def add(self, count: int, one: str, many: str) -> None:
        if count:
            self.said.append(f"{count:,} {one if count == 1 else many}")


def _whole(parts: list[pl.DataFrame], inputs: Sequence[str], odd: _Odd) -> list[pl.DataFrame]:
    """The parts that hold every input that any of them holds: free text is in none."""
    logged = {name for part in parts for name in part.columns}
    kept = [part for part in parts if not (logged & {*inputs}) - {*part.columns}]
    odd.add(
        sum(map(len, parts)) - sum(map(len, kept)),
        "row was answered by a version that reads other columns",
        "rows were answered by a version that reads other columns",
    )
    return kept


def _empty(contract: Contract) -> pl.DataFrame:
    text = {ID: pl.String, ROW: pl.Int64, VERSION: pl.String, ANSWER: pl.List(pl.Float64)}
    return pl.DataFrame(schema={contract.target: pl.Null, AT: pl.Datetime("us", "UTC"), **text})


def _of_days(rows: pl.DataFrame, since: date, until: date, odd: _Odd) -> pl.DataFrame:
    """Without rows of no time, of before, and of a clock that is ahead."""
    timeless = rows[AT].null_count()
    first, end = (datetime.combine(day, time(), UTC) for day in (since, until))
    ahead = rows.filter(pl.col(AT) >= end + AHEAD)
    odd.add(timeless, "row has no time", "rows have no time")
    odd.add(
        len(ahead),
        "row is of the future: a clock is ahead",
        "rows are of the future: a clock is ahead",
    )
    return rows.filter(pl.col(AT) >= first, pl.col(AT) < end + AHEAD)


def _once(rows: pl.DataFrame, odd: _Odd) -> pl.DataFrame:
    """A request that was sent again counts once: its last answer is what the client has."""
    kept = rows.sort(AT, maintain_order=True).unique([ID, ROW], keep="last", maintain_order=True)
    again = len(rows) - len(kept)
    odd.add(
        again, "row was asked again under the same id", "rows were asked again under the same id"
    )
    return kept


def _labelled(
    rows: pl.DataFrame, labels: list[pl.DataFrame], contract: Contract, odd: _Odd
) -> pl.DataFrame:
    """The last word on each row; a label for a row that is not there is of no use."""
    target = contract.target
    if not labels:
        return rows.with_columns(pl.lit(None).alias(target))
    told = pl.concat(labels, how="diagonal_relaxed").sort("at", maintain_order=True)
    told = told.filter(pl.col(target).is_not_null())
    last = told.unique([ID, ROW], keep="last", maintain_order=True)
    changed = told.group_by(ID, ROW).agg(pl.col(target).n_unique()).filter(pl.col(target) > 1)
    odd.add(
        len(changed),
        "label was changed later: the last one counts",
        "labels were changed later: the last ones count",
    )
    joined = rows.join(
        last.select(ID, ROW, target), on=[ID, ROW], how="left", maintain_order="left"
    )
    lost = len(last) - (len(joined) - joined[target].null_count())
    odd.add(
        lost,
        "label is for a row that the log of these days has not",
        "labels are for rows that the log of these days has not",
    )
    return joined


def _gaps(rows: pl.DataFrame, odd: _Odd) -> None:
    """Days without a request between the first and the last."""
    days = rows[AT].dt.date().unique().sort()
    if len(days):
        span = (days[-1] - days[0]).days + 1
        odd.add(span - len(days), "day has no request", "days have no request")
