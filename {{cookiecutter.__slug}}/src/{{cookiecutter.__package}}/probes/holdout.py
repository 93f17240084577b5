"""Is the holdout one that nobody has learnt from, fresh, and not yet worn out?"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime

import polars as pl

from ..contract import Contract
from ..evidence import Guard
from ..settings import GateSettings
from ..steps.split import Split
from ..store import fingerprints
from ..store.model import Model

WARN_USES = 10


def leaked(name: str, rival: Model, parts: Split, contract: Contract) -> Iterator[str]:
    """Rows, owners or days of the holdout that the model has trained on."""
    rows = fingerprints.leaked_rows(rival.folder, parts.holdout_hashes)
    if rows:
        yield f"{rows} holdout rows were training rows of the {name}"
    if parts.holdout_owners is not None:
        owners = fingerprints.leaked_owners(rival.folder, parts.holdout_owners)
        if owners:
            yield f"{owners} owners of holdout rows ({contract.group_column}) trained the {name}"
    trained = fingerprints.trained_until(rival.folder)
    if contract.time_column and trained:
        first = parts.holdout[contract.time_column].min()
        if isinstance(first, date) and _moment(trained) >= _moment(first.isoformat()):
            yield f"the {name} has trained on rows up to {trained}; the holdout begins at {first}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def freshness(
    parts: Split, contract: Contract, settings: GateSettings, today: date
) -> Iterator[Guard]:
    """The newest answered row, where the user says how old it may be."""
    if settings.max_data_age_days is None or contract.time_column is None:
        return
    newest = parts.holdout[contract.time_column].max()
    if isinstance(newest, date):
        day = newest.date() if isinstance(newest, datetime) else newest
        age, most = (today - day).days, settings.max_data_age_days
        text = f"the newest answer is of {day}, {age} days old; {most} are allowed"
        yield Guard("freshness", "block", age <= most, text)


def wear(uses: int, settings: GateSettings) -> Iterator[Guard]:
    """How many other models these very rows have judged: each look makes them less of a test."""
    most = settings.holdout_uses
    text = f"these rows have judged {uses} other model{'s' * (uses != 1)}; {most} wear them out"
    if uses >= most:
        yield Guard("holdout budget", "invalid", False, f"{text}: new rows are needed")
    else:
        yield Guard("holdout budget", "warn", uses < min(WARN_USES, most), text)


def new_leaks(found: Sequence[str], champion: Model | None, target: str) -> Iterator[Guard]:
    """Inputs that tell the target by themselves: new beside the champion they block, else warn."""
    known = {column.name for column in champion.signature.inputs} if champion else set()
    fresh = [name for name in found if champion and name not in known]
    severity = "block" if fresh else "warn"
    text = f"{', '.join(fresh or found)} tells {target} all by itself" if found else "none seen"
    yield Guard("target leak", severity, not found, text)


def sketch(parts: Split) -> str:
    """The 64 lowest hashes of the holdout's rows: enough to see how far two holdouts agree."""
    lowest = sorted(int(value) for value in set(parts.holdout_hashes.tolist()))[:64]
    return json.dumps([f"{value:x}" for value in lowest])


def alike(one: str, two: str) -> float:
    """Share of rows that two holdouts have in common, from their sketches (Broder 1997)."""
    a, b = ({int(value, 16) for value in json.loads(text)} for text in (one, two))
    lowest = sorted(a | b)[: min(max(len(a), len(b)), 64)]
    return sum(value in a and value in b for value in lowest) / len(lowest) if lowest else 0.0


def newest_answers(rows: pl.DataFrame, clock: str) -> str:
    """The last moment of these rows, as ISO 8601."""
    last = rows[clock].max()
    return last.isoformat() if isinstance(last, date) else ""
