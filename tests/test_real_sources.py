"""Rows from real servers and files: S3, Delta Lake, lakeFS, PostgreSQL, SQLite, functions, files.

What has to be installed for these tests:
- apt-get: postgresql (its programs are started here, on a port and with data of their own)
- test group of pyproject.toml: moto[s3], flask, flask-cors (an S3 server; boto3 comes with it)
"""

import json
import os
import re
import shlex
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import TODAY, Done, Project, _fork_server
from lakefs_server import SECRET, Repository, lakefs_server
from real_servers import (
    KEYS,
    PASSWORD,
    SECRET_KEY,
    Bucket,
    Server,
    free_port,
    postgres_server,
    s3_server,
)

WINDOW, PER_DAY = 30, 60
ROWS = WINDOW * PER_DAY
# The sample's rows; `long` is five years of them, uncompressed and in small row groups.
EXPORT = """
import deltalake, polars; from datetime import date, timedelta; from customer_model import sample
t = sample.rows("binary", date(2026, 4, 20), date(2026, 6, 1))
t.write_parquet("data/rows.parquet")
t.write_csv("data/rows.csv")
for n, part in enumerate(t.partition_by("observed_on", maintain_order=True)):
    part.write_parquet(f"data/day-{n:03}.parquet")
    part.write_csv(f"data/day-{n:03}.csv")
# Two versions of a Delta table: the rows, and the rows with a batch that the contract refuses.
t.write_delta("data/customers")
day = polars.col("observed_on") == date(2026, 5, 31)
bad = t.filter(day).with_columns(customer_id="b" + polars.col("customer_id"), plan=polars.lit("?"))
bad.write_delta("data/customers", mode="append")
t = sample.rows("binary", date(2021, 6, 1), date(2026, 6, 1))
t.write_parquet("data/long.parquet", row_group_size=1000, compression="uncompressed")
small = deltalake.WriterProperties(max_row_group_size=1000, compression="UNCOMPRESSED")
t.write_delta("data/history", delta_write_options={"writer_properties": small})
"""
FEEDS = """
from pathlib import Path
import pandas, polars, pyarrow.parquet
ROWS = Path(__file__).parents[2] / "data" / "rows.parquet"

def recent(since, until):
    day = polars.col("observed_on")
    return polars.scan_parquet(ROWS).filter(day >= since, day < until)

def lazy(since, until): return recent(since, until)
def polars_table(since, until): return recent(since, until).collect()
def pandas_table(since, until): return recent(since, until).collect().to_pandas()
def arrow_table(since, until): return recent(since, until).collect().to_arrow()
def everything(since, until): return pyarrow.parquet.read_table(ROWS)
def nothing(since, until): return {"customer_id": []}
"""


def use(project: Project, source: str, window: int = WINDOW) -> None:
    """Point settings.toml at a source."""
    path = project.folder / "settings.toml"
    text = re.sub(
        r'(?m)^source = "[^"]*"', f"source = {json.dumps(source)}", path.read_text("utf-8")
    )
    text = re.sub(r"(?m)^(# )?window_days = \d+", f"window_days = {window}", text)
    path.write_text(text, encoding="utf-8")


def train(project: Project, source: str, env: dict[str, str] | None = None) -> Done:
    """`ml train` on this source."""
    use(project, source)
    return project.ml("train", "--today", TODAY, "--json", env=env)


def refusal(project: Project, status: tuple[int, ...], env: dict[str, str] | None = None) -> str:
    """The one line that `ml train` stops with."""
    done = project.ml("train", "--today", TODAY, status=None, env=env)
    assert done.returncode in status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith("✓")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("ml: ")
    assert len(lines[0]) < 500
    assert not (project.folder / "mlflow.db").exists()
    check_secrets(project, done)
    return lines[0]


def check_secrets(project: Project, done: Done) -> None:
    """No password in what was printed or written, in any spelling of a connection string."""
    secrets = [PASSWORD, quote(PASSWORD), quote(PASSWORD, safe=""), "s3cr3t", SECRET_KEY, SECRET]
    told = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()}
    files = [
        path
        for folder, folders, names in os.walk(project.folder)
        for path in map(Path(folder).joinpath, names)
        if path.is_file() and ".venv" not in path.parts
    ]
    told |= {str(path): path.read_bytes() for path in files}
    found = [name for name, content in told.items() for one in secrets if one.encode() in content]
    assert not found


