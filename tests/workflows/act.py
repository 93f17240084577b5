"""Runs a repository's workflow for real: act in host mode, offline, with stand-ins for actions.

    done = act.run(folder, "ci.yml", "push", services=services)
    assert done.jobs == {"lint": "success", "test (3.11)": "success", "deploy": "skipped"}

Jobs are named by their id; a matrix adds its values, `test (3.11)`, and a job of a reusable
workflow stands behind its caller, `retrain / train`. A skipped job with a matrix is `test`, and a
skipped caller is `retrain`, as on GitHub's page.

What act does not do, so assert it by reading the files: `on:` filters, `concurrency`,
`permissions`, approvals of an `environment:`, a job's `timeout-minutes`. Called workflows are
made jobs of their caller first, see flat.py. Where a run differs from one on GitHub:

- All jobs share HOME, /tmp, ports and the engine; a workspace and RUNNER_TEMP are each job's own.
- The event's commit is HEAD of `repository`, for pull requests too: let it be the merge.
- `needs` lists a job's indirect needs too, and in a called workflow their names have a prefix.
- `env.X` sees the whole environment of the runner.
- What a step leaves running in the background lives on until the run ends.
- There are no `post` steps: nothing is saved, logged out or cleaned up behind a job.
"""

import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import runner
from flat import Flat, flatten
from real_servers import free_port
from services import Services
from uses import RUNNER, refuse_what_act_skips, stand_ins

COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Run:
    """What a run came to."""

    jobs: dict[str, str]  # success, failure or skipped
    status: int  # act's own
    log: str  # what the steps printed, each line behind its job
    summaries: dict[str, str]  # GITHUB_STEP_SUMMARY of each job that wrote one
    seconds: dict[str, float]  # spent in each job's steps
    artifacts: Path  # a folder for each uploaded artifact, with its zip
    actions: list[dict[str, Any]]  # what the stand-ins recorded


def run(
    repository: Path,
    workflow: str,
    event: str,
    *,
    services: Services,
    payload: dict[str, Any] | None = None,
    inputs: dict[str, str] | None = None,
    variables: dict[str, str] | None = None,
    secrets: dict[str, str] | None = None,
    env: dict[str, str] | None = None,
    matrix: dict[str, str] | None = None,
    actor: str = "octocat",
    timeout: float = 900,
) -> Run:
    """Run `.github/workflows/WORKFLOW` on an event, from the repository's commit as it is."""
    refuse_what_act_skips(repository)
    flat, text = flatten(repository, workflow)
    number = str(next(NUMBERS) + 1000 * os.getpid())
    folder = services.folder / f"run-{number}"
    artifacts = folder / "artifacts" / number
    artifacts.mkdir(parents=True)  # act's server panics when it lists a folder that is not there
    told = json.dumps(_event(services, payload, inputs))
    _write(folder, {workflow: text, "event.json": told, "actions.jsonl": "", "empty": ""})
    command = ["act", event, "-W", str(folder / workflow), "-e", str(folder / "event.json")]
    command += ["--actor", actor, *_options(folder, services, number)]
    command += _pairs("--local-repository", stand_ins(repository))
    command += _pairs("--secret", {"GITHUB_TOKEN": services.github.token, **(secrets or {})})
    command += _pairs("--var", variables) + _pairs("--input", inputs)
    command += [f"--matrix={key}:{one}" for key, one in (matrix or {}).items()]
    environment = runner.environment(folder, services) | (env or {})
    status = _watched(command, repository, environment, folder, timeout)
    return _read(folder, flat, status, artifacts)


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


def _event(services: Services, payload: dict | None, inputs: dict | None) -> dict[str, Any]:
    """The payload over what every event says of the repository."""
    owner, _, name = services.github.repository.partition("/")
    facts = {"name": name, "full_name": services.github.repository, "owner": {"login": owner}}
    repository = {**facts, "fork": False, **services.github.facts_now()}
    given = payload or {}
    if "pull_request" in given:
        services.github.pull_request(given["pull_request"]["number"])
        given = {"number": given["pull_request"]["number"], **given}
    asked = {"inputs": inputs} if inputs else {}
    return {"sender": {"login": "octocat"}, **asked, **given} | {
        "repository": {**repository, **given.get("repository", {})}
    }


