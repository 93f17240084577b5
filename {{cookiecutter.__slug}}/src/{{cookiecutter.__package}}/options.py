"""What the commands share: their options, the project they run in, and how they end."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import Status, Stop

if TYPE_CHECKING:
    from .project import Project
    from .store.tracking import Registry

app = typer.Typer(
    help="Train, judge, promote and serve a model.",
    epilog="Exit status: 0 done, 1 no, 2 settings, 3 data, 4 evidence, 70 crash.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
START, LOOP, USE, LOOK = "Start", "The loop", "Use it", "Look"
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value for machines.")]
Today = Annotated[
    str | None, typer.Option("--today", metavar="DATE", help="Pretend that today is this date.")
]
Number = Annotated[
    int | None, typer.Argument(metavar="[VERSION]", help="A version's number.", min=1)
]


def command(panel: str) -> Callable[[Callable], Callable]:
    """Register a command; a Stop becomes its message and its exit status, never a traceback.

    `panel` is its heading in the table of contents that `ml --help` is.
    """

    def register(function: Callable) -> Callable:
        @wraps(function)
        def run(*args, **options) -> None:  # noqa: ANN002, ANN003 - typer reads the wrapped one
            try:
                function(*args, **options)
            except Stop as stop:
                typer.echo(f"ml: {stop}", err=True)
                raise typer.Exit(stop.status) from stop

        return app.command(rich_help_panel=panel)(run)

    return register


def open_project() -> "Project":
    """The project of the folder that `ml` runs in."""
    from .project import read_project
    from .root import find_root

    return read_project(find_root(Path.cwd()))


def open_registry(project: "Project") -> "Registry":
    """The versions of the project's model."""
    from .store.tracking import Registry

    return Registry(project.root, project.settings.name)


def read_day(text: str | None) -> date:
    """`--today`, or the day that it is in UTC."""
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Stop(
            Status.SETTINGS, f"--today {text!r} is no date: write it as 2026-01-31."
        ) from error
