"""What the gate's commands print."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .show import STYLES, out, short, then

if TYPE_CHECKING:
    from .decision import Decision
    from .selftest import Found
    from .store.versions import Version


def decision(made: "Decision", report: Path) -> None:
    """The verdict, in colour where there is colour."""
    out.print(f"\n[{STYLES[made.verdict]}]{made.verdict}[/]: {escape(made.reason)}")
    for c in made.comparisons:
        who = "a constant answer" if c.against == "dummy" else f"the {c.against}"
        out.print(
            f"  {made.metric} {c.delta:+.4f} against {who}  ({c.lower:+.4f} … {c.upper:+.4f})"
        )
    if made.rows_to_settle:
        out.print(f"  about {made.rows_to_settle:,} holdout rows would settle an equal model")
    out.print(f"  report: {short(report)}")


def lines(text: Sequence[str]) -> None:
    """Plain sentences."""
    for line in text:
        out.print(line, markup=False)


def selftest(found: Sequence["Found"]) -> None:
    """What was planted and what the gate said of it."""
    table = Table("", "planted", "verdict", "because", box=None, header_style="bold")
    for one in found:
        mark = "[green]✓[/]" if one.ok else f"[red]✗ {one.wanted} was wanted[/]"
        table.add_row(mark, one.planted, f"[{STYLES[one.verdict]}]{one.verdict}[/]", one.reason)
    Console(highlight=False).print(table)


def next_command(made: "Decision", version: "Version | None", champion: int | None) -> None:
    """What to do now."""
    if made.verdict == "PROMOTE" and version and version.number != champion:
        out.print(f"\nv{version.number} is registered.")
        then("ml promote")
    else:
        then("ml gate --explain", "for the whole reasoning")
