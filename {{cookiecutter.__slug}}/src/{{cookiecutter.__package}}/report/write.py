"""Writes the report: report.md, result.json, and a picture where there is something to draw."""

import shutil
from pathlib import Path

from ..decision import Decision
from ..settings import GateSettings
from ..trial import Trial
from .markdown import PLOTS, markdown, rivals
from .plots import draw_gate, draw_history, draw_reliability, draw_slices
from .result import result_of, result_text


def write(folder: Path, decision: Decision, trial: Trial, settings: GateSettings) -> None:
    """Write everything into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _draw(folder, decision, trial)
    plots = [name for name in PLOTS if (folder / name).is_file()]
    text = markdown(decision, trial, plots)
    (folder / "report.md").write_text(text, encoding="utf-8")
    result = result_text(result_of(decision, trial, settings))
    (folder / "result.json").write_text(result, encoding="utf-8")


def _draw(folder: Path, decision: Decision, trial: Trial) -> None:
    evidence = trial.evidence
    if decision.comparisons:
        draw_gate(decision, rivals(trial), folder / "gate.png")
    slices = [one for one in evidence.harms if one.guard == "slices"]
    if slices:
        harmed = [one for one in decision.harmed if one.guard == "slices"]
        draw_slices(slices, harmed, folder / "slices.png")
    if evidence.details.reliability:
        draw_reliability(evidence.details.reliability, folder / "reliability.png")
    past = [one for one in (*trial.past, trial.as_past(decision)) if "anchor" in one.gaps]
    if past:
        draw_history(past, folder / "history.png")


def publish(root: Path, folder: Path) -> Path:
    """Put the newest report where people look; call it under the lock."""
    place, fresh, old = (root / "reports" / name for name in ("gate", ".fresh", ".old"))
    for leftover in (fresh, old):  # of a run that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(folder, fresh)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    return place / "report.md"
