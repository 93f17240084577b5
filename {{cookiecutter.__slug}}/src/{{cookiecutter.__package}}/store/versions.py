"""What the registry knows of a version, as plain frozen values."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

ORIGIN = "ml.origin"
MOST = 2_000  # characters of a reason


@dataclass(frozen=True)
class Judgement:
    """The newest verdict on a version, and whom it was judged against, by digest."""

    verdict: str
    champion: str | None
    beats_anchor: bool
    value: float | None


@dataclass(frozen=True)
class Version:
    """A registered version and what is known of it; `image` is where it is built in, by digest."""

    number: int
    digest: str
    identity: str
    data_id: str
    judgement: Judgement
    source: str
    run_id: str
    rolled_back: bool
    image: str = ""


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
    inputs: str = ""
    metric: str = ""
    reason: str = ""
    about: str = ""
    stood: str = ""


@dataclass(frozen=True)
class Past:
    """A decision that was made: when, on which rows, and by how much against whom.

    `gaps` holds difference and standard error by rival; `holdout` the lowest hashes of the rows;
    `inputs` the hash of all that was judged; `about` the digest of the version that was kept, if
    any; `stood` the champion's own score on these rows, as JSON; `run_id` is where it was made.
    """

    when: datetime
    judgement: Judgement
    identity: str
    holdout: str
    gaps: Mapping[str, tuple[float, float]]
    run_id: str
    inputs: str = ""
    metric: str = ""
    reason: str = ""
    about: str = ""
    stood: str = ""


def past_tags(told: Record | Past) -> dict[str, str]:
    """A decision as the tags of a run, as `read_past` reads them again."""
    return {
        "verdict": told.judgement.verdict,
        "judgement": json.dumps(asdict(told.judgement)),
        "identity": told.identity,
        "holdout": told.holdout,
        "gaps": json.dumps(dict(told.gaps)),
        "inputs": told.inputs,
        "metric": told.metric,
        "reason": told.reason[:MOST],
        "about": told.about,
        "stood": told.stood,
    }


def version_tags(version: Version) -> dict[str, str]:
    """A version as the tags that `read_version` reads again."""
    return {
        "digest": version.digest,
        "identity": version.identity,
        "data_id": version.data_id,
        "judgement": json.dumps(asdict(version.judgement)),
        "rolled_back": "true" if version.rolled_back else "false",
        "image": version.image,
    }


def read_past(run: Any) -> Past:
    """A decision from the run that MLflow kept."""
    tags = run.data.tags
    return Past(
        datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        Judgement(**json.loads(tags["judgement"])),
        tags["identity"],
        tags["holdout"],
        {rival: tuple(gap) for rival, gap in json.loads(tags["gaps"]).items()},
        tags.get(ORIGIN, run.info.run_id),
        *(tags.get(name, "") for name in ("inputs", "metric", "reason", "about", "stood")),
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
        image=tags.get("image", ""),
    )
