"""Delta Lake tables, as they are now or were: `delta:PLACE`, `delta:PLACE@v12`, `@2026-05-31`."""

import glob
import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from ..errors import Status, Stop

if TYPE_CHECKING:
    from deltalake import DeltaTable

DELTA = "delta:"
# Delta's own way to write a version; an `@` elsewhere belongs to the place.
VERSION = re.compile(r"@(?:v(?P<number>\d+)|(?P<moment>\d{4}-\d\d-\d\d[^/@]*))$")
COLOURS = re.compile(r"\x1b\[\d+m|↳")


def read_delta(told: str) -> pl.LazyFrame:
    """Rows of a table in a folder or behind a URL, without the prefix; keys from the environment.

    Only files, row groups and columns that are asked for are fetched.

    Raises:
        Stop: deltalake is not installed, or there is no such table or version.
    """
    try:
        from deltalake.exceptions import TableNotFoundError
    except ImportError as error:
        message = f"{DELTA}{told}: `uv add --group train deltalake` first."
        raise Stop(Status.SETTINGS, message) from error
    try:
        table = pl.scan_delta(_open(told))
        table.collect_schema()  # what cannot be read says so here
    except (TableNotFoundError, FileNotFoundError) as error:
        raise Stop(Status.DATA, f"{DELTA}{told}: no Delta table is there.") from error
    except Stop:
        raise
    except Exception as error:  # its errors are of many kinds
        raise Stop(Status.DATA, f"{DELTA}{told}: could not be read: {_line(error)}") from error
    return table


def _open(told: str) -> "DeltaTable":
    from deltalake import DeltaTable

    place, version = VERSION.sub("", told), VERSION.search(told)
    if "://" not in place:
        place = next(iter(glob.glob(place)), place)  # noqa: PTH207 - signs of the root are escaped
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")  # asked for by name
    table = DeltaTable(place, storage_options={"AWS_ALLOW_HTTP": "true"} if plain else None)
    if version and version["number"]:
        table.load_as_version(int(version["number"]))
    elif version:
        moment = _moment(version["moment"])
        table.load_as_version(moment)
        if table.history(1)[0]["timestamp"] > moment.timestamp() * 1000:  # it takes the first one
            raise Stop(Status.DATA, f"{DELTA}{told}: no version is as old as this.")
    return table


def _moment(text: str) -> datetime:
    """A date or time; without a zone it is in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{DELTA}…@{text}: no date: write it as @2026-01-31 or @2026-01-31T12:00."
        raise Stop(Status.SETTINGS, message) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _line(error: Exception) -> str:
    told = COLOURS.sub("", str(error).partition("\n\n")[0])
    return " ".join(told.split())[:300] or type(error).__name__