def check_version(project: Project, done: Done, source: str, rows: int = ROWS) -> None:
    """Status, model version, run, bundle and report name one data version, and it is there."""
    outcome = json.loads(done.stdout)
    assert outcome["decision"]["verdict"] == "PROMOTE"
    status = json.loads(project.ml("status", "--json").stdout)
    [data], [version] = status["data"], status["versions"]
    assert (data["source"], data["rows"]) == (source, rows)
    assert (data["first"][:10], data["last"][:10]) == ("2026-05-02", "2026-05-31")
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        runs = database.execute("select digest, dataset_source from datasets").fetchall()
    assert [(digest, json.loads(told)["uri"]) for digest, told in runs] == [(data["id"], source)]
    [manifest] = (project.folder / "mlartifacts").rglob("bundle/manifest.json")
    report = project.folder / "reports" / "gate" / "result.json"
    named = [
        outcome["data"],
        version["data_id"],
        json.loads(manifest.read_text(encoding="utf-8"))["data_id"],
        json.loads(report.read_text(encoding="utf-8"))["data"],
    ]
    assert named == [data["id"]] * 4
    kept = project.folder / ".ml" / "data" / data["id"]
    assert (kept / "rows.parquet").is_file()
    assert json.loads((kept / "manifest.json").read_text(encoding="utf-8"))["rows"] == rows
    check_secrets(project, done)


# --- the libraries that a source needs, as the messages say --------------------------------------

NEEDED = {
    "s3://bucket/rows.parquet": "uv add --group train s3fs",
    "rows.sql": 'uv add --group train "psycopg[binary]"',
    "delta:data/customers": "uv add --group train deltalake",
    "lakefs://shop/main/rows.parquet": "uv add --group train lakefs-spec",
}
ADDRESS = f"postgresql://ann:{quote(PASSWORD, safe='')}@127.0.0.1:1/shop"


@pytest.mark.parametrize(("source", "command"), NEEDED.items())
def test_without_its_library_one_line_says_how_to_get_it(source, command, project):
    use(project, source)
    (project.folder / "rows.sql").write_text("select 1 as n")
    assert f"`{command}`" in refusal(project, (2,), {"DATABASE_URL": ADDRESS, **KEYS})


@pytest.fixture(scope="module")
def equipped(installed, tmp_path_factory) -> Iterator[Project]:
    """The binary sample, its rows as files, and an environment with what the messages name."""
    place = tmp_path_factory.mktemp("equipped")
    folder = installed("binary").copy(place / "project", environment=False).folder
    made = Project(folder, place / "forks")
    for command in NEEDED.values():
        made.run(*shlex.split(command), "--quiet")
    (folder / "data").mkdir()
    made.uv("python", "-c", EXPORT)
    (folder / "src" / "customer_model" / "feeds.py").write_text(FEEDS, encoding="utf-8")
    server = _fork_server(made)
    yield made
    server.terminate()


@pytest.fixture
def project_with_rows(equipped, tmp_path) -> Project:
    """A copy of it, without any state."""
    return equipped.copy(tmp_path / "with-rows")


# --- S3 ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket(tmp_path_factory) -> Iterator[Bucket]:
    """An S3 server with an empty bucket."""
    with s3_server(tmp_path_factory.mktemp("s3")) as started:
        yield started


OBJECTS = {
    "a Parquet object": ("one.parquet", "rows.parquet", "one.parquet"),
    "a CSV object": ("one.csv", "rows.csv", "one.csv"),
    "a pattern of Parquet": ("parquet/day={}/rows.parquet", "day-*.parquet", "parquet/day=*/*"),
    "a pattern of CSV": ("csv/day={}/rows.csv", "day-*.csv", "csv/day=*/rows.csv"),
}


@pytest.mark.parametrize(("key", "files", "pattern"), OBJECTS.values(), ids=OBJECTS)
def test_s3_is_a_source(key, files, pattern, bucket, project_with_rows):
    for number, path in enumerate(sorted((project_with_rows.folder / "data").glob(files))):
        bucket.upload(path, key.format(number))
    source = f"s3://bucket/{pattern}"
    check_version(project_with_rows, train(project_with_rows, source, bucket.env), source)


def test_of_a_long_history_on_s3_only_the_window_is_asked_for(bucket, project_with_rows):
    whole = project_with_rows.folder / "data" / "long.parquet"
    bucket.upload(whole, "long.parquet")
    source = "s3://bucket/long.parquet"
    check_version(project_with_rows, train(project_with_rows, source, bucket.env), source)
    assert 0 < bucket.sent("long.parquet") < whole.stat().st_size / 4


