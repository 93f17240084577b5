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
PAGE, BATCH = 500, 100


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


def read(client: "MlflowClient", run: Any, origins: Mapping[str, str]) -> dict[str, Any]:
    """All of a `Run` but its files; one that never ended is told as killed."""
    tags, info, ended = run.data.tags, run.info, run.info.status != "RUNNING"
    history = [m for key in run.data.metrics for m in client.get_metric_history(info.run_id, key)]
    metrics = [(m.key, m.value, m.timestamp, m.step) for m in history]
    told = [
        {**dict(one.dataset), "tags": {tag.key: tag.value for tag in one.tags}}
        for one in run.inputs.dataset_inputs
    ]
    return {
        "id": origin(run),
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
    name = run.name or None
    made = there or client.create_run(experiment, run.start, tags, name)  # its tags come with it
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
