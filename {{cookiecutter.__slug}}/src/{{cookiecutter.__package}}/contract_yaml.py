"""contract.yaml as it is written."""

import re
from typing import Any

import yaml

from .contract import Contract

NUMBER = re.compile(r"[-+]?[.\d][\d_.:]*([eE][-+]?\d+)?|0[obx][\da-fA-F_]+")


class _Dumper(yaml.SafeDumper):
    """Quotes words that one version of YAML reads as a number and another as a word."""


def _word(dumper: yaml.SafeDumper, word: str) -> yaml.ScalarNode:
    style = '"' if "\x85" in word else "'" if NUMBER.fullmatch(word) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", word, style=style)


_Dumper.add_representer(str, _word)


def contract_text(contract: Contract) -> str:
    """contract.yaml as it is written: a line for each column, and no value that is the default."""
    values = contract.model_dump(mode="json", exclude_defaults=True)
    lines = ["columns:"]
    for name, column in values.pop("columns").items():
        lines.append(f"  {_key(name)}: {_flow(column)}")
    lines += [_flow({key: value})[1:-1] for key, value in values.items()]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    """A column's name as a key: plain or quoted where YAML can, else with its signs escaped."""
    plain = _flow(name)
    if len(plain) <= 120 and name and "\n" not in plain and name.isprintable():
        return plain
    signs = (sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in _escaped(name))
    return f'"{"".join(signs)}"'


def _escaped(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


def _flow(value: object) -> str:
    """YAML on one line."""
    text = yaml.dump(
        _whole(value),
        Dumper=_Dumper,
        default_flow_style=True,
        allow_unicode=True,
        sort_keys=False,
        width=float("inf"),
    )
    return text.removesuffix("\n...\n").strip()


def _whole(value: Any) -> Any:
    """Numbers without a fraction as people write them: 240, not 240.0."""
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
