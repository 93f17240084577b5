"""What the user decided, and what the pipeline needs to know of where it runs."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from .contract import Contract, read_contract
from .settings import Settings, read_settings
from .store.model import Input

Progress = Callable[[str], AbstractContextManager]


@dataclass(frozen=True)
class Project:
    """settings.toml and contract.yaml of one folder."""

    root: Path
    settings: Settings
    contract: Contract

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The model's columns, in the contract's order."""
        roles = {name: self.contract.columns[name].role for name in self.contract.inputs}
        return tuple(
            Input(name, "number" if role == "number" else "category")
            for name, role in roles.items()
        )


def read_project(root: Path) -> Project:
    """Read and check both files."""
    return Project(root, read_settings(root), read_contract(root / "contract.yaml"))
