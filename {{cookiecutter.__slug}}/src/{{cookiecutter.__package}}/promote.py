"""Moves the champion alias: forward to a version that the gate proved, or back."""

from dataclasses import replace

from .store.lock import writing
from .store.moves import back, forward
from .store.tracking import Registry, Version


def promote(registry: Registry, number: int | None = None) -> tuple[Version, bool]:
    """Make a proven version the champion; False beside it when it was champion already."""
    with writing(registry.root):
        aliases = registry.recover()
        version, target = forward(registry.versions(), aliases, number)
        if target == aliases:
            return version, False
        registry.fetch(version)  # refuses a bundle that is not what was judged
        registry.move(target)
        return version, True


def roll_back(registry: Registry, number: int | None = None) -> tuple[Version, bool]:
    """Make `previous`, or the version with this number, the champion again."""
    with writing(registry.root):
        aliases = registry.recover()
        version, target = back(registry.versions(), aliases, number)
        if target == aliases:
            return version, False
        registry.fetch(version)
        registry.mark(replace(registry.version(aliases.champion or 0), rolled_back=True))
        if version.rolled_back:
            registry.mark(replace(version, rolled_back=False))
        registry.move(target)
        return version, True
