"""Keeps what a training made: a run for any verdict, a version for what may be champion."""

import json
from dataclasses import asdict
from pathlib import Path

import polars as pl

from .contract_yaml import contract_text
from .decision import Decision, Verdict
from .errors import Status, Stop
from .lineage import facts, work_id
from .monitor.confidence import CONFIDENCE, learn
from .probes.holdout import newest_answers
from .project import Project
from .report.card import card
from .scoring import watched_score
from .steps.split import Split
from .store import bundle
from .store.encode import encode_rows
from .store.tracking import Record, Registry, Version
from .trial import Trial, gaps_of

GOLDEN_ROWS = 20


def register(
    project: Project,
    registry: Registry,
    parts: Split,
    trial: Trial,
    decision: Decision,
    folder: Path,
) -> Version | None:
    """Seal the bundle and log it; the same model judged against the same champion is kept once."""
    judgement = trial.judgement(decision)
    for known in registry.versions():
        if known.identity == trial.identity and known.judgement == judgement:
            return known
    (folder / "contract.yaml").write_text(contract_text(project.contract), encoding="utf-8")
    _write_json(folder / "metrics.json", dict(trial.measures))
    told = learn(trial.scored.answers, trial.scored.predictions["challenger"])
    (folder / CONFIDENCE).write_text(told.model_dump_json() + "\n", encoding="utf-8")
    _write_json(folder / "golden.json", _golden(trial, parts.holdout))
    manifest = _manifest(project, trial, parts)
    text = card(project, parts, trial, decision, manifest)
    (folder / "card.md").write_text(text, encoding="utf-8")
    digest = bundle.seal(folder, manifest)
    record = record_of(project, parts, trial, decision)
    passed = decision.verdict in (Verdict.PROMOTE, Verdict.KEEP)
    tags = {"digest": digest, "identity": trial.identity, "data_id": trial.data_id}
    return registry.record(
        folder, record, tags, keep=passed and not trial.evidence.same_as_champion
    )


def record_of(project: Project, parts: Split, trial: Trial, decision: Decision) -> Record:
    """The decision as a run keeps it: what was compared, on which rows, with what result."""
    judgement = trial.judgement(decision)
    return Record(
        params=_params(project, parts),
        metrics=trial.measures,
        dataset=(project.contract.target, trial.data_id, project.settings.data.place),
        judgement=judgement,
        identity=trial.identity,
        holdout=trial.holdout,
        gaps=gaps_of(decision),
        inputs=work_id(project.root, trial.data_id, judgement.champion),
        metric=decision.metric,
        reason=decision.reason,
        stood=_stood(project, trial),
    )


def data_needed(registry: Registry) -> set[str]:
    """The data versions of champion, anchor and previous, and of who may be champion next."""
    aliases, known = registry.aliases(), registry.versions()
    named = set(asdict(aliases).values())
    now = next((one.digest for one in known if one.number == aliases.champion), None)
    proven = {v.number for v in known if v.judgement.verdict == "PROMOTE"}
    ready = {v.number for v in known if v.number in proven and v.judgement.champion == now}
    return {v.data_id for v in known if v.number in named | ready}


def refuse_known(registry: Registry, root: Path, data_id: str) -> None:
    """End here, with status 0, if the same rows, code and settings were judged and not promoted.

    What was proven is made again: perhaps its deployment failed.
    """
    champion = registry.champion()
    inputs = work_id(root, data_id, champion.digest if champion else None)
    for past in registry.history():
        verdict = past.judgement.verdict
        if past.inputs == inputs and verdict in ("KEEP", "REJECT"):
            when = f"{past.when:%Y-%m-%d %H:%M}"
            raise Stop(
                Status.DONE, f"Nothing new: {verdict} on {when}, for the same rows and code."
            )


def _params(project: Project, parts: Split) -> dict[str, str]:
    return {
        "task": project.settings.task,
        "metric": project.settings.metric,
        "seed": str(project.settings.train.seed),
        "training_rows": str(len(parts.training)),
        "holdout_rows": str(len(parts.holdout)),
        "holdout": parts.how,
    }


def _manifest(project: Project, trial: Trial, parts: Split) -> dict[str, object]:
    return {
        "name": project.settings.name,
        "task": project.settings.task,
        "data_id": trial.data_id,
        "holdout_id": trial.holdout_id,
        "judged": _judged(project, trial, parts),
        "extras": [] if trial.challenger.signature.format == "onnx" else ["skops"],
        **facts(project.root),
    }


def _judged(project: Project, trial: Trial, parts: Split) -> dict[str, object]:
    """What the gate saw: the score that a monitor compares with, and the newest row it was on."""
    clock = project.contract.time_column
    until = newest_answers(parts.holdout, clock) if clock else ""
    known = {} if trial.evidence.problems else watched_score(project, trial.scored, "challenger")
    return {**known, "until": until}


def _stood(project: Project, trial: Trial) -> str:
    """The champion's score on the same rows: a monitor's newest yardstick for it."""
    if trial.evidence.problems or "champion" not in trial.scored.predictions:
        return ""
    return json.dumps(watched_score(project, trial.scored, "champion"))


def _golden(trial: Trial, holdout: pl.DataFrame) -> dict[str, object]:
    """Real rows and the model's answers to them: what any copy of this model has to repeat."""
    signature = trial.challenger.signature
    rows = holdout.head(GOLDEN_ROWS).select(column.name for column in signature.inputs)
    answers = trial.challenger.predict(encode_rows(rows, signature.inputs))
    return {"rows": rows.to_dicts(), "answers": answers.tolist()}


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    path.write_text(text + "\n", encoding="utf-8")
