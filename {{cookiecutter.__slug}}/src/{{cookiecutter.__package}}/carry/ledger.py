"""Between an export and the ledger: state in git, bundles in a registry. Needs no library."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..state.ledger import Ledger
from ..state.text import LAYOUT
from ..state.value import Decided, State
from ..store import bundle, oci
from .folder import Blobs
from .run import Run
from .told import BUNDLE, Carried, merged, plain, refuse_other, run_of

METRICS = f"{BUNDLE}metrics.json"


def read(ledger: Ledger, blobs: Blobs) -> Carried:
    """The state, and a run for each decision; the first one about a version holds its bundle."""
    state = ledger.read()
    held = {one.digest: _bundle(one.source, one.digest, blobs) for one in state.known}
    runs = []
    for one in state.decisions:
        files = held.pop(one.about, {})
        runs.append(run_of(one, _metrics(one, files, blobs), files))
    versions = tuple(replace(one, version=plain(one.version)) for one in state.versions)
    return Carried(replace(state, versions=versions), tuple(runs))


def _bundle(source: str, digest: str, blobs: Blobs) -> Mapping[str, str]:
    with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
        oci.fetch(source, Path(scratch))
        bundle.verify(Path(scratch, "bundle"), digest)
        return blobs.keep(Path(scratch, "bundle"), BUNDLE)


def _metrics(one: Decided, files: Mapping[str, str], blobs: Blobs) -> dict[str, float]:
    """All that the bundle knows; of what was not kept, the one that the gate looked at."""
    if METRICS in files:
        return json.loads((blobs.folder / files[METRICS]).read_text(encoding="utf-8"))
    value = one.judgement.value
    return {one.metric: value} if one.metric and value is not None else {}


def take(ledger: Ledger, carried: Carried, blobs: Blobs) -> dict[str, int]:
    """Push the bundles that are not there yet, then write all the rest in one commit."""
    told, before = carried.state, ledger.read()
    refuse_other(before.champion.version if before.champion else None, told)
    new = [one for one in told.known if before.find(one.digest) is None]
    sources = {}
    for version in new:
        holder = carried.holder(version)
        sources[version.digest] = _push(ledger, holder, version.digest, blobs)
    after = ledger.swap(lambda fresh: merged(fresh, told, sources), f"import {len(new)} versions")
    decided = len(after.decisions) - len(before.decisions)
    return {"new_versions": len(new), "new_runs": decided, "left_runs": _left(carried, told)}


def _push(ledger: Ledger, holder: Run | None, digest: str, blobs: Blobs) -> str:
    with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
        folder = blobs.lay_out(holder.files if holder else {}, Path(scratch, "files"), BUNDLE)
        bundle.verify(folder, digest)
        oci.pack(folder, Path(scratch, LAYOUT))
        return oci.SCHEME + oci.push(Path(scratch, LAYOUT), ledger.repository())


def _left(carried: Carried, told: State) -> int:
    """Runs that are no decision, such as a search's: the ledger has no place for them."""
    return len(carried.runs) - len(told.decisions)
