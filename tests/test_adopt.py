"""`ml adopt`: an awkward file in, and the whole loop works, or one line and nothing changed."""

import csv
import json
import os
import random
import re
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from awkward import CASES, Case, changed, day, people, person, save_rows
from conftest import TEMPLATE, TODAY, Done, Project

# One of each kind goes through every command and the project's own tests; the rest through a few.
WHOLE = ("customers with a column of every role", "a german price list", "sentences")
STATE = re.compile(r"\.venv|\.ml|mlflow\.db.*|mlartifacts|__pycache__")
USED = ("number", "category", "text", "target")
TOPS = {"age": 90, "usage": 100, "spend": 9999}  # the largest values of `people`


def named(promise: str) -> list[str]:
    """The files with this promise."""
    return [name for name, case in CASES.items() if case.promise == promise]


def build(name: str, project: Project, folder: Path) -> Path:
    """Write the file outside of the project; what needs Polars is made in its environment."""
    folder.mkdir(exist_ok=True)
    if not CASES[name].needs_polars:
        return CASES[name].build(folder)
    script = TEMPLATE / "tests" / "awkward.py"
    return Path(project.uv("python", script, name, str(folder)).stdout.strip())


def adopt(project: Project, path: Path | str, *options: str) -> dict:
    """What `ml adopt` says to machines; the outcome is the target unless told."""
    target = () if "--target" in options else ("--target", "outcome")
    return json.loads(project.ml("adopt", str(path), *target, *options, "--json").stdout)


def snapshot(project: Project) -> dict[str, bytes]:
    """Every file but the environment, the caches and MLflow's own."""
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    names = {path: path.relative_to(project.folder).parts for path in files}
    return {
        "/".join(parts): path.read_bytes()
        for path, parts in names.items()
        if not any(STATE.fullmatch(part) for part in parts)
    }


def settings(project: Project) -> dict:
    """settings.toml as values."""
    return tomllib.loads((project.folder / "settings.toml").read_text(encoding="utf-8"))


