"""The recipes: each page of docs/recipes is done in a generated project, and keeps its word."""

import json
import random
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from conftest import PROJECT, Project, _fork_server, need
from conftest import TODAY as A_DAY
from real_servers import mlflow_server
from recipe import PACKAGE, PAGES, blocks, command, follow

SOURCE = Path("src", PACKAGE)
TODAY = date.today()


def loop(project: Project, train: list, env: dict | None = None) -> dict:
    """What a followed page came to: its commands promoted a model that answers as it was made."""
    *_, trained, promoted, served = train
    assert "PROMOTE" in trained.stdout
    assert "is champion" in promoted.stdout
    assert "as when it was made" in served.stdout
    rows = next((project.folder / ".ml" / "data").rglob("*.parquet"))
    predicted = project.ml("predict", str(rows), "out.jsonl", env=env)
    assert "out.jsonl" in predicted.stdout
    assert (project.folder / "out.jsonl").stat().st_size
    status = json.loads(project.ml("status", "--json", env=env).stdout)
    assert status["aliases"]["champion"] == status["versions"][-1]["number"]
    return {"packaged": trained.stdout, **status}


def bundle(project: Project) -> Path:
    """The newest one."""
    found = project.folder.glob("mlartifacts/*/artifacts/bundle")
    return max(found, key=lambda path: path.stat().st_mtime)


def test_every_page_is_in_the_index_short_and_tested():
    pages = {path.name for path in PAGES.glob("*.md")} - {"README.md"}
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(([-\w]+\.md)\)", index)) == pages
    for page in pages:
        text = (PAGES / page).read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 60, page
        assert max(map(len, text.splitlines())) <= 120, page
        assert "\nTested: " in text, page
        assert set(re.findall(r"\]\(([-\w]+\.md)\)", text)) <= pages, page
    tested = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{page}"' in tested for page in pages)


# Data and trackers


def test_private_rows_come_from_a_database_whose_key_is_in_no_file(project):
    rows = command(project.hurry(), "uv run --no-sync python -c " + SAVE).stdout
    assert rows.strip() == "3600"
    url = f"sqlite:///{project.folder / 'secret-place.db'}"
    env = {"DATABASE_URL": url}
    loop(project, follow(project, "private-data.md", env=env), env)
    told = [
        path for path in project.folder.rglob("*") if path.is_file() and ".venv" not in path.parts
    ]
    held = [path for path in told if b"secret-place" in path.read_bytes()]
    assert held == []
    assert (bundle(project) / "golden.json").is_file()
    ignored = (project.folder / ".gitignore").read_text(encoding="utf-8")
    assert ".ml/" in ignored.splitlines()


SAVE = f"""'
from datetime import date, timedelta
from {PACKAGE} import sample
today = date.today()
rows = sample.rows("binary", today - timedelta(days=60), today)
rows.write_database("customers", "sqlite:///secret-place.db")
print(len(rows))'"""


def test_another_tracker_is_told_what_the_gate_decided(project):
    offline = {"COMET_START_ONLINE": "0", "COMET_OFFLINE_DIRECTORY": "comet"}
    follow(project.hurry(), "tracker.md", env=offline)
    result = json.loads((project.folder / "reports" / "gate" / "result.json").read_text())
    (kept,) = project.folder.glob("comet/*.zip")
    told = [json.loads(line) for line in ZipFile(kept).read("messages.json").splitlines()]
    others = {m["payload"]["key"]: m["payload"]["value"] for m in told if m["type"] == "log_other"}
    assert others["verdict"] == "PROMOTE"
    assert others["reason"] == result["reason"]
    scores = {
        m["payload"]["metric"]["metricName"]: m["payload"]["metric"]["metricValue"]
        for m in told
        if m["type"] == "metric_msg"
    }
    assert scores["roc_auc"] == result["challenger"]


