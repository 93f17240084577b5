"""Runs of MLflow, whole, as plain values: read from one store, made again in another."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .runs import PARENT
from .versions import ORIGIN

if TYPE_CHECKING:
    from mlflow import MlflowClient

WHOLE = "ml.whole"  # the last write of a run that came from elsewhere
NAME = "mlflow.runName"
PAGE, BATCH = 500, 100
FACTS = ("name", "digest", "source_type", "source", "schema", "profile")


@dataclass(frozen=True)
class Run:
    """One run: `id` is where it was first made, `files` its artifacts by path and sha256.

    A metric is its name, value, time and step; times are milliseconds.
    """

    id: str
    name: str
    parent: str
    status: str
    start: int
    end: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: tuple[tuple[str, float, int, int], ...]
    datasets: tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]


def origin(run: Any) -> str:
    """Where MLflow's run was first made."""
    return run.data.tags.get(ORIGIN, run.info.run_id)


def is_whole(run: Any) -> bool:
    """Whether it was made here, or came here to its end."""
    return ORIGIN not in run.data.tags or WHOLE in run.data.tags


def every(client: "MlflowClient", experiment: str) -> list[Any]:
    """All runs as MLflow has them, oldest first, a parent before its children."""
    found = client.search_runs([experiment], max_results=PAGE)
    runs = list(found)
    while found.token:
        found = client.search_runs([experiment], max_results=PAGE, page_token=found.token)
        runs += found
    return sorted(runs, key=lambda one: (one.info.start_time, PARENT in one.data.tags, origin(one)))


def read(
    client: "MlflowClient", run: Any, files: Mapping[str, str], origins: Mapping[str, str]
) -> Run:
    """The run as a value; one that never ended is told as killed."""
    tags, ended = dict(run.data.tags), run.info.status != "RUNNING"
    parent = tags.get(PARENT, "")
    told = {key: value for key, value in tags.items() if key not in (ORIGIN, WHOLE, PARENT, NAME)}
    history = [client.get_metric_history(run.info.run_id, key) for key in run.data.metrics]
    metrics = [(m.key, m.value, m.timestamp, m.step) for kept in history for m in kept]
    return Run(
        id=origin(run),
        name=run.info.run_name or "",
        parent=origins.get(parent, parent),
        status=run.info.status if ended else "KILLED",
        start=run.info.start_time,
        end=(run.info.end_time if ended else None) or run.info.start_time,
        tags=dict(sorted(told.items())),
        params=dict(sorted(run.data.params.items())),
        metrics=tuple(sorted(metrics, key=lambda one: (one[0], one[3], one[2]))),
        datasets=_datasets(run),
        files=files,
    )


def _datasets(run: Any) -> tuple[Mapping[str, Any], ...]:
    told = [
        {
            **{fact: getattr(one.dataset, fact) for fact in FACTS},
            "tags": {tag.key: tag.value for tag in one.tags},
        }
        for one in run.inputs.dataset_inputs
    ]
    return tuple(sorted(told, key=lambda one: (one["name"], one["digest"])))


def download(client: "MlflowClient", run: Any, folder: Path) -> None:
    """Bring the run's artifacts into a folder."""
    if client.list_artifacts(run.info.run_id):
        client.download_artifacts(run.info.run_id, "", str(folder))


def make(
    client: "MlflowClient", experiment: str, run: Run, parent: str, there: Any, files: Path
) -> str:
    """Make the run, or what is missing of `there`; returns MLflow's id. Its end comes last."""
    tags = {**run.tags, ORIGIN: run.id, **({PARENT: parent} if parent else {})}
    if there is None:
        name = run.name or None
        there = client.create_run(experiment, start_time=run.start, tags=tags, run_name=name)
    number = there.info.run_id
    _log(client, number, run)
    if run.files:
        client.log_artifacts(number, str(files))
    client.set_terminated(number, run.status, run.end)
    client.set_tag(number, WHOLE, "true")
    return number


def _log(client: "MlflowClient", number: str, run: Run) -> None:
    """Metrics, parameters, tags and data; the same again changes nothing."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag

    told: dict[str, list[Any]] = {
        "metrics": [Metric(key, value, when, step) for key, value, when, step in run.metrics],
        "params": [Param(key, value) for key, value in run.params.items()],
        "tags": [RunTag(key, value) for key, value in run.tags.items()],
    }
    for kind, values in told.items():
        for start in range(0, len(values), BATCH):
            some: dict[str, Any] = {kind: values[start : start + BATCH]}
            client.log_batch(number, **some)
    data = [
        DatasetInput(
            Dataset(**{fact: one[fact] for fact in FACTS}),
            [InputTag(key, value) for key, value in one["tags"].items()],
        )
        for one in run.datasets
    ]
    if data:
        client.log_inputs(number, data)
