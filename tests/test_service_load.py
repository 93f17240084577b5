"""Under load nothing is lost: not when it ends, nor when models change, nor with workers."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TODAY
from served import (
    LATER,
    Answer,
    Judge,
    Knows,
    Load,
    Service,
    golden,
    knowledge,
    logged,
    resealed,
    service,
    version,
)

ROWS = 3  # of a request


@pytest.fixture(scope="module")
def pair(bundles) -> list[Path]:
    """Two versions that answer differently."""
    return bundles("binary", TODAY, LATER)


@pytest.fixture(scope="module")
def body(pair) -> bytes:
    return json.dumps({"rows": golden(pair[0])["rows"][:ROWS]}).encode()


@pytest.fixture(scope="module")
def knows(pair, body, installed, tmp_path_factory) -> Knows:
    return knowledge(installed("binary"), pair, body, tmp_path_factory.mktemp("asked"))


@pytest.fixture
def judge(knows) -> Judge:
    return Judge(knows)


@pytest.fixture
def start(installed, tmp_path) -> Callable[..., Any]:
    """Start the service on a bundle."""
    return lambda bundle, *flags: service(installed("binary"), bundle, tmp_path, *flags)


# ── It is told to end


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("drain", [0, 1])
def test_clients_that_stay_connected_are_answered_to_the_end(
    start, pair, body, judge, workers, drain
):
    with start(pair[0], "--workers", workers, "--drain", drain) as served:
        with Load(served.port, body, judge) as load:
            load.more(300)
            served.signal(signal.SIGTERM)
            assert served.process.wait(20) in (0, -signal.SIGTERM)
        assert not load.failed
        assert not served.log.read_text(encoding="utf-8")


@pytest.mark.parametrize("workers", [1, 2])
def test_new_clients_are_answered_until_they_hear_that_it_is_not_ready(
    start, pair, body, judge, workers
):
    with start(pair[0], "--workers", workers, "--drain", 1) as served:
        with Load(served.port, body, judge, keep_alive=False) as load:
            load.more(300)
            served.signal(signal.SIGTERM)
            served.wait_for(lambda: not served.ready())
            load.more(20)  # not ready, and still there for those who have not heard
        assert served.process.wait(20) in (0, -signal.SIGTERM)
        assert not load.failed


def test_an_idle_connection_does_not_hold_up_the_end(start, pair):
    with start(pair[0]) as served:
        connection = served.connect()
        connection.request("GET", "/ping")
        assert connection.getresponse().read()
        begun = time.monotonic()
        served.signal(signal.SIGTERM)
        served.process.wait(20)
        assert time.monotonic() - begun < 5


def test_a_second_signal_ends_the_draining(start, pair):
    with start(pair[0], "--drain", 60) as served:
        served.signal(signal.SIGTERM)
        served.wait_for(lambda: not served.ready())
        served.signal(signal.SIGTERM)
        served.process.wait(20)


# ── Another model takes over


def point(link: Path, bundle: Path) -> None:
    """Let a link lead elsewhere, in one step."""
    new = link.with_name("new")
    new.symlink_to(bundle, target_is_directory=True)
    new.replace(link)


def answering(served: Service) -> str:
    return served.ask("/version").json["version"]


def counted(served: Service, result: str) -> float:
    return served.metrics().get(f'ml_swaps_total{{result="{result}"}}', 0)


@pytest.mark.parametrize(
    "flags", [(), ("--watch", 0.1), ("--workers", 2)], ids=["told", "watching", "workers"]
)
def test_versions_change_under_load_and_no_answer_mixes_them(
    start, pair, body, judge, tmp_path, flags
):
    link = tmp_path / "bundle"
    point(link, pair[0])
    with (
        start(link, *flags) as served,
        Load(served.port, body, judge, keep_alive=not flags) as load,
    ):
        number = 2 if "--workers" in flags else 1
        served.wait_for(lambda: len(judge.workers) == number)
        for turn in range(1, 7):
            bundle = pair[turn % 2]
            point(link, bundle)
            if "--watch" not in flags:
                served.signal(signal.SIGHUP)
            served.wait_for(lambda turn=turn: counted(served, "done") == turn * number)
            before = judge.said[version(bundle)]
            load.more(100)
            assert judge.said[version(bundle)] >= before + 80  # some were on their way
        info = [name for name in served.metrics() if name.startswith("ml_info")]
    assert not load.failed
    assert len(info) == 1
    assert version(pair[0]) in info[0]


def broken(pair: list[Path], folder: Path) -> dict[str, Path]:
    """Bundles that must not answer."""
    other = pair[1]
    model, told = (other / "model.onnx").read_bytes(), golden(other)
    changed = bytes([*model[:1000], model[1000] ^ 1, *model[1001:]])
    told["answers"][0] = told["answers"][0][::-1]
    parts: dict[str, tuple[dict[str, bytes], bool]] = {
        "a changed byte": ({"model.onnx": changed}, False),
        "a file too many": ({"more.txt": b"1"}, False),
        "other answers than when it was made": ({"golden.json": json.dumps(told).encode()}, True),
        "a model that does not open": ({"model.onnx": b"no model"}, True),
        "golden rows that are none": ({"golden.json": b'{"rows": [], "answers": 1}'}, True),
        "a signature of nothing": ({"signature.json": b"{}"}, True),
        "a signature that is none": ({"signature.json": b"\xff"}, True),
    }
    made = {name: resealed(other, folder / name, *how) for name, how in parts.items()}
    (folder / "an empty folder").mkdir()
    return {**made, "an empty folder": folder / "an empty folder", "nothing": folder / "nothing"}


@pytest.mark.parametrize("flags", [(), ("--watch", 0.1)], ids=["told", "watching"])
def test_a_bundle_that_is_not_what_it_says_is_refused_and_the_old_one_stays(
    start, pair, body, judge, tmp_path, flags
):
    link = tmp_path / "bundle"
    point(link, pair[0])
    with start(link, *flags) as served, Load(served.port, body, judge) as load:
        for number, (name, bundle) in enumerate(broken(pair, tmp_path / "broken").items(), 1):
            point(link, bundle)
            if not flags:
                served.signal(signal.SIGHUP)
            served.wait_for(lambda number=number: counted(served, "refused") >= number)
            assert answering(served) == version(pair[0]), name
            load.more(20)
        assert counted(served, "refused") == number  # each once, however often it is looked at
        point(link, pair[1])
        served.signal(signal.SIGHUP)
        served.wait_for(lambda: answering(served) == version(pair[1]))
    assert not load.failed


@pytest.mark.parametrize("name", ["a changed byte", "other answers than when it was made"])
def test_a_service_does_not_start_on_such_a_bundle(installed, pair, tmp_path, name):
    bundle = broken(pair, tmp_path)[name]
    serve = installed("binary").folder / ".venv" / "bin" / "ml-serve"
    for workers in ("1", "2"):
        done = installed("binary").run(serve, bundle, "--workers", workers, status=None)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        assert str(bundle) in done.stderr


# ── Several processes


def children(served: Service) -> set[int]:
    """Its workers; Python's own tracker of resources is none."""
    path = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
    found = {int(pid) for pid in path.read_text().split()}
    return {pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def growing(served: Service) -> dict[str, float]:
    """Whatever must never get smaller."""
    ends = ("_total", "_count", "_sum", "_bucket")
    return {n: v for n, v in served.metrics().items() if n.split("{")[0].endswith(ends)}


def test_workers_count_together_and_a_killed_one_is_replaced(start, pair, body, judge):
    asked = 'ml_requests_total{route="/predict",status="200"}'
    with start(pair[0], "--workers", 2) as served:
        begun, seen = time.monotonic(), growing(served)

        def grown() -> dict[str, float]:
            now = growing(served)
            assert {name for name in seen if now[name] < seen[name]} == set()
            return now

        with Load(served.port, body, judge, keep_alive=False) as load:
            while time.monotonic() < begun + 6:  # a worker that falls at once stays down
                seen = grown()
        assert len(judge.workers) == 2
        served.wait_for(lambda: served.metrics()[asked] == load.answered)
        os.kill(min(children(served)), signal.SIGKILL)
        with Load(served.port, body, judge, keep_alive=False):
            # told to look meanwhile: one that still starts must not fall of it
            served.wait_for(
                lambda: served.signal(signal.SIGHUP) or (grown() and len(judge.workers) == 3)
            )
        left = children(served)
        assert len(left) == 2
    assert served.process.returncode == 0
    assert not load.failed
    assert not [pid for pid in left if Path(f"/proc/{pid}").exists()]


# ── More than it can do


def test_a_full_queue_says_so_and_the_others_get_right_answers(start, pair):
    told = golden(pair[0])
    rows, answers = told["rows"] * 150, told["answers"] * 150
    said = Counter()

    def judge(answer: Answer) -> str:
        said[answer.status] += 1
        if answer.status == 503:
            return "" if int(answer.headers["retry-after"]) >= 1 else "when again?"
        right = np.allclose(answer.json["probabilities"], answers, rtol=0, atol=1e-6)
        return "" if right else "wrong"

    content = json.dumps({"rows": rows}).encode()
    with start(pair[0], "--queue", 4000) as served:
        with Load(served.port, content, judge, clients=24) as load:
            served.wait_for(lambda: said[503] > 20 and said[200] > 20)
            assert served.ready()
        assert not load.failed
        assert said[200] + said[503] == load.answered
        served.wait_for(lambda: served.metrics()["ml_queue_rows"] == 0)


# ── What it writes down


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_answered_is_in_the_log_once_though_it_ends_under_load(
    start, pair, body, judge, tmp_path, workers
):
    folder = tmp_path / "log"
    flags = ("--log", folder, "--workers", workers, "--drain", 1)
    with start(pair[0], *flags) as served, Load(served.port, body, judge) as load:
        load.more(500)
        label = {"id": judge.ids[0], "labels": [1, None, 0]}
        assert served.ask("/feedback", label).json == {"accepted": 2}
        assert [one["label"] for one in logged(folder, "labels")] == [1, 0]
        served.signal(signal.SIGTERM)
        served.process.wait(30)
    assert not load.failed
    kept = Counter(line["id"] for line in logged(folder, "predictions"))
    assert kept == Counter(dict.fromkeys(judge.ids, ROWS))
    assert not [*folder.rglob(".*")], "a part that is not whole"


def test_the_log_goes_on_when_the_next_model_reads_fewer_columns(start, pair, body, tmp_path):
    signature = json.loads((pair[0] / "signature.json").read_text(encoding="utf-8"))
    more = {**signature["inputs"][-1], "name": "more"}
    signature["inputs"].append(more)
    rows = [{**row, "more": 1} for row in golden(pair[0])["rows"]]
    files = {"signature.json": signature, "golden.json": {**golden(pair[0]), "rows": rows}}
    content = {name: json.dumps(told).encode() for name, told in files.items()}
    link, folder = tmp_path / "bundle", tmp_path / "log"
    point(link, resealed(pair[0], tmp_path / "more", content))
    with start(link, "--log", folder) as served:
        served.predict(rows)
        point(link, pair[1])
        served.signal(signal.SIGHUP)
        served.wait_for(lambda: answering(served) == version(pair[1]))
        id_ = served.ask("/predict", body).json["id"]
        assert served.ask("/feedback", {"id": id_, "labels": [1] * ROWS}).status == 200
    kept = logged(folder, "predictions")
    assert [len(line["inputs"]) for line in kept] == [len(rows[0])] * len(rows) + [
        len(rows[0]) - 1
    ] * ROWS
