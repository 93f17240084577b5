"""The doors of docs/doors.md: each recipe is executed as the page has it.

What has to be installed for these tests:
- apt-get: prometheus
- test group of pyproject.toml: moto[s3]
- by the tests, into folders of their own: wandb, dvc[s3], feast, opentelemetry's packages
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from conftest import PROJECT, TODAY, Project, need
from real_servers import free_port, s3_server
from watched import MONITORING, prometheus, running

PAGE = (PROJECT / "docs" / "doors.md").read_text(encoding="utf-8")
NEWEST = ["--exclude-newer", "2026-11-14"]  # the same day as in pyproject.toml
ROWS = """
import sys
from datetime import date, timedelta
from customer_model import sample
day = date.fromisoformat(sys.argv[1])
rows = sample.rows("binary", day - timedelta(days=int(sys.argv[2])), day)
rows.write_parquet("data/rows.parquet")
"""


def recipe(name: str) -> str:
    """A block of the page, by the name in its first line."""
    [found] = re.findall(rf"```\w+\n# {re.escape(name)}\n(.*?)```", PAGE, re.S)
    return found


def settings(project: Project, source: str, window: int) -> None:
    """Point settings.toml at a source."""
    path = project.folder / "settings.toml"
    text = re.sub(r'(?m)^source = "[^"]*"', f'source = "{source}"', path.read_text("utf-8"))
    path.write_text(text.replace("# window_days = 180", f"window_days = {window}"), "utf-8")


def write_rows(project: Project, until: str, days: int) -> None:
    """So many days of the sample, which end with this one, as data/rows.parquet."""
    (project.folder / "data").mkdir(exist_ok=True)
    project.uv("python", "-c", ROWS, until, str(days))


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """Packages that no project has: a folder for its Python, or an environment of their own."""

    def install(*packages: str, python: Path | None = None) -> Path:
        place = tmp_path_factory.mktemp("beside") / "packages"
        where = ["--target", str(place), "--python", str(python)]
        if python is None:
            subprocess.run(["uv", "venv", "-q", place, "--python", sys.executable], check=True)
            where = ["--python", str(place / "bin" / "python")]
        subprocess.run(["uv", "pip", "install", "-q", *NEWEST, *where, *packages], check=True)
        return place

    return install


# --- Weights & Biases ----------------------------------------------------------------------------

READ = """
import json, struct, sys
from wandb.proto import wandb_internal_pb2 as pb
content, at, part, found = open(sys.argv[1], "rb").read(), 7, b"", {}
while at + 7 <= len(content):
    if 32768 - at % 32768 < 7:
        at += 32768 - at % 32768
        continue
    size, kind = struct.unpack_from("<HB", content, at + 4)
    part, at = part + content[at + 7 : at + 7 + size], at + 7 + size
    if kind not in (1, 4):
        continue
    record, part = pb.Record.FromString(part), b""
    if record.WhichOneof("record_type") == "run":
        found.update(id=record.run.run_id, project=record.run.project)
        found["config"] = {i.key: json.loads(i.value_json) for i in record.run.config.update}
    for item in record.summary.update:
        found.setdefault("summary", {})[item.key] = json.loads(item.value_json)
