"""The commands that make and judge a model: train, gate, card."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import Status
from .options import LOOK, LOOP, Json, Number, Today, command, open_project, open_registry, read_day

if TYPE_CHECKING:
    from .project import Project
    from .store.tracking import Registry, Version

IfNew = Annotated[bool, typer.Option("--if-new", help="Do nothing if the same was judged before.")]
World = Annotated[
    list[str] | None,
    typer.Option(
        "--world",
        metavar="NAME",
        help="stable, covariate, concept, seasonal, labels, batches or yours; again for more.",
    ),
]
Pack = Annotated[
    Path | None, typer.Option(help="A new folder for decision and bundle, for another job.")
]


@command(LOOP)
def train(
    today: Today = None,
    tune: Annotated[
        bool, typer.Option("--tune", help="Search parameters first, inside the training rows.")
    ] = False,
    trials: Annotated[int, typer.Option(help="With --tune: at most so many.", min=1)] = 30,
    minutes: Annotated[float, typer.Option(help="With --tune: at most so long.", min=0)] = 10,
    if_new: IfNew = False,
    pack: Pack = None,
    json: Json = False,
) -> None:
    """Train a challenger and judge it against the champion."""
    from . import pipeline, show, show_gate
    from .steps.tune import Budget

    project, budget = open_project(), Budget(trials, minutes) if tune else None
    how, registry = pipeline.How(budget, only_new=if_new), open_registry(project)
    outcome = pipeline.run(project, read_day(today), show.progress, how)
    if pack:
        _pack(registry, outcome.version, pack)
    if json:
        show.as_json(outcome)
    else:
        if outcome.findings:  # warnings: what fails has stopped the training
            show.findings(outcome.findings)
        show_gate.decision(outcome.decision, outcome.report)
        show.out.print(f"  packaged as {outcome.packaging}")
        show_gate.next_command(outcome.decision, outcome.version, registry.aliases().champion)
    _mirror(project, registry)
    exit_for(outcome.decision.verdict)


def _pack(registry: "Registry", version: "Version | None", folder: Path) -> None:
    from .state import sync

    sync.pack(registry, sync.decision_on(registry, version), folder)


@command(LOOP)
def gate(
    version: Number = None,
    today: Today = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why the newest verdict is what it is.")
    ] = False,
    selftest: Annotated[
        bool, typer.Option("--selftest", help="Judge eight planted cases; all must be found.")
    ] = False,
    json: Json = False,
) -> None:
    """Judge a registered version again, on fresh rows."""
    from . import pipeline, show, show_gate

    if selftest:
        _selftest(json)
        return
    project = open_project()
    if explain:
        _explain(project.root, json)
        return
    registry = open_registry(project)
    judged, decision, report = pipeline.rejudge(project, version, read_day(today), show.progress)
    if json:
        show.as_json({"version": judged.number, "decision": decision, "report": report})
    else:
        show_gate.decision(decision, report)
        show_gate.next_command(decision, judged, registry.aliases().champion)
    _mirror(project, registry)
    exit_for(decision.verdict)


def _mirror(project: "Project", registry: "Registry") -> None:
    from . import mirror, show

    if mirror.wanted() and (problem := mirror.copy(project, registry)):
        show.err.print(f"not copied to W&B, MLflow has it: {problem}", markup=False)


def _explain(root: Path, json: bool) -> None:
    from . import show, show_gate
    from .report.explain import explain
    from .report.result import read_result

    result, decision = read_result(root / "reports" / "gate" / "result.json")
    lines = explain(decision, result.settings)
    show.as_json(lines) if json else show_gate.lines(lines)


def _selftest(json: bool) -> None:
    from . import show, show_gate
    from .selftest import selftest

    found = selftest()
    show.as_json(found) if json else show_gate.selftest(found)
    if not all(one.ok for one in found):
        raise typer.Exit(Status.EVIDENCE)


@command(LOOP)
def monitor(
    today: Today = None,
    log: Annotated[
        str | None, typer.Option(help="The prediction log; ML_LOG or settings.toml's by default.")
    ] = None,
    json: Json = False,
) -> None:
    """Is the champion what the gate saw? Exit 1: a retraining is due."""
    from . import show
    from .monitor.report import write_report
    from .monitor.watch import place_of_log, watch

    project = open_project()
    place = log or place_of_log(project)
    seen = watch(project, open_registry(project), read_day(today), place)
    report = write_report(project.root, seen)
    show.as_json(seen) if json else show.monitor(seen, report)
    if seen.due:
        raise typer.Exit(Status.REJECTED)


@command(LOOK)
def card(version: Number = None, json: Json = False) -> None:
    """Print the model card of the champion, or of the version named."""
    from . import pipeline, show

    registry = open_registry(open_project())
    found = registry.version(version) if version else registry.champion()
    found = found or pipeline.newest(registry)
    text = (registry.fetch(found) / "card.md").read_text(encoding="utf-8")
    show.as_json({"version": found.number, "card": text}) if json else typer.echo(text, nl=False)


@command(LOOK)
def simulate(
    weeks: Annotated[int, typer.Option(help="How long.", min=4, max=520)] = 52,
    world: World = None,
    every: Annotated[int, typer.Option(help="Weeks between scheduled trainings.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Of the random rows.", min=0)] = 1,
    today: Today = None,
    json: Json = False,
) -> None:
    """A year in minutes: this loop beside three simpler policies."""
    from . import show
    from .simulate.report import sentence, write_report
    from .simulate.run import Plan, choose
    from .simulate.run import simulate as live

    project, day = open_project(), read_day(today)
    worlds = choose(project, world or ())
    plans = [Plan(project, name, weeks, every, seed, day) for name in worlds]
    with show.bar("simulate", weeks * len(plans)) as advance:
        lived = live(plans, advance)
    metric = project.settings.watched
    report = write_report(project.root, lived, metric)
    if json:
        show.as_json(lived)
    else:
        for one in lived:
            show.out.print(f"[bold]{one.world:<10}[/] {sentence(one, metric)}")
        show.out.print(f"  picture: {show.short(report.with_name('simulate.png'))}")
        show.then("ml train")


def exit_for(verdict: str) -> None:
    """End with the status of a rejection or of unsound evidence."""
    if verdict in ("REJECT", "INVALID"):
        raise typer.Exit(Status.REJECTED if verdict == "REJECT" else Status.EVIDENCE)