@pytest.mark.parametrize("name", ["none.parquet", "none.csv", "none-*.parquet", "none-*.csv"])
def test_an_object_that_is_not_there_is_one_line(name, bucket, project_with_rows):
    use(project_with_rows, f"s3://bucket/{name}")
    assert f"s3://bucket/{name}" in refusal(project_with_rows, (3,), bucket.env)


def test_an_s3_server_that_is_away_is_one_line(project_with_rows):
    away = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}", "AWS_MAX_ATTEMPTS": "1", **KEYS}
    use(project_with_rows, "s3://bucket/rows.parquet")
    assert "s3://bucket/rows.parquet" in refusal(project_with_rows, (2, 3), away)


# --- Delta Lake ----------------------------------------------------------------------------------


def test_a_delta_table_is_a_source_as_it_is_or_was(project_with_rows):
    source = "delta:data/customers@v0"
    check_version(project_with_rows, train(project_with_rows, source), source)
    for now in (
        "delta:data/customers",
        "delta:data/customers@v1",
        "delta:data/customers@2100-01-01",
    ):
        use(project_with_rows, now)
        done = project_with_rows.ml("train", "--today", TODAY, status=3)
        assert "plan" in done.stderr


def test_of_a_delta_table_on_s3_only_the_window_is_asked_for(bucket, project_with_rows):
    table = project_with_rows.folder / "data" / "history"
    for path in filter(Path.is_file, table.rglob("*")):
        bucket.upload(path, path.relative_to(table.parent).as_posix())
    source = "delta:s3://bucket/history"
    check_version(project_with_rows, train(project_with_rows, source, bucket.env), source)
    [rows] = table.glob("*.parquet")
    assert 0 < bucket.sent(f"history/{rows.name}") < rows.stat().st_size / 4


NO_DELTA = {
    "folder": ("delta:data/none", 3, "no Delta table is there"),
    "log": ("delta:data", 3, "no Delta table is there"),
    "version": ("delta:data/customers@v9", 3, "9"),
    "moment": ("delta:data/customers@2001-01-01", 3, "2001-01-01"),
    "date": ("delta:data/customers@2026-13-01", 2, "write it as @2026-01-31"),
    "object": ("delta:s3://bucket/none", 3, "no Delta table is there"),
    "bucket": ("delta:s3://nobody/none", 3, "nobody"),
}


@pytest.mark.parametrize(("source", "status", "words"), NO_DELTA.values(), ids=NO_DELTA)
def test_one_line_names_a_delta_table_that_is_not_there(
    source, status, words, bucket, project_with_rows
):
    use(project_with_rows, source)
    assert words in refusal(project_with_rows, (status,), bucket.env)


# --- lakeFS --------------------------------------------------------------------------------------


@pytest.fixture
def lakefs(equipped) -> Iterator[tuple[Repository, str]]:
    """A repository with the days in a commit, after which its branch has lost them."""
    with lakefs_server() as repository:
        for path in (equipped.folder / "data").glob("day-*.parquet"):
            repository.upload(path, f"days/{path.name}")
        commit = repository.commit()
        repository.refs["main"].clear()
        yield repository, commit


def test_a_commit_of_lakefs_is_a_source(lakefs, project_with_rows):
    repository, commit = lakefs
    source = f"lakefs://shop/{commit}/days/day-*.parquet"
    check_version(project_with_rows, train(project_with_rows, source, repository.env), source)
    assert any(f"{commit}/objects/ls" in one for one in repository.asked)
    use(project_with_rows, "lakefs://shop/main/days/day-*.parquet")
    done = project_with_rows.ml("train", "--today", TODAY, status=3, env=repository.env)
    assert "nothing is named so" in done.stderr


@pytest.mark.parametrize(
    ("ref", "secret", "words"), [("main", SECRET, "nothing"), ("main", "s3cr3t", "401")]
)
def test_one_line_says_what_lakefs_does_not_give(ref, secret, words, lakefs, project_with_rows):
    repository, _ = lakefs
    env = {**repository.env, "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": secret}
    use(project_with_rows, f"lakefs://shop/{ref}/rows.parquet")
    assert words in refusal(project_with_rows, (3,), env)


# --- SQL -----------------------------------------------------------------------------------------

