"""Opens a bundle in a process of its own and answers rows: what a service would say.

`python -m PACKAGE.store.answer BUNDLE FOLDER`: the folder holds in.npz and gets out.npz.
"""

import sys
from pathlib import Path

import numpy as np

from .encode import Inputs
from .model import open_unsealed

SINGLE = 20


def answer(bundle: Path, folder: Path) -> None:
    """All rows at once, with the columns turned around, and the first twenty one by one."""
    model = open_unsealed(bundle)
    inputs = read_inputs(folder / "in.npz")
    turned = dict(reversed(inputs.items()))
    rows = min(SINGLE, len(next(iter(inputs.values()))))
    single = [
        model.predict({n: v[row : row + 1] for n, v in inputs.items()}) for row in range(rows)
    ]
    np.savez(
        folder / "out.npz",
        allow_pickle=False,
        whole=model.predict(inputs),
        turned=model.predict(turned),
        single=np.concatenate(single),
    )


def read_inputs(path: Path) -> Inputs:
    """Encoded columns, their words as Python objects again."""
    with np.load(path, allow_pickle=False) as found:
        columns = {name.removeprefix("column "): found[name] for name in found.files}
    return {n: v.astype(object) if v.dtype.kind == "U" else v for n, v in columns.items()}


if __name__ == "__main__":
    answer(Path(sys.argv[1]), Path(sys.argv[2]))
