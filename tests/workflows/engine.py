"""A real Docker engine, and the base image where none can be pulled."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from conftest import PROJECT, need

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # another docker earlier on PATH may be a bare client
SCRATCH = Path(tempfile.gettempdir(), f"ml-test-engine-{os.getuid()}")
PLANS: tuple[list[str], ...] = ([], ["--storage-driver=vfs"], ["--bridge=none", "--iptables=false"])
LABEL = "ml-test-base"
RAW = "ml-test-base:raw"  # BuildKit starts from names only, never from an image's id
PACKAGES = "ca-certificates,python3,python3-pip,python3-venv"
UNREAD = ("doc", "man", "locale", "info")  # the official slim images leave them out too
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# What the official image has: `python` and `pip`, free to install. And this machine's way out.
DOCKERFILE = """FROM {raw}
COPY authorities {authorities}
COPY pip.conf /etc/pip.conf
COPY uv.toml /etc/uv/uv.toml
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s /usr/bin/python3 /usr/local/bin/python
ENV {settings}
CMD ["python3"]
"""


def client() -> str:
    """A docker client that can build: the system's, or else the first on PATH."""
    return shutil.which("docker", path=PATH) or need("docker")


def docker(host: str, *command: str, **more: object) -> subprocess.CompletedProcess:
    """Run Debian's docker client against an engine."""
    environment = {**os.environ, "DOCKER_BUILDKIT": "1", **({"DOCKER_HOST": host} if host else {})}
    options = {"capture_output": True, "text": True, "timeout": 900, **more}
    return subprocess.run([client(), *command], env=environment, **options)  # type: ignore[call-overload]


def answers(host: str) -> bool:
    """Whether an engine is there."""
    return docker(host, "info").returncode == 0


