"""contract.yaml and settings.toml as people will read them."""

import json
import re
import tomllib
from pathlib import Path

from ..contract import Contract
from ..contract_yaml import contract_text
from ..errors import Status, Stop
from ..settings import Settings

HEAD = """\
# What a valid row is. Rows that break it neither train a model nor get a prediction.
# Written by `ml adopt` from your data; yours to edit. docs/data.md explains every rule.

"""
WRITTEN = (
    ("data", "source"),
    ("data", "window_days"),
    ("split", "holdout"),
    ("gate", "metric"),
    ("gate", "max_loss_increase"),
    ("gate", "floor"),
    ("gate", "horizon"),
)


def contract_file(contract: Contract) -> str:
    """The contract with a word on what it is."""
    return HEAD + contract_text(contract)


def settings_file(path: Path, wanted: Settings) -> str:
    """settings.toml with the changed keys in their places, every comment and other key kept."""
    text = path.read_text(encoding="utf-8")
    values = wanted.model_dump(exclude_defaults=True)
    for key in ("name", "task"):
        text = put(text, "", key, values[key])
    for section, key in WRITTEN:
        text = put(text, section, key, values.get(section, {}).get(key))
    found = Settings.model_validate(tomllib.loads(text))
    if found != wanted:
        hint = "put each key on a line of its own, under its [section]"
        raise Stop(Status.SETTINGS, f"adopt cannot write into settings.toml as it is: {hint}.")
    return text


def put(text: str, section: str, key: str, value: object) -> str:
    """Set one key: in its line, also where that is commented out; None comments it out."""
    lines = text.splitlines()
    start, end = _section(lines, section)
    pattern = re.compile(rf"^(# )?{key}(\s*)=\s*(\"[^\"]*\"|[^#\s]+)(.*)$")
    for place in range(start, end):
        found = pattern.match(lines[place])
        if found and found[1] and value is None:
            return text
        if found:
            shown = found[3] if value is None else literal(value)
            mark = "# " if value is None else ""
            space = found[2] if value is None else found[2][:1]
            lines[place] = f"{mark}{key}{space}= {shown}{_comment(found[4])}"
            return "\n".join(lines) + "\n"
    if value is not None:
        if section and start > len(lines):
            lines += ["", f"[{section}]"]
            end = len(lines)
        while end > start and end <= len(lines) and not lines[end - 1].strip():
            end -= 1
        lines.insert(end, f"{key} = {literal(value)}")
    return "\n".join(lines) + "\n"


def _section(lines: list[str], section: str) -> tuple[int, int]:
    """First and last line of a section, its header left out; beyond the end where there is none."""
    heads = [n for n, line in enumerate(lines) if line.startswith("[")]
    if not section:
        return 0, heads[0] if heads else len(lines)
    start = next((n for n in heads if lines[n].split("#")[0].strip() == f"[{section}]"), None)
    if start is None:
        return len(lines) + 1, len(lines)
    return start + 1, next((n for n in heads if n > start), len(lines))


def _comment(rest: str) -> str:
    return f" {rest.strip()}" if rest.strip() else ""


def literal(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else f"{value}"
