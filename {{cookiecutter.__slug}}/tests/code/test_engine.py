"""Work that is shared out comes back as if it had been done here; the rest is one line of error."""

import pickle  # noqa: TID251 - what Dask's wire is made of
import sys
from dataclasses import replace
from datetime import date
from itertools import pairwise

import cloudpickle  # noqa: TID251 - as above
import numpy as np
import pytest

from your_package import parts, predict_parts, tune
from your_package.engine.alike import facts
from your_package.engine.door import open_engine
from your_package.engine.local import LOCAL, cut
from your_package.engine.wire import call, keep
from your_package.errors import Status, Stop
from your_package.metrics.resample import DRAWS, custom
from your_package.metrics.scored import Dependence, Scored
from your_package.parts import measure_parts
from your_package.predict import predict_file
from your_package.settings import EngineSettings
from your_package.simulate import run as simulating
from your_package.sources import read_file
from your_package.steps.split import split
from your_package.steps.tune import Budget
from your_package.steps.validate import validate

DAY = date(2026, 6, 1)
PACKAGE = LOCAL.__module__.partition(".")[0]
NOTHING = cloudpickle.dumps(None)


class Elsewhere:
    """Does each piece as a worker does: all that it gets and gives has been bytes."""

    pieces = 7
    told = "elsewhere"

    def __init__(self):
        """Nothing is done yet."""
        self.done = 0

    def map(self, work, shared, items):
        """One after the other."""
        shared = keep(cloudpickle.dumps(shared))
        for item in items:
            self.done += 1
            shared = pickle.loads(pickle.dumps(shared))  # noqa: S301 - from worker to worker
            found = call(PACKAGE, facts(), shared, cloudpickle.dumps((work, item)))
            yield pickle.loads(cloudpickle.dumps(found))  # noqa: S301


@pytest.fixture
def elsewhere(monkeypatch):
    engine = Elsewhere()
    for module in (parts, predict_parts, tune, simulating):
        monkeypatch.setattr(module, "open_engine", lambda _: engine)
    return engine


def brier(answers, predicted):
    return -float(np.mean((predicted[:, 1] - answers) ** 2))


@pytest.mark.parametrize("pieces", [1, 3, 7, 400, 1000])
def test_what_is_cut_is_whole(pieces):
    found = cut(DRAWS, pieces)
    assert [place for part in found for place in part] == list(range(DRAWS))
    assert max(map(len, found)) - min(map(len, found)) <= 1


def test_this_machine_does_nothing_before_it_is_asked():
    done = []
    found = LOCAL.map(lambda shared, item: done.append(item) or shared + item, 10, range(3))
    assert next(found) == 10
    assert done == [0]


def test_a_piece_of_work_shares_out_nothing():
    """It would hold the worker that it waits for."""
    asked = EngineSettings(kind="dask", address="tcp://127.0.0.1:9")
    packed = cloudpickle.dumps((lambda *_: open_engine(asked).pieces, None))
    assert call(PACKAGE, facts(), NOTHING, packed) == LOCAL.pieces
    assert open_engine(asked) is not LOCAL


@pytest.mark.parametrize("owners", [False, True])
def test_a_bootstrap_in_pieces_draws_the_same_rows(owners):
    random = np.random.default_rng(1)
    answers = random.integers(0, 2, 300).astype(np.float64)
    said = {name: random.random((300, 2)) for name in ("challenger", "champion")}
    groups = Dependence(random.integers(0, 40, 300)) if owners else Dependence()
    here = Scored("binary", "python:a:b", answers, said, dependence=groups, custom=brier)
    engine = Elsewhere()
    one, other = custom(here), custom(replace(here, engine=engine))
    assert engine.done == 7
    assert one[0] == other[0]
    assert all(np.array_equal(one[1][name], other[1][name]) for name in said)


def test_a_search_elsewhere_finds_the_same(elsewhere, monkeypatch, sample_project, sample_rows):
    project, contract = sample_project("binary"), sample_project("binary").contract
    training = split(sample_rows("binary", 20), contract, 0.3).training
    found = [tune.tune(project, training, Budget(trials=2))]
    assert elsewhere.done == 15
    monkeypatch.setattr(tune, "open_engine", lambda _: LOCAL)
    found.append(tune.tune(project, training, Budget(trials=2)))
    (one, tried), (other, again) = found
    assert tried == again
    assert one.parameters == other.parameters


