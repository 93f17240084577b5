"""The user's own metric: all models on the same redrawn rows, many times."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from ..engine.local import LOCAL, cut
from .scored import Codes, Dependence, Numbers, Scored

DRAWS = 400
SEED = 20_260_601

Draws = dict[str, Numbers]


def custom(scored: Scored) -> tuple[dict[str, float], Draws]:
    """The user's own metric of every model, and its value in each draw of rows."""
    metric, answers = scored.custom, scored.answers
    if metric is None:
        raise ValueError("there is no custom metric")
    values = {n: float(metric(answers, p)) for n, p in scored.predictions.items()}
    plain = replace(scored, slices={}, sensitive={}, engine=LOCAL)
    parts = scored.engine.map(_redraw, plain, cut(DRAWS, scored.engine.pieces))
    draws = np.concatenate(list(parts))
    return values, dict(zip(values, draws.T, strict=True))


def _redraw(scored: Scored, places: range) -> Numbers:
    """Everybody's metric in these of all draws, shape (draws, models)."""
    metric, answers, found = scored.custom, scored.answers, []
    drawn = _draw_rows(len(answers), scored.dependence)  # from the first, so all draw alike
    for rows in islice(drawn, places.start, places.stop):
        pairs = ((answers[rows], said[rows]) for said in scored.predictions.values())
        found.append([float(metric(*pair)) for pair in pairs])  # ty: ignore[not-callable]
    return np.array(found)


def _draw_rows(rows: int, dependence: Dependence) -> Iterator[Codes]:
    random, drawn = np.random.default_rng(SEED), blocks(dependence)
    if drawn is None:
        for _ in range(DRAWS):
            yield random.integers(0, rows, rows)
        return
    order = np.argsort(drawn, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(drawn))[:-1])
    for _ in range(DRAWS):
        yield np.concatenate(
            [members[unit] for unit in random.integers(0, len(members), len(members))]
        )


def units(rows: int, dependence: Dependence) -> int:
    """How many rows, owners or blocks of moments are drawn."""
    known = blocks(dependence)
    return rows if known is None else int(known.max()) + 1


def blocks(dependence: Dependence) -> Codes | None:
    """What is drawn as a whole: an owner's rows, or `horizon` neighbouring moments."""
    if dependence.steps is not None:
        moments = np.unique(dependence.steps, return_inverse=True)[1]
        return np.unique(moments // dependence.horizon, return_inverse=True)[1]
    if dependence.groups is not None:
        return np.unique(dependence.groups, return_inverse=True)[1]
    return None
