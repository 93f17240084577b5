"""Kills `ml train` and `ml promote` at each of their writes, runs them again, compares.

usage: python crash.py FOLDER, inside a generated project

Everything is imported once; every attempt is a fork in a fresh copy of the project that kills
itself just before its n-th write: a call of MLflow's client, a rename, a folder copied.
"""

import json
import os
import pathlib
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from customer_model import cli, pipeline, promote, show  # noqa: F401 - imported before the forks  # noqa: F401
from customer_model.store.tracking import Registry
from mlflow import MlflowClient
from mlflow.store.tracking import sqlalchemy_store  # noqa: F401 - before the forks

TODAY, LATER = "2026-06-01", "2026-06-08"
WRITES = [
    (MlflowClient, name)
    for name in dir(MlflowClient)
    if name.startswith(("create_", "set_", "log_", "delete_"))
]
WRITES += [(pathlib.Path, "rename"), (pathlib.Path, "replace"), (shutil, "copytree")]


def arm(fatal: int, counted: Path) -> None:
    """Make the process kill itself just before its `fatal`-th write."""
    writes, inside = 0, False

    def wrapped(name: str, write: Callable) -> Callable:
        def call(*args, **options):
            nonlocal writes, inside
            if inside:  # a write that is part of another
                return write(*args, **options)
            writes += 1
            if writes == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            inside = True
            try:
                counted.write_text(f"{name}, write {writes}")
                return write(*args, **options)
            finally:
                inside = False

        return call

    for owner, name in WRITES:
        setattr(owner, name, wrapped(name, getattr(owner, name)))


def forked(folder: Path, work: Callable[[], None]) -> int:
    """Run in a child inside `folder`; its exit status, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        with open(folder / "log.txt", "a") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            try:
                work()
            except SystemExit as exit:
                os._exit(int(exit.code or 0))
            except BaseException:
                import traceback

                traceback.print_exc()
                os._exit(70)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ml(*arguments: str) -> Callable[[], None]:
    """A command line of `ml`."""
    return lambda: cli.app(list(arguments))


def state(folder: Path) -> dict:
    """What a user would see: versions, aliases, runs and files left lying about."""

    def look() -> None:
        registry = Registry(folder, "customer-model")
        versions = [(v.number, v.identity, v.judgement.verdict) for v in registry.versions()]
        client = registry._client
        experiment = client.get_experiment_by_name("customer-model")
        runs = client.search_runs([experiment.experiment_id])
        status = sorted(run.info.status for run in runs)
        left = sorted(p.name for p in (folder / "reports").iterdir())
        seen = {"versions": versions, "aliases": str(registry.aliases()), "left": left}
        seen["running"] = status.count("RUNNING")
        seen["alias table"] = sorted(client.get_registered_model("customer-model").aliases.items())
        (folder / "state.json").write_text(json.dumps(seen))

    assert forked(folder, look) == 0, (folder / "log.txt").read_text()
    return json.loads((folder / "state.json").read_text())


def crash(start: Path, command: tuple[str, ...], wanted: dict, scratch: Path) -> int:
    """Kill `command` before each of its writes; return how many there are.

    MLflow keeps absolute paths, so every attempt is made in the same place.
    """
    fatal, counted = 0, scratch / "counted"
    while True:
        fatal += 1
        folder = scratch / "attempt"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(start, folder, symlinks=True)

        ended = forked(folder, lambda n=fatal: (arm(n, counted), ml(*command)()))
        if ended == 0:
            return fatal - 1
        assert ended == -signal.SIGKILL, (ended, (folder / "log.txt").read_text()[-2000:])
        last = counted.read_text() if counted.exists() else "the start"
        assert forked(folder, ml(*command)) == 0, (last, (folder / "log.txt").read_text()[-2000:])
        found = state(folder)
        assert found == wanted, f"killed after {last}: {found} is not {wanted}"


def main(scratch: Path) -> None:
    """Train, then promote, from nothing and over a champion."""
    scratch.mkdir(parents=True)
    attempt, project = scratch / "attempt", Path.cwd()
    ignore = shutil.ignore_patterns(".venv", "mlflow.db*", "mlartifacts", ".ml", "reports")
    fresh = scratch / "fresh"
    shutil.copytree(project, fresh, ignore=ignore)
    stages = [("train", "--today", TODAY), ("promote",), ("train", "--today", LATER), ("promote",)]
    start = fresh
    for number, command in enumerate(stages):
        shutil.rmtree(attempt, ignore_errors=True)
        shutil.copytree(start, attempt, symlinks=True)
        assert forked(attempt, ml(*command)) == 0, (attempt / "log.txt").read_text()[-2000:]
        wanted = state(attempt)
        done = scratch / f"after-{number}"
        shutil.copytree(attempt, done, symlinks=True)
        moments = crash(start, command, wanted, scratch)
        print(
            f"ml {' '.join(command)}: killed before each of {moments} writes, all alike", flush=True
        )
        assert moments >= 4
        start = done


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
