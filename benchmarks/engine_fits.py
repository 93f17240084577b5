"""Forty fits of a cross-validation by one engine; a JSON line of what that took.

    python engine_fits.py ENGINE FITS ROWS [kill]

It is run by engine.py in an environment of the engine's own. `project` is `[engine] kind = "dask"`
of a generated project, whose sources are on PYTHONPATH; the others are what their pages say.
"""

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

FOLDS, WORKERS = 5, 2
EVERY = 0.2  # seconds between looks at the memory
SEEN = "FITS_SEEN"  # a folder where each process that fits leaves its number
Data = tuple[np.ndarray, np.ndarray]
Map = Callable[[Callable, Data, Sequence[int]], list]


def fit(data: Data, number: int) -> tuple[int, float]:
    """One fold of one set of parameters, on one thread: the process, and the score."""
    Path(os.environ[SEEN], str(os.getpid())).touch()
    inputs, answers = data
    folds = list(KFold(FOLDS, shuffle=True, random_state=0).split(inputs))
    train, judge = folds[number % FOLDS]
    model = HistGradientBoostingClassifier(
        max_leaf_nodes=8 + number // FOLDS, max_iter=150, early_stopping=False, random_state=0
    )
    with threadpool_limits(1):
        model.fit(inputs[train], answers[train])
        said = model.predict_proba(inputs[judge])[:, 1]
    return os.getpid(), float(roc_auc_score(answers[judge], said))


def nothing(data: Data, number: int) -> tuple[int, float]:
    """A piece of work that is none: what is left is the engine. It waits, so all take part."""
    time.sleep(0.02)
    return os.getpid(), 0.0


def alone() -> Map:
    return lambda work, data, numbers: [work(data, number) for number in numbers]


def by_joblib() -> Map:
    from joblib import Parallel, delayed

    pool = Parallel(WORKERS)
    return lambda work, data, numbers: pool(delayed(work)(data, number) for number in numbers)


def by_dask() -> Map:
    from distributed import Client, LocalCluster
    from joblib import parallel_backend

    client = Client(LocalCluster(WORKERS, threads_per_worker=1, dashboard_address=None))

    def through(work: Callable, data: Data, numbers: Sequence[int]) -> list:
        with parallel_backend("dask", client=client, scatter=[data]):
            return by_joblib_all(work, data, numbers)

    return through


def by_ray() -> Map:
    import ray
    from joblib import parallel_backend
    from ray.util.joblib import register_ray

    register_ray()
    # "local": not the cluster that an earlier run, killed, left the address of.
    ray.init("local", num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)

    def through(work: Callable, data: Data, numbers: Sequence[int]) -> list:
        with parallel_backend("ray"):
            return by_joblib_all(work, data, numbers)

    return through


def by_joblib_all(work: Callable, data: Data, numbers: Sequence[int]) -> list:
    from joblib import Parallel, delayed

    return Parallel()(delayed(work)(data, number) for number in numbers)


def by_project() -> Map:
    from customer_model.engine.door import open_engine
    from customer_model.settings import EngineSettings

    engine = open_engine(EngineSettings(kind="dask", address="auto", workers=WORKERS))
    return lambda work, data, numbers: list(engine.map(work, data, numbers))


ENGINES: dict[str, Callable[[], Map]] = {
    "alone": alone,
    "joblib": by_joblib,
    "dask": by_dask,
    "ray": by_ray,
    "project": by_project,
}


def family(pid: int) -> Iterator[int]:
    """This process and all that come from it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from family(int(child))


def memory() -> float:
    """Megabytes of all of them; what they share counts once."""
    total = 0
    for pid in family(os.getpid()):
        try:
            told = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:"))
    return total / 1e3


class Watch(threading.Thread):
    """The most memory that was used, looked at now and then."""

    def __init__(self) -> None:
        """Not started yet."""
        super().__init__(daemon=True)
        self.most = 0.0

    def run(self) -> None:
        """Look until the process ends."""
        while True:
            with suppress(OSError, ValueError):  # a process that has just ended
                self.most = max(self.most, memory())
            time.sleep(EVERY)


def kill_one() -> None:
    """The worker that began a fit last: an engine may have others now than those of the start."""
    while not (left := list(Path(os.environ[SEEN]).iterdir())):
        time.sleep(EVERY)
    newest = max(left, key=lambda path: path.stat().st_mtime)
    os.kill(int(newest.name), signal.SIGKILL)


def main() -> None:
    """Start, do nothing forty times, then fit forty times; with `kill` lose a worker on the way."""
    name, fits, rows = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.environ[SEEN] = tempfile.mkdtemp(prefix="fits-")
    data = make_classification(rows, 30, n_informative=10, random_state=0)
    watch, begun = Watch(), time.perf_counter()
    run = ENGINES[name]()
    run(nothing, data, range(2 * WORKERS))
    found = {"start": time.perf_counter() - begun}
    begun = time.perf_counter()
    here = {pid for pid, _ in run(nothing, data, range(fits))}
    found["overhead"] = (time.perf_counter() - begun - 0.02 * fits / len(here)) / fits
    watch.start()
    if "kill" in sys.argv:
        threading.Timer(float(sys.argv[5]), kill_one).start()
    begun = time.perf_counter()
    try:
        scores = [score for _, score in run(fit, data, range(fits))]
        found |= {"seconds": time.perf_counter() - begun, "score": float(np.mean(scores))}
    except Exception as error:  # each engine has errors of its own
        found |= {"lost": type(error).__name__, "seconds": time.perf_counter() - begun}
    found |= {"megabytes": max(watch.most, memory())}
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)  # no engine's way of ending is measured, and none may hang


if __name__ == "__main__":
    main()
