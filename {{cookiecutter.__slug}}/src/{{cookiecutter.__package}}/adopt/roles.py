"""What a column is for: key, time, group, input, or none of them."""

import re

import polars as pl

from ..checks.numbers import number, share
from ..checks.words import shapes
from ..contract import Column, Role
from ..errors import Status, Stop
from .choice import Notes, Wishes
from .facts import Facts

KEYS = r"(^|[_\W])(id|key|uuid|guid|no|nr|number|code|index|pk|rowid|hash)$|[a-z](Id|ID|Key)$"
ENTITY = (
    r"customer|client|user|patient|subject|person|member|account|device|machine|store|household"
)
CLOCKS = (
    "observed",
    "event",
    "created",
    "recorded",
    "timestamp",
    "time",
    "date",
    "day",
    "at",
    "ts",
)
NOT_CLOCKS = r"birth|dob|expir|due|until|valid|end|clos|deliver|return|deadline|updated|modified"
CODES = (
    r"(^|[_\W])(zip|zipcode|postal|postcode|plz|code|type|class|category|status|region|grade)s?$"
)
MOST_WORDS = 0.5


def find_roles(
    table: pl.DataFrame,
    types: dict[str, Column],
    facts: dict[str, Facts],
    wishes: Wishes,
    notes: Notes,
) -> dict[str, Role]:
    """The role of every column of these sampled rows; at most one key, time and group."""
    told: dict[str | None, Role] = {
        wishes.target: "target",
        wishes.key: "key",
        wishes.time: "time",
        wishes.group: "group",
    }
    roles = {name: role for name, role in told.items() if name}
    _check_wishes(types, facts, roles, wishes, notes)
    for name in table.columns:
        if name not in roles:
            roles[name] = _single(table[name], types[name], facts[name], notes)
    _pick_clock(table, types, roles, wishes, notes)
    _pick_key(table, roles, wishes, notes)
    _pick_group(table, roles, wishes, notes)
    said = " ".join(choice.what for choice in notes.choices)
    for name in [name for name, role in roles.items() if role == "id"]:
        if f"{name}: " not in said:
            why = "it names something and tells nothing by itself"
            notes.say(f"{name}: id, not an input", why, f"contract.yaml: columns.{name}.role")
    return {name: roles[name] for name in table.columns}


def _check_wishes(
    types: dict[str, Column],
    facts: dict[str, Facts],
    roles: dict[str, Role],
    wishes: Wishes,
    notes: Notes,
) -> None:
    """Roles that were asked for and cannot be had."""
    if wishes.time and types[wishes.time].type not in ("date", "datetime"):
        raise Stop(
            Status.DATA, f"--time {wishes.time!r}: the column holds no dates that can be read."
        )
    if wishes.time and facts[wishes.time].nulls:
        raise Stop(Status.DATA, f"--time {wishes.time!r}: some rows have no date.")
    key = wishes.key
    if key and (facts[key].repeated or facts[key].nulls):
        why = "it names no row: values repeat or are missing"
        notes.say(f"{key}: id, not an input", why, f"contract.yaml: columns.{key}.role")
        roles[key] = "id"


def _single(values: pl.Series, column: Column, facts: Facts, notes: Notes) -> Role:
    """The role that the column would have, were it alone."""
    name, there = values.name, values.drop_nulls()
    entry, distinct = f"contract.yaml: columns.{values.name}.role", there.n_unique()
    if distinct <= 1:
        what = "has one value only" if distinct else "is empty"
        notes.say(f"{name}: constant", f"it {what}, so a model learns nothing from it", entry)
        return "constant"
    if column.type in ("date", "datetime", "number"):
        return "number"
    if column.type == "boolean":
        return "category"
    if column.type == "integer":
        return _integer(there, distinct, facts, notes)
    return _text(there, distinct, notes)


