"""Runs of an MLflow experiment: one for each decision, and those of a search of parameters."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .versions import ORIGIN, Past, Record, past_tags, read_past

if TYPE_CHECKING:
    from mlflow import MlflowClient

Attempts = Sequence[tuple[Mapping[str, Any], Mapping[str, float]]]
PARENT = "mlflow.parentRunId"
MOST = 5_000


def start(client: "MlflowClient", experiment: str, record: Record, about: str) -> Any:
    """A running run that holds the decision `about` a digest; its end is the caller's."""
    from mlflow.entities import Dataset, DatasetInput, Metric, Param

    now = int(time.time() * 1000)
    run = client.create_run(experiment, tags={**past_tags(record), "about": about})
    metrics = [Metric(key, value, now, 0) for key, value in record.metrics.items()]
    params = [Param(key, value) for key, value in record.params.items()]
    client.log_batch(run.info.run_id, metrics=metrics, params=params)
    name, digest, source = record.dataset
    dataset = Dataset(name, digest, "local", json.dumps({"uri": source}))
    client.log_inputs(run.info.run_id, [DatasetInput(dataset, [])])
    return run


def experiment(client: "MlflowClient", name: str, place: str | None) -> str:
    """The id of the experiment with this name; it is made where there is none."""
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name, artifact_location=place)


def take_decisions(
    client: "MlflowClient", experiment: str, decisions: Sequence[Past], known: set[str]
) -> None:
    """A finished run for each decision that was made elsewhere and is not known here."""
    for past in decisions:
        if past.run_id not in known:
            when = int(past.when.timestamp() * 1000)
            tags = {**past_tags(past), ORIGIN: past.run_id}
            run = client.create_run(experiment, start_time=when, tags=tags).info.run_id
            client.set_terminated(run, end_time=when)


def history(client: "MlflowClient", experiment: str) -> list[Past]:
    """Every decision whose run was finished, oldest first."""
    found = client.search_runs([experiment], "attributes.status = 'FINISHED'", max_results=MOST)
    past = [read_past(run) for run in found if "gaps" in run.data.tags]
    return sorted(past, key=lambda one: one.when)


def record_search(client: "MlflowClient", experiment: str, attempts: Attempts) -> None:
    """A run for the search, and inside it one for each attempt: parameters and scores."""
    parent = None
    for params, metrics in [({}, {}), *attempts]:
        tags = {PARENT: parent} if parent else {"search": str(len(attempts))}
        run = client.create_run(experiment, tags=tags).info.run_id
        for name, value in params.items():
            client.log_param(run, name, value)
        for name, value in metrics.items():
            client.log_metric(run, name, value)
        client.set_terminated(run)
        parent = parent or run
