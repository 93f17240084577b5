"""actions/checkout: fetches from the test's bare repository, with the depth that was asked for.

Reading works for everybody. Pushing works where credentials persist, and fails otherwise: the
run's git configuration turns every push to GitHub's address without a token into an error.
"""

import os
import re
import subprocess

from toolkit import WORKSPACE, fail, inputs, output, record, yes

REMOTE = os.environ["ML_TEST_REMOTE"]


def wanted(ref: str) -> tuple[str, str]:
    """The commit, and the branch to be on; no branch means a detached head."""
    if not ref:
        now = os.environ["GITHUB_REF"]
        branch = now.removeprefix("refs/heads/") if now.startswith("refs/heads/") else ""
        return os.environ["GITHUB_SHA"], branch
    if re.fullmatch("[0-9a-f]{40}", ref):
        return ref, ""
    short = re.sub("^refs/(heads|tags)/", "", ref)
    listed = subprocess.run(
        ["git", "ls-remote", REMOTE], capture_output=True, text=True, check=True
    )
    commits = {name: commit for commit, name in map(str.split, listed.stdout.splitlines())}
    if f"refs/heads/{short}" in commits:
        return commits[f"refs/heads/{short}"], short
    for name in (f"refs/tags/{short}^{{}}", f"refs/tags/{short}", ref):
        if name in commits:
            return commits[name], ""
    fail(f"A branch or tag with the name '{ref}' could not be found")


def main() -> None:
    """Check out."""
    given = inputs()
    if given["repository"] not in ("", os.environ["GITHUB_REPOSITORY"]):
        fail(f"there is no repository {given['repository']} in this test")
    folder = WORKSPACE / given["path"]
    folder.mkdir(parents=True, exist_ok=True)
    commit, branch = wanted(given["ref"])

    def git(*command: str) -> None:
        if subprocess.run(["git", *command], cwd=folder).returncode:
            fail(f"git {command[0]} failed")

    git("init", "--quiet", "--initial-branch", branch or "main")
    if not (folder / ".git/refs/remotes/origin").exists():
        address = f"{os.environ['GITHUB_SERVER_URL']}/{os.environ['GITHUB_REPOSITORY']}"
        git("config", "remote.origin.url", address)
        git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    if given["fetch-depth"] == "0":
        git("fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
    depth = [] if given["fetch-depth"] == "0" else [f"--depth={given['fetch-depth']}"]
    spec = f"+{commit}:refs/remotes/origin/{branch}" if branch else commit
    git("fetch", "--quiet", "--no-tags", *depth, "origin", spec)
    if branch:
        git("checkout", "--quiet", "--force", "-B", branch, f"refs/remotes/origin/{branch}")
    else:
        git("checkout", "--quiet", "--force", "--detach", commit)
    if yes(given["persist-credentials"]):
        git("config", "remote.origin.pushurl", REMOTE)
    record("actions/checkout", ref=given["ref"], commit=commit, path=given["path"])
    output(ref=given["ref"] or os.environ["GITHUB_REF"], commit=commit)


main()
