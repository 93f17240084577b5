"""The commands about data: adopt a table, validate one."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import Status, Stop
from .options import LOOP, START, Json, Today, command, open_project, read_day

if TYPE_CHECKING:
    from .settings import Task


def _column(told: str) -> Any:
    return typer.Option(metavar="COLUMN", help=told)


REPAIR = ("ml adopt --refresh", "proposes a contract, if the data are right as they are")
Name = str | None
Names = list[str] | None
Table = Annotated[Path | None, typer.Argument(help="CSV, Parquet, JSON lines or Excel.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Propose a newer contract, as a diff.")]
Accept = Annotated[bool, typer.Option("--accept", help="With --refresh: write what is proposed.")]
Plots = Annotated[bool, typer.Option("--plots", help="Write reports/data.html: now and before.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a job's summary.")]
Word = Annotated[str | None, typer.Option(metavar="TASK", help="binary, multiclass or regression.")]


@command(START)
def adopt(
    file: Table = None,
    target: Annotated[Name, _column("The column to predict.")] = None,
    id: Annotated[Name, _column("Names a row.")] = None,
    time: Annotated[Name, _column("When a row was observed.")] = None,
    group: Annotated[Name, _column("Whose rows belong together.")] = None,
    sensitive: Annotated[Names, _column("Judged for fairness, no input.")] = None,
    drop: Annotated[Names, _column("Left out of everything.")] = None,
    task: Word = None,
    refresh: Refresh = False,
    accept: Accept = False,
    today: Today = None,
    json: Json = False,
) -> None:
    """Make a table of yours the project's own, with a first model."""
    from . import show
    from .adopt import story
    from .adopt.choice import Wishes
    from .root import find_root

    if refresh:
        _refresh(file, read_day(today), accept, json)
        return
    if file is None or target is None:
        usage = "ml adopt FILE --target COLUMN"
        raise Stop(Status.SETTINGS, f"name a table and the column to predict: {usage}")
    given = (tuple(sensitive or ()), tuple(drop or ()), _task(task))
    wishes = Wishes(target, id, time, group, *given)
    made = story.adopt(find_root(Path.cwd()), file, wishes, read_day(today), show.progress)
    show.as_json(made) if json else show.adopted(made)


def _refresh(file: Path | None, day: date, accept: bool, json: bool) -> None:
    from . import show
    from .adopt.refresh import propose

    proposal = propose(open_project(), file, day, accept=accept)
    show.as_json(proposal) if json else show.proposal(proposal)


def _task(word: str | None) -> "Task | None":
    from .settings import METRICS

    found = next((task for task in METRICS if task == word), None)
    if word is not None and found is None:
        raise Stop(Status.SETTINGS, f"--task {word!r}: use {', '.join(METRICS)}.")
    return found


@command(LOOP)
def validate(
    file: Annotated[
        Path | None, typer.Argument(help="A table; without it, the project's own data.")
    ] = None,
    plots: Plots = False,
    markdown: Markdown = False,
    today: Today = None,
    json: Json = False,
) -> None:
    """Check data against contract.yaml and the champion's own rows."""
    from . import batch, show

    project, day = open_project(), read_day(today)
    found = batch.validate_batch(project, file, day)
    if plots:
        from .page import write_page

        show.err.print(f"plots: {write_page(project, found, file)}", markup=False)
    if json:
        show.as_json(found.findings)
    elif markdown:
        show.markdown_findings(found.findings)
    else:
        show.findings(found.findings)
        show.then(*(REPAIR if found.failures else ("ml train",)))
    if found.failures:
        raise typer.Exit(Status.DATA)
