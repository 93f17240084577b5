"""`ml state`; for jobs that hold write tokens, the same with nothing installed: `.github/state`."""

import json
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import Stop
from ..root import find_root
from . import commands

PLACES = {
    "pull": [],
    "push": [],
    "show": [],
    "export": ["file"],
    "import": ["file"],
    "record": ["folder"],
    "unpack": ["folder", "target"],
    "image": ["version", "image"],
    "check": ["version"],
    "deployed": ["version"],
    "promote": ["version"],
    "target": ["to"],
    "rollback": ["version"],
    "running": ["environment"],
}
PATHS = ("folder", "target", "file")
HELP = {
    "folder": "what `ml train --pack` wrote",
    "target": "a new folder",
    "file": "NAME.tar, or a folder",
    "version": "the version's digest",
    "image": "NAME@sha256:…",
    "to": "previous, or a version's number",
    "environment": "staging, production",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command in the project of the current folder; facts come out as `name=value`."""
    asked = _parser().parse_args(arguments)
    try:
        facts = _function(asked.command)(find_root(Path.cwd()), asked)
    except Stop as stop:
        sys.stderr.write(f"ml state: {stop}\n")
        sys.exit(stop.status)
    if asked.command == "show":
        sys.stdout.write(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{name}={fact}\n" for name, fact in facts.items())


def _function(name: str) -> Callable[[Path, Namespace], commands.Facts]:
    return getattr(commands, "import_" if name == "import" else name)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="ml state", description=__doc__)
    chosen = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, places in PLACES.items():
        text = (_function(name).__doc__ or "").strip()
        one = chosen.add_parser(
            name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=RawDescriptionHelpFormatter,
        )
        for place in places:
            one.add_argument(place, help=HELP[place], type=Path if place in PATHS else str)
        if name == "record":
            one.add_argument("--bundle", default="", help="digest that the bundle must have")
            one.add_argument("--repository", default="", help="where bundles lie: HOST/NAME")
            one.add_argument("--run", default="", help="address of the run that decided")
        if name in ("export", "import"):
            one.add_argument("--ledger", action="store_true", help="the branch, not MLflow")
        if name == "import":
            one.add_argument("--digest", default="", help="what `export` told; refuses all others")
        if name in ("deployed", "promote", "rollback"):
            one.add_argument("--deployed", default="", help="environments that run it now")
    return parser


if __name__ == "__main__":
    main()
