"""Challenger, champion and anchor answer the same fresh holdout, each from its bundle alone."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .decision import Decision
from .errors import Stop
from .evidence import Details, Evidence
from .metrics.errors import standard_error
from .metrics.scored import Scored
from .metrics.scores import score
from .probes.ask import ask, explain
from .probes.holdout import alike, leaked, sketch, wear
from .project import Project
from .scoring import Read, build_table, predict
from .settings import METRICS, is_loss
from .steps.evaluate import evaluate
from .steps.split import Split
from .store import model
from .store.encode import encode_rows
from .store.model import Model
from .store.tracking import Registry, Version
from .store.versions import Judgement, Past

SAME_HOLDOUT = 0.9


@dataclass(frozen=True)
class Trial:
    """Who was judged, against whom, on what, and what came of it."""

    challenger: Model
    scored: Scored
    evidence: Evidence
    champion: Version | None
    anchor: Version | None
    data_id: str
    holdout_id: str
    how: str
    holdout: str
    identity: str
    measures: Mapping[str, float]
    errors: Mapping[str, float]
    past: tuple[Past, ...] = ()

    def judgement(self, decision: Decision) -> Judgement:
        """The verdict as it is kept beside the version."""
        champion = self.champion.digest if self.champion else None
        return Judgement(
            str(decision.verdict), champion, decision.beats_anchor, decision.challenger
        )

    def as_past(self, decision: Decision) -> Past:
        """This decision as the history will tell it."""
        judgement, now = self.judgement(decision), datetime.now(UTC)
        return Past(now, judgement, self.identity, self.holdout, gaps_of(decision), run_id="")


@dataclass(frozen=True)
class Rivals:
    """Champion and anchor: who they are, and what they answer; a problem where one cannot."""

    champion: Version | None
    anchor: Version | None
    models: dict[str, Model] = field(default_factory=dict)
    predictions: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def hold_trial(
    project: Project,
    registry: Registry,
    challenger: Model,
    parts: Split,
    data_id: str,
    today: date,
) -> Trial:
    """Score everybody, under the lock. A rival that cannot be scored is a problem."""
    read = cache(lambda inputs: encode_rows(parts.holdout, inputs))  # once for all who read alike
    rivals = _call_rivals(project, registry, challenger, parts, read)
    scored = build_table(project, parts, challenger, rivals.predictions, read)
    del read
    own, champion = scored.predictions["challenger"], rivals.models.get("champion")
    identity, looks = _identity(own, parts.holdout_id), sketch(parts)
    guards = list(ask(project, challenger, champion, parts, today))
    past = registry.history()
    guards += wear(_uses(past, looks, identity), project.settings.gate)
    problems, details = [*leaked("challenger", challenger, parts, project.contract)], Details()
    problems += rivals.problems
    if not problems and np.isfinite(own).all():
        details = explain(project, scored, challenger, champion, parts)
    evidence = evaluate(scored, project.settings.gate, problems, guards, details)
    measures = ({}, {}) if evidence.problems else _measures(scored)
    names = (data_id, parts.holdout_id, parts.how, looks, identity, *measures, tuple(past))
    return Trial(challenger, scored, evidence, rivals.champion, rivals.anchor, *names)


def _call_rivals(
    project: Project, registry: Registry, challenger: Model, parts: Split, read: Read
) -> Rivals:
    aliases = registry.recover()
    champion = registry.version(aliases.champion) if aliases.champion else None
    anchor = registry.version(aliases.anchor) if aliases.anchor else None
    rivals, rows = Rivals(champion, anchor), parts.holdout
    for name, version in (("champion", champion), ("anchor", anchor)):
        if version is None:
            continue
        called = f"{name} v{version.number}"
        twin = rivals.models.get("champion") if version == champion else None
        try:
            rival = twin or model.load(registry.fetch(version), version.digest)
            own = rivals.predictions["champion"] if twin else predict(rival, rows, challenger, read)
            rivals.predictions[name] = own
            rivals.models[name] = rival  # one that cannot answer is not asked again
            rivals.problems.extend(leaked(called, rival, parts, project.contract))
        except Exception as error:  # noqa: BLE001 - a bundle of any age may fail in any way
            rivals.problems.append(f"{called} cannot be scored: {_line(error)}")
    return rivals


def gaps_of(decision: Decision) -> dict[str, tuple[float, float]]:
    """Difference and standard error by rival."""
    return {str(c.against): (c.delta, c.standard_error) for c in decision.comparisons}


def _uses(past: list[Past], looks: str, identity: str) -> int:
    """How many other models were judged on these rows."""
    others = [one for one in past if one.identity not in ("", identity)]
    return len({one.identity for one in others if alike(one.holdout, looks) > SAME_HOLDOUT})


def _measures(scored: Scored) -> tuple[dict[str, float], dict[str, float]]:
    """The challenger's value of each metric, losses without a minus, and its standard error."""
    own, values, errors = scored.predictions["challenger"], {}, {}
    for metric in METRICS[scored.task]:
        found = score(scored.answers, own, metric, scored.threshold)
        values[metric] = -found.value if is_loss(metric) else found.value
        errors[metric] = standard_error(found.influence, scored.dependence)
    return values, errors


def _identity(predicted: NDArray, holdout_id: str) -> str:
    content = np.ascontiguousarray(predicted, dtype="<f8").tobytes()
    return hashlib.sha256(holdout_id.encode() + content).hexdigest()


def _line(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text if isinstance(error, Stop) else text.splitlines()[0][:200]
