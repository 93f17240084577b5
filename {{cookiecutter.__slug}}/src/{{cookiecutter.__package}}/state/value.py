"""The state as one frozen value, and what may be done to it. Pure: the stores are elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..errors import Status, Stop
from ..store.moves import back, forward
from ..store.versions import Aliases, Judgement, Past, Version

SKETCHES = 60  # decisions that keep the sketch of their holdout; older rows are not asked again


@dataclass(frozen=True)
class Published:
    """A version, and where it comes from; `version.source` is its bundle, by digest."""

    version: Version
    made: str
    commit: str


@dataclass(frozen=True)
class Decided:
    """One decision of the gate: `number` is the version it was about, if that was kept."""

    id: str
    when: str
    judgement: Judgement
    metric: str
    reason: str
    run: str
    identity: str
    holdout: str
    inputs: str
    gaps: Mapping[str, tuple[float, float]]
    about: str = ""
    stood: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Running:
    """What an environment runs."""

    version: int
    image: str
    since: str


@dataclass(frozen=True)
class State:
    """All versions and decisions, oldest first; who is what, and what runs where."""

    versions: tuple[Published, ...] = ()
    decisions: tuple[Decided, ...] = ()
    aliases: Aliases = field(default_factory=Aliases)
    environments: Mapping[str, Running] = field(default_factory=dict)

    @property
    def known(self) -> list[Version]:
        """The versions by themselves."""
        return [one.version for one in self.versions]

    def find(self, digest: str) -> Published | None:
        """The version with this digest."""
        return next((one for one in self.versions if one.version.digest == digest), None)

    def get(self, digest: str) -> Published:
        """The version with this digest, or a stop."""
        found = self.find(digest)
        if found is None:
            raise Stop(Status.REJECTED, f"No version has the digest {digest[:12]}.")
        return found

    @property
    def champion(self) -> Published | None:
        """The version in charge."""
        number = self.aliases.champion
        return next((one for one in self.versions if one.version.number == number), None)


def record(state: State, decided: Decided, published: Published | None) -> State:
    """The state with one more decision, and the version that it was about where it may stay.

    The same decision again changes nothing; a known digest keeps its number and takes the verdict.
    """
    if any(one.id == decided.id for one in state.decisions):
        return state
    versions, number = state.versions, None
    if published is not None:
        known = state.find(published.version.digest)
        number = known.version.number if known else 1 + max(_numbers(state), default=0)
        base = known or published
        version = replace(base.version, number=number, judgement=decided.judgement)
        versions = _with(state, replace(base, version=version))
    decisions = (*state.decisions, replace(decided, number=number))
    return replace(state, versions=versions, decisions=worn(decisions))


def worn(decisions: Sequence[Decided]) -> tuple[Decided, ...]:
    """The decisions, the old ones without the sketch of their holdout."""
    old = [replace(one, holdout="[]") for one in decisions[:-SKETCHES]]
    return (*old, *decisions[-SKETCHES:])


def past(one: Decided) -> Past:
    """A decision as MLflow's runs keep it."""
    when = datetime.fromisoformat(one.when)
    told = (one.identity, one.holdout, one.gaps, one.id, one.inputs, one.metric, one.reason)
    return Past(when, one.judgement, *told, one.about, one.stood)


def promote(state: State, digest: str) -> State:
    """The version with this digest as champion.

    Raises:
        Stop: the gate has not proven it against whoever is champion in this very state.
    """
    _, aliases = forward(state.known, state.aliases, state.get(digest).version.number)
    return replace(state, aliases=aliases)


def roll_back(state: State, digest: str) -> State:
    """The version with this digest as champion again; the one in charge is not to come back."""
    target, aliases = back(state.known, state.aliases, state.get(digest).version.number)
    if aliases == state.aliases or state.champion is None:
        return state
    taken = replace(state.champion.version, rolled_back=True)
    state = replace(state, versions=_with(state, replace(state.champion, version=taken)))
    restored = replace(state.get(digest), version=replace(target, rolled_back=False))
    return replace(state, versions=_with(state, restored), aliases=aliases)


def with_image(state: State, digest: str, image: str) -> State:
    """The version's image, by digest."""
    found = state.get(digest)
    version = replace(found.version, image=image)
    return replace(state, versions=_with(state, replace(found, version=version)))


def deployed(state: State, environment: str, digest: str, now: str) -> State:
    """The environment runs this version; the same again changes nothing."""
    found = state.get(digest)
    running = Running(found.version.number, found.version.image, now)
    there = state.environments.get(environment)
    if there and replace(there, since=now) == running:
        return state
    return replace(state, environments={**state.environments, environment: running})


def _numbers(state: State) -> list[int]:
    return [version.number for version in state.known]


def _with(state: State, published: Published) -> tuple[Published, ...]:
    """The versions with this one in its place, or at the end."""
    number = published.version.number
    kept = [one for one in state.versions if one.version.number != number]
    return tuple(sorted((*kept, published), key=lambda one: one.version.number))
