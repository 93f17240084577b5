"""Batch predictions: every format gives the same answers, and bad rows leave nothing behind."""

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from your_package.errors import Status, Stop
from your_package.predict import champion, predict_file
from your_package.sources import read_file
from your_package.store.tracking import Registry

DAY = date(2026, 6, 1)
ENDINGS = ["csv", "parquet", "jsonl"]
WRITE = {"csv": "write_csv", "parquet": "write_parquet", "jsonl": "write_ndjson"}


@pytest.fixture
def run(tmp_path, sample_project, small_model):
    """Predict a table through files of these endings; the answers as Polars reads them."""

    def make(table, source="csv", target="parquet", task="binary"):
        one, other = tmp_path / f"in.{source}", tmp_path / f"out.{target}"
        getattr(table, WRITE[source])(one)
        rows = predict_file(sample_project(task), small_model(task), one, other, DAY)
        assert rows == len(table)
        return other

    return make


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_every_row_comes_back_with_the_model_s_own_answer(
    run, sample_rows, small_model, encoded, task
):
    table, model = sample_rows(task), small_model(task)
    found = pl.read_parquet(run(table, "parquet", task=task))
    expected = model.predict(encoded(task)[0])
    assert found.select(table.columns).equals(table)
    assert found["prediction"].to_list() == model.signature.labels(expected)
    if task != "regression":
        assert found.columns[-len(model.signature.classes) - 1] == "prediction"
        names = [f"probability_{label}" for label in model.signature.classes]
        assert np.array_equal(found.select(names).to_numpy(), expected)


@pytest.mark.parametrize("target", ENDINGS)
@pytest.mark.parametrize("source", ENDINGS)
def test_formats_in_and_out_do_not_change_an_answer(run, sample_rows, source, target):
    table = sample_rows(days=4)
    wanted = pl.read_parquet(run(table, "parquet", "parquet"))
    found = read_file(str(run(table, source, target))).collect()
    assert found.columns == wanted.columns
    assert found["prediction"].cast(pl.Int64).equals(wanted["prediction"])
    assert found["customer_id"].equals(wanted["customer_id"])
    assert found["observed_on"].cast(pl.String).equals(wanted["observed_on"].cast(pl.String))
    assert found["probability_1"].cast(pl.Float64).equals(wanted["probability_1"])


def test_rows_without_the_answer_and_with_more_columns_are_predicted(run, sample_rows):
    table = sample_rows()
    wanted = pl.read_parquet(run(table))
    found = pl.read_parquet(run(table.drop("churned").with_columns(note=pl.lit("x")).reverse()))
    assert "note" not in found.columns
    assert found["prediction"].reverse().equals(wanted["prediction"])


def test_a_file_larger_than_one_piece_keeps_its_rows_in_order(
    tmp_path, sample_rows, sample_project, small_model
):
    table = pl.concat([sample_rows()] * 300)
    table = table.with_columns(pl.int_range(pl.len()).cast(pl.String).alias("customer_id"))
    model, pieces = small_model(), []

    def predict(inputs):
        pieces.append(len(inputs["plan"]))
        return model.predict(inputs)

    table.write_parquet(tmp_path / "in.parquet", row_group_size=50_000)
    paths = (tmp_path / "in.parquet", tmp_path / "out.parquet")
    rows = predict_file(sample_project(), replace(model, predict=predict), *paths, DAY)
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert rows == sum(pieces) == len(found) == 360_000
    assert max(pieces) < rows
    assert found["customer_id"].equals(table["customer_id"])
    assert found["probability_1"].equals(pl.concat([found["probability_1"].head(1200)] * 300))


def broken(table):
    return table.with_columns(plan=pl.lit("gold"))


def missing(table):
    return table.drop("region")


def old(table):
    return table.with_columns(observed_on=pl.lit(date(2020, 1, 1)))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (broken, "plan: values: 1200 of 1200 rows not among"),
        (missing, "region: missing"),
        (old, "(table)|stale"),
    ],
)
def test_rows_that_break_the_contract_leave_the_target_as_it_was(
    run, tmp_path, sample_rows, spoil, named
):
    (tmp_path / "out.parquet").write_bytes(b"of yesterday")
    with pytest.raises(Stop, match=named) as stopped:
        run(spoil(sample_rows()))
    assert stopped.value.status == Status.DATA
    assert untouched(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"customer_id,plan\na,b,c,d\n"],
    ids=["empty", "bytes", "ragged"],
)
def test_a_file_that_is_no_table_leaves_the_target_as_it_was(
    tmp_path, sample_project, small_model, content
):
    (tmp_path / "in.csv").write_bytes(content)
    (tmp_path / "out.parquet").write_bytes(b"of yesterday")
    paths = (tmp_path / "in.csv", tmp_path / "out.parquet")
    with pytest.raises(Stop) as stopped:
        predict_file(sample_project(), small_model(), *paths, DAY)
    assert stopped.value.status == Status.DATA
    assert untouched(tmp_path)


def test_a_model_that_fails_midway_leaves_the_target_as_it_was(
    tmp_path, sample_rows, sample_project, small_model
):
    def predict(inputs):
        raise MemoryError(len(inputs))

    sample_rows().write_csv(tmp_path / "in.csv")
    (tmp_path / "out.parquet").write_bytes(b"of yesterday")
    model = replace(small_model(), predict=predict)
    paths = (tmp_path / "in.csv", tmp_path / "out.parquet")
    with pytest.raises((Stop, MemoryError)):
        predict_file(sample_project(), model, *paths, DAY)
    assert (tmp_path / "out.parquet").read_bytes() == b"of yesterday"


def untouched(folder):
    """The target holds what it held, and nothing lies beside it."""
    names = sorted(path.name for path in folder.iterdir())
    return names == ["in.csv", "out.parquet"] and (
        (folder / "out.parquet").read_bytes() == b"of yesterday"
    )


@pytest.mark.parametrize(
    ("target", "named"), [("out.xlsx", "write to one of"), ("no/out.csv", "there is no folder")]
)
def test_a_target_that_cannot_be_written_is_named_before_any_work(
    tmp_path, sample_project, small_model, target, named
):
    paths = (tmp_path / "absent.csv", tmp_path / target)
    with pytest.raises(Stop, match=named):
        predict_file(sample_project(), small_model(), *paths, DAY)


def test_without_a_champion_the_message_says_how_to_get_one(tmp_path, empty_store):
    (tmp_path / "mlflow.db").write_bytes(empty_store.read_bytes())
    with pytest.raises(Stop, match="run `ml train`, then `ml promote`"):
        champion(Registry(tmp_path, "small"))
