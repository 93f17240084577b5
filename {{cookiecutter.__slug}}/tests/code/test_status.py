"""`ml status`: in a terminal, on one page without a script, and again and again."""

import json
import os
import re
from contextlib import nullcontext
from datetime import date

import pytest
from rich.console import Console

from your_package import page_status, pipeline, show_status
from your_package.promote import promote
from your_package.store.tracking import Registry

DAY = date(2026, 6, 1)
SEEN = {
    "due": True,
    "then": "retrain",
    "version": 1,
    "reason": "roc_auc has <fallen>",
    "drift": [{"column": "plan<b>", "kind": "distance", "size": 0.31, "p": 0.0, "drifted": True}],
}


@pytest.fixture(scope="module")
def project(sample_project):
    """A project with a champion, a decision after it, and something that monitoring saw."""
    project = sample_project("binary")
    pipeline.run(project, DAY, lambda _: nullcontext())
    promote(Registry(project.root, project.settings.name))
    pipeline.run(project, DAY, lambda _: nullcontext())
    folder = project.root / "reports" / "monitor"
    folder.mkdir()
    (folder / "seen.json").write_text(json.dumps(SEEN), encoding="utf-8")
    return project


def text(found):
    console = Console(width=120, no_color=True)
    with console.capture() as caught:
        console.print(show_status.table(found))
    return caught.get()


def test_the_terminal_shows_who_is_in_charge_and_what_monitoring_saw(project):
    shown = text(show_status.look(project))
    assert re.search(r"v1 +champion, anchor +PROMOTE +0\.\d{4}", shown)
    assert "monitor: a retraining is due: roc_auc has <fallen>" in shown
    assert "sample:binary" in shown


def test_the_page_has_all_of_it_and_needs_nothing(project):
    page = page_status.write_page(show_status.look(project)).read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<b>v1</b> is champion" in page
    assert "<svg" in page
    assert page.count("<td class=n>PROMOTE") >= 2  # of the version, and of the decision
    assert "rows, 2025-12-03 to 2026-05-31" in page
    assert "A retraining is due" in page
    assert "plan&lt;b&gt;" in page
    assert "&lt;fallen&gt;" in page
    assert not re.search(r"<script|https?://(?!www.w3.org)", page)


def test_what_was_seen_before_the_newest_verdict_is_no_news(project):
    path = project.root / "reports" / "monitor" / "seen.json"
    kept = path.stat().st_mtime
    for spoil in (
        lambda: os.utime(path, (kept - 3600, kept - 3600)),
        lambda: path.write_text(json.dumps({**SEEN, "version": 7}), encoding="utf-8"),
    ):
        spoil()
        found = show_status.look(project)
        assert found.seen is None
        assert show_status.next_command(found) == "ml monitor"
    path.write_text(json.dumps(SEEN), encoding="utf-8")


def test_nothing_yet_says_what_to_do(sample_project):
    found = show_status.look(sample_project("regression"))
    assert "no version yet" in text(found)
    assert show_status.next_command(found) == "ml train"
    assert "No champion yet" in page_status.write_page(found).read_text(encoding="utf-8")


def test_it_is_shown_again_until_somebody_stops_it(project, monkeypatch):
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(show_status.time, "sleep", sleep)
    show_status.follow(project)
    assert waited == [show_status.EVERY] * 3
