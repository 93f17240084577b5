"""Refuses answers that would make a broken project, in one line, before anything is written."""

import json
import keyword
import re
import sys

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
WINDOWS = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
# Top-level modules of what the project installs; a test keeps the list true.
TAKEN = set("""
MODULES
""".split())


def refusal(answers: dict) -> str | None:
    """Why these answers will not do; None when they will."""
    package, slug = answers["__package"], answers["__slug"]
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", package) or not re.search("[a-z]", package):
        return f"project_slug {answers['project_slug']!r}: use letters, digits and hyphens."
    taken = package in sys.stdlib_module_names | TAKEN | WINDOWS or keyword.iskeyword(package)
    if taken or slug.replace("_", "-") in TAKEN:
        return f"project_slug {slug!r} is the name of a module or reserved; try '{slug}-model'."
    if not re.fullmatch(r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}", answers["github_owner"]):
        return f"github_owner {answers['github_owner']!r} is no GitHub name: letters, digits and single hyphens."
    for key in ("project_name", "description", "author"):
        if re.search(r"[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff\ufffe\uffff]", answers[key]):
            return f"{key} has control characters: type it without them."
    return None


if reason := refusal(ANSWERS):
    sys.exit(f"cookiecutter-ml-cicd: {reason}")
