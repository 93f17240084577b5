"""The registry: versions appear whole, bundles come back as they were judged, or not at all."""

import os
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest

from your_package.errors import Status, Stop
from your_package.promote import promote
from your_package.store.tracking import Registry
from your_package.store.versions import (
    Aliases,
    Judgement,
    Record,
)


def artifacts(version):
    """Where a version's bundle lies on this disk."""
    place = urlparse(version.source)
    return Path(url2pathname(place.path) if place.scheme == "file" else version.source)


def test_a_version_is_found_as_it_was_registered(registry, add_version):
    version = add_version("KEEP", beats_anchor=True)
    again = Registry(registry.root, registry.name).version(1)
    assert again == version
    assert again.judgement == Judgement("KEEP", None, True, 0.8)
    assert again.data_id == "d4"
    assert not again.rolled_back


def test_versions_come_oldest_first_and_in_numbers(registry, add_version):
    for _ in range(11):
        add_version("KEEP")
    assert [version.number for version in registry.versions()] == list(range(1, 12))


def test_two_models_in_one_store_do_not_see_each_other(registry, add_version):
    add_version(beats_anchor=True)
    promote(registry)
    other = Registry(registry.root, "other")
    assert other.versions() == []
    assert other.aliases() == Aliases()


def test_a_later_verdict_replaces_the_earlier(registry, add_version, tmp_path):
    version = add_version("KEEP")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.md").write_text("again", encoding="utf-8")
    judgement = Judgement("PROMOTE", "abc", False, 0.9)
    record = Record({}, {}, ("churned", "d4", "sample"), judgement, "i9", "[]", {"anchor": (1, 2)})
    record = replace(record, stood='{"value": 0.8}')
    registry.judge(version, record, tmp_path / "report")
    assert registry.version(1).judgement == judgement
    first, again = registry.history()
    assert (first.judgement.verdict, first.gaps) == ("KEEP", {})
    assert (again.judgement, again.identity, again.gaps) == (judgement, "i9", {"anchor": (1, 2)})
    assert (first.stood, again.stood) == ("", record.stood)


def test_a_search_leaves_a_run_for_each_attempt_and_no_decision(registry, add_version):
    add_version()
    registry.record_search([({}, {"cv": 0.7}), ({"depth": 3}, {"cv": 0.8})])
    assert len(registry.history()) == 1


def test_a_bundle_comes_back_as_it_was_sealed(registry, add_version):
    version = add_version()
    folder = registry.fetch(version)
    assert (folder / "gate" / "report.md").read_text(encoding="utf-8") == "1\n"
    assert registry.fetch(version) == folder


def test_a_bundle_that_changed_in_the_store_is_not_promoted(registry, add_version):
    version = add_version(beats_anchor=True)
    report = artifacts(version) / "gate" / "report.md"
    report.write_text("better", encoding="utf-8")
    with pytest.raises(Stop, match=r"not what the manifest says: gate/report\.md") as stopped:
        promote(registry)
    assert stopped.value.status == Status.EVIDENCE
    assert registry.aliases() == Aliases()


def test_a_bundle_that_went_from_the_store_is_a_clear_stop(registry, add_version):
    version = add_version(beats_anchor=True)
    (artifacts(version) / "manifest.json").unlink()
    with pytest.raises(Stop):
        promote(registry)
    assert registry.aliases() == Aliases()


def test_a_server_that_does_not_answer_is_named_within_seconds(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(Stop, match=r"MLflow at http://127\.0\.0\.1:9 does not answer") as stopped:
        Registry(tmp_path, "small").versions()
    assert stopped.value.status == Status.SETTINGS
    assert time.monotonic() - start < 6


def test_nothing_is_reported_to_anybody(registry):
    registry.aliases()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["DO_NOT_TRACK"] == "true"
