"""What a batch is compared with: shares and quantiles of accepted rows, and never a row itself."""

from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from ..contract import Column
from ..errors import Status, Stop
from ..mistakes import explain
from ..settings import _Section
from .dependence import Dependence

REFERENCE = "reference.json"
LEVELS = (0.0, 0.001, 0.005, 0.01, *(n / 40 for n in range(1, 40)), 0.99, 0.995, 0.999, 1.0)


class ColumnReference(_Section):
    """One column: numbers by quantiles and frequent values, words by frequencies and forms."""

    arrives: str = ""
    rows: int = 0
    rho: float = 0.0
    nulls: float = 0.0
    distinct: int = 0
    quantiles: list[float] = []
    atoms: dict[str, float] = {}
    decimals: list[float] = []
    levels: dict[str, float] = {}
    unseen: float = 0.0
    forms: dict[str, float] = {}
    shapes: dict[str, float] = {}


class Reference(_Section):
    """Accepted rows, as far as a comparison needs them."""

    rows: int
    columns: dict[str, ColumnReference]
    dependence: Dependence = Dependence()
    leaks: list[str] = []
    copied: float = 0.0
    block: float = 0.0
    weekdays: list[float] = []
    rows_a_day: float = 0.0
    inferred: dict[str, Any] = {}
    polars: str = ""
    hashes: list[int] = []


def kind_of(dtype: pl.DataType) -> str:
    """How a column arrives: as text, number, boolean or time."""
    if dtype == pl.Boolean:
        return "boolean"
    return "number" if dtype.is_numeric() else "time" if dtype.is_temporal() else "text"


def is_number(column: Column) -> bool:
    """Whether a column is compared by quantiles of its values."""
    return column.type in ("integer", "number", "date", "datetime") and column.role in (
        "number",
        "other",
        "target",
    )


def is_words(column: Column) -> bool:
    """Whether values are many and free, so that their form is compared and not their frequency."""
    return column.role in ("key", "id", "group", "text") or (
        column.role == "other" and column.type == "text"
    )


def write_reference(path: Path, reference: Reference) -> None:
    """As JSON, one line a column would be too long: compact."""
    path.write_text(reference.model_dump_json(exclude_defaults=True) + "\n", encoding="utf-8")


def read_reference(path: Path) -> Reference:
    """What `write_reference` wrote, or a stop that names what is wrong in it."""
    try:
        return Reference.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise Stop(Status.SETTINGS, explain(error, Reference, path.name)) from error
