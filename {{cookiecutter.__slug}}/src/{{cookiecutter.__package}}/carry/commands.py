"""`ml state export` and `ml state import`: which store is meant, and what came of it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..errors import Status, Stop
from ..state.ledger import BRANCH, Ledger
from . import folder, ledger
from .told import Carried

SERVER = "MLFLOW_TRACKING_URI"
Facts = dict[str, object]


def write(root: Path, name: str, target: Path, *, from_ledger: bool) -> Facts:
    """Write all of a store as one file or folder; its digest follows from what is in it."""
    digest, carried = folder.write(target, name, _reader(root, name, from_ledger=from_ledger))
    return {"digest": digest, **_counted(carried)}


def _reader(root: Path, name: str, *, from_ledger: bool) -> Callable[[folder.Blobs], Carried]:
    if from_ledger:
        return partial(ledger.read, Ledger(root, name))
    from ..store.backend import DATABASE, has_store
    from ..store.tracking import Registry
    from . import registry

    if not has_store(root):
        where = f"{SERVER} names a server, --ledger the branch {BRANCH}"
        raise Stop(Status.SETTINGS, f"There is no {DATABASE} here to be exported: {where}.")
    return partial(registry.read, Registry(root, name))


def take(root: Path, name: str, source: Path, digest: str, *, into_ledger: bool) -> Facts:
    """Take in what is new; every byte is checked before anything is written."""
    if not source.exists():
        raise Stop(Status.SETTINGS, f"{source} is not there: `ml state export` writes it.")
    with folder.opened(source, name, digest or None) as (carried, blobs):
        if into_ledger:
            new = ledger.take(Ledger(root, name), carried, blobs)
        else:
            from ..store.tracking import Registry
            from . import registry

            new = registry.take(Registry(root, name), carried, blobs)
    return {**_counted(carried), **new}


def _counted(carried: Carried) -> Facts:
    state = carried.state
    told = {"versions": len(state.versions), "decisions": len(state.decisions)}
    return {"champion": state.aliases.champion or 0, **told, "runs": len(carried.runs)}
