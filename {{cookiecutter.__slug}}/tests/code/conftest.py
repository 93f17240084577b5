"""What the tests of the code share: small models and stores, none of them yours."""

import asyncio
import json
import shutil
from datetime import date, timedelta

import pytest

DAY = date(2026, 6, 1)


@pytest.fixture(scope="session")
def sample_rows():
    """Sample rows of the days before the first of June 2026."""
    from your_package import sample

    def make(task="binary", days=20):
        return sample.rows(task, DAY - timedelta(days=days), DAY)

    return make


@pytest.fixture(scope="session")
def sample_project(tmp_path_factory, sample_contract):
    """A project on the sample, by task, with every setting at its default."""
    from your_package.project import Project
    from your_package.settings import Settings

    def make(task="binary"):
        root = tmp_path_factory.mktemp(task)
        return Project(root, Settings(name="small", task=task), sample_contract(task))

    return make


@pytest.fixture(scope="session")
def signature_of(sample_project):
    """The signature of a model of the sample's inputs."""
    from your_package.store.model import Signature

    def make(task, classes=()):
        project = sample_project(task)
        return Signature(
            name="small",
            task=task,
            target=project.contract.target,
            inputs=project.inputs,
            classes=tuple(classes),
            threshold=0.5,
            format="onnx",
        )

    return make


@pytest.fixture(scope="session")
def encoded(sample_rows, signature_of):
    """Sample rows as a model reads them, and their answers as training sees them."""
    from your_package.steps.train import encode_answers
    from your_package.store.encode import columns_of, encode

    def make(task="binary", days=20):
        table = sample_rows(task, days)
        signature = signature_of(task)
        inputs = encode(columns_of(table, signature.inputs), signature.inputs)
        answers = table[signature.target].to_list()
        if task == "regression":
            return inputs, answers, ()
        classes = sorted(set(answers))
        return inputs, encode_answers(answers, classes), tuple(classes)

    return make


@pytest.fixture(scope="session")
def small_model(tmp_path_factory, encoded, signature_of):
    """A small model of the sample as a sealed bundle, by task; each is trained once."""
    import numpy as np
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    from your_package.store import (
        bundle,
        export,
        fingerprints,
        model,
    )

    made = {}

    def make(task="binary"):
        if task not in made:
            inputs, answers, classes = encoded(task)
            boosting = HistGradientBoostingClassifier
            if task == "regression":
                boosting = HistGradientBoostingRegressor
            one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            features = ColumnTransformer(
                [("category", one_hot, ["region", "plan"])], remainder="passthrough"
            )
            estimator = make_pipeline(features, boosting(max_iter=20, random_state=0))
            estimator.fit(pd.DataFrame(inputs), answers)
            folder = tmp_path_factory.mktemp("bundle")
            export.write_model(folder, estimator, signature_of(task, classes), inputs)
            fingerprints.write_fingerprints(folder, np.arange(9, dtype=np.uint64))
            made[task] = model.load(folder, bundle.seal(folder, {"name": "small"}))
        return made[task]

    return make


@pytest.fixture
def registry(tmp_path, empty_store):
    """An empty registry of its own for each test."""
    from your_package.store.tracking import Registry

    shutil.copy(empty_store, tmp_path)
    return Registry(tmp_path, "small")


@pytest.fixture
def add_version(registry):
    """Register a version as training does; `against` is the champion that it was judged against."""

    def add(verdict="PROMOTE", against=None, *, beats_anchor=False):
        return record_version(registry, verdict, against, beats_anchor)

    return add


@pytest.fixture(scope="session")
def recorder():
    """`add_version` for whatever registry is named."""
    return record_version


@pytest.fixture(scope="session")
def three_champions(tmp_path_factory, empty_store):
    """A store with two champions and one to come; only the second did not beat the anchor."""
    from your_package.promote import promote
    from your_package.store.tracking import Registry

    root = tmp_path_factory.mktemp("three")
    shutil.copy(empty_store, root)
    registry = Registry(root, "small")
    first = record_version(registry, "PROMOTE", None, beats_anchor=True)
    promote(registry)
    second = record_version(registry, "PROMOTE", first, beats_anchor=False)
    promote(registry)
    record_version(registry, "PROMOTE", second, beats_anchor=True)
    return root / "mlflow.db"


@pytest.fixture
def three(registry, three_champions):
    """The versions of `three_champions`, in the registry of this test."""
    shutil.copy(three_champions, registry.root)
    return registry.versions()


def record_version(registry, verdict, against, beats_anchor):
    from your_package.store import bundle
    from your_package.store.versions import Judgement, Record

    number = len(registry.versions()) + 1
    folder = registry.root / f"made-{number}"
    (folder / "gate").mkdir(parents=True)
    (folder / "gate" / "report.md").write_text(f"{number}\n", encoding="utf-8")
    digest = bundle.seal(folder, {"number": number})
    champion = against.digest if against else None
    judgement = Judgement(verdict, champion, beats_anchor, 0.8)
    record = Record({"seed": "0"}, {"roc_auc": 0.8}, ("churned", "d4", "sample"), judgement)
    tags = {"digest": digest, "identity": f"i{number}", "data_id": "d4"}
    return registry.record(folder, record, tags, keep=True)


@pytest.fixture(scope="session")
def send():
    """One request to an ASGI application; returns status, headers and the bytes of the answer."""

    async def ask(app, method, path, content=b"", headers=(), pieces=1):
        step = max(1, -(-len(content) // pieces))
        parts = [content[at : at + step] for at in range(0, len(content), step)] or [b""]
        sent = []

        async def receive():
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

        async def keep(message):
            sent.append(message)

        found = [(name.encode(), value.encode()) for name, value in dict(headers).items()]
        scope = {"type": "http", "method": method, "path": path, "headers": found}
        await app(scope, receive, keep)
        told = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return sent[0]["status"], told, sent[1]["body"]

    return ask


@pytest.fixture(scope="session")
def ask(send):
    """Send one request to an ASGI application; returns the status and the JSON that came back."""

    def one(app, method, path, body=b"", pieces=1, headers=()):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, _, answer = asyncio.run(send(app, method, path, content, headers, pieces))
        return status, json.loads(answer)

    return one
