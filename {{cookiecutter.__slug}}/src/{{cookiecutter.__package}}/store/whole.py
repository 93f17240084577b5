"""Runs of MLflow, whole: what is to be carried is read, and made again in another store."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .runs import PARENT
from .versions import ORIGIN

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ..carry.run import Run

WHOLE = "ml.whole"  # the last write of a run that came from elsewhere
OURS = (ORIGIN, WHOLE, PARENT, "mlflow.runName")
BATCH = 100


def read(client: "MlflowClient", run: Any, origins: Mapping[str, str]) -> dict[str, Any]:
    """All of a `Run` but its files; one that never ended is told as killed.

    `origins` says where each of MLflow's runs was first made.
    """
    tags, info, ended = run.data.tags, run.info, run.info.status != "RUNNING"
    history = [m for key in run.data.metrics for m in client.get_metric_history(info.run_id, key)]
    metrics = [(m.key, m.value, m.timestamp, m.step) for m in history]
    told = [
        {**dict(one.dataset), "tags": {tag.key: tag.value for tag in one.tags}}
        for one in run.inputs.dataset_inputs
    ]
    return {
        "id": origins[info.run_id],
        "name": info.run_name or "",
        "parent": origins.get(tags.get(PARENT, ""), tags.get(PARENT, "")),
        "status": info.status if ended else "KILLED",
        "start": info.start_time,
        "end": (info.end_time if ended else None) or info.start_time,
        "tags": {key: tags[key] for key in sorted(tags) if key not in OURS},
        "params": dict(sorted(run.data.params.items())),
        "metrics": tuple(sorted(metrics, key=lambda one: (one[0], one[3], one[2]))),
        "datasets": tuple(sorted(told, key=lambda one: (one["name"], one["digest"]))),
    }


def make(
    client: "MlflowClient", experiment: str, run: "Run", parent: str, there: Any, files: Path
) -> str:
    """Make the run, or what is missing of `there`; returns MLflow's id. Its end comes last."""
    tags = {**run.tags, ORIGIN: run.id, **({PARENT: parent} if parent else {})}
    made = there or client.create_run(experiment, run.start, tags, run.name or None)
    number = made.info.run_id
    _log(client, number, run)
    if run.files:
        client.log_artifacts(number, str(files))
    client.set_terminated(number, run.status, run.end)
    client.set_tag(number, WHOLE, "true")
    return number


def _log(client: "MlflowClient", number: str, run: "Run") -> None:
    """Metrics, parameters and data; the same again changes nothing."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

    metrics = [Metric(key, value, when, step) for key, value, when, step in run.metrics]
    params = [Param(key, value) for key, value in run.params.items()]
    for start in range(0, max(len(metrics), len(params)), BATCH):
        some = slice(start, start + BATCH)
        client.log_batch(number, metrics=metrics[some], params=params[some])
    for one in run.datasets:
        facts = {fact: value for fact, value in one.items() if fact != "tags"}
        tags = [InputTag(*tag) for tag in one["tags"].items()]
        client.log_inputs(number, [DatasetInput(Dataset(**facts), tags)])
