"""What kind of answer the target is, and whether it teaches anything."""

import polars as pl

from ..checks.numbers import share
from ..contract import Column, Contract
from ..errors import Status, Stop
from ..settings import Task
from .choice import Notes, Wishes
from .facts import Facts

MOST_CLASSES = 50
MOST_STEPS = 20
FEWEST_OF_A_CLASS = 5
RARE = 0.02
FEWEST_MOMENTS = 60


def check_answers(values: pl.Series, target: str) -> None:
    """Refuse a target without two values."""
    there = values.drop_nulls()
    if not len(there):
        raise Stop(Status.DATA, f"The target {target!r} is empty: choose another column.")
    if there.n_unique() < 2:
        raise Stop(
            Status.DATA,
            f"The target {target!r} has one value only: there is nothing to learn.",
        )


def find_task(facts: Facts, column: Column, wishes: Wishes, notes: Notes) -> Task:
    """Binary, multiclass or regression.

    Raises:
        Stop: a target that is no answer, or one that the wished task cannot learn.
    """
    target, entry = wishes.target, "--task, or task in settings.toml"
    if column.type in ("date", "datetime"):
        raise Stop(
            Status.DATA, f"The target {target!r} is a date: predict a number of days instead."
        )
    task = wishes.task or _likely(facts, column, target, notes, entry)
    if task == "regression" and column.type not in ("integer", "number"):
        raise Stop(Status.DATA, f"The target {target!r} holds text: regression needs numbers.")
    if task == "regression":
        return task
    if column.type == "number":
        raise Stop(
            Status.DATA, f"The target {target!r} holds fractions: classes need words or integers."
        )
    distinct = facts.distinct - bool(facts.nulls)
    if task == "binary" and distinct != 2:
        raise Stop(Status.DATA, f"The target {target!r} has {distinct} values: binary needs two.")
    _check_classes(facts, target)
    return task


def _likely(facts: Facts, column: Column, target: str, notes: Notes, entry: str) -> Task:
    distinct = facts.distinct - bool(facts.nulls)
    if column.type == "number":
        notes.say("task: regression", f"{target} is a number with fractions", entry)
        return "regression"
    if distinct == 2:
        notes.say("task: binary", f"{target} has two values", entry)
        return "binary"
    if column.type == "integer" and distinct > MOST_STEPS:
        notes.say("task: regression", f"{target} has {distinct} whole numbers", entry)
        return "regression"
    if column.type == "integer":
        why = (
            f"{target} has {distinct} whole numbers: if their order matters, say --task regression"
        )
        notes.say("task: multiclass", why, entry)
    else:
        notes.say("task: multiclass", f"{target} has {distinct} values", entry)
    return "multiclass"


def _check_classes(facts: Facts, target: str) -> None:
    distinct = facts.distinct - bool(facts.nulls)
    if distinct > MOST_CLASSES:
        raise Stop(
            Status.DATA,
            f"The target {target!r} has {distinct} classes, more than {MOST_CLASSES}: join some.",
        )
    rare = [word for word, count in facts.levels.items() if count < FEWEST_OF_A_CLASS]
    if rare:
        few = ", ".join(repr(word) for word in rare[:3])
        raise Stop(
            Status.DATA,
            f"The target {target!r} has fewer than {FEWEST_OF_A_CLASS} rows of {few}: "
            "give more of them, join classes, or leave these rows out.",
        )


def is_rare(answers: pl.Series) -> bool:
    """Whether so few rows have the second class that AUC would hide what matters."""
    there = answers.drop_nulls()
    return share(there == there.max()) < RARE


def is_panel(rows: pl.DataFrame, contract: Contract) -> bool:
    """Whether each owner has one row a moment, and there are many moments: a forecast."""
    clock, owner = contract.time_column, contract.group_column
    if clock is None or rows[clock].n_unique() < FEWEST_MOMENTS:
        return False
    names = [clock, *([owner] if owner else [])]
    return not rows.select(names).is_duplicated().any()
