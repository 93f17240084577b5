"""What the user decided, and what the pipeline needs to know of where it runs."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checks.reference import REFERENCE, Reference, read_reference
from .contract import Contract, read_contract
from .errors import Status, Stop
from .settings import Settings, read_settings
from .store.encode import Input, Kind
from .store.journal import finish

if TYPE_CHECKING:
    from .store.tracking import Registry

PARAMETERS = "params.json"
Progress = Callable[[str], AbstractContextManager]


@dataclass(frozen=True)
class Project:
    """settings.toml and contract.yaml of one folder.

    `table` is where the rows are until `ml adopt` has copied them to the source of the settings.
    """

    root: Path
    settings: Settings
    contract: Contract
    reference: Reference | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    table: Path | None = None

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The model's columns, in the contract's order."""
        return tuple(self._input(name) for name in self.contract.inputs)

    def _input(self, name: str) -> Input:
        """What fails in a batch is refused in a request; what may happen there may happen here."""
        column, rules = self.contract.columns[name], ("nulls", "range", "values", "shape", "type")
        fails = [rule for rule in rules if self.contract.severity_of(rule, name) == "fail"]
        closed = "values" in fails and column.values is not None and not column.unseen_max
        return Input(
            name,
            self._kind(name),
            nullable=bool(column.nulls) or "nulls" not in fails,
            range=column.range if "range" in fails else None,
            values=tuple(column.values or ()) if closed else None,
            integer="type" in fails and column.role == "number" and column.type == "integer",
            shape=column.shape if "shape" in fails and column.type == "text" else None,
        )

    def place(self, told: str) -> str:
        """A folder of the project by its path, or a URL as it is; nothing stays nothing."""
        return told if not told or "://" in told else str(self.root / told)

    @property
    def order(self) -> tuple[tuple[str, str], ...]:
        """Pairs of inputs of which the first is never later or larger."""
        inputs, fails = self.contract.inputs, self.contract.severity_of
        return tuple(
            (first, then)
            for first, then in self.contract.order
            if first in inputs and then in inputs and fails("order", first) == "fail"
        )

    def _kind(self, name: str) -> Kind:
        column = self.contract.columns[name]
        if column.role == "text":
            return "text"
        if column.type in ("date", "datetime"):
            return column.type
        return "number" if column.role == "number" else "category"


def read_project(root: Path) -> Project:
    """Read and check both files, after completing a change of them that was interrupted."""
    finish(root)
    contract = read_contract(root / "contract.yaml")
    return Project(root, read_settings(root), contract, parameters=read_parameters(root))


def read_parameters(root: Path) -> dict[str, Any]:
    """What the last `ml train --tune` found; nothing where there was none.

    Raises:
        Stop: the file is no JSON object.
    """
    try:
        found = json.loads((root / PARAMETERS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise Stop(Status.SETTINGS, f"{PARAMETERS} is no JSON: {error}.") from error
    if not isinstance(found, dict):
        raise Stop(Status.SETTINGS, f"{PARAMETERS} holds no parameters by name.")
    return found


def find_reference(project: Project, registry: "Registry | None") -> Reference | None:
    """What fresh rows are compared with: the champion's own rows, else those that were adopted."""
    if project.reference is not None:
        return project.reference
    version = registry.champion() if registry else None
    folder = project.root
    if registry and version:
        with suppress(Stop):  # a champion that cannot be fetched is the gate's concern
            folder = registry.fetch(version)
    path = folder / REFERENCE
    return read_reference(path) if path.is_file() else None
