"""The story on one screen: load, validate, split, train, package, evaluate, gate, register."""

import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from .checks.findings import Finding
from .checks.reference import REFERENCE, write_reference
from .checks.summarize import summarize
from .decision import Decision
from .errors import Status, Stop
from .fitting import fit, signature_of
from .load import keep_rows
from .probes.holdout import newest_answers
from .project import Progress, Project, find_reference
from .register import data_needed, record_of, refuse_known, register
from .report.findings import findings_text
from .report.write import publish, write
from .steps.gate import decide
from .steps.split import Split, split
from .steps.train import Trained
from .steps.tune import Budget
from .steps.validate import Validation, validate
from .store import export, fingerprints, loads, model
from .store.encode import encode_rows
from .store.lock import writing
from .store.model import Model
from .store.tracking import Registry, Version
from .trial import hold_trial
from .tune import tuned

PARITY_ROWS = 5_000


@dataclass(frozen=True)
class How:
    """With a budget, parameters are searched first, inside the training part; nothing twice."""

    budget: Budget | None = None
    only_new: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a training came to; `version` is None when nothing was worth registering."""

    decision: Decision
    version: Version | None
    findings: tuple[Finding, ...]
    packaging: str
    report: Path
    data: str


PLAIN = How()


def run(project: Project, today: date, progress: Progress, how: How = PLAIN) -> Outcome:
    """Train a challenger on the rows before `today`, judge it, register it if it may stay."""
    registry = Registry(project.root, project.settings.name)
    with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
        folder = Path(scratch)
        with progress("load"):
            data = keep_rows(project, today)
            if how.only_new:
                refuse_known(registry, project.root, data.id)
        with progress("validate"):
            rows, checks = checked(data.read(), project, today, registry)
        with progress("split"):
            parts = parted(rows, project)
        if how.budget:
            with progress("tune"):
                project = tuned(project, registry, parts.training, how.budget)
        with progress("train"):
            trained = fit(project, parts)
        with progress("package"):
            challenger, packaging = package(project, parts, trained, checks, folder)
        with writing(registry.root):
            with progress("evaluate"):
                trial = hold_trial(project, registry, challenger, parts, data.id, today)
            with progress("gate"):
                decision = decide(trial.evidence, project.settings.gate)
                write(folder / "gate", decision, trial, project.settings.gate)
            with progress("register"):
                version = register(project, registry, parts, trial, decision, folder)
                published = publish(project.root, folder / "gate")
                loads.prune(project.root, project.settings.data.keep, data_needed(registry))
        return Outcome(decision, version, checks.findings, packaging, published, data.id)


def rejudge(
    project: Project, number: int | None, today: date, progress: Progress
) -> tuple[Version, Decision, Path]:
    """Judge a registered version again: fresh holdout, whoever is champion now."""
    registry = Registry(project.root, project.settings.name)
    version = registry.version(number) if number else newest_challenger(registry)
    with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
        folder = Path(scratch)
        with progress("load"):
            data = keep_rows(project, today)
        with progress("validate"):
            rows, _ = checked(data.read(), project, today, registry)
        with progress("split"):
            parts = parted(rows, project)
        with writing(registry.root):
            with progress("evaluate"):
                challenger = model.load(registry.fetch(version), version.digest)
                trial = hold_trial(project, registry, challenger, parts, data.id, today)
            with progress("gate"):
                decision = decide(trial.evidence, project.settings.gate)
                write(folder, decision, trial, project.settings.gate)
                registry.judge(version, record_of(project, parts, trial, decision), folder)
                published = publish(project.root, folder)
        return version, decision, published


def newest(registry: Registry) -> Version:
    """The version registered last."""
    versions = registry.versions()
    if not versions:
        raise Stop(Status.REJECTED, "There is no version to judge yet: run `ml train`.")
    return versions[-1]


def newest_challenger(registry: Registry) -> Version:
    """The version registered last, unless it is champion: beside itself it would be KEEP."""
    version = newest(registry)
    if version.number == registry.aliases().champion:
        raise Stop(
            Status.REJECTED,
            f"v{version.number} is champion and nothing is newer: `ml gate {version.number}` "
            "judges it all the same.",
        )
    return version


def checked(
    raw: pl.LazyFrame, project: Project, today: date, registry: Registry
) -> tuple[pl.DataFrame, Validation]:
    """Rows that keep the contract and have an answer, or a stop that names every broken rule."""
    known = find_reference(project, registry)
    validation = validate(raw, project.contract, today, reference=known)
    if validation.failures:
        raise Stop(Status.DATA, findings_text(validation.failures))
    answered = pl.col(project.contract.target).is_not_null()
    return validation.rows.filter(answered).collect(), validation


def parted(rows: pl.DataFrame, project: Project) -> Split:
    """What trains and what judges, as settings.toml says."""
    settings = project.settings
    return split(rows, project.contract, settings.split.holdout, settings.gate.horizon or 1)


def package(
    project: Project, parts: Split, trained: Trained, checks: Validation, folder: Path
) -> tuple[Model, str]:
    """The fitted model as it will be served, checked against scikit-learn on real rows."""
    signature = signature_of(project, trained.classes, "onnx")
    rows = pl.concat([parts.holdout.head(PARITY_ROWS), parts.training.tail(PARITY_ROWS)])
    inputs = encode_rows(rows, project.inputs)
    packaging = export.write_model(folder, trained.estimator, signature, inputs)
    clock = project.contract.time_column
    until = newest_answers(parts.training, clock) if clock else ""
    fingerprints.write_fingerprints(folder, parts.training_hashes, parts.training_owners, until)
    write_reference(folder / REFERENCE, summarize(checks.seen, project.contract))
    return model.open_unsealed(folder), packaging
