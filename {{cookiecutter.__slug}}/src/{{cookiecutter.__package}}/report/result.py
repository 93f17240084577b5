"""The decision for machines: result.json, with everything that is needed to decide again."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..decision import Comparison, Decision, Verdict
from ..errors import Status, Stop
from ..evidence import Evidence, Guard, Harm
from ..settings import GateSettings
from ..steps.gate import decide
from ..trial import Trial

SCHEMA = 2


class Holdout(BaseModel):
    """The rows that judged: the hash of their content, and how they were chosen."""

    id: str
    how: str
    rows: int


class Result(BaseModel):
    """A decision: `decide(evidence, settings)` of docs/gate.md gives the same verdict again."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    schema_version: Annotated[Literal[2], Field(alias="schema")]
    verdict: Verdict
    reason: str
    metric: str
    rows: int
    challenger: float | None
    margin: float | None
    comparisons: list[Comparison]
    rows_to_settle: int | None
    beats_anchor: bool
    guards: list[Guard]
    harmed: list[Harm]
    champion: str | None
    anchor: str | None
    data: str
    holdout: Holdout
    measures: dict[str, float]
    evidence: Evidence
    settings: GateSettings


def result_of(decision: Decision, trial: Trial, settings: GateSettings) -> Result:
    """The decision with its evidence."""
    return Result(
        schema=SCHEMA,
        verdict=decision.verdict,
        reason=decision.reason,
        metric=decision.metric,
        rows=decision.rows,
        challenger=decision.challenger,
        margin=decision.margin,
        comparisons=list(decision.comparisons),
        rows_to_settle=decision.rows_to_settle,
        beats_anchor=decision.beats_anchor,
        guards=list(decision.guards),
        harmed=list(decision.harmed),
        champion=trial.champion.digest if trial.champion else None,
        anchor=trial.anchor.digest if trial.anchor else None,
        data=trial.data_id,
        holdout=Holdout(id=trial.holdout_id, how=trial.how, rows=decision.rows),
        measures=dict(trial.measures),
        evidence=trial.evidence,
        settings=settings,
    )


def result_text(result: Result) -> str:
    """JSON, indented; an infinite number is the word Infinity in quotes."""
    return result.model_dump_json(by_alias=True, indent=1) + "\n"


def schema_text() -> str:
    """The JSON schema that docs/result.schema.json publishes."""
    schema = Result.model_json_schema(by_alias=True, mode="serialization")
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def read_result(path: Path) -> tuple[Result, Decision]:
    """The newest decision, made again from its own evidence.

    Raises:
        Stop: there is none, it is not readable, or the verdict does not follow from the evidence.
    """
    try:
        found = Result.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Stop(Status.REJECTED, "No decision yet: run `ml train`.") from error
    except (ValidationError, UnicodeDecodeError) as error:
        raise Stop(Status.EVIDENCE, f"{path}: not a result of this version of `ml`.") from error
    again = decide(found.evidence, found.settings)
    told = (found.verdict, found.reason, found.challenger, found.margin)
    if told != (again.verdict, again.reason, again.challenger, again.margin):
        raise Stop(
            Status.EVIDENCE,
            f"{path}: it says {found.verdict}, its own evidence says {again.verdict}: "
            "the file was changed. Run `ml gate` again.",
        )
    return found, again


if __name__ == "__main__":
    sys.stdout.write(schema_text())