print(json.dumps(found))
"""


def versions(project: Project) -> list[dict[str, Any]]:
    """What `ml status` lists, without where and when."""
    return json.loads(project.ml("status", "--json").stdout)["versions"]


def test_wandb_gets_a_copy_and_cannot_change_a_training(project, beside, tmp_path):
    settings(project, "sample:binary", 30)
    folder = beside("wandb", python=project.folder / ".venv" / "bin" / "python")
    packages = {"PYTHONPATH": f"{project.folder / 'src'}:{folder}"}
    named = {**packages, "WANDB_PROJECT": "churn", "WANDB_ENTITY": "team"}
    away = {"WANDB_BASE_URL": "http://127.0.0.1:1", "WANDB_API_KEY": "0123456789" * 4}
    plain = project.copy(tmp_path / "plain").ml("train", "--today", TODAY, "--json").stdout
    copied = {**named, "WANDB_MODE": "offline"}
    done = project.ml("train", "--today", TODAY, "--json", env=copied)
    assert "W&B" not in done.stderr
    told, other = json.loads(done.stdout), json.loads(plain)
    for name in ("verdict", "reason", "challenger", "comparisons"):  # guards hold times
        assert told["decision"][name] == other["decision"][name]
    [version] = versions(project)
    [file] = (project.folder / ".ml" / "wandb").glob("offline-run-*/*.wandb")
    read = project.uv("python", "-c", READ, file, env=packages).stdout
    found = json.loads(read)
    assert (found["id"], found["project"]) == (version["run_id"], "churn")
    assert found["config"]["data"] == version["data_id"]
    assert found["config"]["gate"]["max_loss_increase"] == 0.05
    assert found["summary"]["verdict"] == "PROMOTE"
    assert found["summary"]["roc_auc"] == told["decision"]["challenger"]
    assert os.uname().nodename.encode() not in file.read_bytes()
    assert not list(file.parent.rglob("requirements.txt"))
    done = project.ml("gate", "--today", TODAY, "--json", env={**named, **away})
    assert json.loads(done.stdout)["decision"]["verdict"] == "PROMOTE"
    [line] = [line for line in done.stderr.splitlines() if "W&B" in line]
    assert line.startswith("not copied to W&B, MLflow has it: ")


# --- DVC -----------------------------------------------------------------------------------------


def test_dvc_runs_the_stages_once_and_moves_their_data(project, beside, tmp_path):
    """With a remote in a folder and one on S3, from which a fresh clone gets all."""
    program = beside("dvc[s3]") / "bin" / "dvc"
    today = datetime.now(UTC).date().isoformat()
    settings(project, "data/rows.parquet", 0)
    write_rows(project, today, 90)
    (project.folder / "dvc.yaml").write_text(recipe("dvc.yaml"), encoding="utf-8")
    quiet = {"DVC_NO_ANALYTICS": "1", "UV_NO_SYNC": "1"}

    def git(*words: str, folder: Path = project.folder) -> None:
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)

    with s3_server(tmp_path) as bucket:

        def dvc(*words: str, status: int = 0, place: Project = project) -> str:
            done = place.run(program, *words, status=None, env={**quiet, **bucket.env})
            assert (done.returncode == 0) == (status == 0), done.stdout + done.stderr
            return done.stdout + done.stderr

        git("init", "-q")
        dvc("init", "-q")
        [ignored] = re.findall(r"echo (\S+) >> \.dvcignore", PAGE)
        (project.folder / ".dvcignore").write_text(f"{ignored}\n", encoding="utf-8")
        dvc("add", "-q", "data/rows.parquet")
        dvc("remote", "add", "-q", "folder", str(tmp_path / "store"))
        dvc("remote", "add", "-q", "--default", "store", "s3://bucket/dvc")
        told = dvc("repro")
        assert re.findall(r"Running stage '(\w+)'", told) == ["validate", "train"]
        [version] = versions(project)
        assert "up to date" in dvc("repro")
        assert "Running" not in dvc("repro")
        for remote in ("folder", "store"):
            dvc("push", "-q", "-r", remote)
        git("add", "-A")
        git("commit", "-qm", "first")

        clone = Project(tmp_path / "clone")
        git("clone", "-q", str(project.folder), str(clone.folder), folder=tmp_path)
        assert not (clone.folder / "data" / "rows.parquet").exists()
        dvc("pull", "-q", place=clone)
        for name in ("data/rows.parquet", "reports/gate/result.json"):
            assert (clone.folder / name).read_bytes() == (project.folder / name).read_bytes()
        assert "up to date" in dvc("repro", place=clone)

        lock = (project.folder / "dvc.lock").read_bytes()
        broken = "import polars as p; f='data/rows.parquet'; t=p.read_parquet(f)"
        broken += "; t.with_columns(plan=p.lit('?')).write_parquet(f)"
        project.uv("python", "-c", broken)
        told = dvc("repro", status=1)
        assert "failed to reproduce 'validate'" in told
        assert (project.folder / "dvc.lock").read_bytes() == lock
    assert versions(project) == [version]


# --- Feast ---------------------------------------------------------------------------------------

FEATURES = """
from datetime import timedelta
from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.types import Float64, Int64, String

