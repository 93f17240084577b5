"""What the registry knows of a version, as plain frozen values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Judgement:
    """The newest verdict on a version, and whom it was judged against, by digest."""

    verdict: str
    champion: str | None
    beats_anchor: bool
    value: float | None


@dataclass(frozen=True)
class Version:
    """A registered version and what is known of it."""

    number: int
    digest: str
    identity: str
    data_id: str
    judgement: Judgement
    source: str
    run_id: str
    rolled_back: bool


@dataclass(frozen=True)
class Aliases:
    """Which version number is what; None where there is none yet."""

    champion: int | None = None
    anchor: int | None = None
    previous: int | None = None


@dataclass(frozen=True)
class Record:
    """What one training leaves behind in a run."""

    params: Mapping[str, str]
    metrics: Mapping[str, float]
    dataset: tuple[str, str, str]
    judgement: Judgement


def read_version(found: Any) -> Version:
    """A version from MLflow's own record of it."""
    tags = found.tags
    return Version(
        number=int(found.version),
        digest=tags["digest"],
        identity=tags["identity"],
        data_id=tags["data_id"],
        judgement=Judgement(**json.loads(tags["judgement"])),
        source=found.source,
        run_id=found.run_id,
        rolled_back=tags.get("rolled_back") == "true",
    )