def _integer(there: pl.Series, distinct: int, facts: Facts, notes: Notes) -> Role:
    name, entry = there.name, f"contract.yaml: columns.{there.name}.role"
    if re.search(CODES, name, re.IGNORECASE) and distinct <= 200:
        notes.say(f"{name}: category", "its name says that the numbers are codes", entry)
        return "category"
    high, low = facts.high or 0, facts.low or 0
    counted = len(there) > 20 and high - low == facts.distinct - 1 and not facts.repeated
    if re.search(KEYS, name) and (distinct > 50 or counted):
        return "id"
    if counted:
        return "id"
    return "number"


def _text(there: pl.Series, distinct: int, notes: Notes) -> Role:
    name, entry = there.name, f"contract.yaml: columns.{there.name}.role"
    wordy = share(there.str.count_matches(r"\s+") >= 3)
    if wordy > MOST_WORDS and distinct > 0.2 * len(there):
        return "text"
    if re.search(CODES, name, re.IGNORECASE) and distinct <= 0.2 * len(there):
        return "category"
    if re.search(KEYS, name) and distinct > max(50, 0.02 * len(there)):
        return "id"
    if distinct > MOST_WORDS * len(there) and distinct > 30:
        one_shape = number(shapes(there).value_counts()["count"].max()) >= 0.9 * len(there)
        if one_shape or wordy < 0.1:
            notes.say(f"{name}: id, not an input", "nearly every row has a value of its own", entry)
            return "id"
        return "text"
    return "category"


def _pick_clock(
    table: pl.DataFrame,
    types: dict[str, Column],
    roles: dict[str, Role],
    wishes: Wishes,
    notes: Notes,
) -> None:
    """The moment of observation: the date whose name says so most, with several days in it."""
    found = [
        name
        for name, role in roles.items()
        if role == "number" and types[name].type in ("date", "datetime")
    ]
    found = [name for name in found if _may_be_clock(table[name])]
    if wishes.time or not found:
        return
    best = min(found, key=lambda name: (_clock_likeness(name), -table[name].n_unique()))
    others = ", ".join(name for name in found if name != best)
    why = f"the other dates ({others}) are inputs" if others else "the only date without gaps"
    what = f"{best}: when a row was observed; the newest rows judge"
    notes.say(what, why, "--time COLUMN, or its role in contract.yaml")
    roles[best] = "time"


def _may_be_clock(values: pl.Series) -> bool:
    return not values.null_count() and not re.search(NOT_CLOCKS, values.name, re.IGNORECASE)


def _clock_likeness(name: str) -> int:
    words = re.findall(r"[a-z]+", name.lower())
    return next((n for n, clock in enumerate(CLOCKS) if clock in words), len(CLOCKS))


def _pick_key(table: pl.DataFrame, roles: dict[str, Role], wishes: Wishes, notes: Notes) -> None:
    """The first identifier that no two rows share."""
    ids = [name for name, role in roles.items() if role == "id"]
    whole = [n for n in ids if not table[n].null_count() and table[n].n_unique() == len(table)]
    if wishes.key or not whole:
        return
    named = [name for name in whole if re.search(KEYS, name)]
    best = (named or whole)[0]
    notes.say(
        f"{best}: key", "no two rows share a value", "--id COLUMN, or its role in contract.yaml"
    )
    roles[best] = "key"


def _pick_group(table: pl.DataFrame, roles: dict[str, Role], wishes: Wishes, notes: Notes) -> None:
    """An identifier of a person or thing with several rows: all of them train, or all judge."""
    if wishes.group:
        return
    ids = [name for name, role in roles.items() if role == "id" and not table[name].null_count()]
    repeated = [n for n in ids if table[n].n_unique() < 0.7 * len(table)]
    named = [name for name in repeated if re.search(ENTITY, name, re.IGNORECASE)]
    if not named:
        return
    roles[named[0]] = "group"
    notes.say(
        f"{named[0]}: group, not an input",
        "its rows belong together, so they never both train and judge where there is no time",
        "--group COLUMN, or its role in contract.yaml",
    )
