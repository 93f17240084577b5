"""The harness itself, on small workflows of its own: what it reports is what happened."""

import zipfile
from pathlib import Path

import act
import pytest
from conftest import need
from services import Services, git
from toys import ACTION, WORKFLOWS

pytest_plugins = ["parts"]


@pytest.fixture
def toy(tmp_path: Path, services: Services) -> Path:
    """A repository with four workflows and a local action, on the services' remote."""
    need("act")
    folder = tmp_path / "toy"
    (folder / ".github/workflows").mkdir(parents=True)
    (folder / ".github/actions/setup").mkdir(parents=True)
    for name, text in WORKFLOWS.items():
        (folder / ".github/workflows" / name).write_text(text, encoding="utf-8")
    (folder / ".github/actions/setup/action.yml").write_text(ACTION, encoding="utf-8")
    (folder / "readme").write_text("readme\n", encoding="utf-8")
    services.publish(folder)
    return folder


def test_jobs_outputs_artifacts_summaries_and_issues(toy, services):
    done = act.run(toy, "main.yml", "push", services=services, variables={"WORD": "today"})
    assert done.jobs == {
        "make": "success",
        "take (one)": "success",
        "take (two)": "failure",
        "tell": "success",
        "after": "skipped",
    }, done.log
    assert done.status == 1
    assert done.summaries == {"make": "# Made today\n"}
    assert [issue["title"] for issue in services.github.issues.values()] == ["from readme"]
    assert "[tell] from readme" in done.log
    assert services.github.unknown == []
    (packed,) = done.artifacts.rglob("*.zip")
    assert zipfile.ZipFile(packed).namelist() == ["deep/file"]
    assert [line["action"] for line in done.actions][:2] == [
        "actions/checkout",
        "actions/upload-artifact",
    ]
    assert set(done.seconds) == {"make", "take (one)", "take (two)", "tell"}


def test_called_workflows_jobs_have_names_of_their_own(toy, services):
    done = act.run(toy, "caller.yml", "push", services=services)
    assert done.jobs == {
        "decide": "success",
        "retrain / train": "success",
        "retrain / undo": "skipped",
        "broken / train": "failure",
        "broken / undo": "success",
        "repair": "success",
        "other": "skipped",
        "done": "success",
    }, done.log
    assert done.status == 1
    pushed = git(services.remote, "rev-parse", "trained")
    assert pushed == git(toy, "rev-parse", "HEAD")


def test_a_wrong_input_and_an_unknown_action_are_refused(toy, services):
    path = toy / ".github/workflows/main.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("if-no-files-found", "if-no-file-found"), encoding="utf-8")
    with pytest.raises(ValueError, match="if-no-file-found"):
        act.run(toy, "main.yml", "push", services=services)
    path.write_text(text.replace("actions/upload-artifact", "some/body"), encoding="utf-8")
    with pytest.raises(LookupError, match="some/body"):
        act.run(toy, "main.yml", "push", services=services)


def test_every_stand_in_works(toy, services):
    event = {"pull_request": {"number": 7, "head": {"ref": "feature"}, "base": {"ref": "main"}}}
    done = act.run(toy, "tools.yml", "pull_request", services=services, payload=event)
    assert done.jobs == {"tools": "success", "collect": "success"}, done.log
    names = ["all/many/b", "all/sbom.json/sbom.json", "all/sbom/sbom"]
    assert done.summaries["collect"].split() == names
    (cosign,) = [line for line in done.actions if line["action"] == "cosign"]
    assert cosign["arguments"] == ["verify", "something"]
    assert services.attestations.read_text().count("\n") == 1
