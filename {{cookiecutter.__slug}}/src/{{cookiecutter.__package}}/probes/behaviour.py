"""The user's sentences about single rows: tests/model/test_behaviour.py, asked of the bundle."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from ..evidence import Guard

TESTS = Path("tests", "model", "test_behaviour.py")
BUNDLE = "ML_BUNDLE"
SECONDS = 600


def behaviour(root: Path, folder: Path) -> Guard:
    """Run the file by pytest in a process of its own; the model is the bundle in `folder`."""
    if not (root / TESTS).is_file():
        return Guard("behaviour", "block", None, f"there is no {TESTS.as_posix()}")
    if importlib.util.find_spec("pytest") is None:
        return Guard("behaviour", "block", None, "pytest is not installed")
    with tempfile.TemporaryDirectory(prefix="ml-behaviour-") as scratch:
        report = Path(scratch, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no"]
        command += [f"--junitxml={report}", str(TESTS)]
        try:
            subprocess.run(
                command,
                cwd=root,
                env={**os.environ, BUNDLE: str(folder)},
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Guard("behaviour", "block", False, f"no answer within {SECONDS} s")
        if not report.is_file():
            return Guard("behaviour", "block", False, f"pytest could not run {TESTS.as_posix()}")
        return _judge(ET.parse(report).getroot())  # noqa: S314 - pytest wrote it a moment ago


def _judge(report: ET.Element) -> Guard:
    cases = list(report.iter("testcase"))
    bad = [one for one in cases if one.find("failure") is not None or one.find("error") is not None]
    asked = [one for one in cases if one.find("skipped") is None]
    if bad:
        names = ", ".join(_sentence(one.get("name", "")) for one in bad[:3])
        return Guard("behaviour", "block", False, f"{len(bad)} of {len(asked)} fail: {names}")
    if not asked:
        return Guard("behaviour", "block", None, "no sentence about this model is written yet")
    return Guard("behaviour", "block", True, f"{len(asked)} sentences hold")


def _sentence(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")