def _pairs(option: str, pairs: Mapping[str, Any] | None) -> list[str]:
    return [part for key, value in (pairs or {}).items() for part in (option, f"{key}={value}")]


def _options(folder: Path, services: Services, number: str) -> list[str]:
    """Host mode, no defaults of the user's, and the test's own servers."""
    known = {
        "GITHUB_RUN_ID": number,
        "GITHUB_RUN_NUMBER": "1",
        "GITHUB_REPOSITORY": services.github.repository,
        "GITHUB_REPOSITORY_OWNER": services.github.repository.partition("/")[0],
        "GITHUB_API_URL": services.github.address,
        "GITHUB_SERVER_URL": "https://github.com",
    }
    files = ("--env-file", "--secret-file", "--var-file", "--input-file")
    return [
        *("-P", f"{RUNNER}=-self-hosted", "--no-skip-checkout", "--json"),
        *("--defaultbranch", "main"),
        *("--artifact-server-path", str(folder / "artifacts")),
        *("--artifact-server-addr", "127.0.0.1", "--artifact-server-port", str(free_port())),
        *("--cache-server-addr", "127.0.0.1"),
        *(part for option in files for part in (option, str(folder / "empty"))),
        *_pairs("--env", known),
    ]


def _watched(
    command: list[str], repository: Path, environment: dict, folder: Path, timeout: float
) -> int:
    """Run act; nothing that it started outlives the time it has."""
    with (folder / "log.jsonl").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            command,
            cwd=repository,
            env=environment,
            executable=str(folder / "tools" / "act"),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            return process.wait(timeout)
        finally:
            _end(f"ML_TEST_LOG={environment['ML_TEST_LOG']}".encode())
            process.wait()


def _end(mark: bytes) -> None:
    """Kill what the run left behind, as a runner does: each process that carries its mark."""
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it ended, or is not ours
            if mark in place.read_bytes().split(b"\0"):
                os.kill(int(place.parent.name), signal.SIGKILL)


def _read(folder: Path, flat: Flat, status: int, artifacts: Path) -> Run:
    """Make sense of act's log."""
    results: dict[str, str] = {}
    summaries: dict[str, str] = {}
    seconds: dict[str, float] = {}
    failed: set[str] = set()
    lines = []
    for text in (folder / "log.jsonl").read_text(encoding="utf-8", errors="replace").splitlines():
        entry = json.loads(text)
        name = flat.shown(entry) if "jobID" in entry else ""
        if not name:
            continue
        failed |= {name} if entry["level"] == "error" else set()
        if "jobResult" in entry:  # in a matrix, the first failure is everyone's to act
            mine = name in failed or not entry.get("matrix")
            results[name] = entry["jobResult"] if mine else "success"
        if entry.get("command") == "summary":
            summaries[name] = summaries.get(name, "") + entry["content"]
        if "executionTime" in entry and len(entry.get("stepID", ())) == 1:
            seconds[name] = seconds.get(name, 0.0) + entry["executionTime"] / 1e9
        if entry.get("raw_output") or entry.get("level") in ("error", "warning"):
            lines.append(f"[{name}] {COLOURS.sub('', entry['msg']).rstrip()}")
        elif entry.get("command") in ("error", "warning", "notice"):
            lines.append(f"[{name}] {entry['msg'].strip()}")
    lines.append((folder / "stderr").read_text(encoding="utf-8", errors="replace"))
    recorded = (folder / "actions.jsonl").read_text(encoding="utf-8").splitlines()
    actions = [json.loads(line.replace("--", " / ")) for line in recorded]
    jobs = flat.complete(results)
    return Run(jobs, status, "\n".join(lines), summaries, seconds, artifacts, actions)