@contextlib.contextmanager
def engine() -> Iterator[str]:
    """DOCKER_HOST of an engine: one that runs already, or ours, which processes share."""
    if answers(""):
        yield os.environ.get("DOCKER_HOST", "")
        return
    SCRATCH.mkdir(exist_ok=True)
    host = f"unix://{SCRATCH}/docker.sock"
    with (SCRATCH / "users").open("w") as users:
        with _alone("starting"):
            fcntl.flock(users, fcntl.LOCK_SH)
            if not answers(host):
                _start(host)
        try:
            yield host
        finally:
            with _alone("starting"):
                _stop_if_last(host, users.fileno())


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    with (SCRATCH / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(host: str) -> None:
    """Start dockerd: with its defaults, or else with less."""
    for plan in PLANS:
        places = [f"--data-root={SCRATCH}/data", f"--exec-root={SCRATCH}/exec"]
        command = ["dockerd", "-H", host, *places, f"--pidfile={SCRATCH}/pid", *plan]
        program = shutil.which("dockerd", path=PATH) or need("dockerd")
        with (SCRATCH / "log").open("wb") as log:
            daemon = subprocess.Popen(
                [program, *command[1:]],
                env={**os.environ, "PATH": PATH},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while daemon.poll() is None and time.monotonic() < end:
            if answers(host):
                return
            time.sleep(0.3)
        if daemon.poll() is None:
            daemon.terminate()
            daemon.wait(30)
        shutil.rmtree(SCRATCH / "data", ignore_errors=True)
    raise RuntimeError((SCRATCH / "log").read_text(errors="replace")[-3000:])


def _stop_if_last(host: str, users: int) -> None:
    """End the daemon that we started unless another process still uses it."""
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    _empty(host)
    pid = int((SCRATCH / "pid").read_text())
    os.kill(pid, 15)
    end = time.monotonic() + 60
    while (SCRATCH / "pid").exists() and time.monotonic() < end:
        time.sleep(0.1)
    with contextlib.suppress(ChildProcessError):  # it may be another process's child
        os.waitpid(pid, 0)


def _empty(host: str) -> None:
    """Leave nothing that a test made; the base image and fresh layers spare the next session."""
    if containers := docker(host, "ps", "--all", "--quiet").stdout.split():
        docker(host, "rm", "--force", *containers)
    names = docker(host, "images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    kept = (base_name(), RAW.split(":")[0])
    if made := [one for one in names if not one.startswith(kept) and "<none>" not in one]:
        docker(host, "rmi", "--force", *made)
    for kind in ("image", "volume", "network"):
        docker(host, kind, "prune", "--force")
    docker(host, "builder", "prune", "--force", "--filter", "until=2h")


def training_image(host: str, project: Path, name: str) -> str:
    """Build a project's deploy/training.Dockerfile; returns the image's name."""
    file = project / "deploy" / "training.Dockerfile"
    done = docker(host, "build", "--quiet", f"--file={file}", f"--tag={name}", str(project))
    assert done.returncode == 0, done.stderr
    return name


def base_name() -> str:
    """The image that the projects' Dockerfile starts from."""
    text = (PROJECT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"^ARG BASE=(\S+)$", text, re.M)
    assert found, "the Dockerfile names no BASE"
    return found.group(1)


def base_image(host: str) -> str:
    """See that the base image is there: pulled, or made of Debian's Python; returns its name."""
    name = base_name()
    asked = docker(
        host, "image", "inspect", "--format", f'{{{{index .Config.Labels "{LABEL}"}}}}', name
    )
    if asked.returncode == 0 and asked.stdout.strip() in ("", _key()):
        return name
    if docker(host, "pull", "--quiet", name).returncode == 0:
        return name
    with _alone("base"), _tarball().open("rb") as tarball:
        done = docker(host, "import", "-", RAW, stdin=tarball)
    assert done.returncode == 0, done.stderr
    with tempfile.TemporaryDirectory() as folder:
        _context(Path(folder))
        label = f"--label={LABEL}={_key()}"
        done = docker(host, "build", "--quiet", label, f"--tag={name}", folder)
    assert done.returncode == 0, done.stderr
    return name


def _context(folder: Path) -> None:
    """What turns Debian with a Python into what the Dockerfile expects, on this machine."""
    shutil.copy(AUTHORITIES, folder / "authorities")
    (folder / "pip.conf").write_text(f"[global]\ncert = {AUTHORITIES}\n{_index('pip')}")
    (folder / "uv.toml").write_text(_index("uv"))
    settings = f"SSL_CERT_FILE={AUTHORITIES} UV_PYTHON_DOWNLOADS=never"
    text = DOCKERFILE.format(raw=RAW, authorities=AUTHORITIES, settings=settings)
    (folder / "Dockerfile").write_text(text)


def _index(tool: str) -> str:
    """The package index of this machine, where one is set, in the tool's own words."""
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    url = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
    url = url or subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    if not url:
        return ""
    return (
        f"index-url = {url}\n" if tool == "pip" else f'[[index]]\nurl = "{url}"\ndefault = true\n'
    )


def _key() -> str:
    """Changes with whatever the base image is made of."""
    parts = (PACKAGES, UNREAD, DOCKERFILE, _sources(), _index("pip"), AUTHORITIES.read_bytes())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _tarball() -> Path:
    """Debian with a Python, made once and kept between sessions."""
    path = SCRATCH / f"base-{_key()}.tar"
    if path.exists():
        return path
    release = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.M)
    assert release, "the system does not say which Debian it is"
    for stale in SCRATCH.glob("base-*.tar"):
        stale.unlink()
    part = SCRATCH / "part.tar"
    command = [need("mmdebstrap"), "--quiet", "--variant=apt", f"--include={PACKAGES}"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in UNREAD]
    command += [release.group(1), str(part), *_sources()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return part.rename(path)


def _sources() -> list[str]:
    """The archives of the distribution itself that this machine installs from."""
    pattern = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", pattern, "Created-By: Packages"]
    command += ["Origin: Debian"]
    told = subprocess.run(command, capture_output=True, text=True).stdout
    return sorted(set(told.splitlines()))
