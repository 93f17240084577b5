"""The story of `ml adopt`: read, infer, train a baseline, calibrate, and only then write."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from filecmp import cmp
from pathlib import Path

from .. import pipeline
from ..checks.reference import REFERENCE, Reference
from ..checks.summarize import build_reference
from ..contract import Contract, Role
from ..decision import Decision, Verdict
from ..errors import Status, Stop
from ..project import Progress, Project
from ..settings import METRICS, Settings, Task, read_settings
from ..sources import read_file
from ..sources.files import oddities
from ..store import loads
from ..store.journal import finish, replace_files
from ..store.model import read_signature
from ..store.tracking import Registry
from .calibrate import calibrate
from .choice import Choice, Notes, Wishes
from .infer import Inferred, infer
from .refresh import plain
from .write import contract_file, settings_file

LARGEST_COPY = 50_000_000


@dataclass(frozen=True)
class Adopted:
    """What became of the table."""

    target: str
    task: Task
    metric: str
    rows: int
    roles: Mapping[str, Role]
    decisions: tuple[Choice, ...]
    source: str
    verdict: str
    decision: Decision
    report: Path
    version: int | None


def adopt(root: Path, file: Path, wishes: Wishes, today: date, progress: Progress) -> Adopted:
    """Make the table the project's own. Whatever stops before the end leaves every file alone."""
    finish(root)
    before, notes = read_settings(root), Notes()
    with progress("read"):
        source, copied = _place(root, file, notes)
        data = _read(root, file, source, notes)
    with progress("infer"):
        found = infer(data.read(), wishes, today, notes)
        settings = _settings(before, found, source, notes)
        settings = _name(root, settings, found.contract, notes)
        told = {"inferred": plain(found.contract)}
        reference = build_reference(data.read(), found.contract).model_copy(update=told)
    project = Project(root, settings, found.contract, reference, table=file.resolve())
    outcome = pipeline.run(_unasked(project), today, progress)
    _refuse(outcome.decision)
    with progress("calibrate"):
        settings = calibrate(project, outcome, data, notes)
    _leaks(reference.leaks, wishes.target, notes)
    copy = {source: file} if copied else {}
    _write(root, found.contract, settings, reference, copy)
    return _made(found, settings, notes, outcome)


def _unasked(project: Project) -> Project:
    """Without test_behaviour.py, whose sentences are still about the table before this one."""
    gate = project.settings.gate.model_copy(update={"behaviour": False})
    return replace(project, settings=project.settings.model_copy(update={"gate": gate}))


def _made(found: Inferred, settings: Settings, notes: Notes, outcome: pipeline.Outcome) -> Adopted:
    columns = found.contract.columns
    return Adopted(
        target=found.contract.target,
        task=found.task,
        metric=settings.metric,
        rows=found.rows,
        roles={name: column.role for name, column in columns.items()},
        decisions=tuple(notes.choices),
        source=settings.data.source,
        verdict=str(outcome.decision.verdict),
        decision=outcome.decision,
        report=outcome.report,
        version=outcome.version.number if outcome.version else None,
    )


def _read(root: Path, file: Path, source: str, notes: Notes) -> loads.Load:
    """The table as a data version, and a word on what was guessed in reading it."""
    data = loads.keep(root, read_file(str(file)), source, None)
    for what, why in oddities(file):
        notes.say(what, why, "the file itself")
    return data


def _write(
    root: Path,
    contract: Contract,
    settings: Settings,
    reference: Reference,
    copy: Mapping[str, Path],
) -> None:
    """Everything at once, and nothing before this."""
    files: dict[str, str | Path] = {
        "contract.yaml": contract_file(contract),
        "settings.toml": settings_file(root / "settings.toml", settings),
        REFERENCE: reference.model_dump_json(exclude_defaults=True) + "\n",
    }
    replace_files(root, {**files, **copy})


def _place(root: Path, file: Path, notes: Notes) -> tuple[str, bool]:
    """Where the project reads the file from: inside it where it lies, else a copy in data/."""
    path = file.resolve()
    setting = "[data] source in settings.toml"
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix(), False
    if path.is_file() and path.stat().st_size > LARGEST_COPY:
        notes.say(f"source: {path}", "too large to copy; a workflow needs it at a URL", setting)
        return path.as_posix(), False
    name = _free_name(root / "data", path)
    notes.say(f"source: data/{name}", "a copy, so that workflows find it", setting)
    return f"data/{name}", True


def _free_name(folder: Path, file: Path) -> str:
    """The file's own name, unless another file has it already."""
    names = (file.name, *(f"{file.stem}-{n}{file.suffix}" for n in range(2, 1000)))
    for name in names:
        there = folder / name
        if not there.exists() or (file.is_file() and cmp(there, file, shallow=False)):
            return name
    return file.name


def _settings(before: Settings, found: Inferred, source: str, notes: Notes) -> Settings:
    """The settings of a table whose every row counts, with the task's own metric."""
    task, metric = found.task, METRICS[found.task][found.rare]
    others = ", ".join(one for one in METRICS[task] if one != metric)
    why = "the second class is rare" if found.rare else f"the usual one for {task}"
    notes.say(f"metric: {metric}", f"{why}; also {others}", "[gate] metric")
    if found.panel:
        notes.say("horizon: 1 step", "rows of one moment count as one", "[gate] horizon")
    notes.say("every row trains, however old", "a file has no calendar", "[data] window_days")
    holdout = 0.5 if found.rows < 100 else 0.4 if found.rows < 250 else 0.2
    if holdout > 0.2:
        notes.say(f"holdout: {holdout:.0%}", f"{found.rows} rows are few", "[split] holdout")
    data = before.data.model_copy(update={"source": source, "window_days": 0})
    told = {"metric": metric, "floor": None, "horizon": 1 if found.panel else None}
    gate, parts = before.gate.model_copy(update=told), {"holdout": holdout}
    change = {"task": task, "data": data, "gate": gate}
    return before.model_copy(update={**change, "split": before.split.model_copy(update=parts)})


def _name(root: Path, settings: Settings, contract: Contract, notes: Notes) -> Settings:
    """A name of its own where a champion under the old name answers another question."""
    word = re.sub(r"[^a-z0-9]+", "-", contract.target.lower()).strip("-") or "adopted"
    other = settings.name if settings.name.endswith(f"-{word}") else f"{settings.name}-{word}"
    for name in (settings.name, other, *(f"{other}-{n}" for n in range(2, 1000))):
        if _free(root, name, contract):
            if name != settings.name:
                why = f"{settings.name} has a champion that learnt from other data"
                notes.say(f"name: {name}", why, "name in settings.toml")
            return settings.model_copy(update={"name": name})
    return settings


def _free(root: Path, name: str, contract: Contract) -> bool:
    """Whether no champion has this name, or one that could be asked about these rows."""
    registry = Registry(root, name)
    champion = registry.champion()
    if champion is None:
        return True
    known = read_signature(registry.fetch(champion))
    inputs = {column.name for column in known.inputs}
    return known.target == contract.target and inputs <= set(contract.inputs)


def _refuse(decision: Decision) -> None:
    """A baseline that could not be judged is no start."""
    if decision.verdict in (Verdict.INVALID, Verdict.REJECT):
        raise Stop(Status.DATA, f"No baseline: {decision.reason}. Nothing was changed.")


def _leaks(names: list[str], target: str, notes: Notes) -> None:
    for name in names:
        notes.say(
            f"{name}: a leak? It tells {target} all by itself",
            "if it is known only afterwards, adopt again without it",
            f"--drop {name}",
        )
