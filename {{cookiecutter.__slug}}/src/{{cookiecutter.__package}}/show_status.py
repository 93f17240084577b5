"""`ml status`: who is in charge, in a terminal or on one page without a server."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.markup import escape as marked
from rich.table import Table

from . import show
from .monitor.policy import WORDS
from .project import Project
from .state.server import known
from .state.sync import decided
from .state.value import State
from .store.backend import has_store
from .store.loads import Load, loads
from .store.tracking import Registry
from .store.versions import Version

EVERY = 5.0  # seconds


@dataclass(frozen=True)
class Found:
    """Everything that is known here: state, data versions, and what monitoring saw last."""

    project: Project
    state: State
    data: Sequence[Load]
    seen: dict[str, Any] | None

    def told(self) -> dict[str, Any]:
        """As `--json` prints it."""
        state = self.state
        facts = {"aliases": state.aliases, "versions": state.known, "data": self.data}
        name = self.project.settings.name
        return {"name": name, **facts, "environments": state.environments, "monitor": self.seen}


def look(project: Project) -> Found:
    """Read it all; nothing is made."""
    name = project.settings.name
    state = known(project.root, name)
    if not state.decisions and has_store(project.root):
        history = Registry(project.root, name).history()
        state = replace(state, decisions=tuple(map(decided, history)))
    return Found(project, state, loads(project.root), _seen(project, state))


def _seen(project: Project, state: State) -> dict[str, Any] | None:
    """What monitoring saw last; none if there is another champion, or a newer verdict, since."""
    path = project.root / "reports" / "monitor" / "seen.json"
    if not path.is_file():
        return None
    seen = {"then": "nothing", **json.loads(path.read_text(encoding="utf-8"))}
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    answered = any(datetime.fromisoformat(one.when) > at for one in state.decisions)
    return None if answered or seen.get("version") != state.aliases.champion else seen


def follow(project: Project) -> None:
    """Show it again and again, until somebody stops it."""
    with Live(console=show.out, auto_refresh=False) as live:
        try:
            while True:
                now = f"[dim]{datetime.now(UTC):%H:%M:%S} UTC, every {EVERY:g} s; Ctrl-C ends[/]"
                live.update(Group(table(look(project)), "", now), refresh=True)
                time.sleep(EVERY)
        except KeyboardInterrupt:
            return


def table(found: Found) -> Group:
    """All tables, one below the other."""
    state = found.state
    if not state.known:
        return Group(f"{found.project.settings.name}: no version yet.")
    parts: list[Any] = [_versions(found)]
    if state.environments:
        parts += ["", _environments(found)]
    if found.data:
        parts += ["", _data(found)]
    if found.seen:
        style = "bold" if found.seen["then"] == "nothing" else "bold red"
        word = WORDS[found.seen["then"]]
        parts += ["", f"monitor: [{style}]{word}[/]: {marked(found.seen['reason'])}"]
    return Group(*parts)


def next_command(found: Found) -> str:
    """What to type now."""
    if not found.state.known or (found.seen and found.seen["due"]):
        return "ml train"
    return "ml monitor" if found.state.champion else "ml promote"


def _plain(*columns: str) -> Table:
    return Table(*columns, box=None, header_style="bold")


def _versions(found: Found) -> Table:
    """All versions, newest first, with their aliases and verdicts."""
    made = _plain("version", "is", "verdict", "score", "data", "digest")
    for version in reversed(found.state.known):
        verdict = version.judgement.verdict
        made.add_row(
            f"v{version.number}",
            roles(found.state, version),
            f"[{show.STYLES[verdict]}]{verdict}[/]",
            score_text(version.judgement.value),
            version.data_id[:8],
            version.digest[:12],
        )
    return made


def roles(state: State, version: Version) -> str:
    """Which aliases a version holds, in words."""
    held = [alias for alias, number in asdict(state.aliases).items() if number == version.number]
    return ", ".join(held) + (" (rolled back)" if version.rolled_back else "")


def score_text(value: float | None) -> str:
    """Four digits; nothing where there is no score."""
    return "" if value is None else f"{value:.4f}"


def _environments(found: Found) -> Table:
    """What runs where."""
    made = _plain("environment", "version", "since", "image")
    for name, one in sorted(found.state.environments.items()):
        made.add_row(marked(name), f"v{one.version}", one.since[:16], marked(one.image))
    return made


def _data(found: Found) -> Table:
    """The data versions that are kept here, newest first, and who learnt from them."""
    made = _plain("data", "rows", "from", "to", "source", "made")
    for load in reversed(found.data):
        learnt = ", ".join(f"v{one.number}" for one in found.state.known if one.data_id == load.id)
        ends = (load.first or "")[:10], (load.last or "")[:10]
        made.add_row(load.id[:8], f"{load.rows:,}", *ends, marked(load.source), learnt)
    return made
