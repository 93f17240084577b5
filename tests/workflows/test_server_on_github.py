"""The same workflows where a team has an MLflow server: PostgreSQL and an S3 store behind it."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project
from real_servers import mlflow_server, postgres_server, s3_server
from repository import DONE, GOOD, SHIPPED, SKIP, WEAK
from services import git

pytest_plugins = ["parts"]


@pytest.fixture
def server(installed, tmp_path: Path) -> Iterator[str]:
    """A real server of the very version that the project has locked."""
    lock = tomllib.loads((installed("binary").folder / "uv.lock").read_text(encoding="utf-8"))
    (version,) = [one["version"] for one in lock["package"] if one["name"] == "mlflow"]
    needed = [f"mlflow=={version}", "psycopg[binary]", "boto3"]
    command = ["uv", "run", "--no-project", *(part for one in needed for part in ("--with", one))]
    (tmp_path / "s3").mkdir()
    with s3_server(tmp_path / "s3") as bucket, postgres_server("mlflow") as database:
        env = {**bucket.env, "MLFLOW_S3_ENDPOINT_URL": bucket.url}
        kept = database.address(), "s3://bucket/models"
        with mlflow_server([*command, "mlflow"], tmp_path, *kept, env) as url:
            yield url


def test_a_server_is_the_truth_and_the_ledger_is_not_written(server, repository, installed):
    """Two models reach production, the second is taken back, and no branch tells of it."""
    repository.variables["MLFLOW_TRACKING_URI"] = server
    repository.change("settings.toml", "# behaviour = true ", "behaviour = false ")
    repository.model(GOOD, WEAK)
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    repository.model(WEAK, GOOD)
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    told = state(installed("binary"), server)
    assert (told["aliases"]["champion"], told["aliases"]["previous"]) == (2, 1)
    assert told["environments"]["production"]["version"] == 2
    assert repository.tag("production") == told["environments"]["production"]["image"][-71:]
    back = {"target": DONE, "deploy / staging": SKIP, "deploy / production": DONE}
    repository.expect(back, "rollback.yml", "workflow_dispatch", inputs={"to": "previous"})
    told = state(installed("binary"), server)
    assert told["aliases"]["champion"] == told["environments"]["production"]["version"] == 1
    watched = {"watch": DONE, "retrain": SKIP, "report": DONE}
    repository.expect(watched, "monitor.yml", "schedule")
    assert git(repository.services.remote, "branch", "--list", "ml-state") == ""


def state(project: Project, server: str) -> dict:
    """What the server knows, asked from elsewhere."""
    return json.loads(project.ml("state", "show", env={"MLFLOW_TRACKING_URI": server}).stdout)
