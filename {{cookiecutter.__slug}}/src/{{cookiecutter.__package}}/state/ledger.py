"""The state without a server: state.json on a branch that is only ever added to.

Every write reads the head, changes what it read, commits on it and pushes with a lease on it: git
refuses the push if somebody else was faster, and the change is made again on what they wrote.
"""

import base64
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import Status, Stop
from .page import page
from .text import from_text, to_text
from .value import State

BRANCH, REMOTE = "ml-state", "origin"
VARIABLE = "ML_STATE_BRANCH"
STATE = "state.json"
TRIES = 12
NAME, EMAIL = "ml state", "ml-state@users.noreply.github.com"
REFUSED = re.compile(r"stale info|fetch first|rejected|cannot lock ref|reference already exists")


@dataclass(frozen=True)
class Ledger:
    """A branch of the repository's remote: `ml-state`, or what ML_STATE_BRANCH says."""

    root: Path
    name: str

    @property
    def branch(self) -> str:
        """Where several projects share a repository, each has a branch of its own."""
        return os.environ.get(VARIABLE) or BRANCH

    def address(self) -> str:
        """Where the remote is; empty where there is none."""
        return self._run("remote", "get-url", REMOTE).stdout.strip()

    def repository(self) -> str:
        """REGISTRY, or the container registry beside a GitHub remote: it holds the bundles."""
        given = os.environ.get("REGISTRY", "")
        if given:
            return given.lower()
        place = self.address().removesuffix(".git")
        place = place.replace("git@github.com:", "https://github.com/")
        if not place.startswith("https://github.com/"):
            hint = "set REGISTRY=HOST/NAME, the container registry that holds the bundles"
            raise Stop(Status.SETTINGS, f"The git remote {REMOTE} is not on github.com: {hint}.")
        return "ghcr.io/" + place.removeprefix("https://github.com/").lower()

    def read(self) -> State:
        """The newest state; an empty one where there is no branch yet."""
        return self._at(self._head())

    def swap(self, change: Callable[[State], State], why: str) -> State:
        """Write what `change` makes of the newest state, again on a newer one if it has to be.

        Nothing is written where it changes nothing. A stop inside `change` leaves all as it was.
        """
        for attempt in range(TRIES):
            parent = self._head()
            before = self._at(parent)
            after = change(before)
            if after == before or self._push(parent, after, why):
                return after
            time.sleep(random.uniform(0, min(8.0, 0.1 * 2**attempt)))  # noqa: S311 - no secret
        raise Stop(
            Status.SETTINGS, f"{self.branch}: {TRIES} others were faster each time; try again."
        )

    def _at(self, commit: str | None) -> State:
        return from_text(self._git("show", f"{commit}:{STATE}")) if commit else State()

    def _head(self) -> str | None:
        """The branch's newest commit, brought here; None where the branch is missing."""
        listed = self._git("ls-remote", "--heads", REMOTE, f"refs/heads/{self.branch}")
        if not listed:
            return None
        commit = listed.split()[0]
        if self._run("cat-file", "-e", f"{commit}^{{tree}}").returncode:
            ref = f"refs/heads/{self.branch}"
            self._git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", REMOTE, ref)
        return commit

    def _push(self, parent: str | None, state: State, why: str) -> bool:
        """Commit on the parent and push; False if the branch is not at the parent any more."""
        files = {STATE: to_text(state), **page(self.name, state)}
        listing = "".join(f"100644 blob {self._blob(t)}\t{n}\n" for n, t in sorted(files.items()))
        tree = self._git("mktree", given=listing)
        parents = ["-p", parent] if parent else []
        commit = self._git("commit-tree", tree, *parents, "-m", why)
        lease = f"--force-with-lease=refs/heads/{self.branch}:{parent or ''}"
        pushed = self._run("push", "--quiet", lease, REMOTE, f"{commit}:refs/heads/{self.branch}")
        if pushed.returncode and not REFUSED.search(pushed.stderr):
            raise self._stop(pushed.stderr)
        return pushed.returncode == 0

    def _blob(self, text: str) -> str:
        return self._git("hash-object", "-w", "--stdin", given=text)

    def _git(self, *arguments: str, given: str | None = None) -> str:
        done = self._run(*arguments, given=given)
        if done.returncode:
            raise self._stop(done.stderr)
        return done.stdout.strip()

    def _run(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        git = shutil.which("git")
        if git is None:
            raise Stop(Status.SETTINGS, "git is missing: install it, then run this again.")
        return subprocess.run(
            [git, *arguments],
            cwd=self.root,
            input=given,
            env={**os.environ, **_author(), **access()},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def _stop(self, message: str) -> Stop:
        lines = [line for line in message.strip().splitlines() if line.strip()] or ["no reason"]
        hint = f"The state is at the git remote {REMOTE}: it has to let you read and push."
        return Stop(Status.SETTINGS, f"git: {lines[0]} {hint}")


def access() -> dict[str, str]:
    """GH_TOKEN, where a job has one, for GitHub alone; it is never written to a file."""
    token = os.environ.get("GH_TOKEN")
    if not token:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
    }


def _author() -> Mapping[str, str]:
    keys = {"NAME": NAME, "EMAIL": EMAIL}
    who = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in keys.items()}
    return {**who, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