TABLE = """
create table rows (
    customer_id text, observed_on date, region text, plan text, gender text,
    tenure_months integer, support_calls integer, usage_hours double precision,
    monthly_spend numeric(12, 2), satisfaction integer, churned integer
);
"""
# One row that arrives, and rows that the contract would refuse: outside of the window on either
# side, and one that only the query's own condition keeps out.
MORE_ROWS = """
insert into rows select 'd''Arc; drop table rows; --', date('2026-05-02'), region, plan, gender,
    tenure_months, support_calls, usage_hours, monthly_spend, satisfaction, churned
    from rows where observed_on = '2026-05-31' limit 1;
insert into rows select 'b' || customer_id, date('2026-06-01'), region, plan, gender, -1,
    support_calls, usage_hours, monthly_spend, satisfaction, churned from rows
    where observed_on = '2026-05-31';
insert into rows select 'b' || customer_id, date('2026-05-01'), region, plan, gender, -1,
    support_calls, usage_hours, monthly_spend, satisfaction, churned from rows
    where observed_on = '2026-05-31';
insert into rows select 'b' || customer_id, date('2026-05-20'), 'o''brien', plan, gender, -1,
    support_calls, usage_hours, monthly_spend, satisfaction, churned from rows
    where observed_on = '2026-05-31';
"""
QUERY = """-- rows from :since on, but not those of :until; the others aren't ours
select * from rows
where observed_on >= :since and observed_on < :until
  and region <> 'o''brien' and plan not like '%o''b%' /* it's "theirs" */
order by observed_on, customer_id
"""


@pytest.fixture(scope="module")
def postgres(equipped) -> Iterator[Server]:
    """A real server with the rows in it."""
    with postgres_server("shop") as server:
        path = equipped.folder / "data" / "rows.csv"
        copy = f"\\copy rows from '{path}' csv header\n"
        server.run(f"{TABLE}{copy}{MORE_ROWS}")
        yield server


