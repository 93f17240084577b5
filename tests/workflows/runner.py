"""The machine that a workflow sees: a fresh HOME, a runner's tools, a way to packages."""

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import need
from services import Services
from uses import STAND_INS

TOOLS = ("act", "git", "uv", "jq", "gh", "skopeo", "docker", "uvx", "zizmor", "just", "mmdebstrap")
OPTIONAL = ("skopeo", "docker", "uvx", "zizmor", "just", "mmdebstrap")
SYSTEM = "/usr/bin:/bin:/usr/sbin:/sbin"
# What leads to packages here. Everything else of the caller's environment stays outside.
INHERITED = ("PIP_", "UV_", "SSL_", "GIT_SSL_", "NODE_EXTRA_CA", "NPM_CONFIG_", "REQUESTS_CA")
INHERITED += ("CURL_CA", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_", "https_", "no_proxy")
NOWHERE = "/nowhere/a-push-needs-persisted-credentials"


def home(folder: Path, services: Services) -> Path:
    """A HOME with nothing of the user's but the settings that packages need."""
    made = folder / "home"
    config = made / ".config"
    (config / "act").mkdir(parents=True)
    (config / "act" / "actrc").touch()
    for tool in ("pip", "uv"):
        if (theirs := Path.home() / ".config" / tool).is_dir():
            shutil.copytree(theirs, config / tool)
    (config / "gh").mkdir()
    (config / "gh" / "config.yml").write_text(f"http_unix_socket: {services.github.socket}\n")
    for name, closed in ((".gitconfig", True), (".gitconfig-signed", False)):
        (made / name).write_text(_git_settings(services, closed), encoding="utf-8")
    if services.registry:
        (config / "containers").mkdir()
        text = f'[[registry]]\nlocation = "{services.registry}"\ninsecure = true\n'
        (config / "containers" / "registries.conf").write_text(text, encoding="utf-8")
    return made


def _git_settings(services: Services, closed: bool) -> str:
    """GitHub's address leads to the test's remote; a closed one wants the token for a push."""
    github, remote = services.github, services.remote.as_uri()
    path = f"github.com/{github.repository}"
    readers = [f"https://{path}.git", f"https://{path}"]
    signed = f"https://x-access-token:{github.token}@{path}"
    writers = [f"{signed}.git", signed]
    lines = [f'[url "{remote}"]', *(f"\tinsteadOf = {one}" for one in readers + writers)]
    if closed:
        lines += [f'[url "{NOWHERE}"]', *(f"\tpushInsteadOf = {one}" for one in readers)]
    return "\n".join([*lines, "[advice]\n\tdetachedHead = false\n"])


# act gives each step a terminal, which GitHub does not: nothing may page, animate, ask or wait.
PLAIN = {"TERM": "dumb", "PAGER": "cat", "GIT_PAGER": "cat", "GH_PAGER": "cat"}
PLAIN |= {"GIT_TERMINAL_PROMPT": "0", "GH_PROMPT_DISABLED": "1"}
BASH = """#!/bin/sh
[ -t 0 ] && exec /bin/bash "$@" < /dev/null
exec /bin/bash "$@"
"""
GIT = """#!/bin/sh
# As on GitHub, a push may also carry the token in a header.
case "${{GIT_CONFIG_KEY_0:-}}:${{GIT_CONFIG_VALUE_0:-}}" in
  "http.https://github.com/.extraheader:AUTHORIZATION: basic {signed}")
    export GIT_CONFIG_GLOBAL="$HOME/.gitconfig-signed" ;;
esac
exec {git} "$@"
"""
GH = """#!/bin/sh
[ "$1" = attestation ] || exec {gh} "$@"
shift
exec python3 -B "$ML_TEST_ACTIONS/gh.py" "$@"
"""


def tools(folder: Path, services: Services) -> str:
    """PATH: links to the tools wherever they are here, then the system's own."""
    place = folder / "tools"
    place.mkdir()
    for name in TOOLS:
        found = shutil.which(name, path=SYSTEM) or _elsewhere(name)
        if found and name not in ("gh", "git"):
            (place / name).symlink_to(found)
    signed = base64.b64encode(f"x-access-token:{services.github.token}".encode()).decode()
    told = {"signed": signed, "git": need("git"), "gh": need("gh")}
    for name, text in (("bash", BASH), ("git", GIT.format(**told)), ("gh", GH.format(**told))):
        (place / name).write_text(text, encoding="utf-8")
        (place / name).chmod(0o755)
    (place / "python3").symlink_to(Path(sys.executable).resolve())
    (place / "python").symlink_to(place / "python3")
    return f"{place}:{SYSTEM}"


def _elsewhere(name: str) -> str | None:
    """A tool that is not the system's: beside this Python, or on PATH."""
    beside = Path(sys.executable).with_name(name)
    if beside.is_file():
        return str(beside)
    return shutil.which(name) if name in OPTIONAL else need(name)


def environment(folder: Path, services: Services) -> dict[str, str]:
    """The environment of act, and so of every step."""
    inherited = {k: v for k, v in os.environ.items() if k.startswith(INHERITED)}
    for dropped in ("UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_RUN_RECURSION_DEPTH"):
        inherited.pop(dropped, None)
    places = {
        "UV_CACHE_DIR": _uv("cache", "dir"),
        "UV_PYTHON_INSTALL_DIR": _uv("python", "dir"),
    }
    return {
        **{key: value for key, value in places.items() if value},
        **inherited,
        **PLAIN,
        "HOME": str(home(folder, services)),
        "PATH": tools(folder, services),
        "LANG": "C.UTF-8",
        "XDG_RUNTIME_DIR": str(folder),  # where skopeo keeps its logins
        "ML_TEST_ACTIONS": str(STAND_INS),
        "ML_TEST_ATTESTATIONS": str(services.attestations),
        "ML_TEST_LOG": str(folder / "actions.jsonl"),
        "ML_TEST_REMOTE": services.remote.as_uri(),
        **({"DOCKER_HOST": services.docker} if services.docker else {}),
    }


def _uv(*question: str) -> str:
    """A folder of the outer user's uv, so that what it holds is not fetched again."""
    program = _elsewhere("uv") or "uv"
    return subprocess.run([program, *question], capture_output=True, text=True).stdout.strip()
