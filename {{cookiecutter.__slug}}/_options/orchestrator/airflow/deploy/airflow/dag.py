"""The project's stages as Airflow DAGs: a weekly training, and a daily look at the champion.

A stage is `ml` in this checkout; where ML_RUN is set, that instead of `uv run --no-sync ml`.
docs/orchestrators.md has the image, and where the state is.
"""

import tomllib
from pathlib import Path

import pendulum  # ty: ignore[import-not-found]  # Airflow has an environment of its own
from airflow.providers.standard.operators.bash import BashOperator  # ty: ignore[import-not-found]
from airflow.providers.standard.operators.empty import EmptyOperator  # ty: ignore[import-not-found]
from airflow.providers.standard.operators.trigger_dagrun import (  # ty: ignore[import-not-found]
    TriggerDagRunOperator,
)
from airflow.sdk import DAG, TriggerRule, chain  # ty: ignore[import-not-found]

PROJECT = Path(__file__).parents[2]
NAME = tomllib.loads((PROJECT / "settings.toml").read_text(encoding="utf-8"))["name"]
START = pendulum.datetime(2026, 1, 1, tz="UTC")
NO = 1  # what `ml` ends with where its answer is no; 2 and above, and a crash, are failures


def stage(name: str) -> BashOperator:
    """One command: green, red, or skipped where the answer is no, and then what follows is too."""
    command = f"${{ML_RUN:-uv run --no-sync ml}} {name}"
    return BashOperator(task_id=name, bash_command=command, cwd=str(PROJECT), skip_on_exit_code=NO)


with DAG(f"{NAME}-train", schedule="17 4 * * 1", start_date=START, max_active_runs=1) as train:
    chain(*map(stage, ("validate", "train", "gate", "promote")))

with DAG(f"{NAME}-monitor", schedule="47 5 * * *", start_date=START, max_active_runs=1) as monitor:
    retrain = TriggerDagRunOperator(
        task_id="retrain", trigger_dag_id=train.dag_id, trigger_rule=TriggerRule.ALL_SKIPPED
    )
    # A run is as red as its last tasks, and `retrain` is skipped, not red, where `monitor` fails.
    looked = EmptyOperator(task_id="looked", trigger_rule=TriggerRule.NONE_FAILED)
    chain(stage("monitor"), [retrain, looked])
