"""`ml adopt --refresh`: what the contract would be today, as a diff; an edited rule stays."""

import difflib
import re
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import SingleQuotedScalarString

from ..checks.reference import REFERENCE, read_reference
from ..checks.summarize import build_reference
from ..contract import Contract, parse_contract
from ..contract_yaml import contract_text
from ..load import load_rows
from ..project import Project
from ..sources import read_file
from ..store.journal import replace_files
from .choice import Notes, Wishes
from .infer import infer

DATA = ("nulls", "range", "values", "unseen_max", "shape", "missing", "format", "type", "unique")


@dataclass(frozen=True)
class Proposal:
    """A unified diff, the rules of the user's that it leaves alone, and whether it was written."""

    diff: str
    kept: tuple[str, ...]
    written: bool


def propose(project: Project, file: Path | None, today: date, *, accept: bool) -> Proposal:
    """Infer a contract from the project's rows (or the file's) and lay it over the present one.

    A rule is taken over only where the present one is what `ml adopt` once wrote: a rule that the
    user has edited is kept, and named.
    """
    table = read_file(str(file)) if file else load_rows(project, today)
    path = project.root / "contract.yaml"
    text = path.read_text(encoding="utf-8")
    found = infer(table, _wishes(project.contract), today, Notes()).contract
    known = project.root / REFERENCE
    base = read_reference(known).inferred if known.is_file() else {}
    merged, kept = merge(text, base, plain(found))
    diff = "".join(
        difflib.unified_diff(
            text.splitlines(keepends=True),
            merged.splitlines(keepends=True),
            "contract.yaml",
            "proposed",
        )
    )
    if accept and diff:
        contract = parse_contract(merged, path.name)
        told = {"inferred": plain(found)}
        reference = build_reference(table, contract).model_copy(update=told)
        content = reference.model_dump_json(exclude_defaults=True) + "\n"
        replace_files(project.root, {"contract.yaml": merged, REFERENCE: content})
    return Proposal(diff, tuple(kept), accept and bool(diff))


def _wishes(contract: Contract) -> Wishes:
    """The roles that the contract has: what was decided once is not guessed again."""
    sensitive = tuple(name for name, column in contract.columns.items() if column.sensitive)
    dropped = tuple(contract.ignored)
    return Wishes(
        contract.target,
        contract.key_column,
        contract.time_column,
        contract.group_column,
        sensitive,
        dropped,
    )


def plain(contract: Contract) -> dict[str, Any]:
    """The contract as the values that its file holds."""
    return yaml.safe_load(contract_text(contract))


def merge(text: str, base: dict[str, Any], fresh: dict[str, Any]) -> tuple[str, list[str]]:
    """The file's text with the fresh rules, comments kept; and the edited rules that stay.

    `base` is what adopt wrote: where the file still says so, the fresh value replaces it.
    """
    editor = YAML()
    editor.width, editor.preserve_quotes = 1_000_000, True
    editor.indent(mapping=2, sequence=4, offset=2)
    document, kept = editor.load(text), []
    mine, old = document["columns"], base.get("columns", {})
    for name, rules in fresh["columns"].items():
        if name not in mine:
            mine[_quoted(name)] = fresh_map = CommentedMap(_quoted(rules))
            fresh_map.fa.set_flow_style()
            continue
        for rule in DATA:
            kept += _take(mine[name], old.get(name, {}), rules, rule, f"columns.{name}")
    for name in [name for name in mine if name not in fresh["columns"]]:
        if name in old:
            del mine[name]
    if isinstance(document.get("rows"), dict):
        kept += _take(document["rows"], base.get("rows", {}), fresh.get("rows", {}), "min", "rows")
    stream = StringIO()
    editor.dump(document, stream)
    return stream.getvalue(), kept


def _quoted(value: Any) -> Any:
    """Words in quotes, unless every version of YAML reads them as words."""
    if isinstance(value, dict):
        return {_quoted(key): _quoted(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_quoted(inner) for inner in value]
    if isinstance(value, str) and not re.fullmatch(r"[a-z_]{4,}", value):
        return SingleQuotedScalarString(value)
    return value


def _take(mine: Any, old: dict, fresh: dict, rule: str, where: str) -> list[str]:
    """Move one rule to its fresh value, unless the user has written another than adopt had."""
    present, before, now = mine.get(rule), old.get(rule), fresh.get(rule)
    if present == now:
        return []
    if present != before:
        return [f"{where}.{rule} {present!r} (the data say {now!r})"]
    if now is None:
        del mine[rule]
    else:
        mine[rule] = _quoted(now)
    return []
