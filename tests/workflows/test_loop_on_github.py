"""The generated repository's workflows, executed: every job, in the situations that matter.

One story a test, told in order; each `expect` is a run of a workflow on the commit that is there.
"""

from repository import BAD, DONE, FAIL, GOOD, KEPT, NOTHING_NEW, SHIPPED, SKIP, WEAK, Repository
from services import git

pytest_plugins = ["parts"]


def test_the_first_day_with_no_setting_at_all(repository, installed):
    """A push; then a schedule on which nothing is new; then an equal model, which is kept quiet."""
    first = repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    assert "PROMOTE" in first.summaries["train"]
    assert repository.aliases() == (1, 1, None)
    assert repository.runs_now() == {"staging": 1, "production": 1}
    image = repository.image_of(1)
    assert repository.tag("staging") == repository.tag("production") == image
    assert {line["action"] for line in first.actions} >= {
        "anchore/sbom-action",
        "anchore/scan-action",
    }
    attested = [line for line in first.actions if line["action"] == "actions/attest"]
    assert [one["subject"][0]["digest"]["sha256"] for one in attested] == [image[7:]] * 2
    laptop = repository.clone(installed("binary"))
    told = laptop.ml("status").stdout
    assert "v1" in told
    assert "production" in told
    assert not (laptop.folder / "mlflow.db").exists()
    laptop.ml("state", "pull")
    assert "v1 answered" in laptop.ml("serve", "--smoke").stdout
    repository.expect({**KEPT, "report": DONE}, "ct.yml", "schedule")
    again = repository.expect({**NOTHING_NEW, "report": DONE}, "ct.yml", "schedule")
    assert "Nothing new: KEEP" in again.log
    assert repository.services.github.issues == {}
    assert [one["judgement"]["verdict"] for one in repository.state()["decisions"]] == [
        "PROMOTE",
        "KEEP",
    ]


def test_a_worse_a_broken_and_a_mended_model(repository):
    """REJECT on a schedule opens one issue, a failure adds to it, and a good run closes it."""
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    repository.model(GOOD, BAD)
    rejected = repository.expect({**KEPT, "report": DONE}, "ct.yml", "schedule")
    assert "REJECT" in rejected.summaries["train"]
    (issue,) = repository.open_issues("ml-training")
    assert "The gate says REJECT" in issue["body"]
    repository.model(BAD, 'max_iter=int("many"),')
    broken = {**KEPT, "train": FAIL, "publish": SKIP, "report": DONE}
    repository.expect(broken, "ct.yml", "schedule")
    assert repository.open_issues("ml-training") == [issue]
    assert len(repository.services.github.comments) == 1
    repository.model('max_iter=int("many"),', GOOD)
    repository.expect({**KEPT, "report": DONE}, "ct.yml", "repository_dispatch")
    assert repository.open_issues("ml-training") == []
    assert repository.aliases() == (1, 1, None)


def test_a_better_model_that_fails_on_its_way_and_the_way_back(repository):
    """Staging fails, production fails, then it arrives; then back, twice, and forth by number."""
    repository.change("settings.toml", "# behaviour = true ", "behaviour = false ")
    repository.model(GOOD, WEAK)
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    one = repository.host(1)
    repository.model(WEAK, GOOD)
    nothing_moved = (repository.aliases(), repository.runs_now())

    stuck = {**SHIPPED, "deploy / staging": FAIL, "deploy / production": SKIP, "report": SKIP}
    done = repository.run("ct.yml", "push", variables={"STAGING_URL": one})
    assert done.jobs == stuck, done.log[-6000:]
    assert (repository.aliases(), repository.runs_now()) == nothing_moved
    assert repository.tag("staging") == repository.image_of(1)

    stuck = {**SHIPPED, "deploy / production": FAIL, "report": SKIP}
    done = repository.run("ct.yml", "push", variables={"PRODUCTION_URL": one})
    assert done.jobs == stuck, done.log[-6000:]
    assert "it is" in done.log  # the version that the host still runs
    assert repository.aliases() == (1, 1, None)
    assert repository.runs_now() == {"staging": 2, "production": 1}
    assert repository.tag("production") == repository.image_of(1)

    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    assert repository.aliases() == (2, 2, 1)
    assert repository.tag("production") == repository.image_of(2)

    back = {"target": DONE, "deploy / staging": SKIP, "deploy / production": DONE}
    for _ in range(2):
        repository.expect(back, "rollback.yml", "workflow_dispatch", inputs={"to": "previous"})
        assert repository.aliases() == (1, 1, 1)
        assert repository.tag("production") == repository.image_of(1)
    repository.expect(back, "rollback.yml", "workflow_dispatch", inputs={"to": "2"})
    assert repository.aliases()[0] == 2
    assert repository.runs_now() == {"staging": 2, "production": 2}
    nowhere = {"target": FAIL, "deploy": SKIP}
    repository.expect(nowhere, "rollback.yml", "workflow_dispatch", inputs={"to": "7"})


