"""The branch's own page: who is in charge, what runs where, and how the scores went."""

from collections.abc import Iterator
from datetime import datetime
from html import escape

from .value import Decided, Published, State

PICTURE = "history.svg"
SHOWN = 30
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 300, 64, 40, 16, 40
FACE = 'role="img" font-family="sans-serif" font-size="12"'
INKS = {"PROMOTE": "#0b57a4", "KEEP": "#6b7280", "REJECT": "#b3261e", "INVALID": "#b3261e"}


def page(name: str, state: State) -> dict[str, str]:
    """The files beside state.json: a README that GitHub shows, and its picture."""
    lines = [f"# {name}: the state of the model", "", _in_charge(state), ""]
    drawn = [one for one in state.decisions if one.judgement.value is not None]
    if drawn:
        lines += [f"![Every decision's score over time, and the champion's]({PICTURE})", ""]
    lines += [*_environments(state), *_versions(state), *_decisions(state)]
    lines += ["Written by `ml state`; every commit is one change. Do not edit it by hand.", ""]
    return {"README.md": "\n".join(lines), **({PICTURE: draw(state)} if drawn else {})}


def _in_charge(state: State) -> str:
    if state.champion is None:
        return "No champion yet."
    version = state.champion.version
    before = f"; before it v{state.aliases.previous}" if state.aliases.previous else ""
    return f"**v{version.number}** is champion ({_score(version.judgement.value)}){before}."


def _environments(state: State) -> Iterator[str]:
    if state.environments:
        yield from ("| environment | version | since | image |", "|---|---|---|---|")
        for name, one in sorted(state.environments.items()):
            yield f"| {_cell(name)} | v{one.version} | {_day(one.since)} | `{one.image}` |"
        yield ""


def _versions(state: State) -> Iterator[str]:
    yield from (
        "| version | is | verdict | score | made | commit | data | digest |",
        "|---" * 8 + "|",
    )
    for one in reversed(state.versions[-SHOWN:]):
        version, judged = one.version, one.version.judgement
        made = f"{_day(one.made)} | `{one.commit[:8]}` | `{version.data_id[:8]}`"
        score = f"{judged.verdict} | {_score(judged.value)}"
        row = f"| v{version.number} | {_roles(state, one)} | {score} | {made}"
        yield f"{row} | `{version.digest[:12]}` |"
    yield ""


def _decisions(state: State) -> Iterator[str]:
    yield from ("| when | verdict | score | about | why |", "|---|---|---|---|---|")
    for one in reversed(state.decisions[-SHOWN:]):
        when = (
            f"[{_day(one.when)}]({one.run})" if one.run.startswith("https://") else _day(one.when)
        )
        about = f"v{one.number}" if one.number else "not kept"
        judged = f"{one.judgement.verdict} | {_score(one.judgement.value)}"
        yield f"| {when} | {judged} | {about} | {_cell(one.reason)} |"
    yield ""


def _roles(state: State, one: Published) -> str:
    number, aliases = one.version.number, state.aliases
    named = {"champion": aliases.champion, "anchor": aliases.anchor, "previous": aliases.previous}
    roles = [alias for alias, other in named.items() if other == number]
    return ", ".join(roles + ["rolled back"] * one.version.rolled_back)


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _day(moment: str) -> str:
    return moment[:16].replace("T", " ")


def _cell(text: str) -> str:
    return escape(" ".join(text.split()), quote=False).replace("|", "\\|").replace("`", "'")


def draw(state: State) -> str:
    """Scores over time: a mark for each decision by its verdict, and a line for the champion."""
    drawn = [one for one in state.decisions if one.judgement.value is not None]
    across, up = _scales(drawn)
    marks = [_mark(one, across(one), up(one.judgement.value or 0.0)) for one in drawn]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FACE}>',
        "<title>Scores of all decisions</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_frame(drawn, up),
        _champions(drawn, [across(one) for one in drawn], up),
        *marks,
        *_legend(),
    ]
    return "\n".join(parts) + "\n</svg>\n"


def _scales(drawn: list[Decided]):  # noqa: ANN202 - two functions of one decision, of one value
    times = [datetime.fromisoformat(one.when).timestamp() for one in drawn]
    first, span = min(times), (max(times) - min(times)) or 1.0
    values = [one.judgement.value or 0.0 for one in drawn]
    low, rise = min(values), max(values) - min(values)

    def across(one: Decided) -> float:
        share = (datetime.fromisoformat(one.when).timestamp() - first) / span
        return LEFT + 12 + share * (WIDTH - LEFT - RIGHT - 24)

    def up(value: float) -> float:
        share = (value - low) / rise if rise else 0.5
        return HEIGHT - BOTTOM - 12 - share * (HEIGHT - TOP - BOTTOM - 24)

    return across, up


def _mark(one: Decided, x: float, y: float) -> str:
    """A full circle is promoted, an open one kept, a cross rejected, a triangle invalid."""
    verdict, about = one.judgement.verdict, f"{_day(one.when)} {one.judgement.verdict}"
    ink = f'stroke="{INKS[verdict]}" stroke-width="2"'
    shapes = {
        "PROMOTE": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{INKS[verdict]}"/>',
        "KEEP": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#ffffff" {ink}/>',
        "REJECT": f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8" {ink}/>',
        "INVALID": f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="#ffffff" {ink}/>',
    }
    return f"<g>{shapes[verdict]}<title>{about} {_score(one.judgement.value)}</title></g>"


def _champions(drawn: list[Decided], xs: list[float], up) -> str:  # noqa: ANN001 - as in _scales
    """A staircase: from each promotion on, the score that it was promoted with."""
    steps = [(x, up(o.judgement.value)) for o, x in zip(drawn, xs, strict=True) if _promoted(o)]
    if not steps:
        return ""
    path = f"M{steps[0][0]:.1f} {steps[0][1]:.1f}"
    path += "".join(f"H{x:.1f}V{y:.1f}" for x, y in steps[1:]) + f"H{WIDTH - RIGHT}"
    return f'<path d="{path}" fill="none" stroke="{INKS["PROMOTE"]}" stroke-width="1.5"/>'


def _promoted(one: Decided) -> bool:
    return one.judgement.verdict == "PROMOTE"


def _frame(drawn: list[Decided], up) -> Iterator[str]:  # noqa: ANN001 - as in _scales
    values = [one.judgement.value or 0.0 for one in drawn]
    bottom, text = HEIGHT - BOTTOM, 'fill="#374151"'
    yield f'<path d="M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}" fill="none" stroke="#9ca3af"/>'
    for value in sorted({min(values), max(values)}):
        place = f'x="{LEFT - 6}" y="{up(value) + 4:.1f}"'
        yield f'<text {place} text-anchor="end" {text}>{value:.4f}</text>'
    first, last = (one.when[:10] for one in (drawn[0], drawn[-1]))
    ends = [(first, LEFT, "start"), *[(last, WIDTH - RIGHT, "end")] * (last != first)]
    for when, x, anchor in ends:
        yield f'<text x="{x}" y="{bottom + 20}" text-anchor="{anchor}" {text}>{when}</text>'
    yield f'<text x="{LEFT}" y="20" font-weight="bold" {text}>{escape(drawn[-1].metric)}</text>'


def _legend() -> Iterator[str]:
    for place, (verdict, ink) in enumerate(INKS.items()):
        x = WIDTH - RIGHT - 330 + 84 * place
        sign = {"PROMOTE": "●", "KEEP": "○", "REJECT": "×", "INVALID": "△"}[verdict]
        yield f'<text x="{x}" y="20" fill="{ink}">{sign} {verdict}</text>'
