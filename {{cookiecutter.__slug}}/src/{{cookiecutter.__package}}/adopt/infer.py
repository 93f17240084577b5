"""From a table to its contract: types, roles, and the rules that its rows keep."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from math import ceil, floor
from typing import Any

import polars as pl

from ..checks.measure import PIECE_CELLS
from ..checks.sketch import Sketch
from ..checks.typed import typed
from ..contract import INPUTS, Column, Contract, Role, Rows, Time
from ..errors import Status, Stop
from ..settings import Task
from .choice import Notes, Wishes
from .facts import Facts, exact_facts
from .marks import marks
from .roles import find_roles
from .rules import find_order, find_range, find_shape, listed, nulls_allowed, ranged
from .task import check_answers, find_task, is_panel, is_rare
from .types import Guess, guess

FEWEST_ROWS = 50
LIVE_DAYS = 31


@dataclass(frozen=True)
class Inferred:
    """What the data say."""

    contract: Contract
    task: Task
    rows: int
    rare: bool = False
    panel: bool = False


def infer_contract(table: pl.LazyFrame, target: str, today: date) -> Contract:
    """The contract alone, with nothing wished for."""
    return infer(table, Wishes(target), today, Notes()).contract


def infer(table: pl.LazyFrame, wishes: Wishes, today: date, notes: Notes) -> Inferred:
    """Read types, roles, task and rules off the data, or stop where there is nothing to learn."""
    schema = table.collect_schema()
    _check_names(schema.names(), wishes)
    raw, rows = sample_rows(table)
    _check_rows(raw, rows, wishes.target)
    used = [name for name in schema if _readable(schema[name], name, wishes, notes)]
    types, facts = _fitted(table, {name: guess(raw[name], notes) for name in used})
    plain = {name: found.column() for name, found in types.items()}
    sampled = raw.select(typed(n, schema[n], c).alias(n) for n, c in plain.items())
    roles = find_roles(sampled, plain, facts, wishes, notes)
    task = find_task(facts[wishes.target], plain[wishes.target], wishes, notes)
    entries = {
        name: _entry(sampled[name], entry, roles[name], facts[name], rows, task, wishes, notes)
        for name, entry in plain.items()
    }
    _check_inputs(entries, wishes.target)
    contract = Contract(
        columns=entries,
        rows=Rows(min=max(1, rows // 4)),
        time=_time(roles, facts, today, notes),
        order=find_order(sampled, entries),
        ignored=[name for name in schema if name not in entries],
    )
    rare = task == "binary" and is_rare(sampled[wishes.target])
    panel = task == "regression" and is_panel(sampled, contract)
    return Inferred(contract, task, rows, rare, panel)


def _check_rows(raw: pl.DataFrame, rows: int, target: str) -> None:
    if rows < FEWEST_ROWS:
        needed = f"at least {FEWEST_ROWS} are needed to learn and to judge"
        raise Stop(Status.DATA, f"{rows} rows: {needed}.")
    check_answers(raw[target], target)


def _check_inputs(entries: dict[str, Column], target: str) -> None:
    if not any(entry.role in INPUTS and not entry.sensitive for entry in entries.values()):
        hint = "name fewer to --drop and --sensitive, or bring more columns"
        raise Stop(Status.DATA, f"No column is left to predict {target!r} from: {hint}.")


def _check_names(names: list[str], wishes: Wishes) -> None:
    for name in wishes.named:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {_some(names)}."
            raise Stop(Status.DATA, f"There is no column {name!r}; {hint}")
    if wishes.target in (*wishes.drop, *wishes.sensitive, wishes.key, wishes.time, wishes.group):
        raise Stop(Status.SETTINGS, f"{wishes.target!r} is the target: name another column.")


def _some(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


def sample_rows(table: pl.LazyFrame) -> tuple[pl.DataFrame, int]:
    """Raw rows drawn from the whole table, in random order, and how many there are in all."""
    width = len(table.collect_schema())
    sketch, rows = None, 0
    for piece in table.collect_batches(chunk_size=max(5_000, PIECE_CELLS // width)):
        seen = Sketch.of(piece)
        sketch, rows = (seen if sketch is None else sketch + seen), rows + len(piece)
    return (sketch.table() if sketch else table.collect()), rows


def _readable(kind: pl.DataType, name: str, wishes: Wishes, notes: Notes) -> bool:
    """Nested values and bytes are no model's input; nor is what the user drops."""
    if name in wishes.drop:
        notes.say(f"{name}: ignored", "you said so", "contract.yaml: ignored")
        return False
    odd = kind.is_nested() or kind in (pl.Binary, pl.Object, pl.Time, pl.Duration, pl.Null)
    if odd:
        notes.say(
            f"{name}: ignored",
            f"its values are {str(kind).split('(')[0]}",
            "contract.yaml: ignored",
        )
    return not odd