def columns(project: Project) -> dict[str, dict]:
    """The columns of contract.yaml."""
    text = (project.folder / "contract.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["columns"]


def source(project: Project) -> Path:
    """The file that the settings point at."""
    return project.folder / settings(project)["data"]["source"]


def inputs(project: Project) -> set[str]:
    """What the model in the newest bundle reads."""
    bundles = (project.folder / ".ml" / "bundles").glob("*/signature.json")
    newest = max(bundles, key=lambda path: path.stat().st_mtime_ns)
    read = json.loads(newest.read_text(encoding="utf-8"))["inputs"]
    return {column["name"] for column in read}


def champion(project: Project) -> int | None:
    """The champion's number."""
    return json.loads(project.ml("status", "--json").stdout)["aliases"]["champion"]


def one_line(done: Done) -> str:
    """The only line on stderr beside the steps that were done."""
    lines = [line for line in done.stderr.splitlines() if line and not line.startswith("✓")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("ml: ")
    assert len(lines[0]) < 500
    return lines[0]


def refusal(project: Project, *arguments: str, status: tuple[int, ...] = (3,)) -> str:
    """The line that `ml adopt` refuses with, after a look that nothing has changed."""
    before = snapshot(project)
    done = project.ml("adopt", *arguments, status=None)
    assert done.returncode in status, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    assert snapshot(project) == before
    return one_line(done)


def check_what_it_said(answer: dict, case: Case, verdicts: tuple[str, ...] = ("PROMOTE",)) -> None:
    """Roles, task, verdict; every decision with a reason and with what changes it."""
    assert answer["target"] == case.target
    assert answer["roles"][case.target] == "target"
    assert case.task in (None, answer["task"])
    assert answer["verdict"] in verdicts
    roles = {name.strip(): role for name, role in answer["roles"].items()}
    wrong = {
        name: (roles.get(name), wanted)
        for name, wanted in case.roles.items()
        if roles.get(name) not in wanted.split("|")
    }
    assert not wrong
    for decision in answer["decisions"]:
        assert all(decision[part].strip() for part in ("what", "why", "setting")), decision
    said = [" ".join(map(str, one.values())) for one in answer["decisions"]]
    unused = {name for name, role in answer["roles"].items() if role not in USED}
    assert not {name for name in unused if not any(name in one for one in said)}
    check_words(case, said)


def check_words(case: Case, said: list[str]) -> None:
    """Each pattern is found in one of the sentences."""
    silent = [words for words in case.says if not any(re.search(words, one) for one in said)]
    assert not silent, said


def check_contract(project: Project, case: Case) -> None:
    """The numbers have the size that they have in the file, and the model reads what it should."""
    for name, top in TOPS.items():
        column = columns(project).get(name, {})
        if column.get("role") == "number" and case.roles.get(name) == "number":
            assert 0.9 * top <= column["range"][1] <= 3 * top, (name, column)
    assert case.inputs in (None, inputs(project))


def check_predictions(project: Project, path: Path, case: Case) -> None:
    """As many answers as rows, and mostly the right ones."""
    project.ml("predict", str(path), "out.csv")
    with (project.folder / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = [{name.strip(): word for name, word in row.items()} for row in csv.DictReader(file)]
    assert len(rows) == case.rows
    pairs = [(row["prediction"], row[case.target]) for row in rows if row[case.target]]
    assert len(pairs) > 0.9 * case.rows
    if settings(project)["task"] != "regression":
        right = sum(said.lower() == truth.lower() for said, truth in pairs)
        assert right > 0.85 * len(pairs), pairs[:10]


def check_loop(project: Project, path: Path, case: Case, verdict: str = "PROMOTE") -> None:
    """The commands that follow, the cheap ones."""
    assert "keep the contract" in project.ml("validate").stdout or case.promise == "either"
    project.ml("promote", status=0 if verdict == "PROMOTE" else 1)
    assert "as when it was made" in project.ml("serve", "--smoke").stdout
    check_predictions(project, path, case)


@pytest.mark.parametrize("name", [name for name in named("works") if name not in WHOLE])
def test_the_loop_works_with(name, project, tmp_path):
    case, path = CASES[name], build(name, project, tmp_path / "files")
    check_what_it_said(adopt(project, path, *case.arguments), case)
    check_contract(project, case)
    check_loop(project, path, case)


@pytest.mark.parametrize("name", WHOLE)
def test_every_command_and_the_projects_own_tests_work_with(name, project, tmp_path):
    """Twice the same table gives the same files; what is printed is what machines are told."""
    case, path = CASES[name], build(name, project, tmp_path / "files")
    wide = {"COLUMNS": "400"}  # so that no cell of the table is broken
    printed = project.ml("adopt", str(path), *case.arguments, env=wide).stdout
    made = snapshot(project)
    answer = adopt(project, path, *case.arguments)
    again = snapshot(project)
    report = {"reports/gate/gate.png", "reports/gate/result.json"}  # it holds the margin of before
    assert {name for name in made if made[name] != again.get(name)} <= report
    check_what_it_said(answer, case)
    for decision in answer["decisions"]:
        assert all(decision[part] in printed for part in ("what", "why", "setting"))
    check_contract(project, case)
    project.ml("train")
    check_loop(project, path, case)
    project.ml("train")
    assert champion(project) == 1
    assert "champion" in project.ml("status").stdout
    passed = project.uv("pytest", "-q", "-p", "no:cacheprovider", "-m", "yours")
    assert re.search(r"\d+ passed", passed.stdout)


@pytest.mark.parametrize("name", named("refused"))
def test_one_line_and_an_untouched_project_answer(name, project, tmp_path):
    case, path = CASES[name], build(name, project, tmp_path / "files")
    check_words(case, [refusal(project, str(path), *case.arguments)])


@pytest.mark.parametrize("name", named("either"))
def test_the_loop_works_or_one_line_answers(name, project, tmp_path):
    case, path = CASES[name], build(name, project, tmp_path / "files")
    before = snapshot(project)
    done = project.ml("adopt", str(path), *case.arguments, "--json", status=None)
    if done.returncode:
        assert done.returncode == 3
        check_words(case, [one_line(done)])
        assert snapshot(project) == before
    else:
        check_what_it_said(json.loads(done.stdout), case)
        check_loop(project, path, case)


def test_noise_is_adopted_with_its_verdict_or_refused(project, tmp_path):
    """Nothing in the table tells the outcome: nobody is told that a model is good."""
    coin = random.Random(12)
    rows = changed(people(), outcome=lambda _: coin.randrange(2))
    path = save_rows(tmp_path, rows)
    before = snapshot(project)
    done = project.ml("adopt", str(path), "--target", "outcome", "--json", status=None)
    if done.returncode:
        assert done.returncode in (1, 3)
        one_line(done)
        assert snapshot(project) == before
    else:
        assert json.loads(done.stdout)["verdict"] != "PROMOTE"
        project.ml("validate")


# --- where the file is --------------------------------------------------------------------------


def test_a_file_from_outside_is_copied_so_the_original_may_go(project, tmp_path):
    path = save_rows(tmp_path, people())
    adopt(project, path)
    path.unlink()
    assert source(project).is_relative_to(project.folder / "data")
    card = project.ml("card").stdout
    assert "from data/rows.csv." in card
    assert str(tmp_path) not in card  # the bundle travels, and whose folder it was is nobody's
    project.ml("validate")
    project.ml("train")


def test_a_file_inside_the_project_is_used_where_it_is(project):
    (project.folder / "mine").mkdir()
    path = save_rows(project.folder / "mine", people())
    before = snapshot(project)
    adopt(project, "mine/rows.csv")
    assert source(project) == path
    new = set(snapshot(project)) - set(before)
    assert {name for name in new if not name.startswith("reports/")} == {"reference.json"}
    assert path.read_bytes() == before["mine/rows.csv"]


def test_a_file_of_the_same_name_in_data_is_not_overwritten(project, tmp_path):
    (project.folder / "data").mkdir()
    mine = project.folder / "data" / "rows.csv"
    mine.write_text("the,only,copy\n1,2,3\n")
    path = save_rows(tmp_path, people())
    done = project.ml("adopt", str(path), "--target", "outcome", status=None)
    assert done.returncode in (0, 3)
    assert mine.read_text() == "the,only,copy\n1,2,3\n"
    if done.returncode == 0:
        project.ml("validate")


def test_a_path_is_read_from_where_the_user_stands(project):
    folder = project.folder / "mine"
    folder.mkdir()
    save_rows(folder, people())
    Project(folder, project.forks).ml("adopt", "rows.csv", "--target", "outcome")
    assert source(project) == folder / "rows.csv"
    project.ml("validate")


def test_who_has_tried_the_sample_can_adopt_a_table(project, tmp_path):
    """The sample's champion knows other columns; it is no rival of the first own model."""
    project.ml("train")
    project.ml("promote")
    path = save_rows(tmp_path, people())
    assert adopt(project, path)["verdict"] == "PROMOTE"
    check_loop(project, path, CASES["pipes"])
    project.ml("train")
    project.ml("status")


def test_the_same_table_again_changes_nothing_though_it_has_a_champion(project, tmp_path):
    path = save_rows(tmp_path, people())
    adopt(project, path)
    project.ml("promote")
    before = {name: text for name, text in snapshot(project).items() if "/" not in name}
    adopt(project, path)
    after = {name: text for name, text in snapshot(project).items() if "/" not in name}
    assert {name for name in after if before.get(name) != after[name]} == set()
    assert champion(project) == 1


def test_another_table_can_be_adopted_after_the_first(project, tmp_path):
    """Other columns and the same target, another target, another task."""
    for name in ("pipes", "ISO days", "booleans in words", "sentences", "a german price list"):
        case, path = CASES[name], build(name, project, tmp_path / name)
        answer = adopt(project, path, *case.arguments)
        check_what_it_said(answer, case, ("PROMOTE", "KEEP"))  # the last champion may stay
        check_loop(project, path, case, answer["verdict"])
        project.ml("train")


def test_what_the_user_has_set_stays_set(project, tmp_path):
    """The port and the seed have nothing to do with the table."""
    path = project.folder / "settings.toml"
    text = path.read_text(encoding="utf-8")
    mine = text.replace("# seed = 0", "seed = 7").replace("# port = 8080", "port = 9090")
    path.write_text(mine, encoding="utf-8")
    adopt(project, save_rows(tmp_path, people()))
    now = settings(project)
    assert (now["train"]["seed"], now["serve"]["port"]) == (7, 9090)
    assert now["name"] == tomllib.loads(text)["name"]


# --- options ------------------------------------------------------------------------------------


@pytest.fixture
def visits(project):
    """A table inside the project: two dates, a group, an identifier, names that are near."""
    rows = [
        {
            "visit": person(n),
            "seen": day(row),
            "due": day(row) - timedelta(days=400),
            "household": n // 3,
            **row,
            "stars": 1 + min(4, int(row["usage"] // 20)),
        }
        for n, row in enumerate(people(480))
    ]
    return save_rows(project.folder, rows)


OPTIONS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "an identifier": (("--id", "visit"), {"visit": "key|id"}),
    "an identifier that repeats": (("--id", "household"), {"household": "id|group"}),
    "a time": (("--time", "due"), {"due": "time", "seen": "ignored|category|number|other"}),
    "a group": (("--group", "household"), {"household": "group"}),
}


@pytest.mark.parametrize(("options", "roles"), OPTIONS.values(), ids=OPTIONS)
def test_an_option_gives_a_column_its_role(options, roles, project, visits):
    answer = adopt(project, visits, *options, "--drop", "stars")
    for name, wanted in roles.items():
        assert answer["roles"][name] in wanted.split("|")
    assert options[1] not in inputs(project)
    project.ml("validate")
    project.ml("promote")


def test_rows_of_a_group_stay_together(project, visits):
    """No household has a row that trained and another that judged."""
    adopt(project, visits, "--group", "household", "--drop", "stars", "--drop", "seen")
    look = """
from datetime import date
from customer_model import pipeline
from customer_model.load import load_rows
from customer_model.project import read_project
from customer_model.store.tracking import Registry
from pathlib import Path
project, today = read_project(Path.cwd()), date.today()
registry = Registry(project.root, project.settings.name)
rows, _ = pipeline.checked(load_rows(project, today), project, today, registry)
parts = pipeline.split(rows, project.contract, project.settings.split.holdout)
print(set(parts.training["household"]) & set(parts.holdout["household"]) or "apart")
"""
    assert project.uv("python", "-c", look).stdout.strip() == "apart"


def test_a_sensitive_column_is_judged_and_no_input(project, visits):
    adopt(project, visits, "--sensitive", "region", "--sensitive", "age", "--drop", "stars")
    assert [columns(project)[name].get("sensitive") for name in ("region", "age")] == [True, True]
    assert {"usage", "spend"} <= inputs(project)
    assert not {"region", "age"} & inputs(project)


def test_a_dropped_column_is_no_input(project, visits):
    answer = adopt(project, visits, "--drop", "spend", "--drop", "stars")
    assert not {"spend", "stars"} & inputs(project)
    assert answer["roles"].get("spend", "ignored") not in ("number", "category", "text")
    project.ml("validate")


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_the_task_is_the_users_to_choose(task, project, visits):
    options = ("--target", "stars", "--task", task, "--drop", "outcome")
    assert adopt(project, visits, *options)["task"] == task
    assert settings(project)["task"] == task
    project.ml("train")
    project.ml("promote")
    assert "as when it was made" in project.ml("serve", "--smoke").stdout


def test_a_table_of_yesterday_is_adopted_with_a_day(project):
    """`--today` is the day that the rows are seen from."""
    recent = {"seen": lambda row: day(row).replace(year=2026, month=5)}
    path = save_rows(project.folder, changed(people(), **recent))
    adopt(project, path, "--today", TODAY)
    for command in ("validate", "train"):
        project.ml(command, "--today", TODAY)


MISTAKES: dict[str, tuple[tuple[str, ...], tuple[int, ...], str]] = {
    "an unknown task": (("--target", "outcome", "--task", "ternary"), (2,), "regression"),
    "no target": ((), (2,), "--target"),
    "a day that is none": (("--target", "outcome", "--today", "soon"), (2,), "2026-01-31"),
    "an unknown option": (("--target", "outcome", "--tme", "seen"), (2,), "--time"),
    "words as a number": (("--target", "region", "--task", "regression"), (2, 3), "region"),
    "two classes of five": (("--target", "stars", "--task", "binary"), (2, 3), "(?i)5|five"),
    "a number as classes": (("--target", "spend", "--task", "multiclass"), (2, 3), "spend"),
    "a time that is none": (("--target", "outcome", "--time", "region"), (2, 3), "region"),
    "the target dropped": (("--target", "outcome", "--drop", "outcome"), (2, 3), "outcome"),
    "the target as time": (("--target", "outcome", "--time", "outcome"), (2, 3), "outcome"),
}
for _option in ("--id", "--time", "--group", "--sensitive", "--drop"):
    MISTAKES[f"a misspelt column for {_option}"] = (
        ("--target", "outcome", _option, "hosehold"),
        (2, 3),
        "hosehold.*'?household",
    )


@pytest.mark.parametrize(("options", "status", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_options_is_one_clear_line(options, status, words, project, visits):
    if "--target" in options and "--tme" not in options:
        assert re.search(words, refusal(project, str(visits), *options, status=status))
        return
    before = snapshot(project)  # the option parser speaks in a box of its own
    done = project.ml("adopt", str(visits), *options, status=2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot(project) == before


# --- when something breaks ----------------------------------------------------------------------


def test_a_training_that_breaks_takes_everything_back(project, tmp_path):
    model = next((project.folder / "src").glob("*/model.py"))
    code = model.read_text(encoding="utf-8")
    broken = 'raise ValueError("the model is broken")\n    if task == "regression":'
    model.write_text(code.replace('if task == "regression":', broken), encoding="utf-8")
    assert model.read_text(encoding="utf-8") != code
    before = snapshot(project)
    path = save_rows(tmp_path, people())
    done = project.ml("adopt", str(path), "--target", "outcome", status=None)
    assert done.returncode
    assert snapshot(project) == before


def test_a_server_that_does_not_answer_takes_everything_back(project, tmp_path):
    before = snapshot(project)
    nowhere = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    path = save_rows(tmp_path, people())
    done = project.ml("adopt", str(path), "--target", "outcome", status=2, env=nowhere)
    assert "MLFLOW_TRACKING_URI" in one_line(done)
    assert snapshot(project) == before


BREAKS: dict[str, tuple[str, Callable[[dict], object], str]] = {
    "range": ("age", lambda row: -400 + row["age"], "range"),
    "type": ("usage", lambda row: "much", "type"),
    "nulls": ("spend", lambda row: None if row["age"] % 2 else row["spend"], "nulls"),
    "values": ("region", lambda row: f"{row['region']} {row['age']}", "values"),
    "unique": ("customer", lambda row: "C00000", "unique"),
    "missing": ("usage", lambda row: None, "missing"),
}


def test_a_broken_batch_stops_training_and_leaves_the_champion(project):
    """Each rule by its name; the original batch trains again afterwards."""
    rows = [{"customer": person(n)} | row for n, row in enumerate(people())]
    path = save_rows(project.folder, rows)
    adopt(project, path)
    project.ml("promote")
    good = path.read_bytes()
    for kind, (column, spoil, rule) in BREAKS.items():
        spoilt = changed(rows, **{column: spoil})
        if kind == "missing":
            spoilt = [{k: v for k, v in row.items() if k != column} for row in rows]
        save_rows(project.folder, spoilt)
        done = project.ml("train", status=3)
        assert re.search(rf"{column}\b.*{rule}", done.stderr), (kind, done.stderr)
        assert "Traceback" not in done.stderr
        assert champion(project) == 1
        assert project.ml("validate", status=3).stdout
    path.write_bytes(good)
    project.ml("train")


def start(project: Project, path: Path) -> subprocess.Popen:
    """`ml adopt` as a process of its own."""
    command = [project.folder / ".venv" / "bin" / "ml", "adopt", path, "--target", "outcome"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    return subprocess.Popen(
        command,
        cwd=project.folder,
        env={**os.environ, **quiet, "PYTHONPATH": str(project.folder / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def check_old_or_new(project: Project, path: Path) -> None:
    """The project works as it is, and adopting again works too."""
    project.ml("validate")
    project.ml("train")
    adopt(project, path)
    project.ml("validate")
    project.ml("promote")


@pytest.fixture(scope="module")
def seconds(installed, tmp_path_factory) -> float:
    """How long an undisturbed `ml adopt` takes."""
    place = tmp_path_factory.mktemp("undisturbed")
    project, path = installed("binary").copy(place / "project"), save_rows(place, people())
    began = time.perf_counter()
    assert start(project, path).wait() == 0
    return time.perf_counter() - began


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97])
def test_a_kill_at_any_time_leaves_the_old_project_or_the_new(share, seconds, project, tmp_path):
    path = save_rows(tmp_path, people())
    process = start(project, path)
    time.sleep(max(0.2, share * seconds))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    check_old_or_new(project, path)


def visible(project: Project) -> dict[str, int]:
    """When the files that a user owns were changed."""
    folders = [project.folder, project.folder / "data"]
    files = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    seen = {}
    for path in files:
        try:
            if not STATE.fullmatch(path.name):
                seen[str(path)] = path.stat().st_mtime_ns
        except FileNotFoundError:
            continue
    return seen


def wait_for_changes(project: Project, process: subprocess.Popen, number: int) -> None:
    """Return at the n-th change that can be seen, or when the process ends."""
    before = visible(project)
    while number and process.poll() is None:
        now = visible(project)
        number -= now != before
        before = now


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_kill_at_a_visible_change_leaves_the_old_project_or_the_new(number, project, tmp_path):
    """The dangerous moments are those between two files that belong together."""
    path = save_rows(tmp_path, people())
    process = start(project, path)
    wait_for_changes(project, process, number)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    check_old_or_new(project, path)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_who_stops_it_half_way_has_the_old_project(name, seconds, project, tmp_path):
    path = save_rows(tmp_path, people())
    before = snapshot(project)
    process = start(project, path)
    time.sleep(0.4 * seconds)  # later, on a machine that got faster, all may be decided already
    process.send_signal(getattr(signal, name))
    if process.wait(30):
        assert snapshot(project) == before
    check_old_or_new(project, path)
