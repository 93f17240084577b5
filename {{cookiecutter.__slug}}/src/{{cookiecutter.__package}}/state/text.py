"""The state and a decision as JSON: written, and read again."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import Status, Stop
from ..store.versions import Aliases, Judgement, Version
from .value import Decided, Published, Running, State

SCHEMA = 2  # 2: what the champion scored on the rows of a decision
OUTCOME, LAYOUT = "outcome.json", "bundle"


def to_text(state: State) -> str:
    """JSON, a line for each version and decision, so that a diff of the branch can be read."""
    parts = {
        "schema": SCHEMA,
        "aliases": asdict(state.aliases),
        "environments": {name: asdict(one) for name, one in sorted(state.environments.items())},
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in parts.items()]
    for key, values in (("versions", state.versions), ("decisions", state.decisions)):
        rows = ",\n".join(f"  {json.dumps(asdict(one), ensure_ascii=False)}" for one in values)
        lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_text(text: str) -> State:
    """The state that `to_text` wrote.

    Raises:
        Stop: it is of a newer schema, or nothing that this project wrote.
    """
    try:
        found = json.loads(text)
        if found["schema"] > SCHEMA:
            newer = f"The state has schema {found['schema']}, this project knows {SCHEMA}: update."
            raise Stop(Status.SETTINGS, newer)
        return State(
            tuple(_published(one) for one in found["versions"]),
            tuple(_decided(one) for one in found["decisions"]),
            Aliases(**found["aliases"]),
            {name: Running(**one) for name, one in found["environments"].items()},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Stop(
            Status.EVIDENCE, f"state.json is not what `ml state` writes: {error!r}"
        ) from error


def read_outcome(folder: Path) -> tuple[Decided, Published | None]:
    """A decision and its version, as `ml train --pack` wrote them."""
    try:
        facts = json.loads((folder / OUTCOME).read_text(encoding="utf-8"))
        published = facts["published"]
        return _decided(facts["decided"]), _published(published) if published else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{folder}: no outcome that `ml train --pack` has written ({error!r})."
        raise Stop(Status.EVIDENCE, message) from error


def _published(facts: dict[str, Any]) -> Published:
    version = facts["version"]
    known: dict[str, Any] = {**version, "judgement": Judgement(**version["judgement"])}
    return Published(Version(**known), facts["made"], facts["commit"])


def _decided(facts: dict[str, Any]) -> Decided:
    gaps = {rival: (float(delta), float(error)) for rival, (delta, error) in facts["gaps"].items()}
    known: dict[str, Any] = {**facts, "judgement": Judgement(**facts["judgement"]), "gaps": gaps}
    return Decided(**known)
