"""The story on one screen: load, validate, split, train, package, evaluate, gate, register."""

import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from sklearn.pipeline import make_pipeline

from . import report
from .data import load
from .errors import Status, Stop
from .features import build_features
from .model import build_model
from .project import Progress, Project
from .register import register
from .steps.gate import Decision, decide
from .steps.split import Split, split
from .steps.train import Trained, train
from .steps.validate import Finding, validate
from .store import bundle, export, model
from .store.lock import writing
from .store.model import Model, Signature
from .store.tracking import Registry, Version
from .trial import hold_trial

PARITY_ROWS = 5_000


@dataclass(frozen=True)
class Outcome:
    """What a training came to; `version` is None when nothing was worth registering."""

    decision: Decision
    version: Version | None
    findings: tuple[Finding, ...]
    packaging: str
    report: Path


def run(project: Project, today: date, progress: Progress) -> Outcome:
    """Train a challenger on the rows before `today`, judge it, register it if it may stay."""
    registry = Registry(project.root, project.settings.name)
    with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
        folder = Path(scratch)
        with progress("load"):
            raw = load_rows(project, today)
        with progress("validate"):
            rows, findings = checked(raw, project, today)
        with progress("split"):
            parts = split(rows, project.contract, project.settings.split.holdout)
        with progress("train"):
            trained = fit(project, parts)
        with progress("package"):
            challenger, packaging = package(project, parts, trained, folder)
        with writing(registry.root):
            with progress("evaluate"):
                trial = hold_trial(project, registry, challenger, parts)
            with progress("gate"):
                decision = decide(trial.evidence, project.settings.gate)
                report.write(folder / "gate", decision, trial)
            with progress("register"):
                version = register(project, registry, parts, trial, decision, folder)
                published = report.publish(project.root, folder / "gate")
        return Outcome(decision, version, findings, packaging, published)


def rejudge(
    project: Project, number: int | None, today: date, progress: Progress
) -> tuple[Version, Decision, Path]:
    """Judge a registered version again: fresh holdout, whoever is champion now."""
    registry = Registry(project.root, project.settings.name)
    version = registry.version(number) if number else newest(registry)
    with tempfile.TemporaryDirectory(prefix="ml-") as scratch:
        folder = Path(scratch)
        with progress("load"):
            raw = load_rows(project, today)
        with progress("validate"):
            rows, _ = checked(raw, project, today)
        with progress("split"):
            parts = split(rows, project.contract, project.settings.split.holdout)
        with writing(registry.root):
            with progress("evaluate"):
                challenger = model.load(registry.fetch(version), version.digest)
                trial = hold_trial(project, registry, challenger, parts)
            with progress("gate"):
                decision = decide(trial.evidence, project.settings.gate)
                report.write(folder, decision, trial)
                registry.judge(version, trial.judgement(decision), folder)
                published = report.publish(project.root, folder)
        return version, decision, published


def newest(registry: Registry) -> Version:
    """The version registered last."""
    versions = registry.versions()
    if not versions:
        raise Stop(Status.REJECTED, "There is no version to judge yet: run `ml train`.")
    return versions[-1]


def load_rows(project: Project, today: date) -> pl.LazyFrame:
    """The user's rows of the window that ends with `today`."""
    since = today - timedelta(days=project.settings.data.window_days)
    source = project.settings.data.source
    if ":" not in source and not Path(source).is_absolute():
        source = str(project.root / source)
    return load(source, since, today)


def checked(
    raw: pl.LazyFrame, project: Project, today: date
) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """Rows that keep the contract, or a stop that names every broken rule."""
    validation = validate(raw, project.contract, today)
    if validation.failures:
        raise Stop(Status.DATA, report.findings_text(validation.failures))
    return validation.rows.collect(), validation.findings


def fit(project: Project, parts: Split) -> Trained:
    """The user's features and model, fitted on the training part."""
    settings, columns = project.settings, project.inputs
    numbers = [column.name for column in columns if column.kind == "number"]
    categories = [column.name for column in columns if column.kind == "category"]
    estimator = make_pipeline(
        build_features(numbers, categories), build_model(settings.task, settings.train.seed)
    )
    inputs = model.encode_rows(parts.training, columns)
    answers = parts.training[project.contract.target].to_list()
    return train(estimator, inputs, answers, settings.task)


def package(project: Project, parts: Split, trained: Trained, folder: Path) -> tuple[Model, str]:
    """The fitted model as it will be served, checked against scikit-learn on real rows."""
    settings = project.settings
    signature = Signature(
        name=settings.name,
        task=settings.task,
        target=project.contract.target,
        inputs=project.inputs,
        classes=trained.classes,
        threshold=settings.train.threshold,
        format="onnx",
        trusted_types=tuple(settings.train.trusted_types),
    )
    rows = pl.concat([parts.holdout.head(PARITY_ROWS), parts.training.tail(PARITY_ROWS)])
    inputs = model.encode_rows(rows, project.inputs)
    packaging = export.write_model(folder, trained.estimator, signature, inputs)
    bundle.write_fingerprints(folder, parts.training_hashes)
    return model.open_unsealed(folder), packaging
