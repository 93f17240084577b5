"""One bundle that answers: its model, rules, batcher, and what is told of it."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Status, Stop
from ..store.encode import encode
from ..store.model import Model, load
from .batcher import Batcher, Scored
from .counters import ROWS, Counters
from .looks import Looks
from .rules import Rules

TOLERANCE = 1e-6
Source = Callable[[], tuple[Path, str | None]]  # which bundle is meant to answer, and its name


@dataclass(frozen=True)
class InFolder:
    """The bundle that a folder, or a link to one, is now; its name comes of its digest."""

    folder: Path
    version: str | None = None

    def __call__(self) -> tuple[Path, str | None]:
        """Where the link leads to at this moment."""
        return self.folder.resolve(), self.version


@dataclass
class Loaded:
    """A model, ready to be asked; two of them live side by side while one replaces the other."""

    model: Model
    version: str
    batcher: Batcher
    rules: Rules
    looks: Looks

    @cached_property
    def example(self) -> dict[str, Any]:
        """A real row, for those who look."""
        path = self.model.folder / "golden.json"
        return golden(self.model.folder)["rows"][0] if path.is_file() else {}


def build(model: Model, version: str, counters: Counters, queue: int = 20_000) -> Loaded:
    """Everything around an open model."""
    signature = model.signature
    path = model.folder / "reference.json"
    reference = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    looks = Looks(signature, reference, counters)
    rules = Rules(signature.inputs, signature.order)
    tell = _teller(model, looks, counters, reference)
    return Loaded(model, version, Batcher(model, queue, tell), rules, looks)


def open_bundle(folder: Path, version: str | None, counters: Counters, queue: int) -> Loaded:
    """Open, check and warm a bundle.

    Raises:
        Stop: another byte than its manifest says, or other answers than those it was made with.
    """
    model = load(folder)
    check_golden(model)
    return build(model, version or model.digest[:12], counters, queue)


def golden(folder: Path) -> dict[str, Any]:
    """Real rows and the answers that any copy of this model has to give."""
    return json.loads((folder / "golden.json").read_text(encoding="utf-8"))


def check_golden(model: Model) -> None:
    """Ask the golden rows; the first call of a model is its slowest, and is nobody's then."""
    wanted, inputs = golden(model.folder), model.signature.inputs
    columns = {c.name: [row[c.name] for row in wanted["rows"]] for c in inputs}
    if not alike(model.predict(encode(columns, inputs)), wanted["answers"]):
        raise Stop(
            Status.EVIDENCE,
            f"{model.folder} answers otherwise here than where it was made: compare the packages "
            "with uv.lock, or train again.",
        )


def alike(given: Any, wanted: Any) -> bool:
    """Whether two sets of answers are the same, but for the last digits."""
    expected = np.asarray(wanted)
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    return np.shape(given) == expected.shape and np.allclose(
        given, expected, rtol=0, atol=TOLERANCE * scale
    )


def _teller(
    model: Model, looks: Looks, counters: Counters, reference: dict[str, Any]
) -> Callable[[Scored], None]:
    """Counts each call of the model."""
    signature, sums = model.signature, counters.sums
    sizes = counters.histogram(ROWS, "ml_batch_rows")
    known = reference.get("columns", {}).get(signature.target, {}).get("quantiles", [])
    bounds = sorted(set(known[1:-1]))
    values = None if signature.classes else counters.histogram(bounds, "ml_prediction_value")

    def tell(scored: Scored) -> None:
        rows = len(scored.answers)
        sizes.add(rows)
        sums["ml_rows",] += rows
        if values:
            values.add_all(scored.answers)
        else:
            for label, count in Counter(scored.labels).items():
                sums["ml_predictions", str(label)] += count
        looks.add(scored.inputs, rows)

    return tell
