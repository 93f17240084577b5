"""The real parts that a workflow meets: a git remote, a registry, an engine, and GitHub's fake.

The fixtures that start them are in parts.py.
"""

import hashlib
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rest
from conftest import need
from github import GitHub
from real_servers import free_port, wait_until

QUIET = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "gc.auto=0"]
REGISTRY = """version: 0.1
log: {{ level: error, accesslog: {{ disabled: true }} }}
storage: {{ filesystem: {{ rootdirectory: {folder} }}, delete: {{ enabled: true }} }}
http: {{ addr: "{address}" }}
"""
GUARD = """auth: {{ htpasswd: {{ realm: test, path: {file} }} }}
"""
# octocat, with GitHub.token as the password: what `docker login` in a workflow has at hand
LOGIN = "octocat:$2b$04$8MzKSqZUiW4RMZcB5gbHs.SZU5HR6q/P/EA9YMcYqmq2KagcLliSK\n"


def git(folder: Path, *command: str) -> str:
    """Run git as the test's own user; returns what it prints."""
    done = subprocess.run(
        ["git", *QUIET, *command], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"git {' '.join(command)}\n{done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Services:
    """Where everything is; one test's world."""

    folder: Path  # the test's own
    remote: Path  # a bare repository
    github: GitHub
    registry: str = ""  # host:port, plain HTTP
    docker: str = ""  # DOCKER_HOST

    @property
    def attestations(self) -> Path:
        """What actions/attest stated so far, a line each; it outlives a run."""
        path = self.folder / "attestations.jsonl"
        path.touch()
        return path

    def publish(self, folder: Path, message: str = "Change") -> str:
        """Commit everything in a project and push its main branch; returns the commit."""
        if not (folder / ".git").exists():
            git(folder, "init", "--quiet", "--initial-branch=main")
            git(folder, "remote", "add", "origin", f"https://github.com/{self.github.repository}")
        git(folder, "add", "--all")
        if git(folder, "status", "--porcelain"):
            git(folder, "commit", "--quiet", "--no-verify", f"--message={message}")
        git(folder, "push", "--quiet", self.remote.as_uri(), "HEAD")
        return git(folder, "rev-parse", "HEAD")


@contextmanager
def world(folder: Path) -> Iterator[Services]:
    """A bare remote and a fake GitHub."""
    folder.mkdir(parents=True, exist_ok=True)
    remote = folder / "remote.git"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(remote, "config", "uploadpack.allowAnySHA1InWant", "true")
    with rest.serve(GitHub()) as github:
        yield Services(folder, remote, github)


@contextmanager
def registry_server(folder: Path, guarded: bool = False) -> Iterator[str]:
    """Debian's docker-registry; yields host:port. Guarded, it wants a login for everything."""
    address = f"127.0.0.1:{free_port()}"
    settings = folder / "registry.yml"
    text = REGISTRY.format(folder=folder / "blobs", address=address)
    if guarded:
        (folder / "htpasswd").write_text(LOGIN, encoding="utf-8")
        text += GUARD.format(file=folder / "htpasswd")
    settings.write_text(text, encoding="utf-8")
    with (folder / "registry.log").open("wb") as log:
        command = [need("docker-registry"), "serve", str(settings)]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: _listens(address), server)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def pointer(place: str) -> str:
    """The digest that a tag, HOST/NAME:TAG, of a registry points to."""
    command = ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{place}"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def connect(folder: Path, remote: Path) -> None:
    """Make a folder a checkout of the remote, with no state of its own."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "remote", "add", "origin", remote.as_uri())