def pull_request(repository: Repository, origin: str) -> dict:
    head = {"repo": {"full_name": origin, "fork": origin != "octo/model"}, "ref": "change"}
    return {"pull_request": {"number": 5, "head": head, "base": {"ref": "main"}}}


CI = {
    "lint": DONE,
    "test (3.11)": DONE,
    "test (3.13)": DONE,
    "train": DONE,
    "image": DONE,
    "comment": DONE,
    "ok": DONE,
}


def test_a_pull_request_from_the_repository_and_from_a_fork(repository):
    """All are trained and judged; only the repository's own gets a comment, and always the same."""
    ours = pull_request(repository, "octo/model")
    done = repository.expect(CI, "ci.yml", "pull_request", payload=ours)
    assert "PROMOTE" in done.summaries["train"]
    (comment,) = repository.services.github.comments.values()
    assert "Model gate: PROMOTE" in comment["body"]
    assert "ml-state" not in git(repository.services.remote, "branch", "--list", "ml-state")
    quick = {"matrix": {"python": "3.11"}}
    few = {name: result for name, result in CI.items() if name != "test (3.13)"}
    repository.expect(few, "ci.yml", "pull_request", payload=ours, **quick)
    assert len(repository.services.github.comments) == 1
    quiet = {**few, "comment": SKIP}
    theirs = pull_request(repository, "somebody/model")
    repository.expect(quiet, "ci.yml", "pull_request", payload=theirs, **quick)
    assert len(repository.services.github.comments) == 1


def test_dependabot_is_judged_and_gets_no_comment(repository):
    """Its pull requests come from the repository, with a token that may only read."""
    ours = pull_request(repository, "octo/model")
    robot = {"actor": "dependabot[bot]", "matrix": {"python": "3.11"}}
    quiet = {name: result for name, result in CI.items() if name != "test (3.13)"}
    done = repository.expect(
        {**quiet, "comment": SKIP}, "ci.yml", "pull_request", payload=ours, **robot
    )
    assert "PROMOTE" in done.summaries["train"]
    assert repository.services.github.comments == {}


def test_a_pull_request_that_would_make_the_model_worse_is_red(repository):
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    repository.model(GOOD, BAD)
    ours = pull_request(repository, "octo/model")
    done = repository.run("ci.yml", "pull_request", payload=ours, matrix={"python": "3.11"})
    assert done.jobs["train"] == FAIL
    assert done.jobs["ok"] == FAIL
    (comment,) = repository.services.github.comments.values()
    assert "Model gate: REJECT" in comment["body"]
    assert repository.aliases() == (1, 1, None)


def test_a_push_of_words_trains_nothing(repository):
    """The first parent of a pull request's merge is compared; a push trains in ct.yml alone."""
    (repository.folder / "docs" / "note.md").write_text("words", encoding="utf-8")
    repository.services.publish(repository.folder)
    words = {**CI, "train": SKIP, "image": SKIP, "comment": SKIP}
    del words["test (3.13)"]
    ours = pull_request(repository, "octo/model")
    quick = {"matrix": {"python": "3.11"}}
    repository.expect(words, "ci.yml", "pull_request", payload=ours, **quick)
    repository.expect(words, "ci.yml", "push", **quick)


ROWS = """
import gzip, json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
import polars as pl
from customer_model import sample
from customer_model.serving.part import line
today = date.today()
old = sample.rows("binary", today - timedelta(days=140), today - timedelta(days=100))
new = sample.rows("binary", today - timedelta(days=100), today)
turned = pl.when(plan="plus").then(1 - pl.col("churned")).otherwise("churned")
new = new.with_columns(churned=turned)
old.write_csv("data/rows.csv")
pl.concat([old, new]).write_csv("later.csv")
names = [*old.drop("customer_id", "observed_on", "gender", "churned").columns]
for (day,), part in new.group_by("observed_on"):
    folder = Path("..", "traffic", str(day))
    folder.mkdir(parents=True)
    at, columns = datetime.combine(day, time(12), UTC), part.select(names).to_dict(as_series=False)
    asked = line(at, "v0", [(str(day), len(part))], columns, [[0.5, 0.5]] * len(part))
    (folder / "predictions-1.jsonl.gz").write_bytes(gzip.compress(asked))
    labels = [
        json.dumps({"at": at.isoformat(), "id": str(day), "row": n, "label": label})
        for n, label in enumerate(part["churned"])
    ]
    (folder / "labels-1.jsonl.gz").write_bytes(gzip.compress("\\n".join(labels).encode()))
"""


