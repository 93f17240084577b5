"""A data version is all of the rows that came, once; files change together or not at all."""

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier

import polars as pl
import pytest

from your_package.errors import Status, Stop
from your_package.sources import read_file
from your_package.store import journal, loads

DAYS = [date(2026, 5, 31), date(2026, 5, 30), date(2026, 6, 1)]
TABLE = pl.DataFrame({"day": DAYS, "word": ["é", None, "x"], "number": [1.5, 2.0, 3.25]})


def keep(root, table=TABLE, source="data/rows.csv"):
    return loads.keep(root, table.lazy(), source, "day")


def ids(root):
    return [load.id for load in loads.loads(root)]


def place(root):
    return root / ".ml" / "data"


def long_table(rows=250_000):
    """Longer than a row group, so that a reader gets it in several pieces."""
    return pl.select(n=pl.int_range(rows), word=pl.int_range(rows).cast(pl.String) + "é")


# --- the same rows, another row -----------------------------------------------------------------


def test_the_same_rows_twice_are_one_version(tmp_path):
    first, again = keep(tmp_path), keep(tmp_path, source="s3://elsewhere/rows.csv")
    assert again == first
    assert ids(tmp_path) == [first.id]
    assert first.read().collect().equals(TABLE)


def test_however_the_rows_come_they_are_the_same_version(tmp_path):
    rows = long_table()
    rows.write_parquet(tmp_path / "fine.parquet", row_group_size=1_000)
    rows.write_parquet(tmp_path / "coarse.parquet", compression="gzip")
    rows[:7].write_parquet(tmp_path / "part-1.parquet")
    rows[7:].write_parquet(tmp_path / "part-2.parquet")
    twice = pl.concat([rows, rows]).with_row_index()
    ways = [
        rows,
        pl.scan_parquet(tmp_path / "fine.parquet"),
        pl.scan_parquet(tmp_path / "coarse.parquet"),
        read_file(str(tmp_path / "part-*.parquet")),
        twice.lazy().filter(pl.col.index < len(rows)).drop("index"),
    ]
    assert len({keep(tmp_path, way).id for way in ways}) == 1


