"""Tables are read as they are, and what is no table is named."""

from datetime import date

import polars as pl
import pytest

from your_package import sources
from your_package.errors import Status, Stop

DAY = date(2026, 6, 1)
TABLE = pl.DataFrame({"a": [1, None, 3], "b": ["x", None, 'é "quoted",\n']})


def test_csv_stays_text_and_an_empty_cell_is_missing(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('id,b\n007,1e3\n,"a,\nb"\n', encoding="utf-8")
    assert sources.read_file(str(path)).collect().rows() == [("007", "1e3"), (None, "a,\nb")]


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_types_that_a_file_knows_are_kept(tmp_path, ending):
    path = tmp_path / f"rows.{ending}"
    getattr(TABLE, {"parquet": "write_parquet", "jsonl": "write_ndjson"}[ending])(path)
    assert sources.read_file(str(path)).collect().equals(TABLE)


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "CSV"])
def test_a_pattern_reads_all_its_files(tmp_path, ending):
    write = {"parquet": "write_parquet", "jsonl": "write_ndjson"}.get(ending, "write_csv")
    for name in ("a", "b"):
        getattr(TABLE, write)(tmp_path / f"part-{name}.{ending}")
    table = sources.read(str(tmp_path / f"part-*.{ending}"), DAY, DAY).collect()
    assert len(table) == 6


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("rows.xlsx", b"x", "not readable as a table"),
        ("rows", b"x", "use .csv, .tsv, .txt, .parquet"),
        ("rows.csv", None, "no such file"),
        ("rows.csv", b"", "the file is empty"),
        ("rows.parquet", b"PAR1 this is none", "not readable as a table"),
        ("rows.jsonl", b"{not json", "not readable as a table"),
    ],
)
def test_what_is_no_table_is_a_clear_stop(tmp_path, name, content, named):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Stop, match=named) as stopped:
        sources.read_file(str(path))
    assert stopped.value.status == Status.DATA
    assert name in str(stopped.value)


def test_a_sample_that_does_not_exist_names_those_that_do():
    with pytest.raises(Stop, match="use binary, regression, multiclass") as stopped:
        sources.read("sample:binry", DAY, DAY)
    assert stopped.value.status == Status.SETTINGS
