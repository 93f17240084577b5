"""A year of weekly retrains on the sample: fresh runners, killed workers, three at once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import Project, need
from services import Services, connect, git, pointer
from week import week

pytest_plugins = ["parts"]

WEEKS = 52
KILLED = {5, 14, 23, 35, 46}
CROWDED = {0, 8, 19, 28, 39}  # three at once, each with another model
MOST_SECONDS = 25  # of a run that will be killed


class Year:
    """The remote, the registry, and a new runner whenever one is asked for."""

    def __init__(self, project: Project, services: Services, registry: str, folder: Path) -> None:
        """Keep the pieces; nothing is started."""
        self.project, self.services, self.folder = project, services, folder
        self.registry, self.made = f"{registry}/octo/year", 0

    def runner(self, steps: int = 150) -> Project:
        """A checkout without any state, as a job gets it."""
        self.made += 1
        made = self.project.copy(self.folder / f"runner-{self.made}").hurry()
        made.edit("src/customer_model/model.py", ("max_iter=150", f"max_iter={steps}"))
        connect(made.folder, self.services.remote)
        return made

    def run(self, day: date, steps: int = 150) -> str:
        """A run that nobody disturbs."""
        runner = self.runner(steps)
        return week(runner, runner.ml, day.isoformat(), self.registry)

    def killed(self, day: date, seconds: float) -> None:
        """A run that dies with everything that it has started."""
        script = Path(__file__).with_name("week.py")
        command = [sys.executable, script, self.runner().folder, day.isoformat(), self.registry]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def states(self) -> list[dict]:
        """state.json after each write, oldest first."""
        commits = git(self.services.remote, "rev-list", "--reverse", "ml-state").split()
        return [
            json.loads(git(self.services.remote, "show", f"{one}:state.json")) for one in commits
        ]

    def digest(self, tag: str) -> str:
        """What a pointer of the registry points to."""
        return pointer(f"{self.registry}/bundle:{tag}")


@pytest.fixture
def year(installed, services: Services, registry: str, tmp_path: Path) -> Year:
    """A year that has not begun."""
    need("skopeo")
    return Year(installed("binary"), services, registry, tmp_path)


def champion(state: dict) -> str | None:
    """Digest of the champion."""
    number = state["aliases"]["champion"]
    return {v["version"]["number"]: v["version"]["digest"] for v in state["versions"]}.get(number)


def test_a_year_of_retrains_loses_nothing_and_agrees_with_itself(year):
    dice, told = random.Random(52), []
    for number in range(WEEKS):
        day = date(2025, 1, 6) + timedelta(weeks=number)
        if number in KILLED:
            year.killed(day, dice.uniform(2, MOST_SECONDS))
        if number in CROWDED:
            with ThreadPoolExecutor(3) as pool:
                told += list(pool.map(lambda steps, day=day: year.run(day, steps), (150, 90, 60)))
        else:
            told.append(year.run(day))
    states = year.states()
    assert git(year.services.remote, "rev-list", "--merges", "ml-state") == ""
    grows(states)
    follows(states)
    last = states[-1]
    verdicts = [one["judgement"]["verdict"] for one in last["decisions"]]
    print(f"{len(states)} writes, {len(verdicts)} decisions: {sorted(told)}")
    assert len(verdicts) >= len(told) - told.count("nothing new")
    assert told.count("PROMOTE") >= 3
    assert told[:3].count("PROMOTE") == 1  # of three first models at once
    assert told[:3].count("late") == 2
    images = {v["version"]["number"]: v["version"]["image"] for v in last["versions"]}
    for name in ("staging", "production"):
        running = last["environments"][name]
        assert running["image"] == images[running["version"]] != ""
        known = {image.partition("@")[2] for image in images.values()}
        assert year.digest(name) in known  # a killed deployment may be one step ahead of the state
    assert last["environments"]["production"]["version"] == last["aliases"]["champion"]


def grows(states: list[dict]) -> None:
    """No decision and no version ever goes away, and each commit changes something."""
    for before, after in pairwise(states):
        assert before != after
        for key, name in (("decisions", "id"), ("versions", "made")):
            old, new = ([one[name] for one in state[key]] for state in (before, after))
            assert new[: len(old)] == old


def follows(states: list[dict]) -> None:
    """The champion changes to nothing but what the gate proved against the champion before."""
    moves = 0
    for before, after in zip(
        [{"aliases": {"champion": None}, "versions": []}, *states], states, strict=False
    ):
        if champion(before) != champion(after):
            digest = champion(after)
            proofs = [
                one["judgement"]["champion"]
                for one in after["decisions"]
                if one["about"] == digest and one["judgement"]["verdict"] == "PROMOTE"
            ]
            assert champion(before) in proofs
            moves += 1
    assert moves >= 3
