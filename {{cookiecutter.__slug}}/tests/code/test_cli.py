"""`ml`: a mistake of yours is one message and an exit status, never a traceback."""

import json
import shutil

import pytest
import yaml
from typer.testing import CliRunner

from your_package import show
from your_package.checks.findings import Finding
from your_package.options import app

COMMANDS = [
    *("validate", "train", "gate", "monitor", "simulate", "promote", "rollback"),
    *("predict", "status", "serve", "doctor", "adopt", "card", "state"),
]


@pytest.fixture
def ml(tmp_path, monkeypatch, sample_contract, empty_store):
    """Run `ml` in a fresh project on the sample."""
    import your_package.cli  # noqa: F401 - its commands register themselves

    text = 'name = "small"\ntask = "binary"\n[data]\nwindow_days = 10\n'
    (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
    contract = sample_contract().model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "contract.yaml").write_text(yaml.safe_dump(contract), encoding="utf-8")
    shutil.copy(empty_store, tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return done

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(ml, command):
    assert command in ml("--help").stdout
    assert ml(command, "--help").exit_code == 0


@pytest.mark.parametrize(
    ("words", "status", "named"),
    [
        (["status", "--nonsense"], 2, "No such option"),
        (["validate", "--today", "tomorrow"], 2, "write it as 2026-01-31"),
        (["validate", "absent.csv"], 3, "no such file"),
        (["train", "--today", "2026-31-01"], 2, "is no date"),
        (["promote"], 1, "run `ml train` first"),
        (["promote", "7"], 1, "no version 7"),
        (["promote", "0"], 2, "promote --help"),
        (["rollback"], 1, "no champion yet"),
        (["gate"], 1, "run `ml train`"),
        (["predict", "in.csv", "out.csv"], 1, "no champion yet"),
        (["serve"], 1, "no champion yet"),
        (["simulate", "--world", "mars"], 2, "use stable, covariate"),
        (["simulate", "--weeks", "0"], 2, "simulate --help"),
    ],
)
def test_a_mistake_is_a_line_and_a_status(ml, words, status, named):
    done = ml(*words)
    assert done.exit_code == status
    assert named in done.output


def test_the_sample_keeps_its_contract(ml):
    done = ml("validate", "--today", "2026-06-01", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])


def test_rows_that_break_the_contract_end_with_status_three(ml, sample_rows, tmp_path):
    table = sample_rows().drop("plan")
    table.write_csv(tmp_path / "rows.csv")
    done = ml("validate", "rows.csv", "--today", "2026-06-01", "--json")
    assert done.exit_code == 3
    assert [(one["column"], one["rule"]) for one in json.loads(done.stdout)] == [
        ("plan", "missing")
    ]


def test_help_is_a_table_of_contents_of_a_line_each(ml, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    contents = ml("--help").stdout.partition("─ Start")[2]
    told = [line.split()[1] for line in contents.splitlines() if line.startswith("│")]
    assert sorted(told) == sorted(COMMANDS)


def test_a_command_ends_with_the_next_one(ml):
    day = ("--today", "2026-06-01")
    for words, following in (
        (("validate",), "ml train"),
        (("train",), "ml promote"),
        (("status",), "ml promote"),
        (("promote",), "ml serve"),
        (("monitor",), "ml status"),
        (("status",), "ml monitor"),
        (("train",), "ml gate --explain"),
    ):
        dated = day if words[0] in ("validate", "train", "monitor") else ()
        last = ml(*words, *dated).stdout.strip().splitlines()[-1]
        assert last.startswith(f"Next: uv run {following}"), (words, last)


def test_words_in_brackets_are_no_colours(capsys):
    finding = Finding("plan [red]", "range", "fail", "seen [bold]often[/]", ("[x]",))
    show.findings([finding])
    printed = capsys.readouterr().out
    for told in ("plan [red]", "seen [bold]often[/]", "[x]"):
        assert told in printed


def test_a_registry_without_versions_says_what_to_do_next(ml):
    assert "ml train" in ml("status").stdout
    assert json.loads(ml("status", "--json").stdout)["versions"] == []


def test_without_a_champion_there_is_nothing_to_watch_and_no_fault(ml, tmp_path):
    done = ml("monitor", "--json")
    assert (done.exit_code, json.loads(done.stdout)["due"]) == (0, False)
    assert (tmp_path / "reports" / "monitor" / "report.md").is_file()


def test_a_world_is_lived_through_and_drawn(ml, tmp_path):
    done = ml("simulate", "--weeks", "4", "--world", "stable", "--json")
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)[0]["weeks"]) == 4
    assert (tmp_path / "reports" / "simulate" / "simulate.png").is_file()


def test_outside_a_project_the_message_says_where_to_go(ml, tmp_path):
    (tmp_path / "settings.toml").unlink()
    done = ml("status")
    assert done.exit_code == 2
    assert "run `ml` inside the project" in done.output


def test_the_doctor_finds_settings_that_are_wrong(ml, tmp_path):
    (tmp_path / "settings.toml").write_text("task = 5", encoding="utf-8")
    done = ml("doctor", "--json")
    assert done.exit_code == 2
    assert [one["ok"] for one in json.loads(done.stdout) if one["name"] == "project"] == [False]
