"""contract.yaml as frozen, typed values: what a valid row is."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from .errors import Status, Stop
from .settings import _Section, explain

Role = Literal["key", "time", "number", "category", "target", "other"]
Type = Literal["integer", "number", "text", "boolean", "date", "datetime"]
Severity = Literal["fail", "warn"]


class Column(_Section):
    """The rules of one column; a rule that is not there is not checked."""

    type: Type
    role: Role = "other"
    nulls: float = Field(default=0.0, ge=0, le=1)
    unique: bool = False
    range: tuple[float, float] | None = None
    values: list[str | int | bool] | None = None
    unseen_max: float = Field(default=0.0, ge=0, le=1)
    sensitive: bool = False
    severity: Severity = "fail"

    @model_validator(mode="after")
    def _fits(self) -> "Column":
        if self.range and self.range[0] > self.range[1]:
            raise ValueError(f"range {list(self.range)} is empty: write the smaller number first")
        if self.role in ("key", "time", "target") and self.nulls:
            raise ValueError(f"a column with role {self.role} allows no nulls")
        wanted = {"text": str, "boolean": bool, "integer": int}.get(self.type)
        wrong = [v for v in self.values or () if wanted and type(v) is not wanted]
        if wrong:  # YAML reads NO and 1 as other than text
            raise ValueError(f"values {wrong} are not {self.type}: quote text as 'NO'")
        if self.values and wanted is None:
            raise ValueError(f"values cannot be listed for type {self.type}: use range")
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

    @model_validator(mode="after")
    def _roles(self) -> "Contract":
        if len(self.named("target")) != 1:
            raise ValueError(f"exactly one column has role target, not {len(self.named('target'))}")
        for role in ("key", "time"):
            if len(self.named(role)) > 1:
                raise ValueError(
                    f"at most one column has role {role}: {', '.join(self.named(role))}"
                )
        if not self.inputs:
            raise ValueError("no column has role number or category, so a model has no input")
        return self

    def named(self, role: Role) -> list[str]:
        """Names of the columns with this role, in the contract's order."""
        return [name for name, column in self.columns.items() if column.role == role]

    @property
    def inputs(self) -> list[str]:
        """Columns that the model reads. A sensitive column is judged, never an input."""
        return [
            name
            for name, column in self.columns.items()
            if column.role in ("number", "category") and not column.sensitive
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
    def key_column(self) -> str | None:
        """The column that identifies a row, if there is one."""
        return next(iter(self.named("key")), None)


def read_contract(path: Path) -> Contract:
    """Read and check a contract, or stop with every mistake in it."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Contract.model_validate(values, strict=False)
    except FileNotFoundError as error:
        raise Stop(
            Status.SETTINGS, f"There is no {path.name}: it says what a valid row is."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Stop(Status.SETTINGS, f"{path.name} is not valid YAML: {error}") from error
    except ValidationError as error:
        raise Stop(Status.SETTINGS, explain(error, Contract, path.name)) from error
