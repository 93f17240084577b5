"""reports/monitor/: what was seen, as a job's summary shows it, with pictures and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from ..report.findings import findings_markdown
from ..report.markdown import cell
from .plots import draw_drift, draw_score
from .policy import WORDS
from .seen import Watch

MOST = 12
PLOTS = {
    "score.png": "The champion's score week by week, beside the one that the gate saw",
    "drift.png": "How far each input has moved",
}


def write_report(root: Path, seen: Watch) -> Path:
    """Write report.md, seen.json and the pictures; returns the report's path."""
    folder = root / "reports" / "monitor"
    folder.mkdir(parents=True, exist_ok=True)
    for name in PLOTS:
        (folder / name).unlink(missing_ok=True)
    if seen.judged and (seen.scores or seen.expected):
        draw_score(seen, folder / "score.png")
    if seen.drift:
        draw_drift(seen.drift, folder / "drift.png")
    told = json.dumps(asdict(seen), indent=1, ensure_ascii=False, default=str)
    (folder / "seen.json").write_text(told + "\n", encoding="utf-8")
    plots = [name for name in PLOTS if (folder / name).is_file()]
    lines = [*_head(seen), *_score(seen), *_answers(seen), *_drift(seen), *_served(seen)]
    if seen.findings:
        lines += ["Beside the contract and the rows that the champion learnt from:", ""]
        lines += [findings_markdown(seen.findings)]
    lines += [f"![{PLOTS[name]}]({name})" for name in plots]
    path = folder / "report.md"
    path.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return path


def _head(seen: Watch) -> Iterator[str]:
    verdict = WORDS[seen.then]
    yield f"## Monitor: {verdict}"
    yield ""
    yield f"{seen.reason[:1].upper()}{seen.reason[1:]}."
    yield ""
    if seen.version is not None:
        age = "" if seen.age_days is None else f", {_days(seen.age_days)} old"
        newest = f"; the newest label is of {seen.newest_label}" if seen.newest_label else ""
        whose = f" of the {seen.source}" if seen.source else ""
        rows = f"{seen.rows:,} newer rows{whose}, {seen.labelled:,} with an answer"
        yield f"Champion v{seen.version}{age}. {rows}{newest}."
        yield ""


def _days(count: int) -> str:
    return f"{count} day{'s' * (count != 1)}"


def _score(seen: Watch) -> Iterator[str]:
    if not seen.judged or not (seen.scores or seen.expected):
        return
    yield f"| {seen.metric} | value (90 % interval) |"
    yield "|---|---|"
    if seen.own is not None:
        yield f"| at its own gate | {abs(seen.own):.4f} |"
    yield f"| at the newest gate | {seen.judged.text(seen.metric)} |"
    if seen.scores:
        yield f"| on {seen.scores.rows:,} newer rows | {seen.scores.now.text(seen.metric)} |"
    if seen.expected:
        rows = f"expected of {seen.expected.rows:,} newer rows, without their labels"
        yield f"| {rows} | {seen.expected.score.text(seen.metric)} |"
    yield ""
    if seen.expected:
        yield f"How far to trust what is expected: {seen.expected.trust}."
        yield ""
    known = seen.scores.calibration if seen.scores else None
    if known:
        what = (
            f"slope {known.slope:.2f} (1 is right), intercept {known.intercept:+.2f} (0 is right)"
        )
        yield f"Calibration: {what}, ECE {known.ece:.3f}."
        yield ""


def _answers(seen: Watch) -> Iterator[str]:
    if seen.answers:
        one, word = seen.answers, "have moved" if seen.answers.drifted else "are as at the gate"
        yield f"The champion's answers {word}: {cell(one.column)} by {one.size:.2f} (KS)."
        yield ""


def _drift(seen: Watch) -> Iterator[str]:
    moved = [one for one in seen.drift if one.drifted]
    if not moved:
        if seen.drift:
            most = seen.drift[0]
            yield f"No input has moved far enough to matter: {cell(most.column)} {most.size:.2f}."
            yield ""
        return
    yield "| moved | distance | p, after Holm | what |"
    yield "|---|---|---|---|"
    for one in moved[:MOST]:
        what = "share that is missing" if one.kind == "missing" else "values"
        yield f"| {cell(one.column)} | {one.size:.2f} | {one.p:.1g} | {what} |"
    yield ""


def _served(seen: Watch) -> Iterator[str]:
    """What the log alone can tell."""
    if seen.versions:
        told = ", ".join(f"{cell(name)} {rows:,}" for name, rows in list(seen.versions.items())[:5])
        yield f"Answered by version, rows: {told}."
        yield ""
    if seen.skew is not None:
        word = "as its bundle does" if seen.skew <= 1e-5 else "**not as its bundle does**"
        yield f"The service answers {word}: at most {seen.skew:.1e} of scale apart."
        yield ""
    if seen.skewed:
        names = ", ".join(f"{cell(one.column)} {one.size:.2f}" for one in seen.skewed[:MOST])
        yield f"What is served differs from the data of the same days: {names}."
        yield ""
    if seen.oddities:
        yield f"The log: {cell('; '.join(seen.oddities))}."
        yield ""
