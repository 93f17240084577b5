"""Training on your data: what is judged, kept, promoted and served is one and the same model."""

import json
import pickletools
from contextlib import nullcontext
from datetime import timedelta

import numpy as np
import pytest

from your_package import pipeline
from your_package.errors import Stop
from your_package.load import load_rows
from your_package.promote import promote
from your_package.report.result import read_result
from your_package.serving.loaded import check_golden
from your_package.store import (
    bundle,
    fingerprints,
    loads,
    model,
)
from your_package.store.tracking import Aliases, Registry


def quiet(_):
    return nullcontext()


@pytest.fixture(scope="session")
def registry(project, outcome):
    """The registry after your first model was promoted."""
    if outcome.decision.verdict != "PROMOTE":
        pytest.skip(f"no champion: {outcome.decision.reason}")
    registry = Registry(project.root, project.settings.name)
    promote(registry, outcome.version.number)
    return registry


@pytest.fixture(scope="session")
def parts(project, today):
    """Your rows, split as the training split them."""
    registry = Registry(project.root, project.settings.name)
    rows, _ = pipeline.checked(load_rows(project, today), project, today, registry)
    return pipeline.split(rows, project.contract, project.settings.split.holdout)


def test_the_first_model_is_proven_where_it_is_better_than_a_constant_answer(outcome):
    (dummy,) = outcome.decision.comparisons
    assert (dummy.against, outcome.decision.beats_anchor) == ("dummy", True)
    assert outcome.decision.verdict == ("PROMOTE" if dummy.lower > 0 else "KEEP")


def test_the_first_champion_is_the_anchor_too(registry):
    assert registry.aliases() == Aliases(champion=1, anchor=1)


def test_a_bundle_holds_all_that_is_needed_to_judge_and_serve_it(trained, outcome):
    names = {path.relative_to(trained.folder).as_posix() for path in trained.folder.rglob("*.*")}
    owners = {"owners.npy"} if (trained.folder / "owners.npy").exists() else set()
    plots = {"gate/reliability.png"} if trained.signature.task != "regression" else set()
    assert names == owners | plots | {
        *("contract.yaml", "fingerprints.npy", "golden.json", "manifest.json", "metrics.json"),
        *("confidence.json", "reference.json", "signature.json"),
        f"model.{trained.signature.format}",
        *("training.json", "card.md", "gate/report.md", "gate/result.json", "gate/gate.png"),
    }
    assert bundle.verify(trained.folder, outcome.version.digest) == outcome.version.digest


