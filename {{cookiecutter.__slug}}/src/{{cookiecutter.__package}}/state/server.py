"""The state where MLFLOW_TRACKING_URI names a server: the same value, read from and put into it."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ..errors import Stop
from ..store.backend import has_store
from ..store.tracking import Registry
from .ledger import Ledger
from .value import Published, Running, State

ENVIRONMENTS = "ml.environments"


def note_environments(registry: Registry, state: State) -> None:
    """Keep what runs where beside the model."""
    if state.environments:
        facts = {name: asdict(one) for name, one in state.environments.items()}
        registry.note(ENVIRONMENTS, json.dumps(facts))


def known(root: Path, name: str) -> State:
    """What MLflow knows, here or on its server; on a fresh clone, what the ledger tells."""
    if not has_store(root):
        with suppress(Stop):  # no git, or no remote: nobody has told anything
            return Ledger(root, name).read()
    return Server(Registry(root, name)).read()


class Server:
    """An MLflow server as the keeper of the state. It has no compare-and-swap: one door writes."""

    def __init__(self, registry: Registry) -> None:
        """Keep the door to MLflow."""
        self.registry = registry

    def read(self) -> State:
        """Versions, aliases and what runs where; decisions are the server's own runs."""
        environments = json.loads(self.registry.noted(ENVIRONMENTS) or "{}")
        return State(
            tuple(Published(version, "", "") for version in self.registry.versions()),
            aliases=self.registry.aliases(),
            environments={name: Running(**one) for name, one in environments.items()},
        )

    def swap(self, change: Callable[[State], State], why: str) -> State:  # noqa: ARG002 - a ledger's
        """Put what `change` makes of the state into the server; the aliases last."""
        before = self.read()
        after = change(before)
        for old, new in zip(before.known, after.known, strict=True):
            if old != new:
                self.registry.mark(new)
        if after.environments != before.environments:
            note_environments(self.registry, after)
        if after.aliases != before.aliases:
            self.registry.move(after.aliases)
        return after
