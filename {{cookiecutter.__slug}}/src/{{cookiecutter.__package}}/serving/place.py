"""Where a log is kept: a folder on a disk, or the URL of one."""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ..errors import Status, Stop

DAYS = "20[0-9][0-9]-[01][0-9]-[0-3][0-9]"


@dataclass(frozen=True)
class Place:
    """A folder, or the URL of one that fsspec knows."""

    url: str

    @classmethod
    def open(cls, url: str) -> "Place":
        """Try it once, before the first request.

        Raises:
            Stop: it cannot be written to, or its URL needs a package that is not installed.
        """
        place = cls(url.rstrip("/"))
        try:
            place.write("started.txt", datetime.now(UTC).isoformat().encode())
        except Exception as error:
            hint = "give a folder that may be written to"
            if "://" in url:
                hint = "the option `log` brings fsspec, and s3fs or gcsfs is for you to add"
            raise Stop(Status.SETTINGS, f"--log {url}: {error}; {hint}.") from error
        return place

    def write(self, name: str, content: bytes) -> None:
        """Keep a file under this name: on a disk aside first, and renamed."""
        if "://" in self.url:
            import fsspec

            with fsspec.open(f"{self.url}/{name}", "wb") as file:
                file.write(content)
            return
        path = Path(self.url, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)

    def names(self, since: date) -> list[str]:
        """The log's files of this day and later, in their order; none where there is no log."""
        if "://" in self.url:
            import fsspec

            system, root = fsspec.url_to_fs(self.url)
            found = [path[len(root) :].lstrip("/") for path in system.glob(f"{root}/{DAYS}/*.gz")]
        else:
            found = [
                path.relative_to(self.url).as_posix()
                for path in Path(self.url).glob(f"{DAYS}/*.gz")
            ]
        return sorted(name for name in found if name[:10] >= since.isoformat())

    def read(self, name: str) -> bytes:
        """One of these files."""
        if "://" in self.url:
            import fsspec

            with fsspec.open(f"{self.url}/{name}", "rb") as file:
                return file.read()
        return Path(self.url, name).read_bytes()

    def prune(self, days: int, today: date) -> None:
        """Remove the days before the last so many; on a disk alone, a store has rules for it."""
        if not days or "://" in self.url:
            return
        oldest = (today - timedelta(days)).isoformat()
        for folder in Path(self.url).glob(DAYS):
            if folder.name < oldest:
                shutil.rmtree(folder, ignore_errors=True)
