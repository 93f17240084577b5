"""Score challenger and rivals on the same rows, and test what else the challenger must not break.

Everything is computed from a table of predictions; what has to open a model comes in as `guards`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..evidence import Details, Evidence, Guard
from ..guards.calibrate import reliability
from ..guards.fairness import fairness_guards, rates
from ..guards.family import family
from ..guards.plain import warnings
from ..metrics.compare import compare
from ..metrics.scored import Scored
from ..settings import GateSettings

SAME = 1e-6
NOTHING = Details()


def evaluate(
    scored: Scored,
    settings: GateSettings,
    problems: Sequence[str] = (),
    guards: Sequence[Guard] = (),
    details: Details = NOTHING,
) -> Evidence:
    """Compare the challenger with its rivals. What is unsound joins the problems."""
    found = (*problems, *_unsound(scored))
    metric, rows = scored.metric, len(scored.answers)
    if found:
        return Evidence(metric, rows, problems=found, guards=tuple(guards), details=details)
    same = _same(scored)
    judged = scored if not same else replace(scored, predictions=_without_champion(scored))
    compared = compare(scored, settings.max_loss_increase, settings.margin)
    beside = warnings(scored, compared.spread, settings)
    return Evidence(
        metric,
        rows,
        _smallest_class(scored),
        compared.values["challenger"],
        compared.margin,
        compared.gaps,
        same_as_champion=same,
        guards=(*guards, *beside, *fairness_guards(scored, settings)),
        harms=tuple(family(judged, settings)),
        details=_more(scored, settings, details),
    )


def _more(scored: Scored, settings: GateSettings, details: Details) -> Details:
    """What the report draws of the predictions."""
    known = {}
    if scored.task != "regression":
        models = ("challenger", "champion")
        known = {n: reliability(scored, n) for n in models if n in scored.predictions}
    return replace(details, reliability=known, rates=tuple(rates(scored, settings)))


def _without_champion(scored: Scored) -> dict:
    return {name: p for name, p in scored.predictions.items() if name != "champion"}


def _same(scored: Scored) -> bool:
    """Equal but for floating-point noise."""
    champion, challenger = scored.predictions.get("champion"), scored.predictions["challenger"]
    if champion is None:
        return False
    scale = float(np.std(champion)) if scored.task == "regression" else 1.0
    return bool(np.allclose(champion, challenger, rtol=0, atol=SAME * scale))


def _unsound(scored: Scored) -> Iterator[str]:
    answers = scored.answers
    for name, predicted in scored.predictions.items():
        if len(predicted) != len(answers):
            yield f"the {name} answered {len(predicted)} of {len(answers)} rows"
        elif not np.isfinite(predicted).all():
            wrong = int(np.sum(~np.isfinite(predicted)))
            yield f"the {name} gave {wrong} answers that are no finite number"
    yield from _absent(scored)
    if not np.isfinite(answers).all():
        yield "the holdout has answers that are no finite number"
    elif scored.task != "regression" and (answers < 0).any():
        yield f"{int((answers < 0).sum())} holdout rows have a class that no training row had"
    elif scored.metric in ("roc_auc", "average_precision") and (answers == answers[:1]).all():
        yield f"the holdout has one class only, so {scored.metric} is not defined"


def _absent(scored: Scored) -> Iterator[str]:
    if not len(scored.answers):
        yield "the holdout is empty"
    for name in ("challenger", "dummy"):
        if name not in scored.predictions:
            yield f"there is no answer of the {name}"
    if len({"champion", "anchor"} & set(scored.predictions)) == 1:
        yield "champion and anchor have to be scored together"


def _smallest_class(scored: Scored) -> int | None:
    """Rows of the rarest class that the model knows, none at all included."""
    if scored.task == "regression":
        return None
    classes = scored.predictions["challenger"].shape[1]
    return int(np.bincount(scored.answers.astype(int), minlength=classes).min())
