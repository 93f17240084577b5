"""What the registry knows of a version, as plain frozen values."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
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
    """What one decision leaves behind in a run."""

    params: Mapping[str, str]
    metrics: Mapping[str, float]
    dataset: tuple[str, str, str]
    judgement: Judgement
    identity: str = ""
    holdout: str = "[]"
    gaps: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def tags(self) -> dict[str, str]:
        """What `read_past` reads again."""
        gaps = json.dumps(dict(self.gaps))
        judged = {
            "verdict": self.judgement.verdict,
            "judgement": json.dumps(asdict(self.judgement)),
        }
        return {**judged, "identity": self.identity, "holdout": self.holdout, "gaps": gaps}


@dataclass(frozen=True)
class Past:
    """A decision that was made: when, on which rows, and by how much against whom.

    `gaps` holds difference and standard error by rival; `holdout` the lowest hashes of the rows.
    """

    when: datetime
    judgement: Judgement
    identity: str
    holdout: str
    gaps: Mapping[str, tuple[float, float]]
    run_id: str


def read_past(run: Any) -> Past:
    """A decision from the run that MLflow kept."""
    tags = run.data.tags
    return Past(
        datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        Judgement(**json.loads(tags["judgement"])),
        tags["identity"],
        tags["holdout"],
        {rival: tuple(gap) for rival, gap in json.loads(tags["gaps"]).items()},
        run.info.run_id,
    )


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
