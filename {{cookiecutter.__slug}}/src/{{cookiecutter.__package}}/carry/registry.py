"""Between an export and MLflow, here or on a server."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import Status, Stop
from ..state.server import ENVIRONMENTS, note_environments
from ..state.value import Published, Running, State
from ..store import bundle, whole
from ..store.lock import writing
from ..store.runs import PARENT
from ..store.tracking import Registry
from ..store.versions import ORIGIN, Version, version_tags
from .folder import Blobs
from .run import Run
from .told import (
    BUNDLE,
    MANIFEST,
    Carried,
    aliases_by,
    decision,
    environments_by,
    plain,
    refuse_other,
)

PAGE = 500


def read(registry: Registry, blobs: Blobs) -> Carried:
    """Everything: pointers first and runs last, so that whatever is named is there."""
    with writing(registry.root):
        aliases = registry.recover()
        noted = json.loads(registry.noted(ENVIRONMENTS) or "{}")
        versions = registry.versions()
        runs = _held(registry, versions, _runs(registry, blobs), blobs)
    numbers = {version.digest: version.number for version in versions}
    made = [decision(run, numbers) for run in runs]
    state = State(
        tuple(_published(version, blobs) for version in versions),
        tuple(one for one in made if one),
        aliases,
        {name: Running(**one) for name, one in noted.items()},
    )
    return Carried(state, runs)


def _runs(registry: Registry, blobs: Blobs) -> tuple[Run, ...]:
    found = []
    with registry.door() as client:
        experiment = client.get_experiment_by_name(registry.name)
        runs = _every(client, experiment.experiment_id) if experiment else []
        origins = {run.info.run_id: _origin(run) for run in runs}
        for run in runs:
            with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
                if client.list_artifacts(run.info.run_id):
                    client.download_artifacts(run.info.run_id, "", scratch)
                files = blobs.keep(Path(scratch))
            found.append(Run(**whole.read(client, run, origins), files=files))
    return tuple(found)


def _every(client: Any, experiment: str) -> list[Any]:
    """All runs as MLflow has them, oldest first, a parent before its children."""
    found = client.search_runs([experiment], max_results=PAGE)
    runs = list(found)
    while found.token:
        found = client.search_runs([experiment], max_results=PAGE, page_token=found.token)
        runs += found
    return sorted(runs, key=lambda r: (r.info.start_time, PARENT in r.data.tags, _origin(r)))


def _origin(run: Any) -> str:
    """Where MLflow's run was first made."""
    return run.data.tags.get(ORIGIN, run.info.run_id)


def _is_whole(run: Any) -> bool:
    """Whether it was made here, or came here to its end."""
    return ORIGIN not in run.data.tags or whole.WHOLE in run.data.tags


def _held(
    registry: Registry, versions: list[Version], runs: tuple[Run, ...], blobs: Blobs
) -> tuple[Run, ...]:
    """The runs, where bundles that lie elsewhere are with the first decision about them."""
    held = {run.files.get(MANIFEST) for run in runs}
    for version in versions:
        if version.digest not in held:
            files = blobs.keep(registry.fetch(version), BUNDLE)
            first = next((r.id for r in runs if r.tags.get("about") == version.digest), None)
            if first is None:
                told = f"v{version.number} has no run and no decision: it cannot be exported."
                raise Stop(Status.EVIDENCE, told)
            runs = tuple(
                replace(run, files={**run.files, **files}) if run.id == first else run
                for run in runs
            )
    return runs


def _published(version: Version, blobs: Blobs) -> Published:
    facts = json.loads((blobs.folder / version.digest).read_text(encoding="utf-8"))
    return Published(plain(version), facts.get("created", ""), facts.get("git_commit") or "")


def take(registry: Registry, carried: Carried, blobs: Blobs) -> dict[str, int]:
    """Make what is not there yet: runs with their files, then versions, and who is what last.

    Whatever was interrupted is completed by the same command again.
    """
    told = carried.state
    with writing(registry.root):
        registry.recover()
        refuse_other(registry.champion(), told)
        ids, new = _take_runs(registry, carried, blobs)
        added = _take_versions(registry, carried, ids)
        if registry.champion() is None and told.champion:
            numbers = {version.digest: version.number for version in registry.versions()}
            note_environments(registry, environments_by(told, numbers))
            registry.move(aliases_by(told, numbers))
    return {"new_versions": added, "new_runs": new}


def _take_runs(registry: Registry, carried: Carried, blobs: Blobs) -> tuple[Mapping[str, str], int]:
    """MLflow's ids of all runs by where they were first made, and how many are new."""
    with registry.door() as client:
        experiment = registry.experiment(client)
        there: dict[str, Any] = {_origin(run): run for run in _every(client, experiment)}
        ids, new = {origin: run.info.run_id for origin, run in there.items()}, 0
        for run in carried.runs:
            known = there.get(run.id)
            if known is not None and _is_whole(known):
                continue
            with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
                files = blobs.lay_out(run.files, Path(scratch))
                parent = ids.get(run.parent, run.parent)
                ids[run.id] = whole.make(client, experiment, run, parent, known, files)
            new += 1
    return ids, new


def _take_versions(registry: Registry, carried: Carried, ids: Mapping[str, str]) -> int:
    """Register the versions that are not there, each after its bundle was read back."""
    here = {version.digest for version in registry.versions()}
    new = [version for version in carried.state.known if version.digest not in here]
    for version in new:
        holder = carried.holder(version)
        run = ids[holder.id] if holder else ""
        with registry.door() as client, tempfile.TemporaryDirectory(prefix="ml-") as scratch:
            found = client.download_artifacts(run, BUNDLE.rstrip("/"), scratch)
            bundle.verify(Path(found), version.digest)
            source = f"{client.get_run(run).info.artifact_uri}/{BUNDLE.rstrip('/')}"
            registry.create(client, source, version_tags(version), run)
    return len(new)