def _fitted(
    table: pl.LazyFrame, types: dict[str, Guess]
) -> tuple[dict[str, Guess], dict[str, Facts]]:
    """Types that hold for every row, not for the sampled ones alone, with exact facts."""
    facts = exact_facts(table, {name: found.column() for name, found in types.items()})
    wrong = {name for name, found in facts.items() if found.misfits}
    if wrong:
        text = {name: Guess("text") for name in wrong}
        facts |= exact_facts(table, {name: found.column() for name, found in text.items()})
        types = {name: text.get(name, found) for name, found in types.items()}
    return types, facts


def _entry(
    values: pl.Series,
    entry: Column,
    role: Role,
    facts: Facts,
    rows: int,
    task: Task,
    wishes: Wishes,
    notes: Notes,
) -> Column:
    """One column with its rules."""
    told: dict[str, Any] = {"role": role, **marks(values, role, wishes, notes)}
    told["nulls"] = nulls_allowed(facts.nulls, rows)
    if role == "constant" and facts.nulls == rows:
        told["nulls"] = 1.0
    if role == "target" and facts.nulls:
        what = f"{facts.nulls} of {rows} rows have no {values.name} and are left out of training"
        setting = f"contract.yaml: columns.{values.name}.nulls"
        notes.say(what, "their answers may come later", setting)
    if told.get("personal"):
        told |= {"role": role if values.name in wishes.named else "other", "missing": []}
        entry = Column(type="text")
    else:
        told |= _values(values, entry, role, facts, task)
    whole: dict[str, Any] = {**entry.model_dump(exclude_defaults=True), **told}
    return Column(**whole)


def _values(
    values: pl.Series, entry: Column, role: Role, facts: Facts, task: Task
) -> dict[str, Any]:
    """What may stand in the column: a range, a list of values, a shape."""
    many = role != "target" or task == "regression"
    if ranged(role, entry.type) and many and facts.low is not None and facts.high is not None:
        low, high = find_range(values.drop_nulls(), float(facts.low), float(facts.high))
        return {"range": (floor(low), ceil(high)) if entry.type == "integer" else (low, high)}
    if role in ("category", "target"):
        known, unseen = listed(facts.levels, entry.type)
        return {"values": known, "unseen_max": 0.0 if role == "target" else unseen}
    if role == "key":
        return {"unique": True, "shape": find_shape(values)}
    return {"shape": find_shape(values)} if role in ("id", "group") else {}


def _time(roles: dict[str, Role], facts: dict[str, Facts], today: date, notes: Notes) -> Time:
    """A live table must stay fresh; of an old one nothing is asked."""
    clock = next((name for name, role in roles.items() if role == "time"), None)
    newest = facts[clock].newest if clock else None
    if newest is None:
        return Time()
    age = (today - newest).days
    if not 0 <= age <= LIVE_DAYS:
        why = f"the newest row is of {newest}"
        notes.say("the age of the rows is not checked", why, "contract.yaml: time.max_age_days")
        return Time(future=age < 0)
    return Time(max_age_days=max(14, 3 * age))