def test_a_store_moves_to_a_server_and_nothing_is_lost(project, tmp_path):
    project.edit("settings.toml", ("# behaviour = true ", "behaviour = false "))
    for trees, status in ((15, 0), (150, 0), (2, 1)):
        project.edit(str(SOURCE / "model.py"), ("max_iter=150", f"max_iter={trees}"))
        project.ml("train", "--today", A_DAY, status=status)
        project.edit(str(SOURCE / "model.py"), (f"max_iter={trees}", "max_iter=150"))
        if not status:
            project.ml("promote")
    here = json.loads(project.ml("status", "--json").stdout)
    assert here["aliases"]["previous"] == 1
    program = [project.folder / ".venv" / "bin" / "mlflow"]
    records, artifacts = tmp_path / "server.db", str(tmp_path / "artifacts")
    with mlflow_server(program, tmp_path, f"sqlite:///{records}", artifacts, {}) as url:
        server = {"MLFLOW_TRACKING_URI": url}
        before, exported, *_, after, served, _ = follow(
            project, "embedded-to-server.md", exports=server
        )
        there = json.loads(project.ml("status", "--json", env=server).stdout)
    assert "versions=2\n" in exported.stdout
    assert after.stdout == before.stdout
    assert "as when it was made" in served.stdout
    assert there["aliases"] == here["aliases"]
    assert [one["number"] for one in there["versions"]] == [1, 2]
    assert not (project.folder / "mlflow.db").exists()
    kept = metrics(project.folder / "old" / "mlflow.db")
    assert len({run for run, *_ in kept}) >= 3
    assert set(kept) <= set(metrics(records))


def metrics(database: Path) -> list[tuple]:
    """All that MLflow keeps of them, by the name of the run, which moves along."""
    told = "select name, key, value, timestamp, step from metrics join runs using (run_uuid)"
    with closing(sqlite3.connect(database)) as open_:
        return open_.execute(told).fetchall()


# Models


@pytest.fixture(scope="module")
def boosted(installed, tmp_path_factory) -> Iterator[Project]:
    """The page's own first command, in an environment of its own."""
    folder = tmp_path_factory.mktemp("boosted") / "project"
    made = installed("binary").copy(folder, environment=False)
    shutil.copy(installed("binary").folder / "uv.lock", folder)
    (add, *_) = [block.text for block in blocks("boosting.md") if block.language == "sh"]
    made.run("bash", "-euc", add)
    made = Project(folder, folder.parent / "forks")
    server = _fork_server(made)
    yield made
    server.terminate()


def test_lightgbm_is_served_as_onnx(boosted, tmp_path):
    project = boosted.copy(tmp_path / "project").hurry()
    follow(project, "boosting.md", only="model.py")
    came = loop(project, [command(project, line) for line in LOOP])
    assert "packaged as ONNX" in came["packaged"]
    assert b"BRANCH_EQ" in (bundle(project) / "model.onnx").read_bytes()  # it splits by category
    assert b"lightgbm" not in (bundle(project) / "manifest.json").read_bytes()


LOOP = ("uv run ml train", "uv run ml promote", "uv run ml serve --smoke")


def test_xgboost_is_served_as_onnx_and_trains_where_there_is_no_gpu(boosted, tmp_path):
    project = boosted.copy(tmp_path / "project").hurry()
    follow(project, "gpu-runner.md", only="model.py")
    came = loop(project, [command(project, line) for line in LOOP])
    assert "packaged as ONNX" in came["packaged"]


def test_what_converts_is_said_where_it_is_missing(boosted, tmp_path):
    project = boosted.copy(tmp_path / "project").hurry()
    follow(project, "boosting.md", only="model.py")
    export = project.folder / SOURCE / "store" / "converters.py"
    text = export.read_text(encoding="utf-8")
    export.write_text(text.replace("onnxmltools", "onnxmltools_that_is_missing"), encoding="utf-8")
    stopped = project.ml("train", status=2)
    assert "`uv add --group train onnxmltools_that_is_missing`" in stopped.stderr
    assert "trusted_types" in stopped.stderr


def test_an_estimator_of_ones_own_is_trusted_by_name_and_served(project):
    follow(project.hurry(), "own-estimator.md", only="model.py")
    refused = project.ml("train", status=2)
    assert f'trusted_types = ["{PACKAGE}.model.Plane"]' in refused.stderr
    came = loop(project, follow(project, "own-estimator.md"))
    assert "packaged as skops" in came["packaged"]
    assert json.loads((bundle(project) / "manifest.json").read_text())["extras"] == ["skops"]


