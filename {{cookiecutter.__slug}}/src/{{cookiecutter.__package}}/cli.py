"""`ml`: one command for each step of a model's life."""

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import cli_data, cli_model  # noqa: F401 - their commands come first
from .errors import Status
from .options import (
    LOOK,
    LOOP,
    START,
    USE,
    Json,
    Number,
    Today,
    app,
    command,
    open_project,
    open_registry,
    read_day,
)

if TYPE_CHECKING:
    from .project import Project
    from .serving.options import Options

Html = Annotated[bool, typer.Option("--html", help="Write reports/status.html: all on one page.")]
Look = Annotated[bool, typer.Option("--watch", help="Show it again every few seconds.")]
CHAMPION_SECONDS = 5.0  # `ml serve` looks so often whether another version was promoted


@command(LOOP)
def promote(version: Number = None, json: Json = False) -> None:
    """Make the newest proven version, or the one named, champion here."""
    from . import promote as moves

    promoted, changed = moves.promote(open_registry(open_project()), version)
    _moved(promoted.number, changed, "is champion", json, "ml serve")


@command(LOOP)
def rollback(version: Number = None, json: Json = False) -> None:
    """Make the previous champion, or the one named, champion here again."""
    from . import promote as moves

    target, changed = moves.roll_back(open_registry(open_project()), version)
    _moved(target.number, changed, "is champion again", json, "ml status")


def _moved(number: int, changed: bool, what: str, json: bool, then: str) -> None:
    from . import show

    if json:
        show.as_json({"champion": number, "changed": changed})
    else:
        told = what if changed else "is champion already; nothing changed"
        show.out.print(f"v{number} {told}.")
        show.then(then)


@command(USE)
def predict(
    source: Annotated[Path, typer.Argument(metavar="IN", help="CSV, Parquet or JSON lines.")],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="A .csv, .parquet or .jsonl file; or a new folder."),
    ],
    today: Today = None,
    json: Json = False,
) -> None:
    """Predict the rows of a file, in pieces that fit in memory."""
    from . import predict as batch
    from . import show

    project = open_project()
    version, model = batch.champion(open_registry(project))
    with show.progress("predict"):
        rows = batch.predict_file(project, model, source, target, read_day(today))
    if json:
        show.as_json({"rows": rows, "out": target, "version": version.number})
    else:
        show.out.print(f"{rows:,} rows predicted by v{version.number}: {target}", markup=False)
        show.then("ml monitor", "once their answers are among your data")


@command(LOOK)
def status(html: Html = False, watch: Look = False, json: Json = False) -> None:
    """Who is champion, all versions, and what they learnt from."""
    from . import show, show_status

    found = show_status.look(open_project())
    if json:
        show.as_json(found.told())
    elif html:
        from .page_status import write_page

        show.out.print(f"status: {show.short(write_page(found))}", markup=False)
    elif watch:
        show_status.follow(found.project)
    else:
        show.out.print(show_status.table(found))
        show.then(show_status.next_command(found))


@command(USE)
def serve(
    host: Annotated[str | None, typer.Option(help="Address; settings.toml's by default.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Ask one real prediction over HTTP, check it, stop.")
    ] = False,
    json: Json = False,
) -> None:
    """Answer predictions over HTTP."""
    from . import predict as batch
    from . import show
    from .serving import server
    from .serving.loaded import golden

    project = open_project()
    registry = open_registry(project)
    version, model = batch.champion(registry)
    settings = project.settings.serve
    name, where = f"v{version.number}", host or settings.host
    if smoke:
        answer = server.smoke(model.folder, name, where, port or 0)
        show.as_json(answer) if json else show.smoke(answer, model.signature.target)
        return
    listening = server.listen(where, settings.port if port is None else port)
    show.serving(name, listening.getsockname()[1], where, golden(model.folder)["rows"][0])
    source = functools.partial(batch.champion_bundle, registry)
    server.Server(_options(project), source).run([listening])


def _options(project: "Project") -> "Options":
    from .serving.options import Options

    told = project.settings.serve
    log = project.place(told.log)
    return Options(watch=CHAMPION_SECONDS, log=log, log_sample=told.log_sample)


@app.command(
    rich_help_panel=USE, context_settings={"ignore_unknown_options": True, "help_option_names": []}
)
def state(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="COMMAND")] = None,
) -> None:
    """The team's versions: `pull` them, `push` yours and your champion."""
    from .state.__main__ import main as run

    run(arguments or ["--help"])


@command(START)
def doctor(json: Json = False) -> None:
    """Say what is missing on this machine, and how to get it."""
    from . import show
    from .doctor import examine
    from .root import find_root

    found = examine(find_root(Path.cwd()))
    show.as_json(found) if json else show.checks(found)
    if any(check.needed and not check.ok for check in found):
        raise typer.Exit(Status.SETTINGS)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown, and it is no verdict
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(Status.CRASH)
