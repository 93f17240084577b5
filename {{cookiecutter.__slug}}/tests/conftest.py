"""What all tests share: the sample's contract, and your model, trained once in a folder apart.

No test touches your registry, or its mirror: what names them is unset, every store a fresh folder.
"""

import os
import shutil
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
SAMPLE_DAY = date(2026, 6, 1)
COLUMNS = {
    "customer_id": {"type": "text", "role": "key", "unique": True},
    "observed_on": {"type": "date", "role": "time"},
    "region": {
        "type": "text",
        "role": "category",
        "values": ["east", "north", "online", "south", "west"],
        "unseen_max": 0.02,
    },
    "plan": {"type": "text", "role": "category", "values": ["basic", "plus", "pro"]},
    "gender": {"type": "text", "role": "category", "sensitive": True},
    "tenure_months": {"type": "integer", "role": "number", "range": [0, 240]},
    "support_calls": {"type": "integer", "role": "number", "range": [0, 50]},
    "usage_hours": {"type": "number", "role": "number", "range": [0, 400]},
    "monthly_spend": {"type": "number", "role": "number", "range": [0, 2000], "nulls": 0.15},
    "satisfaction": {"type": "integer", "role": "number", "range": [1, 10], "nulls": 0.25},
}
TARGETS = {
    "binary": {"churned": {"type": "integer", "role": "target", "values": [0, 1]}},
    "regression": {"next_spend": {"type": "number", "role": "target", "range": [-100, 10000]}},
    "multiclass": {"next_plan": {"type": "text", "role": "target"}},
}

# Small tables are fitted faster by one thread than by several that wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The same examples on every machine, so that a red test stays red until it is mended.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("project")


def pytest_collection_modifyitems(items):
    """`pytest -m yours`: what looks at your settings, contract, data or model."""
    for item in items:
        if {"yours", "trained"} & {*item.fixturenames} or item.path.name == "test_yours.py":
            item.add_marker("yours")


@pytest.fixture(scope="session", autouse=True)
def _no_server():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "WANDB_PROJECT"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def sample_contract():
    """The sample's contract by task, whatever yours says; a changed column, or None for none."""
    from your_package.contract import Contract

    def make(task="binary", **changes):
        columns = {**COLUMNS, **TARGETS[task], **changes}
        kept = {name: column for name, column in columns.items() if column}
        values = {"columns": kept, "rows": {"min": 200}, "time": {"max_age_days": 14}}
        return Contract.model_validate(values, strict=False)

    return make


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A tracking database without a run: making one takes seconds, copying it nothing."""
    from your_package.store.tracking import Registry

    root = tmp_path_factory.mktemp("store")
    Registry(root, "nothing").aliases()
    return root / "mlflow.db"


@pytest.fixture(scope="session")
def yours():
    """Your settings and contract as they are."""
    from your_package.project import read_project

    return read_project(ROOT)


@pytest.fixture(scope="session")
def project(yours, tmp_path_factory, empty_store):
    """Your settings and contract, in a folder apart."""
    from your_package.project import Project

    root = tmp_path_factory.mktemp("project")
    shutil.copy(empty_store, root)
    for name in ("settings.toml", "contract.yaml", "reference.json"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, root)
    data = yours.settings.data
    if ":" not in data.source:
        data = data.model_copy(update={"source": str(ROOT / data.source)})
    return Project(root, yours.settings.model_copy(update={"data": data}), yours.contract)


@pytest.fixture(scope="session")
def today(project):
    """A fixed day for the sample; your own data are of now."""
    sample = project.settings.data.source.startswith("sample:")
    return SAMPLE_DAY if sample else datetime.now(UTC).date()


@pytest.fixture(scope="session")
def of_the_sample(yours):
    """Only for as long as the project learns from the sample."""
    if not yours.settings.data.source.startswith("sample:"):
        pytest.skip("asks about the sample's customers: write your own sentences")


@pytest.fixture(scope="session")
def outcome(project, today):
    """What `ml train` came to."""
    from your_package import pipeline

    made = pipeline.run(project, today, lambda _: nullcontext())
    if made.version is None:
        pytest.fail(f"training left no version: {made.decision.verdict}, {made.decision.reason}")
    return made


@pytest.fixture(scope="session")
def trained(request):
    """The model that training made; inside the gate the challenger, from its bundle."""
    from your_package.store import model
    from your_package.store.tracking import Registry

    if bundle := os.environ.get("ML_BUNDLE"):
        return model.open_unsealed(Path(bundle))
    project, outcome = (request.getfixturevalue(name) for name in ("project", "outcome"))
    registry = Registry(project.root, project.settings.name)
    return model.load(registry.fetch(outcome.version), outcome.version.digest)


@pytest.fixture(scope="session")
def served():
    """The service around an open model, as an ASGI application."""
    from your_package.serving.app import App
    from your_package.serving.counters import Counters
    from your_package.serving.loaded import build

    def make(model, version="v7", log=None, **more):
        counters = Counters()
        return App(build(model, version, counters, **more), counters, log)

    return make


@pytest.fixture(scope="session")
def expect(trained):
    """Sentences about the trained model's answer to one row: `expect(ROW).rises().when(...)`."""
    from your_package.behaviour import Expectation

    return lambda row, of=None: Expectation(trained, row, of)
