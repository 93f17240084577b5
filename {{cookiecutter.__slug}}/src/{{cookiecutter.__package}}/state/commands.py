"""What `ml state` does: each command takes the project's folder and its arguments, and tells facts.

Without MLFLOW_TRACKING_URI the keeper of the state is the ledger, else the server.
"""

import os
import tempfile
import tomllib
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Status, Stop
from ..store import oci
from ..store.bundle import verify
from ..store.moves import back
from ..store.versions import Version
from . import value
from .ledger import Ledger
from .text import LAYOUT, read_outcome
from .value import State

if TYPE_CHECKING:
    from .server import Server

Facts = dict[str, object]
Move = Callable[[State, str], State]
SERVER = "MLFLOW_TRACKING_URI"


def _name(root: Path) -> str:
    return tomllib.loads((root / "settings.toml").read_text(encoding="utf-8"))["name"]


def keeper(root: Path) -> "Ledger | Server":
    """Who holds the state; the door to a server is opened only where there is one."""
    name = _name(root)
    if not os.environ.get(SERVER):
        return Ledger(root, name)
    from ..store.tracking import Registry
    from .server import Server

    return Server(Registry(root, name))


def pull(root: Path, _: Namespace) -> Facts:
    """Bring the ledger's versions, decisions and aliases into the MLflow of this machine."""
    store = keeper(root)
    if not isinstance(store, Ledger):  # the server is the truth: nothing is to be brought anywhere
        return _counted(store.read())
    from ..store.tracking import Registry
    from . import sync

    return _counted(sync.pull(store, Registry(root, store.name)))


def push(root: Path, _: Namespace) -> Facts:
    """Put what is new here into the ledger, bundles first, and the champion by the gate's rule."""
    store = keeper(root)
    if not isinstance(store, Ledger):
        return _counted(store.read())
    from ..store.tracking import Registry
    from . import sync

    with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
        return _counted(sync.push(store, Registry(root, store.name), Path(scratch)))


def _counted(state: State) -> Facts:
    return {"champion": state.aliases.champion, "versions": len(state.versions)}


def export(root: Path, asked: Namespace) -> Facts:
    """Write all that MLflow holds, here or on its server, as a NAME.tar or a folder.

    Its digest follows from what is in it: two stores that hold the same tell the same.
    """
    from ..carry.commands import write

    return write(root, _name(root), asked.file, from_ledger=asked.ledger)


def import_(root: Path, asked: Namespace) -> Facts:
    """Take in what `export` has written; what is known already stays as it is.

    Every byte is checked first; who is what comes last. The same again completes what a crash left.
    """
    from ..carry.commands import take

    return take(root, _name(root), asked.file, asked.digest, into_ledger=asked.ledger)


def record(root: Path, asked: Namespace) -> Facts:
    """Push a packed bundle, whose digest has to be the one that is named, and write the decision.

    A server has both already: `ml train` wrote there.
    """
    decided, published = read_outcome(asked.folder)
    decided, store = replace(decided, run=asked.run), keeper(root)
    why = f"{decided.judgement.verdict}: {decided.reason}"[:200]
    if published is None:
        if isinstance(store, Ledger):
            store.swap(lambda state: value.record(state, decided, None), why)
        return {"digest": "", "number": 0, "image": ""}
    layout = asked.folder / LAYOUT
    found, content = oci.bundle_digest(layout)
    if found != asked.bundle or content != published.version.digest:
        raise Stop(Status.EVIDENCE, f"The bundle is {found}, not {asked.bundle}; refused.")
    if not isinstance(store, Ledger):
        return _told(store.read().get(content).version)
    source = oci.SCHEME + oci.push(layout, asked.repository.lower())
    sent = replace(published, version=replace(published.version, source=source))
    return _told(
        store.swap(lambda state: value.record(state, decided, sent), why).get(content).version
    )


def unpack(_: Path, asked: Namespace) -> Facts:
    """Write the bundle of a packed decision as a folder, every byte of it checked."""
    oci.unpack(asked.folder / LAYOUT, asked.target)
    return {"digest": verify(asked.target)}


def image(root: Path, asked: Namespace) -> Facts:
    """Remember the image of a version, by digest."""
    state = keeper(root).swap(
        lambda s: value.with_image(s, asked.version, asked.image), f"image of {asked.version[:12]}"
    )
    return _told(state.get(asked.version).version)


def check(root: Path, asked: Namespace) -> Facts:
    """Stop unless the version may become champion now."""
    state = keeper(root).read()
    value.promote(state, asked.version)
    return _told(state.get(asked.version).version)


def promote(root: Path, asked: Namespace) -> Facts:
    """Make a version champion, after it runs where it has to; decided on the newest state."""
    return _moved(root, asked, value.promote, "promote")


def rollback(root: Path, asked: Namespace) -> Facts:
    """Make a version champion again; the one in charge is not to come back."""
    return _moved(root, asked, value.roll_back, "roll back to")


def deployed(root: Path, asked: Namespace) -> Facts:
    """Say that environments run a version; the champion stays who it is."""
    return _moved(root, asked, lambda state, _: state, "deploy")


def target(root: Path, asked: Namespace) -> Facts:
    """The version that a rollback would go to, and its image; nothing is changed."""
    state = keeper(root).read()
    number = None if asked.to == "previous" else _number(asked.to)
    version, _ = back(state.known, state.aliases, number)
    if not version.image:
        hint = "choose a version that ran (`ml state show` lists images)"
        raise Stop(Status.REJECTED, f"v{version.number} has no image to deploy: {hint}.")
    return _told(version)


def running(root: Path, asked: Namespace) -> Facts:
    """What an environment runs, as the state tells it; empty where nothing was deployed yet."""
    there = keeper(root).read().environments.get(asked.environment)
    return {"image": there.image, "number": there.version} if there else {"image": "", "number": 0}


def show(root: Path, _: Namespace) -> Facts:
    """All of it."""
    return asdict(keeper(root).read())


def _moved(root: Path, asked: Namespace, move: Move, why: str) -> Facts:
    now = datetime.now(UTC).isoformat(timespec="seconds")

    def change(state: State) -> State:
        after = move(state, asked.version)
        for environment in asked.deployed.split():
            after = value.deployed(after, environment, asked.version, now)
        return after

    state = keeper(root).swap(change, f"{why} {asked.version[:12]}")
    return _told(state.get(asked.version).version)


def _number(text: str) -> int:
    if not text.removeprefix("v").isdigit():
        raise Stop(Status.SETTINGS, f"{text!r} is no version: say previous, or a number.")
    return int(text.removeprefix("v"))


def _told(version: Version) -> Facts:
    return {"digest": version.digest, "number": version.number, "image": version.image}
