"""A broken rule, as plain values."""

from dataclasses import dataclass

from ..contract import Contract, Rule, Severity

TABLE = "(table)"


@dataclass(frozen=True)
class Finding:
    """One broken rule: how many rows break it, and the first three of them."""

    column: str
    rule: Rule
    severity: Severity
    message: str
    examples: tuple[str, ...] = ()


def finding(
    contract: Contract, column: str, rule: Rule, message: str, examples: tuple[str, ...] = ()
) -> Finding:
    """A finding with the severity that the contract gives this rule."""
    return Finding(column, rule, contract.severity_of(rule, column), message, examples)