customer = Entity(name="customer", join_keys=["customer_id"])
source = FileSource(path="../data/features.parquet", timestamp_field="known_at")
kinds = {"region": String, "plan": String, "gender": String, "tenure_months": Int64}
kinds |= {"support_calls": Int64, "usage_hours": Float64, "monthly_spend": Float64}
kinds |= {"satisfaction": Int64}
schema = [Field(name=name, dtype=dtype) for name, dtype in kinds.items()]
view = FeatureView(
    name="known", entities=[customer], ttl=timedelta(days=2), schema=schema, source=source
)
service = FeatureService(name="customers", features=[view])
"""
STORE = """
project: customers
provider: local
registry: data/registry.db
offline_store: {type: file}
online_store: null
entity_key_serialization_version: 3
"""
# What is known a day before the answer counts, and a day later what nobody could know by then.
SPLIT = """
import polars as pl
rows = pl.read_parquet("data/rows.parquet")
rows.select("customer_id", "observed_on", "churned").write_parquet("data/answers.parquet")
moment = pl.col("observed_on").cast(pl.Datetime("us", "UTC"))
known = rows.drop("churned").with_columns(known_at=moment - pl.duration(days=1))
late = known.with_columns(known_at=moment + pl.duration(hours=1), plan=pl.lit("?"))
pl.concat([known, late]).drop("observed_on").write_parquet("data/features.parquet")
"""


def test_feast_gives_what_was_known_then(installed, tmp_path):
    """The recipe of the page; a later value of every feature would break the contract."""
    place = installed("binary").copy(tmp_path / "project", environment=False).folder
    project = Project(place)
    [command] = re.findall(r"```\n(uv add --group train feast)\n```", PAGE)
    project.run(*command.split(), "--quiet")
    repository = place / "feature_repo"
    (repository / "data").mkdir(parents=True)
    (repository / "feature_store.yaml").write_text(STORE, encoding="utf-8")
    (repository / "features.py").write_text(FEATURES, encoding="utf-8")
    package = place / "src" / "customer_model"
    (package / "feast_rows.py").write_text(recipe("feast_rows.py"), encoding="utf-8")
    write_rows(project, TODAY, 30)
    project.uv("python", "-c", SPLIT)
    (place / "data" / "rows.parquet").unlink()
    project.run(place / ".venv" / "bin" / "feast", "-c", repository, "apply")
    settings(project, "python:customer_model.feast_rows:load", 30)
    told = json.loads(project.uv("ml", "train", "--today", TODAY, "--json").stdout)
    assert told["decision"]["verdict"] == "PROMOTE"
    [data] = (place / ".ml" / "data").glob("*/manifest.json")
    found = json.loads(data.read_text(encoding="utf-8"))
    assert (found["rows"], found["first"], found["last"]) == (1800, "2026-05-02", "2026-05-31")


# --- figures elsewhere ---------------------------------------------------------------------------


@contextmanager
def served(project: Project, bundle: Path, *before: str, **env: str) -> Iterator[int]:
    """The service of a bundle; yields its port."""
    port, program = free_port(), str(project.folder / ".venv" / "bin" / "ml-serve")
    command = ["env", *(f"{name}={value}" for name, value in env.items()), *before]
    command += [program, str(bundle), "--port", str(port)]
    with running(command, f"{port}/health/ready"):
        yield port


def test_prometheus_sends_the_figures_on(installed, bundles, tmp_path):
    """To another Prometheus, by the line that the settings hold as a comment."""
    project, port = installed("binary"), free_port()
    (tmp_path / "token").write_text("kept-secret", encoding="utf-8")
    (tmp_path / "receiver.yml").write_text("scrape_configs: []\n", encoding="utf-8")
    options = ["--web.enable-remote-write-receiver", f"--web.listen-address=127.0.0.1:{port}"]
    options += [f"--config.file={tmp_path}/receiver.yml", f"--storage.tsdb.path={tmp_path}/far"]
    query = urllib.parse.urlencode({"query": 'ml_info{job="model"}'})
    asked = f"http://127.0.0.1:{port}/api/v1/query?{query}"
    with (
        running([need("prometheus"), *options], f"{port}/-/ready"),
        served(project, bundles()[0]) as service,
        prometheus(tmp_path, [SimpleNamespace(port=service)], f"http://127.0.0.1:{port}"),
    ):
        found: list[Any] = []
        for _ in range(60):
            with urllib.request.urlopen(asked, timeout=5) as answer:
                found = json.load(answer)["data"]["result"]
            if found:
                break
            time.sleep(0.5)
    assert [one["metric"]["instance"] for one in found] == [f"127.0.0.1:{service}"]


COLLECTOR = (MONITORING / "otel-collector.yaml").read_text(encoding="utf-8")
# Nobody publishes the collector or a schema of its settings as a package: by its own pages.
KNOWN = {
    "datadog": {"api": {"key", "site"}},
    "otlphttp": {"endpoint": set(), "headers": {"Authorization"}},
    "prometheusremotewrite": {"endpoint": set(), "headers": {"Authorization"}},
}


def collector(exporter: str) -> dict[str, Any]:
    """The collector's settings with one of the exporters that the file names."""
    text = re.sub(r"(?m)^  datadog: ", "  # datadog: ", COLLECTOR)
    text = text.replace(f"  # {exporter}: ", f"  {exporter}: ")
    return yaml.safe_load(text.replace("[datadog]", f"[{exporter}]"))


