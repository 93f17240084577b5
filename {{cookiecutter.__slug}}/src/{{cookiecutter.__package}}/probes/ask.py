"""Everything that only an opened model or a raw row can tell, as guards and details."""

from collections.abc import Iterator
from datetime import date

from ..checks.leak import leaks
from ..evidence import Details, Guard
from ..metrics.scored import Scored
from ..project import Project
from ..steps.split import Split
from ..store.encode import encode_rows
from ..store.model import Model
from .behaviour import behaviour
from .explain import importances, shifts
from .holdout import freshness, new_leaks
from .parity import ROWS, parity
from .robust import robustness
from .speed import speed

LEAK_ROWS = 20_000


def ask(
    project: Project, challenger: Model, champion: Model | None, parts: Split, today: date
) -> Iterator[Guard]:
    """Parity, robustness, speed, freshness, leaks and the user's own sentences."""
    settings, contract = project.settings.gate, project.contract
    inputs = encode_rows(parts.holdout.head(ROWS), challenger.signature.inputs)
    yield from parity(challenger, inputs)
    yield robustness(challenger, inputs)
    yield from speed(challenger, champion, parts.holdout, settings)
    yield from freshness(parts, contract, settings, today)
    found = [name for name, _ in leaks(parts.training.tail(LEAK_ROWS), contract)]
    yield from new_leaks(found, champion, contract.target)
    if settings.behaviour:
        yield behaviour(project.root, challenger.folder)


def explain(
    project: Project, scored: Scored, challenger: Model, champion: Model | None, parts: Split
) -> Details:
    """What the models lean on, and which columns have moved."""
    names = project.contract.inputs
    models = {"challenger": challenger} | ({"champion": champion} if champion else {})
    return Details(
        importances=tuple(importances(scored, models, parts.holdout, names)),
        shifts=tuple(shifts(parts.training, parts.holdout, names)),
    )
