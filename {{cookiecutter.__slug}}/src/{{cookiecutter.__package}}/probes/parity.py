"""Does the packaged model answer alike in a fresh process, one by one, and twice?"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..evidence import Guard
from ..store.encode import Inputs
from ..store.model import Model

ROWS = 1_000
TOLERANCE = 1e-6
SECONDS = 300
NAMES = ("as one batch", "with its columns in another order", "one by one")


def parity(model: Model, inputs: Inputs) -> Iterator[Guard]:
    """Answers of the bundle in a process of its own, beside those of this one."""
    some = {name: values[:ROWS] for name, values in inputs.items()}
    here = model.predict(some)
    again = np.array_equal(here, model.predict(some), equal_nan=True)
    text = "asked twice, it answers the same" if again else "asked twice, it answers otherwise"
    yield Guard("determinism", "invalid", again, text)
    with tempfile.TemporaryDirectory(prefix="ml-parity-") as scratch:
        problem, found = _elsewhere(model.folder, some, Path(scratch))
    if problem:
        yield Guard("parity", "invalid", False, problem)
        return
    scale = float(np.std(here)) if model.signature.task == "regression" else 1.0
    apart = [_apart(here, other) / (scale or 1.0) for other in found]
    worst = int(np.argmax(apart))
    ok = bool(apart[worst] <= TOLERANCE)
    text = f"in a fresh process {NAMES[worst]} it is off by {apart[worst]:.1e} of scale"
    yield Guard(
        "parity", "invalid", ok, text if not ok else f"a fresh process agrees: {len(here)} rows"
    )


def _apart(here: NDArray, other: NDArray) -> float:
    difference = np.abs(here[: len(other)] - other)
    return float(np.where(np.isnan(difference), np.inf, difference).max(initial=0.0))


def _elsewhere(folder: Path, inputs: Inputs, scratch: Path) -> tuple[str, list[NDArray]]:
    """Ask a fresh process; a problem in words, or its three answers."""
    words = {
        n: values.astype(str) if values.dtype == object else values for n, values in inputs.items()
    }
    np.savez(scratch / "in.npz", allow_pickle=False, **{f"column {n}": v for n, v in words.items()})
    module = f"{__name__.split('.')[0]}.store.answer"
    command = [sys.executable, "-m", module, str(folder), str(scratch)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"a fresh process did not answer within {SECONDS} s", []
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return f"a fresh process cannot open the bundle: {last[:200]}", []
    with np.load(scratch / "out.npz", allow_pickle=False) as answers:
        return "", [answers[name] for name in ("whole", "turned", "single")]