CHANGES = {
    "another value": TABLE.with_columns(number=pl.Series([1.5, 2.0, 3.5])),
    "one row more": pl.concat([TABLE, TABLE[:1]]),
    "one row less": TABLE[:-1],
    "no row": TABLE[:0],
    "another order of the rows": TABLE[::-1],
    "another order of the columns": TABLE.select("word", "day", "number"),
    "another name": TABLE.rename({"word": "words"}),
    "another type": TABLE.cast({"number": pl.Float32}),
    "empty instead of missing": TABLE.with_columns(pl.col.word.fill_null("")),
    "one column less": TABLE.drop("word"),
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_another_version_is(tmp_path, changed):
    assert keep(tmp_path).id != keep(tmp_path, changed).id
    assert len(ids(tmp_path)) == 2


def test_a_changed_byte_in_the_source_is_another_version(tmp_path):
    path = tmp_path / "rows.csv"
    found = set()
    for content in ("day,n\n2026-06-01,1\n", "day,n\n2026-06-01,2\n", "day,n\n2026-06-02,2\n"):
        path.write_text(content)
        found.add(keep(tmp_path, read_file(str(path))).id)
    assert len(found) == 3


def test_a_changed_byte_in_a_kept_version_is_mended_by_the_next_load(tmp_path):
    rows = keep(tmp_path).folder / loads.ROWS
    content = bytearray(rows.read_bytes())
    content[40] ^= 1
    rows.write_bytes(content)
    kept = keep(tmp_path)
    assert hashlib.sha256(rows.read_bytes()).hexdigest() == kept.sha256
    assert kept.read().collect().equals(TABLE)


# --- what the manifest says ---------------------------------------------------------------------


def test_the_manifest_says_what_the_version_is(tmp_path):
    kept = keep(tmp_path)
    facts = json.loads((kept.folder / loads.MANIFEST).read_text(encoding="utf-8"))
    digest = hashlib.sha256((kept.folder / loads.ROWS).read_bytes()).hexdigest()
    age = datetime.now(UTC) - datetime.fromisoformat(facts.pop("created"))
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert facts == {
        "id": digest[:16],
        "sha256": digest,
        "rows": 3,
        "columns": 3,
        "first": "2026-05-30",
        "last": "2026-06-01",
        "source": "data/rows.csv",
    }
    assert kept.folder == place(tmp_path) / digest[:16]
    assert loads.read_load(kept.folder) == kept


@pytest.mark.parametrize("clock", [None, "moment"])
def test_without_a_time_column_there_is_no_first_and_no_last(tmp_path, clock):
    kept = loads.keep(tmp_path, TABLE.lazy(), "rows.csv", clock)
    assert (kept.first, kept.last) == (None, None)


def test_no_rows_are_a_version_too(tmp_path):
    kept = keep(tmp_path, TABLE[:0])
    assert (kept.rows, kept.columns, kept.first, kept.last) == (0, 3, None, None)
    assert kept.read().collect().equals(TABLE[:0])


def test_versions_are_listed_in_the_order_that_they_came(tmp_path):
    assert loads.loads(tmp_path) == []
    made = [keep(tmp_path, TABLE.with_columns(n=pl.lit(n))).id for n in range(8)]
    assert ids(tmp_path) == made


# --- whole or not at all ------------------------------------------------------------------------


def test_rows_that_break_off_are_one_line_and_no_version(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 300_000 + b"\xff,2\n")  # past what is looked at
    with pytest.raises(Stop, match=r"rows\.csv") as stopped:
        keep(tmp_path, read_file(str(path)))
    assert stopped.value.status == Status.DATA
    assert len(str(stopped.value).splitlines()) == 1
    assert list(place(tmp_path).iterdir()) == []


class Killed(BaseException):
    """Nothing in the code catches it, as nothing catches a kill."""


CALLS = {
    "while the rows are written": (pl.LazyFrame, "sink_parquet"),
    "while the manifest is written": (Path, "write_text"),
    "before the folder has its name": (Path, "rename"),
}


@pytest.mark.parametrize(("owner", "name"), CALLS.values(), ids=CALLS)
def test_a_load_that_is_killed_leaves_no_version(tmp_path, monkeypatch, owner, name):
    def half(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, half)
        with pytest.raises(Killed):
            keep(tmp_path)
    assert loads.loads(tmp_path) == []
    assert keep(tmp_path).read().collect().equals(TABLE)


def test_what_a_kill_leaves_behind_is_no_version_and_in_nobodys_way(tmp_path):
    kept = keep(tmp_path)
    shutil.copytree(kept.folder, place(tmp_path) / ".part-x1" / "load")
    shutil.copytree(kept.folder, place(tmp_path) / "half")
    (place(tmp_path) / "half" / loads.MANIFEST).unlink()
    (kept.folder / loads.MANIFEST).unlink()  # where `prune` was killed
    assert ids(tmp_path) == []
    assert loads.prune(tmp_path, 1, set()) == []
    assert keep(tmp_path).id == kept.id
    assert ids(tmp_path) == [kept.id]


def test_loads_of_the_same_rows_at_once_are_one_version(tmp_path):
    """Four at a time, ten times: what goes wrong between them does so once in ten."""
    together = Barrier(4)

    def load(root):
        together.wait()
        return keep(root).id

    for root in [tmp_path / str(n) for n in range(10)]:
        with ThreadPoolExecutor(4) as pool:
            made = set(pool.map(load, [root] * 4))
        assert made == set(ids(root))
        assert loads.loads(root)[0].read().collect().equals(TABLE)


# --- which ones stay ----------------------------------------------------------------------------

PRUNED = {
    "the newest stay": (2, (), (3, 4)),
    "a single one stays": (1, (), (4,)),
    "what is needed stays as well": (1, (0, 2), (0, 2, 4)),
    "what is needed and new counts once": (2, (4,), (3, 4)),
    "fewer than allowed all stay": (9, (), (0, 1, 2, 3, 4)),
}


@pytest.mark.parametrize(("newest", "needed", "stay"), PRUNED.values(), ids=PRUNED)
def test_of_five_versions(tmp_path, newest, needed, stay):
    made = [keep(tmp_path, TABLE.with_columns(n=pl.lit(n))) for n in range(5)]
    gone = loads.prune(tmp_path, newest, {made[n].id for n in needed} | {"unknown"})
    assert ids(tmp_path) == [made[n].id for n in stay]
    assert gone == [load.id for load in made if load.id not in ids(tmp_path)]
    assert [load.folder.exists() for load in made] == [n in stay for n in range(5)]
    assert loads.prune(tmp_path, newest, {made[n].id for n in needed}) == []


# --- several files as one -----------------------------------------------------------------------

OLD = {"settings.toml": "old settings", "contract.yaml": "old contract"}
NEW = {"settings.toml": "new\nsettings é", "contract.yaml": "new contract", ".ml/reference": "new"}
STEPS = ("write_text", "mkdir", "rename", "replace", "rmtree", "copyfile")


@pytest.fixture
def root(tmp_path):
    """A project with two files, and a table outside of it."""
    root = tmp_path / "project"
    (root / ".ml").mkdir(parents=True)
    (tmp_path / "table.csv").write_text("new table")
    for name, content in OLD.items():
        (root / name).write_text(content)
    return root


def replace_files(root, **more):
    journal.replace_files(root, {**NEW, **more, "data/rows.csv": root.parent / "table.csv"})


def content(root):
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in root.rglob("*")
        if path.is_file() and not {"adopt", "adopting"} & set(path.relative_to(root).parts)
    }


