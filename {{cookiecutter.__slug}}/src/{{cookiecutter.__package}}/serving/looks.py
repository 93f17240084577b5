"""What rows look like beside those of the training: missing values, new words, distances."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..store.encode import Input, Inputs
from ..store.model import Signature
from .counters import Counters

INNER = slice(4, 43)  # of checks.reference.LEVELS: 1/40 to 39/40
AT_ONCE = 1_000  # rows that are looked at together
WINDOW = 5_000  # rows of one half of what counts as recent
FEWEST = 500
USUAL = 25  # rows that a word has, or should have, for its share to tell something


@dataclass
class Bins:
    """A column's reference as shares of bins: numbers by quantiles, words by frequency.

    `nulls` is the share that was missing.
    """

    expected: NDArray[np.float64]
    nulls: float = 0.0
    edges: NDArray[np.float32] | None = None
    words: dict[str, int] = field(default_factory=dict)

    def counts(self, values: NDArray) -> NDArray[np.float64]:
        """How many of these values, none missing, fall into each bin."""
        if self.edges is not None:
            places = np.searchsorted(self.edges, values, side="left")
        else:
            last = len(self.expected) - 1
            places = np.array([self.words.get(word, last) for word in values], int)
        return np.bincount(places, minlength=len(self.expected)).astype(np.float64)

    def moved(self, counts: NDArray[np.float64], missing: float) -> float:
        """How far these counts are from the reference: 0 is alike, 1 is disjoint.

        Kolmogorov-Smirnov's distance of numbers, the total variation of words, or the change in the
        share that is missing, if that is larger. Words too rare to tell anything of are one.
        """
        rows = float(counts.sum())
        lost = abs(missing / (rows + missing) - self.nulls)
        if not rows:
            return lost
        apart = counts / rows - self.expected
        if self.edges is not None:
            return max(lost, float(np.abs(np.cumsum(apart)).max()))
        usual = np.maximum(self.expected * rows, counts) >= USUAL
        rest = abs(float(apart[~usual].sum()))
        return max(lost, (float(np.abs(apart[usual]).sum()) + rest) / 2)


def bins_of(column: Input, known: Mapping[str, Any]) -> Bins | None:
    """The bins that a column of reference.json gives; none where it says too little."""
    if column.kind == "number":
        inner = np.asarray(known.get("quantiles", [])[INNER], dtype=np.float32)
        if len(inner) != INNER.stop - INNER.start:
            return None
        edges = np.unique(inner)
        below = np.searchsorted(inner, edges, side="right") / (len(inner) + 1)
        return Bins(np.diff(below, prepend=0.0, append=1.0), known.get("nulls", 0.0), edges)
    levels: dict[str, float] = known.get("levels", {})
    if column.kind != "category" or not levels:
        return None
    shares = [*levels.values(), max(0.0, 1 - sum(levels.values()))]
    words = {word: n for n, word in enumerate(levels)}
    for word in ("true", "false"):  # Polars writes truth so, and Python with a capital
        if word in words:
            words[word.capitalize()] = words[word]
    return Bins(np.asarray(shares), known.get("nulls", 0.0), words=words)


class Looks:
    """Looks at rows some time after they were answered, a thousand at once."""

    def __init__(
        self, signature: Signature, reference: Mapping[str, Any], counters: Counters
    ) -> None:
        """Without a reference only missing values are counted."""
        columns = reference.get("columns", {})
        found = {c.name: bins_of(c, columns.get(c.name, {})) for c in signature.inputs}
        self.bins = {name: bins for name, bins in found.items() if bins is not None}
        self._inputs = signature.inputs
        self._counters = counters
        self._pending: list[Inputs] = []
        self._rows = 0
        # A count for each bin, and one of what is missing.
        empty = {name: np.zeros(len(bins.expected) + 1) for name, bins in self.bins.items()}
        self._recent, self._before = empty, {name: one.copy() for name, one in empty.items()}
        self._seen = 0

    def add(self, inputs: Inputs, rows: int) -> None:
        """Keep encoded rows until enough are there."""
        self._pending.append(inputs)
        self._rows += rows
        if self._rows >= AT_ONCE:
            self.look()

    def look(self) -> None:
        """Count what waits, and say how far the recent rows are from the reference."""
        pending, self._pending, rows, self._rows = self._pending, [], self._rows, 0
        for column in self._inputs if pending else ():
            self._look_at(column, np.concatenate([one[column.encoded[0]] for one in pending]))
        self._seen += rows
        if self._seen >= WINDOW:
            self._before, self._seen = self._recent, 0
            self._recent = {name: np.zeros_like(one) for name, one in self._recent.items()}

    def _look_at(self, column: Input, values: NDArray) -> None:
        missing = np.isnan(values) if column.numeric else values == ""
        there = values[~missing]
        self._counters.sums["ml_input_missing", column.name] += float(missing.sum())
        bins = self.bins.get(column.name)
        if bins is None:
            return
        counts = bins.counts(there)
        if bins.edges is None:
            self._counters.sums["ml_input_unseen", column.name] += float(counts[-1])
        self._recent[column.name] += np.append(counts, missing.sum())
        recent = self._recent[column.name] + self._before[column.name]
        if recent.sum() >= FEWEST:
            moved = bins.moved(recent[:-1], float(recent[-1]))
            self._counters.gauges["ml_input_drift", column.name] = moved
