"""reports/status.html: versions, decisions, drift and lineage on one page without a script."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from .monitor.policy import WORDS
from .show_status import Found, roles, score_text
from .state.page import draw

SHOWN = 50
STYLE = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;
max-width:72rem;padding:0 1rem}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
th{font-weight:600}td.n{font-variant-numeric:tabular-nums}code{font-size:.85em}
svg{max-width:100%;height:auto;background:#fff;border-radius:6px}.wide{overflow-x:auto}
.bar{background:#8883;border-radius:3px;height:.7rem;width:14rem}.bar i{display:block;height:100%;
background:#0072b2;border-radius:3px}.bar.moved i{background:#d55e00}
.big{font-size:1.3rem}.due{color:#d55e00;font-weight:600}small{opacity:.75}
"""


def write_page(found: Found) -> Path:
    """reports/status.html: one page, no script, no server."""
    place = found.project.root / "reports" / "status.html"
    place.parent.mkdir(exist_ok=True)
    name = escape(found.project.settings.name)
    body = "\n".join((*_in_charge(found), *_monitor(found), *_lineage(found), *_decisions(found)))
    page = (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{name}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{STYLE}</style>"
        f"<h1>{name}</h1>\n{body}\n<p><small>Written by <code>ml status --html</code> "
        f"on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC.</small></p></html>\n"
    )
    place.write_text(page, encoding="utf-8")
    return place


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _rows(header: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """An HTML table; cells are HTML already."""
    head = "".join(f"<th>{one}</th>" for one in header)
    lines = "".join(f"<tr>{''.join(f'<td class=n>{c}</td>' for c in row)}</tr>" for row in rows)
    return f"<div class=wide><table><tr>{head}</tr>{lines}</table></div>"


def _in_charge(found: Found) -> Iterator[str]:
    state = found.state
    champion = state.champion
    if champion is None:
        yield "<p class=big>No champion yet.</p>"
    else:
        version = champion.version
        value = score_text(version.judgement.value)
        yield f"<p class=big><b>v{version.number}</b> is champion, {value} at the gate.</p>"
    if any(one.judgement.value is not None for one in state.decisions):
        yield draw(state)
    if state.environments:
        running = sorted(state.environments.items())
        yield "<h2>What runs where</h2>"
        cells = (
            (escape(name), f"v{one.version}", escape(one.since[:16]), _code(one.image))
            for name, one in running
        )
        yield _rows(("environment", "version", "since", "image"), cells)


def _monitor(found: Found) -> Iterator[str]:
    seen = found.seen
    if not seen:
        return
    yield "<h2>Monitoring</h2>"
    verdict = WORDS[seen["then"]].capitalize()
    if seen["then"] != "nothing":
        verdict = f"<span class=due>{verdict}</span>"
    yield f"<p>{verdict}: {escape(seen['reason'])}.</p>"
    if seen.get("drift"):
        yield _rows(
            ("input", "how far it moved (0 is alike, 1 is apart)", ""), map(_bar, seen["drift"])
        )


def _bar(one: dict[str, Any]) -> tuple[str, str, str]:
    width, moved = min(100.0, 100 * float(one["size"])), " moved" if one["drifted"] else ""
    bar = f"<div class='bar{moved}'><i style='width:{width:.0f}%'></i></div>"
    word = f"{float(one['size']):.2f}" + (", matters" if one["drifted"] else "")
    return escape(one["column"]), bar, word


def _lineage(found: Found) -> Iterator[str]:
    """Rows → version → verdict → where it runs: one line each."""
    yield "<h2>Versions, and what they are made of</h2>"
    kept, running = {load.id: load for load in found.data}, found.state.environments
    where: dict[int, list[str]] = {}
    for name, one in sorted(running.items()):
        where.setdefault(one.version, []).append(name)
    commits = {one.version.digest: one.commit for one in found.state.versions}

    def lines() -> Iterator[Sequence[str]]:
        for version in reversed(found.state.known[-SHOWN:]):
            load = kept.get(version.data_id)
            data = _code(version.data_id[:8])
            if load:
                ends = [(end or "")[:10] for end in (load.first, load.last)]
                data += f" {load.rows:,} rows, {ends[0]} to {ends[1]}"
            yield (
                f"v{version.number}",
                escape(roles(found.state, version)),
                f"{version.judgement.verdict} {score_text(version.judgement.value)}",
                data,
                _code(commits.get(version.digest, "")[:8]),
                _code(version.digest[:12]),
                escape(", ".join(where.get(version.number, ()))),
            )

    yield _rows(("version", "is", "verdict", "rows", "commit", "digest", "runs in"), lines())


def _decisions(found: Found) -> Iterator[str]:
    if not found.state.decisions:
        return
    yield "<h2>Decisions</h2>"
    newest = reversed(found.state.decisions[-SHOWN:])
    cells = (
        (
            escape(one.when[:16].replace("T", " ")),
            one.judgement.verdict,
            score_text(one.judgement.value),
            escape(one.reason),
        )
        for one in newest
    )
    yield _rows(("when", "verdict", "score", "why"), cells)