ALL_NEW = {**NEW, "data/rows.csv": "new table"}


@pytest.fixture
def change(monkeypatch):
    """Replace files, killed before or after the n-th step; returns how many steps there were."""

    def run(root, kill_at=None, steps=STEPS, **more):
        count = 0

        def tick():
            nonlocal count
            count += 1
            if count == kill_at:
                raise Killed

        def counted(function):
            def step(*arguments, **options):
                tick()
                done = function(*arguments, **options)
                tick()
                return done

            return step

        with monkeypatch.context() as patch:
            for name in steps:
                owner = Path if hasattr(Path, name) else shutil
                patch.setattr(owner, name, counted(getattr(owner, name)))
            replace_files(root, **more)
        return count

    return run


def test_files_are_replaced_in_their_places(root):
    replace_files(root)
    assert content(root) == ALL_NEW
    assert sorted(path.name for path in (root / ".ml").iterdir()) == ["reference"]
    assert (root.parent / "table.csv").read_text() == "new table"
    journal.finish(root)
    assert content(root) == ALL_NEW


def test_a_kill_at_any_step_leaves_all_new_or_all_old(root, change, tmp_path):
    steps = change(shutil.copytree(root, tmp_path / "whole"))
    assert steps > 20
    seen = []
    for kill_at in range(1, steps + 1):
        killed = shutil.copytree(root, tmp_path / f"killed-{kill_at}")
        with pytest.raises(Killed):
            change(killed, kill_at)
        journal.finish(killed)
        seen.append(content(killed))
        replace_files(killed, **{"settings.toml": "newer"})
        assert content(killed) == {**ALL_NEW, "settings.toml": "newer"}
    decided = seen.index(ALL_NEW)
    assert seen == [OLD] * decided + [ALL_NEW] * (steps - decided)
    assert 0 < decided < steps


def test_an_interrupted_change_is_finished_before_the_next_one(root, change):
    with pytest.raises(Killed):
        change(root, 3, ("replace",))  # the first file has its place, the second has not
    assert content(root) not in (OLD, ALL_NEW)
    journal.replace_files(root, {"settings.toml": "newer"})
    assert content(root) == {**ALL_NEW, "settings.toml": "newer"}


def test_nothing_to_finish_is_no_fault(tmp_path):
    journal.finish(tmp_path)
    assert list(tmp_path.iterdir()) == []
