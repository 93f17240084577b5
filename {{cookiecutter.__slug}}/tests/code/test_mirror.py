"""W&B is a mirror: it gets a copy, and whatever it does or fails to do ends with a line."""

import json
import time

import pytest

from your_package import mirror

TOLD = {"id": "0" * 32, "name": "small KEEP", "config": {"seed": 1}, "summary": {"mae": 2.5}}
RECORDER = """
import json
class Run:
    def __init__(self, given): self.given, self.summary = given, {}
    def finish(self):
        told = {**self.given, "summary": self.summary}
        with open("sent.json", "w") as file: json.dump(told, file)
def init(**given): return Run(given)
"""
FAILURES = {
    "no package": ("raise ModuleNotFoundError(name='wandb')", "uv add --group train wandb"),
    "half a package": ("import no_such_part", "no_such_part"),
    "an error": ("def init(**given): raise ValueError('no key\\nsecret')", "no key"),
    "an end": ("import os; os._exit(7)", "exit status 7"),
}


@pytest.fixture
def copied(tmp_path, monkeypatch, sample_project, registry):
    """Copy one decision to a `wandb` of this source; returns the line."""
    monkeypatch.setattr(mirror, "_told", lambda *_: TOLD)
    project = sample_project()

    def copy(source, seconds=60):
        monkeypatch.setattr(mirror, "SECONDS", seconds)
        (tmp_path / "wandb.py").write_text(source, encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return mirror.copy(project, registry), project.root

    return copy


def test_it_gets_the_run_and_nothing_of_this_machine(copied):
    line, root = copied(RECORDER)
    assert line == ""
    sent = json.loads((root / "sent.json").read_text(encoding="utf-8"))
    assert {key: sent[key] for key in TOLD} == TOLD
    assert sent["settings"]["x_disable_meta"] is True
    assert sent["settings"]["host"] == ""


@pytest.mark.parametrize(("source", "words"), FAILURES.values(), ids=FAILURES)
def test_a_failure_is_one_line(copied, source, words):
    line, _ = copied(source)
    assert words in line
    assert "\n" not in line
    assert "secret" not in line


def test_silence_is_not_waited_for(copied):
    began = time.monotonic()
    line, _ = copied("import time; time.sleep(60)", seconds=1)
    assert line == "no answer in 1 s"
    assert time.monotonic() - began < 30


def test_without_a_decision_that_is_kept_it_says_so(sample_project, registry):
    assert "ml train" in mirror.copy(sample_project(), registry)


@pytest.mark.parametrize(("value", "wanted"), [(None, False), ("", False), ("churn", True)])
def test_it_is_asked_by_the_environment_alone(monkeypatch, value, wanted):
    if value is not None:
        monkeypatch.setenv("WANDB_PROJECT", value)
    assert mirror.wanted() is wanted
