"""What the commands print: for people on a terminal, or one JSON value for machines."""

import json
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from .adopt.refresh import Proposal
    from .adopt.story import Adopted
    from .checks.findings import Finding
    from .doctor import Check
    from .monitor.seen import Watch

STYLES = {"PROMOTE": "bold blue", "KEEP": "bold", "REJECT": "bold red", "INVALID": "bold red"}
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def progress(step: str) -> Generator[None]:
    """A spinner while a step runs, and a line with its time when it is done."""
    start = time.perf_counter()
    with err.status(step):
        yield
    err.print(f"[green]✓[/] {step:<10} [dim]{time.perf_counter() - start:5.1f} s[/]")


@contextmanager
def bar(what: str, total: int) -> Generator[Callable[[], None]]:
    """A bar with the time that is left; yields what moves it on by one."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err) as progressing:
        task = progressing.add_task(what, total=total)
        yield lambda: progressing.advance(task)


def then(command: str, why: str = "") -> None:
    """What to type next, at the end of a command."""
    out.print(f"Next: [bold]uv run {command}[/]{why and ', '}{why}")


def as_json(value: Any) -> None:
    """One JSON value on standard output."""
    sys.stdout.write(json.dumps(value, default=_plain, indent=1, ensure_ascii=False) + "\n")


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def findings(found: Sequence["Finding"]) -> None:
    """One row for each broken rule."""
    if not found:
        out.print("[green]✓[/] the data keep the contract")
        return
    table = Table("column", "rule", "severity", "what", "examples", box=None, header_style="bold")
    for one in found:
        style = "red" if one.severity == "fail" else "yellow"
        told = (escape(one.message), escape("\n".join(one.examples)))
        table.add_row(escape(one.column), one.rule, f"[{style}]{one.severity}[/]", *told)
    Console(highlight=False).print(table)


def markdown_findings(found: Sequence["Finding"]) -> None:
    """The same as a Markdown table."""
    from .report.findings import findings_markdown

    sys.stdout.write(findings_markdown(found))


def adopted(made: "Adopted") -> None:
    """Every decision, why it was made, and the setting that changes it."""
    table = Table("decided", "because", "to change it", box=None, header_style="bold")
    for choice in made.decisions:
        table.add_row(escape(choice.what), escape(choice.why), escape(choice.setting))
    Console(highlight=False).print(table)
    out.print(f"\n{made.rows:,} rows adopted; {made.target} is the target.", markup=False)
    from .show_gate import decision

    decision(made.decision, made.report)
    if made.verdict == "PROMOTE":
        out.print("\nWrite what must always hold into tests/model/test_behaviour.py, and commit")
        out.print(
            f"contract.yaml, settings.toml and reference.json.{_rows(made.source)}", markup=False
        )
        then("ml promote")
    else:
        out.print("\nThe baseline proves nothing yet: more rows, or other columns, may help.")
        then("ml gate --explain")


def _rows(source: str) -> str:
    """What to think of before the adopted table is committed too."""
    if Path(source).is_absolute():
        return ""
    told = "whoever reads the repository reads them: docs/questions.md"
    return f" Workflows need\n{source} too, but it holds your rows, and {told}."


def proposal(made: "Proposal") -> None:
    """The diff of a contract, and what of the user's own stays."""
    out.print(made.diff or "the contract fits the data; nothing is proposed", markup=False)
    for line in made.kept:
        out.print(f"kept as you wrote it: {line}", markup=False)
    if made.diff:
        out.print("written." if made.written else "\nNothing is written.")
        then(*(("ml validate",) if made.written else ("ml adopt --refresh --accept", "to accept")))


def monitor(seen: "Watch", report: Path) -> None:
    """Whether the champion holds, and which columns have moved."""
    from .monitor.policy import WORDS

    style = "bold" if seen.then == "nothing" else "bold red"
    out.print(f"[{style}]{WORDS[seen.then]}[/]: {escape(seen.reason)}")
    if seen.expected:
        told = seen.expected
        out.print(
            f"  expected without labels: {told.score.text(seen.metric)}; {escape(told.trust)}"
        )
    moved = ", ".join(f"{one.column} {one.size:.2f}" for one in seen.drift if one.drifted)
    if moved:
        out.print(f"  moved: {escape(moved)}")
    if seen.findings:
        findings(seen.findings)
    for line in seen.oddities:
        out.print(f"  the log: {escape(line)}")
    out.print(f"  report: {short(report)}")
    then("ml train" if seen.due else "ml status")


def checks(found: Sequence["Check"]) -> None:
    """What the doctor saw, with the way to mend it."""
    table = Table("", "what", "found", "to mend it", box=None, header_style="bold")
    for check in found:
        mark = "[green]✓[/]" if check.ok else ("[red]✗[/]" if check.needed else "[yellow]![/]")
        told = (check.name, check.found, "" if check.ok else check.fix)
        table.add_row(mark, *map(escape, told))
    Console(highlight=False).print(table)
    if all(check.ok or not check.needed for check in found):
        then("ml train")


def short(path: Path) -> str:
    """A path as seen from here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def smoke(answer: dict[str, Any], target: str) -> None:
    """One real question and its answer over HTTP."""
    out.print(f"asked      {json.dumps(answer['row'], ensure_ascii=False)}", markup=False)
    out.print(
        f"{answer['version']} answered {target} = {answer['prediction']}, as when it was made.",
        markup=False,
    )
    then("ml serve")


def serving(version: str, port: int, host: str, row: dict[str, Any]) -> None:
    """Where the service listens, and a line to paste."""
    url = f"http://{host}:{port}/predict"
    body = json.dumps({"rows": [row]}, ensure_ascii=False).replace("'", "\\u0027")
    out.print(f"{version} answers on {url}. Try, in another terminal:\n", markup=False)
    out.print(f"curl -s {url} -d '{body}'\n", markup=False)
