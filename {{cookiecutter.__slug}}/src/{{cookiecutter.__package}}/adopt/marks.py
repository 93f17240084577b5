"""Protected and personal columns, by their names and by what they hold."""

import polars as pl

from ..checks.words import PERSONAL, PROTECTED, named_among, personal_pattern
from ..contract import Role
from .choice import Notes, Wishes


def marks(values: pl.Series, role: Role, wishes: Wishes, notes: Notes) -> dict[str, bool]:
    """`sensitive` and `personal`, where the column's name or values give reason to say it."""
    if role == "target":
        return {}
    return _sensitive(values.name, role, wishes, notes) | _personal(values, notes)


def _sensitive(name: str, role: Role, wishes: Wishes, notes: Notes) -> dict[str, bool]:
    setting = f"contract.yaml: columns.{name}.sensitive"
    if name in wishes.sensitive:
        why = "you said so: judged for fairness, never an input"
        notes.say(f"{name}: sensitive", why, setting)
        return {"sensitive": True}
    if role in ("number", "category") and named_among(name, PROTECTED):
        what = f"{name}: an input, though protected by its name"
        notes.say(what, "say --sensitive to keep it out", setting)
        return {"sensitive": False}
    return {}


def _personal(values: pl.Series, notes: Notes) -> dict[str, bool]:
    name, setting = values.name, f"contract.yaml: columns.{values.name}.personal"
    kind = personal_pattern(values) if values.dtype == pl.String else None
    named = named_among(name, PERSONAL)
    free = not values.dtype.is_temporal() and values.n_unique() > 0.3 * len(values)
    if kind or (free and named):
        why = f"it holds {kind}" if kind else "its name says so"
        notes.say(f"{name}: personal, so neither input nor shown", why, setting)
        return {"personal": True}
    if named:
        notes.say(f"{name}: personal by its name, yet used", "set it to true to hide it", setting)
        return {"personal": False}
    return {}