@pytest.mark.parametrize("exporter", KNOWN)
def test_the_collector_uses_all_that_it_names_and_names_all_that_it_uses(exporter):
    found = collector(exporter)
    assert list(found["exporters"]) == [exporter]
    for kind in ("receivers", "processors", "exporters"):
        used = {name for one in found["service"]["pipelines"].values() for name in one[kind]}
        assert used == set(found[kind])
    fields = found["exporters"][exporter]
    assert {
        name: set(inner) if isinstance(inner, dict) else set() for name, inner in fields.items()
    } == KNOWN[exporter]
    for inner in fields.values():
        for value in inner.values() if isinstance(inner, dict) else [inner]:
            assert re.fullmatch(r"\$\{env:\w+(:-[\w.]+)?\}", value)  # no address, no key


def collected(**told: str) -> dict[str, Any]:
    """What the collector receives from, with these variables in its environment."""
    text = re.sub(r"\$\{env:(\w+):-([^}]*)\}", lambda m: told.get(m[1], m[2]), COLLECTOR)
    return yaml.safe_load(text)["receivers"]


def test_the_collector_finds_the_service_on_a_host_and_in_composes_network():
    for told, asked, listens in (
        ({}, "localhost:8080", "127.0.0.1:4318"),
        (dict(re.findall(r"`(MODEL|OTLP_LISTEN)=(\S+)`", PAGE)), "model:8080", "0.0.0.0:4318"),
    ):
        found = collected(**told)
        (scrape,) = found["prometheus"]["config"]["scrape_configs"]
        assert scrape["static_configs"] == [{"targets": [asked]}]
        assert found["otlp"]["protocols"]["http"]["endpoint"] == listens


def test_the_collector_asks_the_service_as_prometheus_does(tmp_path):
    scrape = collected(MODEL="model:8080")["prometheus"]["config"]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(scrape), encoding="utf-8")
    command = [need("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    subprocess.run(command, check=True, capture_output=True)
    own = yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))
    for key in ("job_name", "static_configs"):
        assert scrape["scrape_configs"][0][key] == own["scrape_configs"][0][key]