def test_the_manifest_says_what_the_model_was_made_of(trained, outcome, project, parts):
    manifest = json.loads((trained.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["task"] == project.settings.task
    assert manifest["data_id"] == outcome.version.data_id == outcome.data
    (kept,) = [load for load in loads.loads(project.root) if load.id == outcome.data]
    assert kept.rows >= len(parts.training) + len(parts.holdout)
    assert manifest["holdout_id"] == parts.holdout_id
    assert "scikit-learn" in manifest["versions"]


def test_the_report_shows_the_verdict_and_the_numbers_to_redo_it(outcome):
    verdict = str(outcome.decision.verdict)
    assert outcome.report.read_text(encoding="utf-8").startswith(f"## Model gate: {verdict}. ")
    result = json.loads((outcome.report.parent / "result.json").read_text(encoding="utf-8"))
    (dummy,) = outcome.decision.comparisons
    assert (result["verdict"], result["data"]) == (verdict, outcome.data)
    assert result["comparisons"][0]["delta"] == dummy.delta
    found, again = read_result(outcome.report.parent / "result.json")
    assert again == outcome.decision
    assert found.evidence.challenger == outcome.decision.challenger


def test_a_report_that_was_changed_is_found_out(outcome, tmp_path):
    """Whatever verdict somebody writes into it, the evidence beside it says another."""
    text = (outcome.report.parent / "result.json").read_text(encoding="utf-8")
    result = json.loads(text)
    other = "REJECT" if result["verdict"] != "REJECT" else "PROMOTE"
    path = tmp_path / "result.json"
    path.write_text(json.dumps({**result, "verdict": other}), encoding="utf-8")
    with pytest.raises(Stop, match="the file was changed"):
        read_result(path)
    result["evidence"]["gaps"]["dummy"]["delta"] = -0.2
    path.write_text(json.dumps(result), encoding="utf-8")
    with pytest.raises(Stop, match="the file was changed"):
        read_result(path)


def test_the_card_has_every_heading_of_the_paper(trained):
    text = (trained.folder / "card.md").read_text(encoding="utf-8")
    found = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert found == [
        *("Model details", "Intended use", "Factors", "Metrics", "Evaluation data"),
        *("Training data", "Quantitative analyses", "Ethical considerations"),
        "Caveats and recommendations",
    ]


def test_the_report_is_read_in_ten_seconds(outcome):
    """Under sixty lines, and the verdict first."""
    assert len(outcome.report.read_text(encoding="utf-8").splitlines()) < 60


def test_nothing_that_training_left_is_a_pickle(project, outcome):
    """Anybody may open a store and a bundle: reading them runs no code."""
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert len(files) > len(list((project.root / ".ml").rglob("*"))) > 5
    assert [path.name for path in files if is_pickle(path.read_bytes())] == []
    assert outcome.version is not None


def is_pickle(data):
    try:
        return [code.name for code, _, _ in pickletools.genops(data)][-1] == "STOP"
    except (ValueError, IndexError):
        return False


def test_no_row_that_judged_was_a_row_that_trained(trained, parts):
    assert fingerprints.leaked_rows(trained.folder, parts.holdout_hashes) == 0
    assert fingerprints.leaked_rows(trained.folder, parts.training_hashes) == len(parts.training)


def test_the_service_gives_the_golden_rows_the_answers_of_the_training(trained, served, ask_golden):
    golden = json.loads((trained.folder / "golden.json").read_text(encoding="utf-8"))
    check_golden(trained)
    status, answers = ask_golden(served(trained), golden["rows"])
    assert status == 200
    assert np.array_equal(answers, golden["answers"])


@pytest.fixture(scope="session")
def ask_golden():
    """Ask the service; the status of its answer, and the probabilities or numbers."""
    import asyncio

    def send_rows(app, rows):
        sent, body = [], json.dumps({"rows": rows}).encode()

        async def receive():
            return {"type": "http.request", "body": body}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": []}
        asyncio.run(app(scope, receive, send))
        answer = json.loads(sent[1]["body"])
        return sent[0]["status"], answer.get("probabilities", answer.get("predictions"))

    return send_rows


def test_the_same_rows_make_the_same_model_which_is_kept_once(project, registry, today):
    again = pipeline.run(project, today, quiet)
    assert again.decision.verdict == "KEEP"
    assert "exactly as the champion" in again.decision.reason
    assert again.version is None
    assert len(registry.versions()) == 1


def test_a_model_that_has_seen_the_rows_is_not_judged_on_them(project, registry, today):
    if not project.settings.data.source.startswith("sample:"):
        pytest.skip("only the sample has rows of an earlier day")
    earlier = today - timedelta(days=project.settings.data.window_days // 2)
    judged, decision, _ = pipeline.rejudge(project, 1, earlier, quiet)
    assert decision.verdict == "INVALID"
    assert "holdout rows were training rows of the challenger" in decision.reason
    assert registry.version(judged.number).judgement.verdict == "INVALID"


def test_a_champion_that_was_tampered_with_is_not_opened(project, registry):
    version = registry.version(1)
    name = f"model.{model.read_signature(registry.fetch(version)).format}"
    folder = project.root / ".ml" / "bundles" / version.digest
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content + b" ")
    try:
        with pytest.raises(Exception, match="not what the manifest says"):
            model.load(registry.fetch(version), version.digest)
    finally:
        (folder / name).write_bytes(content)