NETWORK = """
from pathlib import Path

import numpy as np
import pandas
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from {package}.features import build_features
from {package}.net import Net
from {package}.store.encode import Input
from {package}.store.export import write_model
from {package}.store.model import Signature

class Drawn(Net):
    def fit(self, rows, answers):
        self.classes_, draw = np.unique(answers), np.random.default_rng(0).normal
        self.layers_ = [(draw(size=(3, 8)), draw(size=8)), (draw(size=(8, 2)), draw(size=2))]
        return self

names = ("a", "b", "c")
draw = np.random.default_rng(1).normal
rows = {{name: draw(size=500).astype("float32") for name in names}}
rows["b"][::7] = np.nan
inputs = tuple(Input(name, "number") for name in names)
model = make_pipeline(SimpleImputer(), StandardScaler(), Drawn())
whole = make_pipeline(build_features(list(names), [], []), model)
whole.fit(pandas.DataFrame(rows), np.arange(500) % 2)
signature = Signature("net", "binary", "y", inputs, (0, 1), 0.5, "onnx")
print(write_model(Path("."), whole, signature, rows))
"""


def test_a_network_writes_itself_as_onnx(project):
    """PyTorch is too large for the tests: weights are drawn, and all but `fit` is real."""
    follow(project, "pytorch.md")
    (project.folder / "try.py").write_text(NETWORK.format(package=PACKAGE), encoding="utf-8")
    done = project.uv("python", "try.py")
    assert done.stdout.strip() == "ONNX, equal to scikit-learn on real rows"


GOOD, BAD = "kind quick fair warm friendly", "late rude broken cold lost"
PLAIN = "the parcel came on monday and my neighbour took it to shop where staff were"


