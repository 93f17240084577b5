"""The prediction log: what was asked and answered and what came true, without waiting for it."""

import asyncio
import gzip
import json
import os
import time
from concurrent.futures import Future
from datetime import date

import numpy as np
import pytest
from _row import ROW as CUSTOMER

from your_package.errors import Stop
from your_package.serving import log as logs
from your_package.serving import part as parts
from your_package.serving.batcher import Scored, Waiting
from your_package.serving.log import Log, logged
from your_package.serving.place import Place

ROW = {**CUSTOMER, "monthly_spend": None}


def lines(folder, kind):
    """Everything in the log's parts, oldest first; of predictions a dictionary a row."""
    parts = sorted(folder.glob(f"*/{kind}-*.jsonl.gz"))
    texts = [gzip.decompress(part.read_bytes()).decode() for part in parts]
    found = [json.loads(line) for text in texts for line in text.splitlines()]
    return [row for one in found for row in apart(one)] if kind == "predictions" else found


def apart(line):
    """Rows of a line, which holds columns."""
    inputs = line.pop("inputs")
    for place, values in enumerate(zip(*line.values(), strict=True)):
        row = dict(zip(line, values, strict=True))
        yield row | {"inputs": {name: column[place] for name, column in inputs.items()}}


def scored(rows):
    """A call of the model, as far as the log looks at it."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return Scored(columns, {}, np.empty(0), [], 0.0)


def waiting(id_, rows):
    """A request that nobody waits for any more."""
    return Waiting(rows, Future(), id_)


def add(log, id_, rows, names=tuple(ROW)):
    """Hand the log one request, as the batcher does."""
    log.add("v1", [*names], [waiting(id_, rows)], scored(rows), [0.5] * len(rows))


@pytest.fixture
def log(tmp_path):
    found = Log(Place.open(str(tmp_path)))
    yield found
    found.close()


def test_a_request_is_kept_row_by_row_and_only_what_the_model_reads(
    served, small_model, ask, log, tmp_path
):
    app = served(small_model(), log=log)
    rows = [ROW | {"name": "Ada Lovelace"}, ROW | {"plan": "basic"}]
    told = {"x-request-id": "r1"}
    _, answer = ask(app, "POST", "/predict", {"rows": rows}, headers=told)
    log.close()
    kept = lines(tmp_path, "predictions")
    assert [(one["id"], one["row"], one["version"]) for one in kept] == [
        ("r1", 0, "v7"),
        ("r1", 1, "v7"),
    ]
    assert [one["answer"] for one in kept] == answer["probabilities"]
    assert kept[0]["inputs"] == ROW
    app.count()
    assert app.counters.sums["ml_log_rows",] == 2
    assert app.counters.sums["ml_log_dropped",] == 0


def test_free_text_stays_out(small_model, tmp_path):
    signature = small_model().signature
    text = type(signature.inputs[0])("note", "text")
    changed = type(signature)(**{**vars(signature), "inputs": (*signature.inputs, text)})
    log = Log(Place.open(str(tmp_path)))
    add(log, "r", [ROW | {"note": "call Ada at home"}], logged(changed))
    log.close()
    assert "note" not in lines(tmp_path, "predictions")[0]["inputs"]


def test_a_share_of_the_requests_is_kept(tmp_path):
    log = Log(Place.open(str(tmp_path)), sample=0.2)
    for number in range(2000):
        add(log, str(number), [ROW])
    log.close()
    assert 300 < len(lines(tmp_path, "predictions")) < 500


def test_requests_that_were_scored_together_are_one_line_and_sampled_one_by_one(tmp_path):
    log = Log(Place.open(str(tmp_path)), sample=0.5)
    requests = [[ROW | {"tenure_months": n}] * (1 + n % 2) for n in range(400)]
    rows = [row for one in requests for row in one]
    batch = [waiting(str(n), one) for n, one in enumerate(requests)]
    answers = [n / 400 for n, one in enumerate(requests) for _ in one]
    log.add("v1", [*ROW], batch, scored(rows), answers)
    log.close()
    (part,) = tmp_path.glob("*/*.gz")
    assert len(gzip.decompress(part.read_bytes()).splitlines()) == 1
    kept = lines(tmp_path, "predictions")
    told = [(one["id"], one["row"]) for one in kept]
    ids = dict.fromkeys(id_ for id_, _ in told)
    assert told == [(id_, row) for id_ in ids for row in range(1 + int(id_) % 2)]
    assert 130 < len(ids) < 270
    for one in kept:
        assert one["inputs"]["tenure_months"] == int(one["id"])
        assert one["answer"] == int(one["id"]) / 400


def test_what_there_is_no_room_for_is_dropped_and_counted(log, monkeypatch):
    monkeypatch.setattr(logs, "MOST_WAITING", 0)
    for number in range(20):
        add(log, str(number), [ROW] * 3)
    log.close()
    assert (log.kept, log.refused) == (0, 60)


def test_a_part_that_is_large_is_written_before_its_time(log, monkeypatch, tmp_path):
    monkeypatch.setattr(parts, "LARGEST_PART", 100)
    for number in range(20):
        add(log, str(number), [ROW])
    end = time.monotonic() + 5
    while not lines(tmp_path, "predictions") and time.monotonic() < end:
        time.sleep(0.01)
    assert lines(tmp_path, "predictions")


def test_a_part_that_is_old_is_written(log, monkeypatch, tmp_path):
    monkeypatch.setattr(parts, "SECONDS", 0.01)
    add(log, "r", [ROW])
    end = time.monotonic() + 5
    while not lines(tmp_path, "predictions") and time.monotonic() < end:
        time.sleep(0.01)
    assert lines(tmp_path, "predictions")


def test_a_disk_that_fails_costs_the_log_and_not_the_service(log, monkeypatch):
    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(Place, "write", fail)
    add(log, "r", [ROW])
    log.close()
    assert (log.kept, log.failed) == (0, 1)


def test_a_part_is_there_whole_or_not_at_all(tmp_path):
    place = Place.open(str(tmp_path))
    place.write("2026-01-01/a.jsonl.gz", b"x")
    assert [path.name for path in (tmp_path / "2026-01-01").iterdir()] == ["a.jsonl.gz"]


def test_days_that_are_over_go_and_nothing_else(tmp_path):
    for name in ("2026-01-01", "2026-01-09", "2026-01-10", "notes"):
        (tmp_path / name).mkdir()
    Place(str(tmp_path)).prune(0, date(2026, 1, 10))
    assert len(list(tmp_path.iterdir())) == 4
    Place(str(tmp_path)).prune(1, date(2026, 1, 10))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-01-09", "2026-01-10", "notes"]


def test_a_url_is_written_by_fsspec():
    import fsspec

    log = Log(Place.open("memory://log"))
    add(log, "r", [ROW])
    log.close()
    names = [name for name in fsspec.filesystem("memory").find("/log") if "predictions" in name]
    assert len(names) == 1


@pytest.mark.parametrize("place", ["unknown://x", "{file}/below"])
def test_a_place_that_cannot_be_written_is_refused_at_the_start(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(Stop, match="--log"):
        Place.open(place.format(file=tmp_path / "file"))


@pytest.mark.skipif(os.name == "nt", reason="names of files")
def test_labels_that_come_later_are_on_the_disk_before_they_are_accepted(
    served, small_model, ask, log, tmp_path
):
    app = served(small_model(), log=log)
    body = {"feedback": [{"id": "r1", "labels": [1, None, 0]}, {"id": "r2", "label": 0}]}
    assert ask(app, "POST", "/feedback", body) == (200, {"accepted": 3})
    kept = lines(tmp_path, "labels")
    assert [(one["id"], one["row"], one["label"]) for one in kept] == [
        ("r1", 0, 1),
        ("r1", 2, 0),
        ("r2", 0, 0),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        5,
        {"id": "r"},
        {"id": "", "label": 1},
        {"id": 5, "label": 1},
        {"id": "r", "labels": []},
        {"id": "r", "label": 2},
        {"id": "r", "label": "1"},
        {"id": "r", "label": True},
        {"id": "r", "label": 1.0},
        {"feedback": []},
        {"feedback": [{"id": "r", "label": 1}, {"id": "r"}]},
    ],
)
def test_a_label_that_cannot_be_one_is_refused_and_none_is_kept(
    served, small_model, ask, log, tmp_path, body
):
    assert ask(served(small_model(), log=log), "POST", "/feedback", body)[0] == 422
    assert lines(tmp_path, "labels") == []


def test_without_a_log_feedback_says_how_to_get_one(served, small_model, ask):
    status, answer = ask(served(small_model()), "POST", "/feedback", {"id": "r", "label": 1})
    assert status == 409
    assert "--log" in answer["error"]


def test_many_labels_at_once_are_written_together(served, small_model, send, log, tmp_path):
    app = served(small_model(), log=log)

    async def all_at_once():
        bodies = [json.dumps({"id": f"r{n}", "label": n % 2}).encode() for n in range(200)]
        return await asyncio.gather(*(send(app, "POST", "/feedback", body) for body in bodies))

    assert {status for status, _, _ in asyncio.run(all_at_once())} == {200}
    assert len(lines(tmp_path, "labels")) == 200
    assert len(list(tmp_path.glob("*/labels-*"))) < 100
