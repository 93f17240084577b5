"""What the service counts, cheaply; Prometheus' own library writes it down when it is asked."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

Key = tuple[str, ...]  # the metric's name, then the values of its labels
SECONDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
)  # fmt: skip
ROWS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0, 16384.0)
HELP = {
    "ml_info": ("The model that answers", "name", "version", "task", "format"),
    "ml_requests": ("Requests", "route", "status"),
    "ml_request_seconds": ("From a prediction's first byte to its answer",),
    "ml_stage_seconds": ("Parts of a prediction: read, wait, score, write; they add up", "stage"),
    "ml_batch_rows": ("Rows that were scored together",),
    "ml_queue_rows": ("Rows that wait for the model",),
    "ml_queue_limit": ("Rows that may wait before others are refused",),
    "ml_rows": ("Rows that were predicted",),
    "ml_predictions": ("Predictions by class", "prediction"),
    "ml_prediction_value": ("Predicted numbers",),
    "ml_broken_rules": ("Values that requests were refused for", "column", "rule"),
    "ml_input_missing": ("Missing values among the rows predicted", "column"),
    "ml_input_unseen": ("Words that training never saw", "column"),
    "ml_input_drift": ("Distance of recent rows from those of the training, 0 to 1", "column"),
    "ml_log_rows": ("Rows in the prediction log",),
    "ml_log_dropped": ("Rows that the log had no room for",),
    "ml_swaps": ("New bundles that were taken, or refused", "result"),
    "process_cpu_seconds": ("Processor time",),
    "process_resident_memory_bytes": ("Memory",),
    "process_start_time_seconds": ("When it started",),
}
AT_ONCE = 1_000
GAUGES = {"ml_info", "ml_queue_rows", "ml_queue_limit", "ml_input_drift"}
GAUGES |= {"process_resident_memory_bytes", "process_start_time_seconds"}
MEMORY = ["process_resident_memory_bytes"]  # its key, as JSON has it


class Histogram:
    """Counts of values up to each bound, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        """One more count for what is above every bound."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def add_all(self, values: NDArray[np.float64]) -> None:
        """Count many: as above, and much cheaper for each."""
        places = np.searchsorted(self.bounds, values, side="left")
        found = np.bincount(places, minlength=len(self.counts)).tolist()
        self.counts = [one + other for one, other in zip(self.counts, found, strict=True)]
        self.sum += float(values.sum())


class Counters:
    """Sums by key, histograms by key; `gauges` are asked for when they are read."""

    def __init__(self) -> None:
        """Nothing has been counted."""
        self.sums: dict[Key, float] = defaultdict(float)
        self.histograms: dict[Key, Histogram] = {}
        self.gauges: dict[Key, float] = {}

    def histogram(self, bounds: Sequence[float], *key: str) -> Histogram:
        """The histogram of this key; other bounds begin another one."""
        known = self.histograms.get(key)
        if known is None or known.bounds != tuple(bounds):
            known = self.histograms[key] = Histogram(bounds)
        return known

    def snapshot(self) -> bytes:
        """All of it, for a sibling that is asked for the sum."""
        histograms = [
            (key, one.bounds, one.counts, one.sum) for key, one in self.histograms.items()
        ]
        return orjson.dumps(
            {"sums": [*self.sums.items()], "gauges": [*self.gauges.items()], "all": histograms}
        )

    def join(self, snapshot: bytes) -> None:
        """Add what a sibling counted; a gauge is the larger one, but for memory."""
        told = orjson.loads(snapshot)
        for key, value in told["sums"]:
            self.sums[tuple(key)] += value
        for key, value in told["gauges"]:
            known = self.gauges.get(tuple(key), 0.0)
            self.gauges[tuple(key)] = known + value if key == MEMORY else max(known, value)
        for key, bounds, counts, total in told["all"]:
            mine = self.histogram(bounds, *key)
            mine.counts = [one + other for one, other in zip(mine.counts, counts, strict=True)]
            mine.sum += total


class Times:
    """When a request came, was read, scored, answered and written; counted a thousand at once."""

    def __init__(self, counters: Counters) -> None:
        """The stages between the five moments, and the whole."""
        parts = ("read", "wait", "score", "write")
        self._stages = [counters.histogram(SECONDS, "ml_stage_seconds", part) for part in parts]
        self._whole = counters.histogram(SECONDS, "ml_request_seconds")
        self._kept: list[tuple[float, ...]] = []

    def add(self, *moments: float) -> None:
        """Keep one request's moments, seconds of one clock."""
        self._kept.append(moments)
        if len(self._kept) >= AT_ONCE:
            self.count()

    def count(self) -> None:
        """Count what was kept."""
        if self._kept:
            moments = np.array(self._kept)
            self._kept = []
            for stage, seconds in zip(self._stages, np.diff(moments, axis=1).T, strict=True):
                stage.add_all(seconds)
            self._whole.add_all(moments[:, -1] - moments[:, 0])


def shared(own: Counters, folder: Path | None, name: str) -> Counters:
    """The sum over all workers: each leaves its own counts in the folder that they share."""
    together = Counters()
    together.join(own.snapshot())
    if folder is not None:
        leave(own, folder, name)
        for path in sorted(folder.glob("*.json")):
            if path.stem != name:
                together.join(path.read_bytes())
    return together


def leave(own: Counters, folder: Path, name: str) -> None:
    """Write a worker's counts where its siblings find them, whole or not at all."""
    part = folder / f"{name}.part"
    part.write_bytes(own.snapshot())
    part.replace(folder / f"{name}.json")


def exposition(counters: Counters) -> bytes:
    """Text that Prometheus reads."""
    from prometheus_client import CollectorRegistry, generate_latest

    class Once:
        def collect(self) -> Iterator[Any]:
            return _families(counters)

        def describe(self) -> Iterable[Any]:
            return ()

    registry = CollectorRegistry()
    registry.register(Once())
    return generate_latest(registry)


def _families(counters: Counters) -> Iterator[Any]:
    from prometheus_client import core

    for name, (text, *labels) in HELP.items():
        kind = core.GaugeMetricFamily if name in GAUGES else core.CounterMetricFamily
        held = counters.gauges if name in GAUGES else counters.sums
        own = {key: value for key, value in held.items() if key[0] == name}
        if own:
            family = kind(name, text, labels=labels)
            for key, value in sorted(own.items()):
                family.add_metric(key[1:], value)
            yield family
        drawn = {key: one for key, one in counters.histograms.items() if key[0] == name}
        if drawn:
            family = core.HistogramMetricFamily(name, text, labels=labels)
            for key, one in sorted(drawn.items(), key=lambda pair: pair[0]):
                family.add_metric(key[1:], buckets=_buckets(one), sum_value=one.sum)
            yield family


def _buckets(one: Histogram) -> list[tuple[str, float]]:
    bounds, total, found = [*map(str, one.bounds), "+Inf"], 0, []
    for bound, count in zip(bounds, one.counts, strict=True):
        total += count
        found.append((bound, total))
    return found
