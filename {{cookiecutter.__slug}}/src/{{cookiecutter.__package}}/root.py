"""Where the project is, from any folder inside it."""

from pathlib import Path

from .errors import Status, Stop


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds settings.toml."""
    for folder in (start, *start.parents):
        if (folder / "settings.toml").is_file():
            return folder
    raise Stop(
        Status.SETTINGS, f"No settings.toml in {start} or above it: run `ml` inside the project."
    )
