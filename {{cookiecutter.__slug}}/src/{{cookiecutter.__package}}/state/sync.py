"""Between the ledger and the MLflow of this machine, and decisions as files for other jobs."""

import json
from dataclasses import asdict, replace
from datetime import UTC
from pathlib import Path

from ..errors import Status, Stop
from ..store import oci
from ..store.lock import writing
from ..store.moves import find
from ..store.tracking import Registry
from ..store.versions import Aliases, Past, Version
from . import value
from .ledger import Ledger
from .server import note_environments
from .text import LAYOUT, OUTCOME
from .value import Decided, Published, State


def pull(ledger: Ledger, registry: Registry) -> State:
    """Bring versions, decisions and aliases into MLflow; bundles come when they are asked for."""
    state = ledger.read()
    with writing(registry.root):
        registry.recover()
        registry.take(state.known, [value.past(one) for one in state.decisions])
        numbers = {version.digest: version.number for version in registry.versions()}
        aliases = {
            alias: numbers[find(state.known, number).digest] if number else None
            for alias, number in asdict(state.aliases).items()
        }
        target = Aliases(**aliases)
        if target.champion and target != registry.aliases():
            registry.move(target)
        _take_changes(state, registry)
        note_environments(registry, state)
    return state


def _take_changes(state: State, registry: Registry) -> None:
    """What was judged again, built or rolled back elsewhere is so here."""
    here = {version.digest: version for version in registry.versions()}
    for version in state.known:
        mine = here[version.digest]
        told = (version.judgement, version.rolled_back, version.image)
        if told != (mine.judgement, mine.rolled_back, mine.image):
            judgement, back, image = told
            registry.mark(replace(mine, judgement=judgement, rolled_back=back, image=image))


def push(ledger: Ledger, registry: Registry, folder: Path) -> State:
    """Put what is new here into the ledger, blobs first; then the champion, by the rule."""
    state, repository = ledger.read(), ledger.repository()
    known = {one.id for one in state.decisions}
    for number, past in enumerate(p for p in registry.history() if p.run_id not in known):
        place = folder / str(number)
        made, published = pack(registry, past, place)
        if published:
            source = oci.SCHEME + oci.push(place / LAYOUT, repository)
            published = replace(published, version=replace(published.version, source=source))
        state = ledger.swap(
            lambda fresh, d=made, p=published: value.record(fresh, d, p),
            f"{made.judgement.verdict} {made.reason}"[:200],
        )
    champion, theirs = registry.champion(), state.champion
    if champion is None or (theirs and theirs.version.digest == champion.digest):
        return state
    taken = {version.digest for version in registry.versions() if version.rolled_back}
    back = theirs is not None and theirs.version.digest in taken
    move, why = (value.roll_back, "roll back to") if back else (value.promote, "promote")
    return ledger.swap(lambda fresh: move(fresh, champion.digest), f"{why} {champion.digest[:12]}")


def pack(registry: Registry, past: Past, folder: Path) -> tuple[Decided, Published | None]:
    """Write a decision, and the bundle that it was about, as files that need no library."""
    version = next((v for v in registry.versions() if v.digest == past.about), None)
    made, published = decided(past), None
    folder.mkdir(parents=True, exist_ok=True)
    kept = version or registry.champion()  # where nothing was kept, the one that stays in charge
    if kept:
        bundle = registry.fetch(kept)
        oci.pack(bundle, folder / LAYOUT)
    if version:
        facts = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
        plain = replace(version, number=0, source="", run_id="", image="", rolled_back=False)
        published = Published(plain, facts["created"], facts["git_commit"] or "")
    told = {"decided": asdict(made), "published": asdict(published) if published else None}
    text = json.dumps(told, indent=1, ensure_ascii=False)
    (folder / OUTCOME).write_text(text + "\n", encoding="utf-8")
    return made, published


def decision_on(registry: Registry, version: Version | None) -> Past:
    """The newest decision on this version; on whatever was not kept where there is none."""
    about = version.digest if version else ""
    found = [one for one in registry.history() if one.about == about]
    if not found:
        raise Stop(Status.REJECTED, "No decision yet: run `ml train`.")
    return found[-1]


def decided(past: Past) -> Decided:
    """A decision as the ledger keeps it."""
    return Decided(
        id=past.run_id,
        when=past.when.astimezone(UTC).isoformat(timespec="seconds"),
        judgement=past.judgement,
        metric=past.metric,
        reason=past.reason,
        run="",
        identity=past.identity,
        holdout=past.holdout,
        inputs=past.inputs,
        gaps=past.gaps,
        about=past.about,
        stood=past.stood,
    )