@pytest.fixture
def sqlite(equipped, tmp_path) -> str:
    """The same table in SQLite, which has no type for a day."""
    path = tmp_path / "shop.db"
    lines = (equipped.folder / "data" / "rows.csv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [[cell or None for cell in line.split(",")] for line in lines]
    with sqlite3.connect(path) as database:
        database.executescript(TABLE)
        database.executemany(f"insert into rows values ({', '.join('?' * 11)})", rows)
        database.commit()
        database.executescript(MORE_ROWS)
    return f"sqlite:///{path}"


def write_query(project: Project, text: str = QUERY) -> None:
    (project.folder / "rows.sql").write_text(text, encoding="utf-8")
    use(project, "rows.sql")


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_query_is_a_source_and_gets_its_days_bound(kind, request, project_with_rows):
    database = request.getfixturevalue(kind)
    address = database if kind == "sqlite" else database.address()
    write_query(project_with_rows)
    done = train(project_with_rows, "rows.sql", {"DATABASE_URL": address})
    check_version(project_with_rows, done, "rows.sql", ROWS + 1)


def test_postgresql_gets_the_days_as_parameters(postgres, project_with_rows):
    write_query(project_with_rows)
    train(project_with_rows, "rows.sql", {"DATABASE_URL": postgres.address()})
    log = postgres.log.read_text(encoding="utf-8")
    assert "observed_on >= $1" in log
    assert re.search(r"parameters: \$1 = '2026-05-02[^']*', \$2 = '2026-06-01", log)
    assert "observed_on >= '2026" not in log


def test_a_query_without_rows_is_findings_and_status_3(postgres, project_with_rows):
    write_query(project_with_rows, "select * from rows where observed_on < '1970-01-01'")
    env = {"DATABASE_URL": postgres.address()}
    done = project_with_rows.ml("train", "--today", TODAY, status=3, env=env)
    assert "0 rows" in done.stderr
    assert "Traceback" not in done.stderr


WRONG = {
    "password": ({"password": "s3cr3t"}, QUERY, "password authentication failed"),
    "port": ({"port": 1}, QUERY, "refused"),
    "database": ({"database": "shoop"}, QUERY, "shoop"),
    "table": ({}, QUERY.replace("from rows\n", "from rowz\n"), "rowz"),
    "column": ({}, QUERY.replace("region", "regoin"), "regoin"),
    "grammar": ({}, "selct 'it''s'", "selct"),
    "parameter": ({}, QUERY.replace(">= :since", ">= :sinc"), "sinc"),
    "kind of statement": ({}, "delete from rows", "rows.sql"),
}


@pytest.mark.parametrize(("place", "text", "words"), WRONG.values(), ids=WRONG)
def test_one_line_names_a_wrong(place, text, words, postgres, project_with_rows):
    write_query(project_with_rows, text)
    line = refusal(project_with_rows, (2, 3), {"DATABASE_URL": postgres.address(**place)})
    assert words in line


HOSTS = {
    "a host that is nobody's": f"postgresql://ann:{quote(PASSWORD, safe='')}@host.invalid/shop",
    "a password that is not escaped": f"postgresql://ann:{PASSWORD}@127.0.0.1:1/shop",
    "a password that seems to end early": "postgresql://ann:big@s3cr3t@host.invalid/shop",
    "a port that is no number": "postgresql://ann:s3cr3t@127.0.0.1:port/shop",
    "a kind that is unknown": "postgrsql://ann:s3cr3t@127.0.0.1/shop",
    "no connection string": "s3cr3t",
    "nothing": "",
}


@pytest.mark.parametrize("address", HOSTS.values(), ids=HOSTS)
def test_one_line_and_no_password_answer(address, project_with_rows):
    write_query(project_with_rows)
    refusal(project_with_rows, (2, 3), {"DATABASE_URL": address})


def test_without_the_file_one_line_names_it(project_with_rows):
    use(project_with_rows, "queries/none.sql")
    line = refusal(project_with_rows, (2, 3), {"DATABASE_URL": "sqlite://"})
    assert "queries/none.sql" in line


# --- a function ----------------------------------------------------------------------------------

FUNCTIONS = ("lazy", "polars_table", "pandas_table", "arrow_table", "everything")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_a_source(name, project_with_rows):
    source = f"python:customer_model.feeds:{name}"
    check_version(project_with_rows, train(project_with_rows, source), source)


NAMES = {
    "a module": ("python:customer_model.feed:lazy", 2, "customer_model.feed"),
    "a function": ("python:customer_model.feeds:laazy", 2, "laazy"),
    "no function": ("python:customer_model.feeds", 2, "customer_model.feeds"),
    "a value": ("python:customer_model.feeds:ROWS", 2, "ROWS"),
    "a function that returns no table": ("python:customer_model.feeds:nothing", 3, "dict"),
}


@pytest.mark.parametrize(("source", "status", "words"), NAMES.values(), ids=NAMES)
def test_one_line_names_a_function_that_cannot_be_used(source, status, words, project_with_rows):
    use(project_with_rows, source)
    assert words in refusal(project_with_rows, (status,))


# --- files ---------------------------------------------------------------------------------------

FILES = ("data/rows.csv", "data/rows.parquet", "data/day-*.csv", "data/day-*.parquet")


@pytest.mark.parametrize("source", FILES)
def test_files_are_a_source(source, project_with_rows):
    check_version(project_with_rows, train(project_with_rows, source), source)


@pytest.mark.parametrize("source", ["data/rows.csv", "data/day-*.parquet"])
def test_a_project_may_be_in_a_folder_that_looks_like_a_pattern(source, equipped, tmp_path):
    project = equipped.copy(tmp_path / "a [1] project")
    check_version(project, train(project, source), source)


def test_files_whose_types_contradict_are_one_line(project_with_rows):
    script = (
        "import polars as pl\n"
        "t = pl.read_parquet('data/rows.parquet')\n"
        "t.write_parquet('data/mixed-1.parquet')\n"
        "t.with_columns(pl.col('region').implode()).write_parquet('data/mixed-2.parquet')\n"
    )
    project_with_rows.uv("python", "-c", script)
    use(project_with_rows, "data/mixed-*.parquet")
    assert "region" in refusal(project_with_rows, (3,))


# --- which versions stay -------------------------------------------------------------------------


def test_old_data_versions_go_but_never_the_champions(project_with_rows):
    project = project_with_rows
    train(project, "data/rows.parquet")
    project.ml("promote")
    status = json.loads(project.ml("status", "--json").stdout)
    champions = status["versions"][0]["data_id"]
    settings = project.folder / "settings.toml"
    settings.write_text(settings.read_text("utf-8").replace("# keep = 10", "keep = 2"), "utf-8")
    ids = [champions]
    for window in (29, 28, 27, 26, 25):
        use(project, "data/rows.parquet", window)
        done = project.ml("train", "--today", TODAY, "--json", status=None)
        ids.append(json.loads(done.stdout)["data"])
    kept = [one["id"] for one in json.loads(project.ml("status", "--json").stdout)["data"]]
    versions = json.loads(project.ml("status", "--json").stdout)["versions"]
    ready = {one["data_id"] for one in versions if one["judgement"]["verdict"] == "PROMOTE"}
    assert kept == [one for one in ids if one in {champions, *ids[-2:]} | ready]
    assert len(kept) < len(ids)
    assert sorted(p.name for p in (project.folder / ".ml" / "data").iterdir()) == sorted(kept)