def reviews(path: Path, rows: int = 1500) -> None:
    """Made-up reviews: bad words make most writers angry, and `not` turns a good word."""
    draw = random.Random(0)
    lines = ["review_id,day,review,angry"]
    for n in range(rows):
        mood = draw.random() < 0.4
        words = draw.choices(PLAIN.split(), k=draw.randint(5, 14))
        words.insert(draw.randint(0, 5), draw.choice((BAD if mood else GOOD).split()))
        angry = int(mood != (draw.random() < 0.1))
        day = TODAY - timedelta(days=1 + (rows - n) // 12)
        lines.append(f"R{n:05d},{day},{' '.join(words).capitalize()}.,{angry}")
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_text_is_an_input_and_served_as_onnx(project):
    reviews(project.folder / "data" / "reviews.csv")
    came = loop(project, follow(project, "text.md"))
    assert "packaged as ONNX" in came["packaged"]
    signature = json.loads((bundle(project) / "signature.json").read_text())
    assert ("review", "text") in {(one["name"], one["kind"]) for one in signature["inputs"]}


def sales(path: Path, days: int = 360) -> None:
    """Made-up sales of five shops: a weekly rhythm, a slow wave, and chance."""
    draw = random.Random(0)
    lines = ["shop,day,sold"]
    for shop in range(5):
        level = 100.0 + 30 * shop
        for n in range(days):
            day = TODAY - timedelta(days=days - n)
            level += draw.gauss(0, 2)
            sold = level * (1.4 if day.weekday() > 4 else 1.0) + draw.gauss(0, 8)
            lines.append(f"shop {shop},{day},{max(0.0, sold):.1f}")
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_forecast_learns_nothing_that_was_not_known_and_is_served(project):
    sales(project.folder / "data" / "sales.csv")
    came = loop(project, follow(project, "forecasting.md"))
    assert "packaged as ONNX" in came["packaged"]
    result = json.loads((project.folder / "reports" / "gate" / "result.json").read_text())
    assert result["metric"] == "mae"
    assert result["settings"]["horizon"] == 7
    until = date.fromisoformat(json.loads((bundle(project) / "training.json").read_text())["until"])
    judges = date.fromisoformat(result["holdout"]["how"].split()[2])
    assert judges - until == timedelta(days=7)


def test_a_second_model_lives_beside_the_first(project):
    follow(project.hurry(), "second-model.md", only="contract.yaml|settings.toml")
    first = project.ml("train").stdout
    assert "v1 is registered" in first
    before = json.loads(project.ml("status", "--json").stdout)
    done = follow(project, "second-model.md")
    *_, trained, promoted, served = done
    assert "mae" in trained.stdout
    assert "next_spend" in served.stdout
    assert "is champion" in promoted.stdout
    assert json.loads(project.ml("status", "--json").stdout) == before
    assert (project.folder / "models" / "spend" / "mlflow.db").is_file()


# Workflows


def lint(repository: Path) -> None:
    """The linters that the project's own workflows pass."""
    if not (repository / ".git").exists():
        subprocess.run(["git", "init", "--quiet"], cwd=repository, check=True)
    workflows = [str(path) for path in sorted(repository.glob(".github/workflows/*.yml"))]
    assert workflows
    for program, *options in (
        ("actionlint",),
        ("zizmor", "--offline", "--persona=pedantic", "."),
        ("check-jsonschema", "--builtin-schema=vendor.github-workflows", *workflows),
    ):
        done = subprocess.run(
            [need(program), *options], cwd=repository, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_bucket_and_the_tracker_fit_the_workflows(project):
    follow(project, "private-data.md", only="github")
    follow(project, "tracker.md", only="github")
    lint(project.folder)


def test_training_alone_goes_to_the_gpu(project):
    follow(project, "gpu-runner.md", only="github")
    text = (project.folder / ".github" / "workflows" / "ct.yml").read_text(encoding="utf-8")
    assert text.count("[self-hosted, gpu]") == 1
    assert re.search(r"  train:\n.*\n    runs-on: \[self-hosted, gpu\]", text)
    lint(project.folder)


def test_every_job_goes_to_a_runner_of_ones_own(project):
    follow(project, "enterprise.md", only="github")
    for path in (project.folder / ".github" / "workflows").glob("*.yml"):
        assert "ubuntu" not in path.read_text(encoding="utf-8")
    lint(project.folder)


def test_a_runner_needs_what_the_page_names(project):
    """Whatever else is called would be missing on a machine that has just this."""
    page = (PAGES / "enterprise.md").read_text(encoding="utf-8")
    named = re.search(r"needs Linux, (.*?); uv", page, re.S)
    assert named
    places = [*project.folder.glob(".github/*"), *project.folder.glob("deploy/*.sh")]
    places += [*project.folder.glob(".github/*/*.yml"), *project.folder.glob(".github/*/*/*.yml")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in places if path.is_file())
    called = set(re.findall(r"^\s*(?:run: |exec |if |\w+=\$\()?([a-z][\w.-]*) ", text, re.M))
    programs = {name for name in called if name in KNOWN_PROGRAMS}
    assert programs <= set(re.findall(r"[a-z]\w+", named[1])), programs
    assert "sudo" not in called


KNOWN_PROGRAMS = {"docker", "skopeo", "jq", "gh", "git", "curl", "wget", "yq", "oras", "node"}


@pytest.mark.parametrize(
    ("registry", "server", "password", "told"),
    [
        ("ghcr.io", "https://github.com", "", "octocat token"),
        ("ghcr.io", "https://github.com", "password", "robot password"),
        ("containers.corp.ghe.com", "https://corp.ghe.com", "", "octocat token"),
        ("containers.corp.ghe.com", "https://corp.ghe.com", "password", "robot password"),
        ("containers.other.com", "https://github.com", "password", "robot password"),
        ("containers.other.com", "https://github.com", "", None),
        ("registry.corp", "https://corp.ghe.com", "password", "robot password"),
    ],
)
def test_the_jobs_token_goes_to_githubs_own_registry_alone(
    registry, server, password, told, tmp_path
):
    env = {
        "PATH": f"{docker(tmp_path)}:/usr/bin:/bin",
        "REGISTRY": f"{registry}/o/r",
        "REGISTRY_USER": "robot",
        "REGISTRY_PASSWORD": password,
        "GH_TOKEN": "token",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_SERVER_URL": server,
    }
    assert login(env).stdout == (f"{registry} {told}\n" if told else "")


@pytest.mark.parametrize("password", ["", "password"])
def test_another_ci_needs_nothing_of_githubs_for_githubs_registry(password, tmp_path):
    env = {"PATH": f"{docker(tmp_path)}:/usr/bin:/bin", "REGISTRY": "ghcr.io/o/r"}
    done = login({**env, "REGISTRY_USER": "robot", "REGISTRY_PASSWORD": password})
    assert done.stdout == ("ghcr.io robot password\n" if password else "")
    assert (done.returncode == 0) == bool(password)
    assert ("REGISTRY_USER and REGISTRY_PASSWORD" in done.stderr) == (not password)


def docker(folder: Path) -> Path:
    """A folder with a `docker` that tells where it is to log in, as whom and with what."""
    fake = folder / "bin" / "docker"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$2 $4 $(cat)"\n')
    fake.chmod(0o755)
    return fake.parent


def login(env: dict[str, str]) -> subprocess.CompletedProcess:
    """Run .github/login with this environment alone."""
    command = ["/bin/sh", str(PROJECT / ".github" / "login")]
    return subprocess.run(command, env=env, capture_output=True, text=True)


def test_two_projects_of_a_monorepo_do_not_meet(installed, tmp_path):
    for name in ("churn", "next-plan"):
        installed("binary").copy(tmp_path / "models" / name, environment=False)
    root = Project(tmp_path)
    (script, line) = blocks("monorepo.md")
    (tmp_path / script.place).write_text(script.text, encoding="utf-8")
    for name in ("churn", "next-plan"):
        root.run("bash", "-euc", line.text.replace("churn", name).replace("python", "python3"))
    lint(tmp_path)
    made = {path.name: path.read_text("utf-8") for path in tmp_path.glob(".github/workflows/*")}
    assert len(made) == 12
    for workflow in ("ci", "ct", "deploy", "monitor", "rollback", "security"):
        mine, other = made[f"churn-{workflow}.yml"], made[f"next-plan-{workflow}.yml"]
        assert mine.count("HEAD:models/churn\n") == mine.count("actions/checkout@")
        assert_apart(mine, other)


SHARED = "|".join(
    [
        r"\b(?:vars|secrets)\.(\w+)",
        r"^(?:name|  group|    environment): (\S+)",
        r"(?:issue (?:open|close) |STATE_BRANCH=|ghcr\.io/)(\S+)",
    ]
)


def assert_apart(mine: str, other: str) -> None:
    """Variables, secrets, names, groups, environments, issues, branches, images."""
    one, two = (
        {"".join(found) for found in re.findall(SHARED, text, re.M)} for text in (mine, other)
    )
    assert one
    assert one & two == set()


def test_the_folder_becomes_the_whole_work_tree(installed, tmp_path):
    installed("binary").copy(tmp_path / "models" / "churn", environment=False)
    (tmp_path / "other.txt").write_text("of somebody else\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for more in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "All"]):
        subprocess.run([*git, *more], cwd=tmp_path, check=True)
    (script, _) = blocks("monorepo.md")
    made = {"PROJECT": "models/churn", "NAME": "churn"}
    step = re.search(r'STEP = f"""(.*?)"""', script.text, re.S)
    assert step
    run = step[1].format(**made).partition("run: |\n")[2]
    out = tmp_path.parent / f"{tmp_path.name}-env"
    subprocess.run(
        ["bash", "-euc", run],
        cwd=tmp_path,
        check=True,
        env={"GITHUB_ENV": str(out), "PATH": "/usr/bin:/bin"},
    )
    assert out.read_text() == "ML_STATE_BRANCH=ml-state-churn\n"
    assert (tmp_path / "settings.toml").is_file()
    assert (tmp_path / ".github" / "actions" / "train" / "action.yml").is_file()
    left = [one for one in (tmp_path / "models").rglob("*") if one.is_file()]
    assert {one.suffix for one in left} <= {".pyc"}  # git leaves what it does not know
    assert not (tmp_path / "other.txt").exists()
