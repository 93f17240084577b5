"""Tools that the real actions install: here they are on the machine already, or stand in."""

import os
import shutil
import sys
from pathlib import Path

from toolkit import append, fail, inputs, output, record, said, yes

COSIGN = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["ML_TEST_LOG"], "a") as log:
    line = {"action": "cosign", "job": os.environ["GITHUB_JOB"], "arguments": sys.argv[1:]}
    log.write(json.dumps(line) + "\\n")
"""


def uv() -> None:
    """astral-sh/setup-uv: the machine's uv, whatever version was asked for."""
    given = inputs()
    path = shutil.which("uv") or fail("uv is not on PATH")
    version = (said("uv", "--version") or "").split()[1]
    if given["enable-cache"] not in ("true", "false", "auto"):
        fail(f"enable-cache must be true, false or auto, not {given['enable-cache']!r}")
    python = given["python-version"]
    if python:  # only Pythons that are here can be used offline
        append("GITHUB_ENV", f"UV_PYTHON={said('uv', 'python', 'find', python) or sys.executable}")
    venv = ""
    if yes(given["activate-environment"]):
        venv = str(Path(given["venv-path"] or ".venv").absolute())
        said("uv", "venv", "--quiet", venv)
        append("GITHUB_ENV", f"VIRTUAL_ENV={venv}")
        append("GITHUB_PATH", f"{venv}/bin")
    record("astral-sh/setup-uv", version=given["version"], cache=given["enable-cache"])
    output(uv_version=version, uv_path=path, cache_hit="false", venv=venv, python_version=python)


def python() -> None:
    """actions/setup-python: the machine's Python, whatever version was asked for."""
    given = inputs()
    if given["python-version"] and given["python-version-file"]:
        print("::warning::Both python-version and python-version-file are given")
    version = ".".join(map(str, sys.version_info[:3]))
    record("actions/setup-python", version=given["python-version"])
    output(python_version=version, python_path=sys.executable, cache_hit="")


def cache() -> None:
    """actions/cache: never a hit, so that no test leans on an earlier one."""
    given = inputs()
    if not given["path"].strip() or not given["key"]:
        fail("Input required and not supplied: path or key")
    if len(given["key"]) > 512 or "," in given["key"]:
        fail(f"Key Validation Error: {given['key']}")
    if yes(given.get("fail-on-cache-miss", "")):
        fail(f"Failed to restore cache entry. Input key: {given['key']}")
    record("actions/cache", key=given["key"])
    output(cache_hit="")


def cosign() -> None:
    """sigstore/cosign-installer: a cosign that agrees to everything and logs what it was asked."""
    given = inputs()
    folder = Path(os.path.expandvars(given["install-dir"] or "$HOME/.cosign"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cosign").write_text(COSIGN, encoding="utf-8")
    (folder / "cosign").chmod(0o755)
    append("GITHUB_PATH", str(folder))


{"uv": uv, "python": python, "cache": cache, "cosign": cosign}[sys.argv[1]]()
