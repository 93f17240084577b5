"""Broken rules of the data, as plain lines and as a Markdown table."""

from collections.abc import Sequence

from ..checks.findings import Finding


def findings_text(findings: Sequence[Finding]) -> str:
    """Findings as plain lines."""
    lines = [f"The data break the contract ({len(findings)} rule{'s' * (len(findings) != 1)}):"]
    for found in findings:
        shown = f"; {', '.join(found.examples)}" if found.examples else ""
        lines.append(f"  {found.column}: {found.rule}: {found.message}{shown}")
    hint = "`ml adopt --refresh` proposes a newer contract"
    return "\n".join([*lines, f"Mend the data; if they are right as they are, {hint}."])


def findings_markdown(findings: Sequence[Finding]) -> str:
    """Findings as a Markdown table, for the summary of a job."""
    if not findings:
        return "The data keep the contract.\n"
    lines = ["| column | rule | severity | what | examples |", "|---|---|---|---|---|"]
    for found in findings:
        shown = (found.column, found.rule, found.severity, found.message, "; ".join(found.examples))
        cells = (cell.replace("|", "\\|").replace("\n", " ") for cell in shown)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