def test_monitoring_with_and_without_a_loss(repository, installed):
    """Quiet; then callers and their labels turn: an issue, a retraining in the same run, quiet."""
    watched = {"watch": DONE, "retrain": SKIP, "report": DONE}
    repository.expect(watched, "monitor.yml", "schedule")
    (repository.folder / "data").mkdir()
    code = f"import os; os.chdir({str(repository.folder)!r}){ROWS}"
    installed("binary").run("uv", "run", "--no-sync", "python", "-c", code)
    later = (repository.folder / "later.csv").read_text(encoding="utf-8")
    (repository.folder / "later.csv").unlink()
    repository.change("settings.toml", '"sample:binary"', '"data/rows.csv"')
    # all of this happens on one day, on which nothing would start after a training
    repository.change("settings.toml", "# quiet_days = 3 ", "quiet_days = 0 ")
    repository.change("settings.toml", "# most_a_week = 2 ", "most_a_week = 9 ")
    repository.change("contract.yaml", "max_age_days: 14}", "max_age_days: 150}")
    repository.expect({**SHIPPED, "report": SKIP}, "ct.yml", "push")
    repository.expect(watched, "monitor.yml", "schedule")
    assert repository.services.github.issues == {}
    (repository.folder / "data" / "rows.csv").write_text(later, encoding="utf-8")
    repository.services.publish(repository.folder)
    traffic = {"ML_LOG": str(repository.folder.parent / "traffic")}
    retrained = {f"retrain / {job}": result for job, result in SHIPPED.items()}
    turned = {"watch": DONE, **retrained, "retrain / report": DONE, "report": DONE}
    done = repository.expect(turned, "monitor.yml", "schedule", variables=traffic)
    assert "is proven below" in done.summaries["watch"]
    assert "6,000 newer rows of the prediction log" in done.summaries["watch"]
    assert repository.aliases()[0] == 2
    assert len(repository.open_issues("ml-monitor")) == 1
    repository.expect(watched, "monitor.yml", "schedule", variables=traffic)
    assert repository.open_issues("ml-monitor") == []


def test_a_broken_batch_stops_everything_and_says_so(repository):
    """Half of the answers are words: nothing is trained, and whoever is on call hears of it."""
    repository.change("settings.toml", '"sample:binary"', '"data/rows.csv"')
    (repository.folder / "data").mkdir()
    broken = "customer_id,observed_on,churned\nC1,2026-06-01,perhaps\n"
    (repository.folder / "data" / "rows.csv").write_text(broken, encoding="utf-8")
    repository.services.publish(repository.folder)
    stopped = {**KEPT, "train": FAIL, "publish": SKIP, "report": DONE}
    repository.expect(stopped, "ct.yml", "schedule")
    (issue,) = repository.open_issues("ml-training")
    assert "failed" in issue["body"]
    assert git(repository.services.remote, "branch", "--list", "ml-state") == ""


def test_a_dry_run_judges_and_leaves_no_trace(repository):
    asked = {"reason": "only looking", "dry_run": "true"}
    looked = {**KEPT, "publish": SKIP, "report": SKIP}
    done = repository.expect(looked, "ct.yml", "workflow_dispatch", inputs=asked)
    assert "PROMOTE" in done.summaries["train"]
    assert git(repository.services.remote, "branch", "--list", "ml-state") == ""


def test_security_in_its_two_situations(repository):
    ours = pull_request(repository, "octo/model")
    looked = {"workflows": DONE, "dependencies": DONE, "vulnerabilities": SKIP, "scorecard": SKIP}
    repository.expect(looked, "security.yml", "pull_request", payload=ours)
    looked = {"workflows": DONE, "dependencies": SKIP, "vulnerabilities": DONE, "scorecard": DONE}
    repository.expect(looked, "security.yml", "schedule")
