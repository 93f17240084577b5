"""The prediction log, read: each row once, with the last word on it; what is odd is told."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from _row import ROW, logged_line

from your_package.contract import Column
from your_package.errors import Status, Stop
from your_package.monitor.traffic import (
    ANSWER,
    AT,
    ID,
    VERSION,
    read_traffic,
)
from your_package.serving.log import Label, Log
from your_package.serving.place import Place

DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def place(tmp_path):
    return Place.open(str(tmp_path / "log"))


@pytest.fixture
def keep(place):
    """Write requests, or labels, as the service does, on a day."""

    def write(*asked, day=DAY):
        kind = "labels" if isinstance(asked[0], Label) else "predictions"
        if kind == "labels":
            told = [json.dumps({**one._asdict(), "at": one.at.isoformat()}) for one in asked]
            content = "\n".join(told).encode()
        else:
            content = b"".join(asked)
        name = f"{day}/{kind}-{len(place.names(date.min))}.jsonl.gz"
        place.write(name, gzip.compress(content))

    return write


@pytest.fixture
def read(place, sample_contract):
    def look(since=DAY - timedelta(days=30), until=DAY + timedelta(days=1)):
        return read_traffic(place, sample_contract("binary"), since, until)

    return look


def asked(id_, *rows, at=NOON, version="v1", answer=(0.4, 0.6)):
    rows = rows or (ROW,)
    return logged_line(at, id_, version, rows, [list(answer)] * len(rows), [*ROW])


def label(id_, value, row=0, at=NOON + timedelta(days=1)):
    return Label(at, id_, row, value)


def test_what_the_service_wrote_is_what_is_read(small_model, served, ask, place, read):
    log = Log(place)
    app = served(small_model(), log=log)
    for n in range(3):
        told = {"x-request-id": f"r{n}"}
        ask(app, "POST", "/predict", {"rows": [ROW, ROW | {"plan": "pro"}]}, headers=told)
        ask(app, "POST", "/feedback", {"id": f"r{n}", "labels": [n % 2, None]})
    log.close()
    today = datetime.now(UTC).date()
    found = read(today, today + timedelta(days=1))
    rows = found.rows.sort(ID, "plan")
    assert found.oddities == ()
    assert found.versions == {"v7": 6}
    assert rows["plan"].to_list() == ["plus", "pro"] * 3
    assert rows["churned"].to_list() == [0, None, 1, None, 0, None]
    assert rows.schema["churned"] == pl.Int64
    assert rows["usage_hours"].to_list() == [20.5] * 6
    assert all(abs(sum(one) - 1) < 1e-6 for one in rows[ANSWER].to_list())


def test_no_log_is_no_traffic(read):
    found = read()
    assert (len(found.rows), found.oddities, found.versions) == (0, (), {})


def test_a_request_that_was_sent_again_counts_once_with_its_last_answer(keep, read):
    later = NOON + timedelta(minutes=1)
    keep(asked("a"), asked("a", at=later, version="v2"), asked("b"))
    found = read()
    assert dict(zip(found.rows[ID], found.rows[VERSION], strict=True)) == {"a": "v2", "b": "v1"}
    assert found.oddities == ("1 row was asked again under the same id",)


def test_of_labels_that_contradict_each_other_the_last_one_counts(keep, read):
    keep(asked("a", ROW, ROW))
    keep(label("a", 1), label("a", 0, at=NOON + timedelta(days=3)), label("a", 1, row=1))
    keep(label("a", 1, row=1, at=NOON + timedelta(days=5)))  # the same once more is no change
    found = read()
    assert found.rows.sort("ml.row")["churned"].to_list() == [0, 1]
    assert found.oddities == ("1 label was changed later: the last one counts",)


def test_a_label_without_its_row_is_of_no_use_and_told(keep, read):
    keep(asked("a"))
    keep(label("a", 1), label("gone", 1), label("a", 0, row=7))
    found = read()
    assert found.rows["churned"].to_list() == [1]
    assert "2 labels are for rows that the log of these days has not" in found.oddities


def test_labels_that_come_weeks_later_are_joined(keep, read):
    keep(asked("a", at=NOON - timedelta(days=25)), day=DAY - timedelta(days=25))
    keep(label("a", 1, at=NOON))
    assert read().rows["churned"].to_list() == [1]


def test_a_clock_that_is_ahead_is_told_and_its_rows_left_out(keep, read):
    keep(asked("a"), asked("b", at=NOON + timedelta(days=400)))
    found = read()
    assert found.rows[ID].to_list() == ["a"]
    assert found.oddities == ("1 row is of the future: a clock is ahead",)


def test_rows_of_before_are_not_read(keep, read):
    keep(asked("old", at=NOON - timedelta(days=50)), day=DAY - timedelta(days=50))
    keep(asked("new"))
    assert read().rows[ID].to_list() == ["new"]


def test_days_without_a_request_are_counted(keep, read):
    for days in (9, 4, 0):
        keep(asked(f"a{days}", at=NOON - timedelta(days=days)), day=DAY - timedelta(days=days))
    assert read().oddities == ("7 days have no request",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{")[:-4],
        gzip.compress(b"{"),
        gzip.compress(b"x" * 99)[:12] + b"\xff" + gzip.compress(b"x" * 99)[13:],
        gzip.compress(b'{"at": ["2026-06-01T12:00:00+00:00"]}'),
    ],
    ids=["empty", "no gzip", "cut off", "no JSON", "a flipped byte", "no inputs"],
)
def test_a_file_that_cannot_be_read_is_counted_and_the_others_are_read(keep, read, place, content):
    keep(asked("a"))
    place.write(f"{DAY}/predictions-broken.jsonl.gz", content)
    found = read()
    assert found.rows[ID].to_list() == ["a"]
    assert found.oddities == ("1 file of the log is not readable",)


def test_versions_with_other_columns_stand_in_one_table(keep, read):
    fewer = {name: value for name, value in ROW.items() if name != "satisfaction"}
    old = logged_line(NOON, "old", "v1", [fewer], [[0.4, 0.6]], [*fewer])
    known = [*ROW, "unknown"]
    more = logged_line(NOON, "more", "v3", [ROW | {"unknown": 5}], [[0.4, 0.6]], known)
    keep(old, asked("new", version="v2"), more)
    found = read()
    assert found.versions == {"v1": 1, "v2": 1, "v3": 1}
    told = dict(zip(found.rows[ID], found.rows["satisfaction"], strict=True))
    assert told == {"old": None, "new": 7, "more": 7}
    assert "unknown" not in found.rows.columns


def test_rows_of_a_version_that_did_not_read_an_input_say_nothing_of_it(
    keep, place, sample_contract
):
    """They are not missing values, and the champion was not asked."""
    fewer = {name: value for name, value in ROW.items() if name != "satisfaction"}
    keep(logged_line(NOON, "old", "v1", [fewer] * 2, [[0.4, 0.6]] * 2, [*fewer]), asked("new"))
    end, inputs = DAY + timedelta(days=1), [*ROW, "free text"]
    found = read_traffic(place, sample_contract("binary"), DAY, end, inputs)
    assert found.rows[ID].to_list() == ["new"]
    assert found.oddities == ("2 rows were answered by a version that reads other columns",)


def test_dates_are_read_as_the_service_takes_them(keep, place, sample_contract):
    """ISO 8601 in a request, however the files of the project write them."""
    contract = sample_contract("binary")
    began = Column(type="date", role="other", format="%d.%m.%Y", missing=["never"])
    dated = contract.model_copy(update={"columns": {**contract.columns, "began": began}})
    keep(
        logged_line(NOON, "a", "v1", [ROW | {"began": "2026-05-01"}], [[0.4, 0.6]], [*ROW, "began"])
    )
    found = read_traffic(place, dated, DAY, DAY + timedelta(days=1))
    assert found.rows["began"].to_list() == [date(2026, 5, 1)]


def test_a_column_of_the_log_may_be_called_as_ours_are(keep, place, sample_contract):
    contract = sample_contract("binary")
    columns = {"id": contract.columns["plan"], **contract.columns}
    named = contract.model_copy(update={"columns": columns})
    one = logged_line(NOON, "a", "v1", [ROW | {"id": "basic"}], [[0.4, 0.6]], [*ROW, "id"])
    keep(one)
    found = read_traffic(place, named, DAY, DAY + timedelta(days=1))
    assert (found.rows["id"].to_list(), found.rows[ID].to_list()) == (["basic"], ["a"])


def test_a_log_behind_a_url_is_read_as_well(sample_contract):
    place = Place("memory://traffic")
    one = asked("a")
    place.write(f"{DAY}/predictions-1.jsonl.gz", gzip.compress(one))
    found = read_traffic(place, sample_contract("binary"), DAY, DAY + timedelta(days=1))
    assert found.rows[ID].to_list() == ["a"]


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("s3://ann:hunter2@bucket/log", Status.SETTINGS, "uv add --group train s3fs"),
        ("nonsense://bucket/log", Status.SETTINGS, "nonsense"),
        ("http://127.0.0.1:9/log", Status.DATA, "could not be read"),
    ],
)
def test_a_log_that_cannot_be_reached_is_one_line(url, status, words, sample_contract):
    with pytest.raises(Stop, match=words) as stopped:
        read_traffic(Place(url), sample_contract("binary"), DAY, DAY + timedelta(days=1))
    assert stopped.value.status is status
    assert "hunter2" not in str(stopped.value)


def test_a_million_rows_are_read_in_seconds(keep, read):
    """Not timed: that it ends, and that every row is there, is the promise."""
    rows, at = [ROW] * 5000, NOON
    for part in range(20):
        keep(*(asked(f"{part}-{n}", *rows, at=at) for n in range(10)))
    found = read()
    assert len(found.rows) == 1_000_000
    assert found.rows[AT].dt.date().unique().to_list() == [DAY]
