"""A new bundle is taken in one step while the old one answers; one that is not right is refused."""

import asyncio
import json
import shutil

import pytest
from _row import ROW

from your_package.errors import Stop
from your_package.serving.app import App
from your_package.serving.counters import Counters
from your_package.serving.loaded import InFolder, open_bundle
from your_package.serving.options import Options
from your_package.serving.server import listen, smoke
from your_package.serving.swap import Watcher
from your_package.store import bundle
from your_package.store.encode import encode


@pytest.fixture
def bundle_of(small_model, tmp_path):
    """A sealed bundle with golden rows, in a folder of its own."""

    def make(name, task="binary", off=0.0):
        model = small_model(task)
        folder = tmp_path / name
        shutil.copytree(model.folder, folder)
        inputs = encode({key: [value] for key, value in ROW.items()}, model.signature.inputs)
        answers = (model.predict(inputs) + off).tolist()
        (folder / "golden.json").write_text(json.dumps({"rows": [ROW], "answers": answers}))
        bundle.seal(folder, {"name": name})
        return folder

    return make


@pytest.fixture
def service(bundle_of, tmp_path):
    """A service of a link to a bundle, and what moves the link."""
    link, counters = tmp_path / "current", Counters()
    link.symlink_to(bundle_of("first"))

    def move(folder):
        link.unlink()
        link.symlink_to(folder)

    app = App(open_bundle(link, None, counters, 100), counters)
    return app, Watcher(app, InFolder(link), Options()), move


def test_another_bundle_answers_from_then_on(service, bundle_of, ask):
    app, watcher, move = service
    first = app.loaded.version
    assert asyncio.run(watcher.look()) is False, "it is the same one"
    move(bundle_of("second", "multiclass"))
    assert asyncio.run(watcher.look()) is True
    _, answer = ask(app, "POST", "/predict", {"rows": [ROW]})
    assert answer["version"] == app.loaded.version != first
    assert len(answer["classes"]) == 4
    assert app.counters.sums["ml_swaps", "done"] == 1
    assert [key[2] for key in app.counters.gauges if key[0] == "ml_info"] == [app.loaded.version]
    assert ask(app, "GET", f"/v2/models/small/versions/{first}")[0] == 404


def test_a_request_that_waits_gets_the_model_that_it_came_for(service, bundle_of, send):
    app, watcher, move = service
    first = app.loaded.version
    move(bundle_of("second", "multiclass"))
    body = json.dumps({"rows": [ROW]}).encode()

    async def ask_and_swap():
        asked = asyncio.create_task(send(app, "POST", "/predict", body))
        await asyncio.sleep(0)
        await watcher.look()
        return await asked, await send(app, "POST", "/predict", body)

    (_, _, before), (_, _, after) = asyncio.run(ask_and_swap())
    assert json.loads(before)["version"] == first
    assert json.loads(after)["version"] != first


def changed(folder):
    (folder / "golden.json").write_text("{}")


def answers_otherwise(folder):
    golden = json.loads((folder / "golden.json").read_text())
    golden["answers"] = [[share + 0.01 for share in row] for row in golden["answers"]]
    (folder / "golden.json").write_text(json.dumps(golden))
    bundle.seal(folder, {"name": "other"})


def without_golden_rows(folder):
    (folder / "golden.json").unlink()
    bundle.seal(folder, {"name": "other"})


def without_a_model(folder):
    (folder / "model.onnx").write_bytes(b"no graph")
    bundle.seal(folder, {"name": "other"})


@pytest.mark.parametrize(
    "spoil", [changed, answers_otherwise, without_golden_rows, without_a_model]
)
def test_a_bundle_that_is_not_right_is_refused_once_and_the_old_one_stays(
    service, bundle_of, ask, spoil
):
    app, watcher, move = service
    first, other = app.loaded.version, bundle_of("second")
    spoil(other)
    move(other)
    for _ in range(3):
        assert asyncio.run(watcher.look()) is False
    assert app.counters.sums["ml_swaps", "refused"] == 1
    assert ask(app, "POST", "/predict", {"rows": [ROW]})[1]["version"] == first


def test_a_link_to_nowhere_changes_nothing(service, tmp_path, ask):
    app, watcher, move = service
    move(tmp_path / "nowhere")
    with pytest.raises(OSError, match="nowhere"):
        asyncio.run(watcher.look())
    assert ask(app, "POST", "/predict", {"rows": [ROW]})[0] == 200


def test_a_bundle_that_answers_otherwise_is_not_served_at_all(bundle_of):
    with pytest.raises(Stop, match="answers otherwise here"):
        open_bundle(bundle_of("bad", off=0.1), None, Counters(), 100)
    with pytest.raises(Stop, match="answers otherwise here"):
        smoke(bundle_of("worse", off=0.1), "v1", "127.0.0.1", 0)


def test_a_smoke_test_asks_over_http(bundle_of):
    told = smoke(bundle_of("good"), "v3", "127.0.0.1", 0)
    assert (told["row"], told["version"]) == (ROW, "v3")


def test_a_port_that_is_taken_is_said():
    with listen("127.0.0.1", 0) as taken, pytest.raises(Stop, match="choose another with --port"):
        listen("127.0.0.1", taken.getsockname()[1])
