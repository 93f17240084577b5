"""The rules of moving aliases: who may become champion, and where a rollback may go. Pure."""

from collections.abc import Sequence

from ..errors import Status, Stop
from .versions import Aliases, Version


def find(versions: Sequence[Version], number: int) -> Version:
    """The version with this number, or a stop."""
    for version in versions:
        if version.number == number:
            return version
    raise Stop(Status.REJECTED, f"There is no version {number}: `ml status` lists them.")


def forward(
    versions: Sequence[Version], aliases: Aliases, number: int | None = None
) -> tuple[Version, Aliases]:
    """The version that becomes champion, and the aliases then; the same aliases if it is already.

    The verdict has to name whoever is champion now: a version judged against an older champion
    is judged again first.

    Raises:
        Stop: the gate has not proven it, or not against this champion.
    """
    version = find(versions, number) if number else _newest_proven(versions, aliases)
    if version.number == aliases.champion:
        return version, aliases
    _refuse_unproven(version, find(versions, aliases.champion) if aliases.champion else None)
    moves_anchor = version.judgement.beats_anchor or aliases.anchor is None
    anchor = version.number if moves_anchor else aliases.anchor
    return version, Aliases(version.number, anchor, previous=aliases.champion)


def back(
    versions: Sequence[Version], aliases: Aliases, number: int | None = None
) -> tuple[Version, Aliases]:
    """The version that becomes champion again, and the aliases then.

    Doing it twice changes nothing more: after a rollback the only way further back is by number.

    Raises:
        Stop: there is nothing to go back to, or the version was never proven.
    """
    if aliases.champion is None:
        raise Stop(Status.REJECTED, "There is no champion yet, so nothing to roll back.")
    target = find(versions, number or aliases.previous or aliases.champion)
    if number is None and aliases.previous is None:
        only = f"v{aliases.champion} is the only champion there ever was; none is before it."
        raise Stop(Status.REJECTED, only)
    if target.number == aliases.champion:
        return target, aliases
    _refuse_unknown(target, aliases)
    anchor = target.number if aliases.anchor == aliases.champion else aliases.anchor
    return target, Aliases(target.number, anchor, previous=target.number)


def _refuse_unknown(target: Version, aliases: Aliases) -> None:
    """Back is where a champion was, or what has passed the gate; not any version there is."""
    known = target.number in (aliases.previous, aliases.anchor)
    if not known and target.judgement.verdict != "PROMOTE":
        raise Stop(
            Status.REJECTED,
            f"v{target.number} was never proven: the gate says {target.judgement.verdict}. "
            "`ml status` lists those that were.",
        )


def _newest_proven(versions: Sequence[Version], aliases: Aliases) -> Version:
    """The newest version that passed the gate, or the champion where nothing came after it."""
    newer = [v for v in versions if v.number > (aliases.champion or 0) and not v.rolled_back]
    proven = [version for version in newer if version.judgement.verdict == "PROMOTE"]
    if proven:
        return proven[-1]
    if aliases.champion and not newer:
        return find(versions, aliases.champion)
    if newer:
        newest = newer[-1]
        raise Stop(
            Status.REJECTED,
            f"Nothing to promote: the gate says {newest.judgement.verdict} of v{newest.number}. "
            "`ml gate --explain` says why, and what would change it.",
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
