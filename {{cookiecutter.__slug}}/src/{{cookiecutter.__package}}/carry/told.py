"""What an export says, as values: the state, and every run whole. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ..errors import Status, Stop
from ..state.value import Decided, Published, State, past, worn
from ..store.versions import Aliases, Judgement, Version, past_tags
from .run import Run

ADDRESS = "ml.address"  # of the workflow's run that decided
BUNDLE = "bundle/"
MANIFEST = f"{BUNDLE}manifest.json"


@dataclass(frozen=True)
class Carried:
    """The state and all runs; a version's bundle is with the run that made it."""

    state: State
    runs: tuple[Run, ...]

    def holder(self, version: Version) -> Run | None:
        """The run that holds the version's bundle: its manifest has the version's digest."""
        return next((r for r in self.runs if r.files.get(MANIFEST) == version.digest), None)


def plain(version: Version) -> Version:
    """The version without what differs from store to store."""
    return replace(version, source="", run_id="")


def to_lines(runs: tuple[Run, ...]) -> str:
    """JSON, a line for each run."""
    return "".join(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in runs)


def from_lines(text: str) -> tuple[Run, ...]:
    """The runs that `to_lines` wrote."""
    return tuple(_run(json.loads(line)) for line in text.split("\n") if line)


def _run(facts: dict[str, Any]) -> Run:
    lists: dict[str, Any] = {
        "metrics": tuple(tuple(one) for one in facts["metrics"]),
        "datasets": tuple(facts["datasets"]),
    }
    return Run(**(facts | lists))


def decision(run: Run, numbers: Mapping[str, int]) -> Decided | None:
    """The gate's decision that the run holds, if it holds one and came to its end."""
    tags = run.tags
    if run.status != "FINISHED" or "gaps" not in tags:
        return None
    texts = ("metric", "reason", "identity", "holdout", "inputs", "about", "stood")
    known: dict[str, Any] = {name: tags.get(name, "") for name in texts}
    return Decided(
        id=run.id,
        when=datetime.fromtimestamp(run.start / 1000, UTC).isoformat(timespec="seconds"),
        judgement=Judgement(**json.loads(tags["judgement"])),
        run=tags.get(ADDRESS, ""),
        gaps={rival: tuple(gap) for rival, gap in json.loads(tags["gaps"]).items()},
        number=numbers.get(known["about"]),
        **known,
    )


def run_of(one: Decided, metrics: Mapping[str, float], files: Mapping[str, str]) -> Run:
    """A decision of the ledger as the run that it would be in MLflow."""
    made = past(one)
    when = int(made.when.timestamp() * 1000)
    tags = {**past_tags(made), **({ADDRESS: one.run} if one.run else {})}
    return Run(
        id=one.id,
        name=one.id,
        parent="",
        status="FINISHED",
        start=when,
        end=when,
        tags=dict(sorted(tags.items())),
        params={},
        metrics=tuple((key, float(value), when, 0) for key, value in sorted(metrics.items())),
        datasets=(),
        files=files,
    )


def refuse_other(champion: Version | None, told: State) -> None:
    """Stop where another version is in charge: an older export takes nothing back."""
    theirs = told.champion.version.digest if told.champion else None
    if champion and champion.digest != theirs:
        named = f"names {theirs[:12]}" if theirs else "names none"
        there = f"v{champion.number} ({champion.digest[:12]}) is champion there"
        raise Stop(Status.REJECTED, f"{there}, the export {named}: nothing was taken in.")


def aliases_by(told: State, numbers: Mapping[str, int]) -> Aliases:
    """The export's aliases, by the numbers that its versions have elsewhere."""
    digests = {one.number: one.digest for one in told.known}
    named = asdict(told.aliases).items()
    return Aliases(**{alias: numbers[digests[n]] if n else None for alias, n in named})


def environments_by(told: State, numbers: Mapping[str, int]) -> State:
    """The export's state, where environments run versions by their numbers elsewhere."""
    digests = {one.number: one.digest for one in told.known}
    found = told.environments.items()
    there = {n: replace(one, version=numbers[digests[one.version]]) for n, one in found}
    return replace(told, environments=there)


def merged(fresh: State, told: State, sources: Mapping[str, str]) -> State:
    """The ledger's state with all that is new to it; who is in charge only where nobody is."""
    refuse_other(fresh.champion.version if fresh.champion else None, told)
    numbers = {one.digest: one.number for one in fresh.known}
    new = [one for one in told.versions if one.version.digest not in numbers]
    more: list[Published] = []
    for count, one in enumerate(new, 1 + max(numbers.values(), default=0)):
        number = count if numbers else one.version.number
        source = sources[one.version.digest]
        more.append(replace(one, version=replace(one.version, number=number, source=source)))
    numbers |= {one.version.digest: one.version.number for one in more}
    ids = {one.id for one in fresh.decisions}
    late = [replace(o, number=numbers.get(o.about)) for o in told.decisions if o.id not in ids]
    decisions = sorted((*fresh.decisions, *late), key=lambda one: one.when) if late else None
    state = replace(
        fresh,
        versions=(*fresh.versions, *more),
        decisions=worn(decisions) if decisions else fresh.decisions,
    )
    if fresh.champion or not told.champion:
        return state
    there = environments_by(told, numbers).environments
    return replace(state, aliases=aliases_by(told, numbers), environments=there)
