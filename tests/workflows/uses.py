"""What a repository's workflows and local actions use, and whether a stand-in can take it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

RUNNER = "ubuntu-24.04"
STAND_INS = Path(__file__).parent / "actions"


@dataclass(frozen=True)
class Use:
    """One `uses:` of a step."""

    where: str
    action: str  # owner/name, with a folder where there is one, or ./a/local/path
    ref: str
    given: frozenset[str]


def uses(repository: Path) -> Iterator[Use]:
    """Every action that a step anywhere below .github uses."""
    for path in sorted((repository / ".github").rglob("*.y*ml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for step in _steps(content):
            if "uses" in step:
                action, _, ref = step["uses"].partition("@")
                given = frozenset(step.get("with") or {})
                yield Use(path.relative_to(repository).as_posix(), action, ref, given)


def refuse_what_act_skips(repository: Path) -> None:
    """Other runners and containers: act drops them silently, or ends the whole run."""
    for path in sorted((repository / ".github" / "workflows").glob("*.y*ml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, job in content["jobs"].items():
            where = f"{path.name}: {key}"
            runner = str(job.get("runs-on", RUNNER))
            if runner != RUNNER and "${{" not in runner:
                raise ValueError(f"{where} runs on {runner}; here is {RUNNER} only")
            if {"container", "services"} & set(job):
                raise ValueError(f"{where} needs containers, which act in host mode has not")
            if not job.get("uses", "./").startswith("./"):
                raise LookupError(f"{where} calls a workflow of another repository")


def _steps(content: Any) -> Iterator[dict]:
    if isinstance(content, dict):
        for job in (content.get("jobs") or {}).values():
            yield from job.get("steps") or []
        runs = content.get("runs")
        yield from (runs.get("steps") or []) if isinstance(runs, dict) else []


def stand_ins(repository: Path) -> dict[str, Path]:
    """`owner/name@commit` and its folder here, for each external action; complains otherwise."""
    found = {}
    for use in uses(repository):
        local = use.action.startswith("./")
        folder = repository / use.action if local else STAND_INS / use.action
        if not local and not (folder / "action.yml").is_file():
            raise LookupError(f"{use.where}: no stand-in for the action {use.action}")
        _check(use, folder)
        if not local:
            if not re.fullmatch("[0-9a-f]{40}", use.ref):
                raise LookupError(f"{use.where}: {use.action} is not pinned by a commit")
            name = "/".join(use.action.split("/")[:2])
            found[f"{name}@{use.ref}"] = STAND_INS / name
    return found


def _check(use: Use, folder: Path) -> None:
    """Every `with:` key is an input of the action, and every input it needs is given."""
    path = next((p for p in folder.glob("action.y*ml")), None)
    if path is None:
        raise LookupError(f"{use.where}: there is no action in {use.action}")
    inputs = (yaml.safe_load(path.read_text(encoding="utf-8")).get("inputs")) or {}
    if unknown := sorted(use.given - set(inputs)):
        raise ValueError(f"{use.where}: {use.action} has no input {', '.join(unknown)}")
    needed = {k for k, v in inputs.items() if (v or {}).get("required") and "default" not in v}
    if missing := sorted(needed - use.given):
        raise ValueError(f"{use.where}: {use.action} needs the input {', '.join(missing)}")
