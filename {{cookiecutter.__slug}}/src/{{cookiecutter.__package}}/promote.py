"""Moves the champion alias: forward to a version that the gate proved, or back."""

from .errors import Status, Stop
from .store.lock import writing
from .store.tracking import Aliases, Registry, Version


def promote(registry: Registry, number: int | None = None) -> tuple[Version, bool]:
    """Make a proven version the champion; False beside it when it was champion already.

    The verdict has to name whoever is champion now: a version judged against an older champion
    is judged again first.
    """
    with writing(registry.root):
        aliases = registry.recover()
        version = registry.version(number) if number else _newest_proven(registry, aliases)
        if version.number == aliases.champion:
            return version, False
        champion = registry.version(aliases.champion) if aliases.champion else None
        _refuse_unproven(version, champion)
        registry.fetch(version)  # refuses a bundle that is not what was judged
        moves_anchor = version.judgement.beats_anchor or aliases.anchor is None
        anchor = version.number if moves_anchor else aliases.anchor
        registry.move(Aliases(champion=version.number, anchor=anchor, previous=aliases.champion))
        return version, True


def roll_back(registry: Registry, number: int | None = None) -> tuple[Version, bool]:
    """Make `previous`, or the version with this number, the champion again.

    Doing it twice changes nothing more: after a rollback the only way further back is by number.
    """
    with writing(registry.root):
        aliases = registry.recover()
        if aliases.champion is None:
            raise Stop(Status.REJECTED, "There is no champion yet, so nothing to roll back.")
        target = registry.version(number or aliases.previous or aliases.champion)
        if target.number == aliases.champion:
            if number is None and aliases.previous is None:
                raise Stop(
                    Status.REJECTED,
                    f"v{target.number} is the only champion there ever was; none is before it.",
                )
            return target, False
        _refuse_unknown(target, aliases)
        registry.fetch(target)
        registry.mark_rolled_back(registry.version(aliases.champion), taken_back=True)
        if target.rolled_back:
            registry.mark_rolled_back(target, taken_back=False)
        anchor = target.number if aliases.anchor == aliases.champion else aliases.anchor
        registry.move(Aliases(champion=target.number, anchor=anchor, previous=target.number))
        return target, True


def _refuse_unknown(target: Version, aliases: Aliases) -> None:
    """Back is where a champion was, or what has passed the gate; not any version there is."""
    known = target.number in (aliases.previous, aliases.anchor)
    if not known and target.judgement.verdict != "PROMOTE":
        raise Stop(
            Status.REJECTED,
            f"v{target.number} was never proven: the gate says {target.judgement.verdict}. "
            "`ml status` lists those that were.",
        )


def _newest_proven(registry: Registry, aliases: Aliases) -> Version:
    """The newest version that passed the gate, or the champion where nothing came after it."""
    newer = [
        v for v in registry.versions() if v.number > (aliases.champion or 0) and not v.rolled_back
    ]
    proven = [version for version in newer if version.judgement.verdict == "PROMOTE"]
    if proven:
        return proven[-1]
    if aliases.champion and not newer:
        return registry.version(aliases.champion)
    if newer:
        newest = newer[-1]
        raise Stop(
            Status.REJECTED,
            f"Nothing to promote: the gate says {newest.judgement.verdict} of v{newest.number}.",
        )
    raise Stop(Status.REJECTED, "Nothing to promote yet: run `ml train` first.")


def _refuse_unproven(version: Version, champion: Version | None) -> None:
    judged, now = version.judgement.champion, champion.digest if champion else None
    if version.judgement.verdict != "PROMOTE":
        raise Stop(
            Status.REJECTED,
            f"v{version.number} did not pass the gate: {version.judgement.verdict}.",
        )
    if version.rolled_back:
        raise Stop(
            Status.REJECTED,
            f"v{version.number} was rolled back: train anew, or `ml rollback {version.number}`.",
        )
    if judged != now:
        whom = f"v{champion.number}" if champion else "nobody"
        raise Stop(
            Status.REJECTED,
            f"v{version.number} was judged against another champion; {whom} is champion now. "
            f"Run `ml gate {version.number}`, then promote.",
        )
