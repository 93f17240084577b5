"""The product's image as platforms run it: locked, small, behind a load balancer, replaced."""

import json
import os
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import engine as engines
import numpy as np
import pytest
from conftest import TODAY, Project, bake_into, need
from real_servers import free_port, wait_until
from served import (
    LATER,
    Judge,
    Load,
    Service,
    golden,
    knowledge,
    logged,
    running,
    version,
)

pytest_plugins = ["parts"]

LOCKED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=256m"]
KILLED = 137  # what a container ends with that took too much memory, or too long
PROXY = """
defaults
  mode http
  timeout connect 10s
  timeout check 10s
  timeout client 30s
  timeout server 30s
frontend in
  bind 127.0.0.1:{port}
  default_backend models
backend models
  option httpchk GET /health/ready
  default-server check inter 100ms fall 2 rise 1
  server one 127.0.0.1:{one}
  server two 127.0.0.1:{two}
"""
# No converter knows a vote, so the bundle holds the model as skops writes it.
VOTE = """
    from sklearn.ensemble import VotingClassifier

    return VotingClassifier([("one", one)], voting="soft")
"""

Run = Callable[..., AbstractContextManager[Service]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A folder that the image's user may write to."""
    folder = tmp_path / "log"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def run(engine: str, tmp_path: Path, log: Path) -> Run:
    """Run an image, locked, for as long as the test needs it."""

    @contextmanager
    def start(image: str, port: int, *arguments: str, **variables: object) -> Iterator[Service]:
        name = f"model-{os.getpid()}-{port}"
        told = {"ML_LOG": "/log", **variables}
        command = [engines.client(), "run", "--rm", f"--name={name}", *LOCKED]
        command += [f"--env={key}={value}" for key, value in told.items()]
        command += [f"--publish=127.0.0.1:{port}:8080", f"--volume={log}:/log"]
        host = {"DOCKER_HOST": engine} if engine else {}
        try:
            with running([*command, image, *arguments], port, tmp_path, host) as made:
                yield made
        finally:
            engines.docker(engine, "rm", "--force", name)

    return start


def stop(engine: str, served: Service) -> None:
    """As platforms do it: SIGTERM, and patience."""
    engines.docker(engine, "stop", "--time=30", f"model-{os.getpid()}-{served.port}")
    assert served.process.wait(30) != KILLED, served.log.read_text(encoding="utf-8")


def build(engine: str, project: Project, bundle: Path) -> str:
    """The project's image with a bundle in it."""
    place, name = Path(".ml", "bundles", version(bundle)), f"model-{os.getpid()}:{version(bundle)}"
    shutil.copytree(bundle, project.folder / place)
    command = ["build", "--quiet", "--file", str(project.folder / "deploy" / "Dockerfile")]
    command += ["--build-arg", f"BUNDLE={place}", "--tag", name, str(project.folder)]
    done = engines.docker(engine, *command)
    assert done.returncode == 0, done.stderr
    return name


@pytest.fixture(scope="module")
def pair(bundles) -> list[Path]:
    """Two versions that answer differently."""
    return bundles("binary", TODAY, LATER)


@pytest.fixture(scope="module")
def images(pair, engine: str, installed, tmp_path_factory) -> list[str]:
    """An image of each."""
    project = installed("binary").copy(tmp_path_factory.mktemp("built") / "project", False)
    return [build(engine, project, bundle) for bundle in pair]


@contextmanager
def proxy(folder: Path, one: int, two: int) -> Iterator[int]:
    """Debian's haproxy before two ports, which it asks whether they are ready; yields its own."""
    port, path = free_port(), folder / "haproxy.cfg"
    path.write_text(PROXY.format(port=port, one=one, two=two))
    with (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen([need("haproxy"), "-db", "-f", path], stdout=log, stderr=log)

    def has_looked() -> bool:  # until then it takes the second for there
        return "models/two is DOWN" in (folder / "haproxy.log").read_text(encoding="utf-8")

    try:
        wait_until(has_looked, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def test_a_rolling_restart_loses_no_request_and_no_row_of_the_log(
    images, pair, run, engine, log, installed, tmp_path
):
    """Two times: the next version is started and becomes ready, then the one before is stopped."""
    body = json.dumps({"rows": golden(pair[0])["rows"][:3]}).encode()
    judge = Judge(knowledge(installed("binary"), pair, body, tmp_path))
    one, two = free_port(), free_port()
    with ExitStack() as stack:
        old = stack.enter_context(run(images[0], one, ML_DRAIN=4))
        port = stack.enter_context(proxy(tmp_path, one, two))
        behind = Service(port, old.process, old.log)
        behind.wait_for(lambda: behind.ask("/version").status == 200)
        with Load(port, body, judge) as load:
            for turn, (place, workers) in enumerate([(two, 2), (one, 1)], 1):
                mine, others = version(pair[turn % 2]), version(pair[(turn + 1) % 2])
                load.more(200)
                next_one = run(images[turn % 2], place, ML_DRAIN=4, ML_WORKERS=workers)
                new = stack.enter_context(next_one)
                seen = judge.said[mine] + 100
                new.wait_for(lambda mine=mine, seen=seen: judge.said[mine] > seen)
                stop(engine, old)
                old, before = new, judge.said[others]
                load.more(200)
                assert judge.said[others] == before
        label = {"id": judge.ids[0], "labels": [1, 0, 1]}
        assert new.ask("/feedback", label).json == {"accepted": 3}
    assert not load.failed
    assert len(judge.said) == 2
    rows = Counter(line["id"] for line in logged(log, "predictions"))
    assert rows == Counter(dict.fromkeys(judge.ids, 3))
    labels = logged(log, "labels")
    assert [(one["id"], one["row"], one["label"]) for one in labels] == [
        (judge.ids[0], row, label) for row, label in enumerate([1, 0, 1])
    ]


def test_it_starts_as_sagemaker_starts_it_and_lives_with_little_memory(images, pair, run):
    """With the word serve; sixty clients that send much and never end take its memory."""
    head = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 3999999\r\n\r\n"
    rows = golden(pair[0])["rows"]
    with run(images[0], free_port(), "serve") as served, ExitStack() as clients:
        wanted = served.predict(rows)
        for _ in range(60):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            client.sendall(head + b" " * 3_900_000)
        for body in (b"{},", b"[],", b'"x",'):  # of which there may be a million
            sent = b'{"instances": [' + body * (3_900_000 // len(body)) + b"1]}"
            assert served.ask("/invocations", sent).status in (413, 422, 503)
        answer = served.ask("/invocations", {"instances": rows}).json
        assert {key: answer[key] for key in wanted} == wanted
    assert not served.log.read_text(encoding="utf-8")


def test_a_model_that_converts_to_nothing_is_built_and_answers(engine, run, installed, tmp_path):
    folder = bake_into(tmp_path, sample="binary")
    shutil.copy(installed("binary").folder / "uv.lock", folder)
    model = folder / "src" / "customer_model" / "model.py"
    text = model.read_text(encoding="utf-8")
    assert text.count("    return kind(") == 1
    model.write_text(text.replace("    return kind(", "    one = kind(") + VOTE, encoding="utf-8")
    project = Project(folder, installed("binary").forks)
    project.ml("train", "--today", TODAY)
    (bundle,) = folder.glob("mlartifacts/*/artifacts/bundle")
    told: dict[str, Any] = golden(bundle)
    assert (bundle / "model.skops").is_file()
    with run(build(engine, project, bundle), free_port()) as served:
        found = served.predict(told["rows"])["probabilities"]
        assert np.allclose(found, told["answers"], rtol=0, atol=1e-6)
        assert 'format="skops"' in str(served.metrics())
