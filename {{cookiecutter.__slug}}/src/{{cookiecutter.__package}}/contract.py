"""contract.yaml as frozen, typed values: what a valid row is."""

import re
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from .errors import Status, Stop
from .mistakes import explain
from .settings import _Section

Role = Literal[
    "key", "id", "time", "group", "number", "category", "text", "target", "constant", "other"
]
Type = Literal["integer", "number", "text", "boolean", "date", "datetime"]
Severity = Literal["fail", "warn"]
# fmt: off
Rule = Literal[
    "missing", "extra", "forbidden", "type", "nulls", "constant", "unique", "range", "values",
    "shape", "rows", "duplicates", "overlap", "stale", "future", "gaps", "order", "unit",
    "sentinel", "distribution", "precision", "correlation", "target", "leak", "personal",
    "protected",
]
WARNS: tuple[Rule, ...] = (
    "extra", "duplicates", "overlap", "gaps", "distribution", "precision", "correlation",
    "personal", "protected",
)
# fmt: on
ONCE: tuple[Role, ...] = ("key", "time", "group")
INPUTS: tuple[Role, ...] = ("number", "category", "text")


class Column(_Section):
    """The rules of one column; a rule that is not there is not checked."""

    type: Type
    role: Role = "other"
    format: str | None = None
    missing: list[str] = []
    nulls: float = Field(default=0.0, ge=0, le=1)
    unique: bool = False
    range: tuple[float, float] | None = None
    values: list[str | int | bool] | None = None
    unseen_max: float = Field(default=0.0, ge=0, le=1)
    shape: str | None = None
    sensitive: bool | None = None
    personal: bool | None = None
    severity: Severity | dict[Rule, Severity] = {}

    @model_validator(mode="after")
    def _fits(self) -> "Column":
        if self.range and self.range[0] > self.range[1]:
            raise ValueError(f"range {list(self.range)} is empty: write the smaller number first")
        if self.role in ("key", "time") and self.nulls:
            raise ValueError(f"a column with role {self.role} allows no nulls")
        wanted = {"text": str, "boolean": bool, "integer": int}.get(self.type)
        wrong = [v for v in self.values or () if wanted and type(v) is not wanted]
        if wrong:  # YAML reads NO and 1 as other than text
            raise ValueError(f"values {wrong} are not {self.type}: quote text as 'NO'")
        if self.values and wanted is None:
            raise ValueError(f"values cannot be listed for type {self.type}: use range")
        if self.personal and (self.values or self.role in (*INPUTS, "target")):
            raise ValueError(
                "a personal column lists no values and is neither input nor target: use role other"
            )
        return self

    @model_validator(mode="after")
    def _reads(self) -> "Column":
        try:
            re.compile(self.shape or "")
        except re.error as error:
            raise ValueError(f"shape {self.shape!r} is no regular expression: {error}") from error
        dated = self.type in ("date", "datetime")
        if self.format is not None and (
            self.type == "text" or dated is not self.format.startswith("%")
        ):
            raise ValueError(f"format {self.format!r} does not fit type {self.type}")
        if self.type == "boolean" and self.format is not None and self.format.count("/") != 1:
            raise ValueError(f"format {self.format!r}: write the two words as 'yes/no'")
        return self


class Rows(_Section):
    """Rules about the table as a whole."""

    min: int = Field(default=1, ge=1)


class Time(_Section):
    """Rules about the time column."""

    max_age_days: int | None = Field(default=None, ge=0)
    future: bool = False


class Contract(_Section):
    """What a valid table is. Rows that break it neither train a model nor get a prediction."""

    columns: dict[str, Column]
    rows: Rows = Rows()
    time: Time = Time()
    order: list[tuple[str, str]] = []
    forbidden: list[str] = []
    ignored: list[str] = []
    severity: dict[Rule, Severity] = {}

    @model_validator(mode="after")
    def _roles(self) -> "Contract":
        if len(self.named("target")) != 1:
            raise ValueError(f"exactly one column has role target, not {len(self.named('target'))}")
        for role in ONCE:
            if len(self.named(role)) > 1:
                raise ValueError(
                    f"at most one column has role {role}: {', '.join(self.named(role))}"
                )
        if not self.inputs:
            raise ValueError("no column has role number, category or text: a model has no input")
        return self

    @model_validator(mode="after")
    def _names(self) -> "Contract":
        unknown = {name for pair in self.order for name in pair} - set(self.columns)
        if unknown:
            raise ValueError(f"order names no such column: {', '.join(sorted(unknown))}")
        for word, names in (("forbidden", self.forbidden), ("ignored", self.ignored)):
            both = sorted(set(names) & set(self.columns))
            if both:
                raise ValueError(f"{word}, and yet a column: {', '.join(both)}; remove one of both")
        return self

    def severity_of(self, rule: Rule, column: str | None = None) -> Severity:
        """`fail` or `warn`: the column's own word, the contract's, or the rule's default."""
        entry = self.columns.get(column or "")
        own = entry.severity if entry else {}
        if isinstance(own, str):
            return own
        told = own.get(rule) or self.severity.get(rule)
        return told or ("warn" if rule in WARNS else "fail")

    def named(self, role: Role) -> list[str]:
        """Names of the columns with this role, in the contract's order."""
        return [name for name, column in self.columns.items() if column.role == role]

    @property
    def inputs(self) -> list[str]:
        """Columns that the model reads. A sensitive column is judged, never an input."""
        return [
            name
            for name, column in self.columns.items()
            if column.role in INPUTS and not column.sensitive
        ]

    @property
    def target(self) -> str:
        """The column to predict."""
        return self.named("target")[0]

    @property
    def time_column(self) -> str | None:
        """The column that says when a row was observed, if there is one."""
        return next(iter(self.named("time")), None)

    @property
    def group_column(self) -> str | None:
        """The column whose rows belong together: they never both train and judge."""
        return next(iter(self.named("group")), None)

    @property
    def key_column(self) -> str | None:
        """The column that identifies a row, if there is one."""
        return next(iter(self.named("key")), None)


def read_contract(path: Path) -> Contract:
    """Read and check a contract, or stop with every mistake in it."""
    try:
        return parse_contract(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError as error:
        hint = "`ml adopt FILE --target COLUMN` writes one; or take back the one that was committed"
        message = f"There is no {path.name}, which says what a valid row is: {hint}."
        raise Stop(Status.SETTINGS, message) from error
    except UnicodeDecodeError as error:
        raise Stop(Status.SETTINGS, f"{path.name} is not valid YAML: {error}") from error


def parse_contract(text: str, name: str) -> Contract:
    """A contract from the text of its file."""
    try:
        return Contract.model_validate(yaml.safe_load(text), strict=False)
    except yaml.YAMLError as error:
        raise Stop(Status.SETTINGS, f"{name} is not valid YAML: {error}") from error
    except ValidationError as error:
        raise Stop(Status.SETTINGS, explain(error, Contract, name)) from error