@pytest.fixture
def table(sample_rows, tmp_path):
    """Rows in four files, one of them without a column that has gaps."""
    rows = sample_rows("binary", 20)
    ends = [0, 400, 800, 900, len(rows)]  # gaps stay within what the contract allows
    for number, (start, end) in enumerate(pairwise(ends)):
        piece = rows[start:end]
        piece = piece.drop("satisfaction") if number == 2 else piece
        piece.write_parquet(tmp_path / f"{number}.parquet")
    return rows, str(tmp_path / "?.parquet")


def test_a_table_in_files_has_the_findings_of_the_whole(elsewhere, sample_project, table):
    rows, pattern = table
    copies = rows.head(7).with_columns(monthly_spend=-1.0)
    copies.write_parquet(pattern.replace("?", "9"))
    project, whole = sample_project("binary"), read_file(pattern)
    seen = measure_parts(project, whole, pattern, DAY, own=False)
    assert elsewhere.done == 5
    known = validate(whole, project.contract, DAY).findings
    assert validate(whole, project.contract, DAY, seen=seen).findings == known
    assert {(one.column, one.rule) for one in known} >= {
        ("customer_id", "unique"),
        ("monthly_spend", "range"),
    }


def test_answers_to_files_are_those_to_the_whole(
    elsewhere, monkeypatch, sample_project, sealed_model, table, tmp_path
):
    import polars as pl

    _, pattern = table
    project, model = sample_project("binary"), sealed_model
    folders = [tmp_path / name for name in ("there", "here")]
    rows = predict_file(project, model, pattern, folders[0], DAY)
    assert elsewhere.done == 8  # looked at, then answered
    monkeypatch.setattr(predict_parts, "open_engine", lambda _: LOCAL)
    assert predict_file(project, model, pattern, folders[1], DAY) == rows
    names = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    assert names == [[f"{n}.parquet" for n in range(4)]] * 2
    for name in names[0]:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    predict_file(project, model, pattern, tmp_path / "one.parquet", DAY)
    one = pl.read_parquet(tmp_path / "one.parquet")
    assert pl.read_parquet(folders[0] / "*.parquet").equals(one)


@pytest.fixture
def sealed_model(small_model, tmp_path):
    import shutil

    from your_package.store import bundle, model

    folder = tmp_path / "bundle"
    shutil.copytree(small_model("binary").folder, folder)
    return model.load(folder, bundle.seal(folder, {}))


def test_a_folder_that_is_there_is_left_alone(sample_project, sealed_model, table, tmp_path):
    mine = tmp_path / "out" / "mine"
    mine.parent.mkdir()
    mine.touch()
    with pytest.raises(Stop, match="there already"):
        predict_file(sample_project("binary"), sealed_model, table[1], mine.parent, DAY)
    assert list(mine.parent.iterdir()) == [mine]


def test_files_that_would_be_written_to_one_are_refused():
    with pytest.raises(Stop, match="two files"):
        predict_parts._names(["in/a.csv", "in/a.csv.gz"])  # noqa: SLF001
    names = predict_parts._names(["in/1/a.csv.gz", "in/2/a.xlsx"])  # noqa: SLF001
    assert names == ["1/a.csv", "2/a.parquet"]


def test_a_worker_of_another_commit_or_library_refuses():
    work = cloudpickle.dumps((lambda shared, item: shared + item, 2))
    assert call(PACKAGE, facts(), cloudpickle.dumps(1), work) == 3
    with pytest.raises(LookupError, match=r"polars .*, not 0\.1"):
        call(PACKAGE, facts() | {"polars": "0.1"}, NOTHING, work)


def test_a_stop_travels():
    stop = pickle.loads(pickle.dumps(Stop(Status.DATA, "no good")))  # noqa: S301
    assert (stop.status, str(stop)) == (Status.DATA, "no good")


def dask(address):
    return open_engine(EngineSettings(kind="dask", address=address))


def test_dask_that_is_not_installed_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(Stop, match="uv sync --group dask") as stopped:
        list(dask("tcp://127.0.0.1:1").map(max, 1, [1, 2]))
    assert stopped.value.status == Status.SETTINGS


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "DASK_SCHEDULER_ADDRESS"),
        ("tcp://127.0.0.1:1", "no Dask scheduler answers"),
        ("tcp://no-such-host.invalid:8786", "no Dask scheduler answers"),
        ("pigeon://here", "no Dask scheduler answers"),
    ],
)
def test_a_scheduler_that_is_not_there_is_a_setting_to_mend(monkeypatch, address, says):
    pytest.importorskip("distributed", reason="needs `uv sync --group dask`")
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    with pytest.raises(Stop, match=says) as stopped:
        list(dask(address).map(max, 1, [1, 2]))
    assert stopped.value.status == Status.SETTINGS
    assert "\n" not in str(stopped.value)
