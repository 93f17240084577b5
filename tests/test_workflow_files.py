"""The workflows as files: what act does not look at, and what no linter knows."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import PROJECT, TEMPLATE, bake_into, need

GITHUB = PROJECT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
TEMPLATES_OWN = sorted((TEMPLATE / ".github" / "workflows").glob("*.yml"))
EVERY = [*WORKFLOWS, *ACTIONS, *TEMPLATES_OWN]
DEPLOYS = ("registry", "compose-ssh", "kubernetes", "aws")
LOOK = {"contents": "read"}
SHIP = {"contents": "write", "packages": "write", "id-token": "write"}
PUBLISH = {**SHIP, "attestations": "write"}
FETCH = {**LOOK, "packages": "read"}
TELL = {**LOOK, "issues": "write"}
PERMISSIONS = {
    ("ci", "lint"): LOOK,
    ("ci", "test"): LOOK,
    ("ci", "train"): FETCH,
    ("ci", "image"): LOOK,
    ("ci", "comment"): {**LOOK, "pull-requests": "write"},
    ("ci", "ok"): {},
    ("ct", "train"): FETCH,
    ("ct", "image"): LOOK,
    ("ct", "publish"): PUBLISH,
    ("ct", "deploy"): SHIP,
    ("ct", "report"): TELL,
    ("deploy", "staging"): SHIP,
    ("deploy", "production"): SHIP,
    ("monitor", "watch"): FETCH,
    ("monitor", "retrain"): {**PUBLISH, "issues": "write"},
    ("monitor", "report"): TELL,
    ("rollback", "target"): LOOK,
    ("rollback", "deploy"): SHIP,
    ("security", "workflows"): LOOK,
    ("security", "dependencies"): LOOK,
    ("security", "vulnerabilities"): LOOK,
    ("security", "scorecard"): LOOK,
}
OWN_PERMISSIONS = {
    **{("ci", job): LOOK for job in ("sources", "bake", "generated", "loop", "workflows")},
    ("ci", "updates"): LOOK,
    ("ci", "ok"): {},
    ("canary", "newest"): LOOK,
    ("canary", "report"): TELL,
    ("demo", "bake"): LOOK,
    ("demo", "push"): LOOK,
    ("release", "ci"): LOOK,
    ("release", "release"): {"contents": "write"},
}
SYSTEMS = {"ubuntu-24.04", "macos-15", "windows-2025"}
TRIGGERS = {
    "ci": {"pull_request", "push", "merge_group"},
    "ct": {"schedule", "workflow_dispatch", "repository_dispatch", "push", "workflow_call"},
    "deploy": {"workflow_call"},
    "monitor": {"schedule", "workflow_dispatch"},
    "rollback": {"workflow_dispatch"},
    "security": {"pull_request", "schedule"},
}


def name(path: Path) -> str:
    return path.relative_to(TEMPLATE).as_posix().replace("{{cookiecutter.__slug}}", "product")


def read(path: Path) -> dict[str, Any]:
    """YAML whose `on` is a word: 1.1 reads it as a boolean."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    if True in found:
        found["on"] = found.pop(True)
    return found


def jobs(path: Path) -> dict[str, dict]:
    return read(path).get("jobs", {})


def steps(path: Path) -> Iterator[dict]:
    for job in jobs(path).values():
        yield from job.get("steps", [])
    yield from read(path).get("runs", {}).get("steps", [])


def test_triggers_and_permissions_are_those_that_were_thought_about():
    assert {path.stem: set(read(path)["on"]) for path in WORKFLOWS} == TRIGGERS
    given = {
        (p.stem, job): facts["permissions"] for p in WORKFLOWS for job, facts in jobs(p).items()
    }
    assert given == PERMISSIONS
    own = {
        (p.stem, job): facts["permissions"] for p in TEMPLATES_OWN for job, facts in jobs(p).items()
    }
    assert own == OWN_PERMISSIONS


def test_a_push_of_anything_that_a_training_reads_starts_one():
    """Of what the image that trains is given, all but the page that nobody trains on."""
    watched = read(GITHUB / "workflows" / "ct.yml")["on"]["push"]["paths"]
    for given in ("src/**", "data/**", "tests/model/**", "*.toml", "*.yaml", "*.json", "uv.lock"):
        assert given in watched
    ignored = (PROJECT / "deploy" / "training.Dockerfile.dockerignore").read_text("utf-8")
    queries = [line[1:] for line in ignored.splitlines() if line.endswith(".sql")]
    assert queries == ["**/*.sql"]
    assert set(queries) <= set(watched)


@pytest.mark.parametrize("path", [*WORKFLOWS, *TEMPLATES_OWN], ids=name)
def test_a_workflow_begins_with_no_right_and_every_job_has_a_name_and_an_end(path):
    found = read(path)
    assert found["permissions"] == {}
    called = set(found["on"]) == {"workflow_call"}
    assert called or "concurrency" in found
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 150
    for job in found["jobs"].values():
        assert job["name"]
        assert "continue-on-error" not in job
        systems = {job.get("runs-on", "ubuntu-24.04")}
        if systems == {"${{ matrix.os }}"} and path in TEMPLATES_OWN:
            systems = set(job["strategy"]["matrix"]["os"])
        assert systems <= SYSTEMS if path in TEMPLATES_OWN else systems == {"ubuntu-24.04"}
        assert "uses" in job or job["timeout-minutes"]


@pytest.mark.parametrize("path", [*WORKFLOWS, *TEMPLATES_OWN], ids=name)
def test_what_runs_the_users_code_cannot_write(path):
    """Setting up means installing and importing; only a server's clients do it beside a token."""
    for job in jobs(path).values():
        writes = "write" in {
            v for k, v in job["permissions"].items() if k in ("contents", "packages")
        }
        used = {step.get("uses", "") for step in job.get("steps", [])}
        if writes:
            assert not used & {f"./.github/actions/{x}" for x in ("setup", "train", "image")}
            assert not [u for u in used if u.startswith(("astral-sh/", "actions/setup-python"))]
        assert "pull_request_target" not in read(path)["on"]
        assert "workflow_run" not in read(path)["on"]


def test_actions_that_jobs_with_tokens_use_install_for_a_server_alone():
    for action in ("publish", "environment"):
        for step in steps(GITHUB / "actions" / action / "action.yml"):
            if step.get("uses") == "./.github/actions/setup":
                assert step["if"] == "env.MLFLOW_TRACKING_URI != ''"
                assert step["with"] == {"cache": "false"}


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_no_value_is_spliced_into_a_shell(path):
    for step in steps(path):
        assert "${{" not in step.get("run", ""), step["name"]


@pytest.mark.parametrize("path", [*WORKFLOWS, *TEMPLATES_OWN], ids=name)
def test_no_pipe_hides_a_failure(path):
    """Without `shell: bash` a step has no pipefail: the last command alone would count."""
    for step in steps(path):
        assert "|" not in re.sub(r"\|\||'[^']*'|\"[^\"]*\"", "", step.get("run", "")), step["name"]


def test_one_commit_for_each_action_with_its_version_beside_it():
    pins: dict[str, set[str]] = {}
    for path in EVERY:
        for line in path.read_text(encoding="utf-8").splitlines():
            if found := re.search(r"uses: ([^.\s]\S*?)@(.*)$", line):
                assert re.fullmatch(r"[0-9a-f]{40} # v\d+(\.\d+)+", found[2]), line
                pins.setdefault(found[1], set()).add(found[2])
    assert len(pins) > 8
    assert not {action: seen for action, seen in pins.items() if len(seen) > 1}


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_what_is_used_of_the_repository_exists(path):
    for used in re.findall(r"uses: \./(\S+)", path.read_text(encoding="utf-8")):
        place = (TEMPLATE if path in TEMPLATES_OWN else PROJECT) / used
        assert place.is_file() or (place / "action.yml").is_file(), used
    for script in re.findall(r"(?:ba)?sh (\.github/\w+|deploy/\w+\.sh)", path.read_text("utf-8")):
        places = [PROJECT, PROJECT / "_options" / "deploy" / "registry"]
        places = [TEMPLATE] if path in TEMPLATES_OWN else places
        assert any((place / script).is_file() for place in places), script


@pytest.mark.parametrize("path", EVERY, ids=name)
def test_no_version_is_a_number_to_yaml(path):
    """3.10 without quotes is 3.1."""
    assert not re.findall(r"(?:version|python)\w*: [\[]?\d+\.\d+", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_secrets_are_inherited_by_workflows_of_this_repository_alone(path):
    for job in jobs(path).values():
        if "secrets" in job:
            assert job["uses"].startswith("./.github/workflows/")


def test_the_one_required_check_waits_for_every_job():
    found = jobs(GITHUB / "workflows" / "ci.yml")
    assert set(found["ok"]["needs"]) == set(found) - {"ok"}
    rules = json.loads((GITHUB / "rulesets" / "main.json").read_text(encoding="utf-8"))["rules"]
    (checks,) = [r["parameters"] for r in rules if r["type"] == "required_status_checks"]
    assert [c["context"] for c in checks["required_status_checks"]] == [found["ok"]["name"]]
    own = jobs(TEMPLATE / ".github" / "workflows" / "ci.yml")
    assert set(own["ok"]["needs"]) == set(own) - {"ok"}


def needs(**results: str) -> str:
    return json.dumps({job: {"result": result} for job, result in results.items()})


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ({"lint": "success", "test": "success", "train": "success"}, 0),
        ({"lint": "success", "test": "success", "train": "skipped", "image": "skipped"}, 0),
        ({"lint": "success", "test": "skipped"}, 1),
        ({"lint": "failure", "test": "success", "train": "skipped"}, 1),
        ({"lint": "success", "test": "cancelled"}, 1),
        ({"train": "failure"}, 1),
    ],
)
def test_the_aggregate_accepts_only_what_may_be_skipped(results, status):
    (step,) = jobs(GITHUB / "workflows" / "ci.yml")["ok"]["steps"]
    done = subprocess.run(
        [need("bash"), "-euo", "pipefail", "-c", step["run"]],
        env={"NEEDS": needs(**results), "PATH": "/usr/bin:/bin"},
        capture_output=True,
    )
    assert (done.returncode != 0) == bool(status), done.stderr


OWN_SCRIPTS = ("canary", "demo", "notes")


@pytest.fixture(scope="module", params=DEPLOYS)
def repository(request, tmp_path_factory) -> Path:
    """A generated repository, as git sees it: only there are local actions resolved."""
    folder = bake_into(tmp_path_factory.mktemp(request.param), deploy=request.param)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


LINTERS = {
    "zizmor": ["zizmor", "--offline", "--strict-collection", "--persona=pedantic", "."],
    "actionlint": ["actionlint"],
    "workflows": ["check-jsonschema", "--builtin-schema=vendor.github-workflows", "W"],
    "timeouts": [
        "check-jsonschema",
        "--builtin-schema=custom.github-workflows-require-timeout",
        "W",
    ],
    "actions": ["check-jsonschema", "--builtin-schema=vendor.github-actions", "A"],
    "dependabot": ["check-jsonschema", "--builtin-schema=vendor.dependabot", "D"],
    "forms": ["check-jsonschema", "--builtin-schema=vendor.github-issue-forms", "F"],
    "shellcheck": ["shellcheck", "S"],
    "hadolint": ["hadolint", "deploy/Dockerfile", "deploy/training.Dockerfile"],
}
FILES = {
    "W": [".github/workflows/*.yml"],
    "A": [".github/actions/*/action.yml"],
    "D": [".github/dependabot.yml"],
    "F": [".github/ISSUE_TEMPLATE/[!c]*.yml", ".github/ISSUE_TEMPLATE/ch*.yml"],
    "S": [
        ".github/state", ".github/train", ".github/login", ".github/issue", ".github/comment",
        ".github/summary", ".github/monitor", "deploy/*.sh",
    ],
}  # fmt: skip


def lint(linter: str, repository: Path) -> None:
    program, *rest = LINTERS[linter]
    found = [
        str(path)
        for part in rest
        for pattern in FILES.get(part, [])
        for path in sorted(repository.glob(pattern))
    ]
    options = [part for part in rest if part not in FILES]
    done = subprocess.run(
        [need(program), *options, *found], cwd=repository, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("linter", LINTERS)
def test_a_linter_finds_nothing_in_a_generated_repository(linter, repository):
    lint(linter, repository)


@pytest.mark.parametrize("linter", ["zizmor", "actionlint", "workflows", "timeouts", "dependabot"])
def test_a_linter_finds_nothing_in_the_templates_own(linter):
    lint(linter, TEMPLATE)


def test_the_templates_own_scripts_are_clean():
    scripts = [TEMPLATE / ".ci" / "run", *(TEMPLATE / ".github" / n for n in OWN_SCRIPTS)]
    subprocess.run([need("shellcheck"), *scripts], check=True)


def test_zizmors_rules_that_are_off_have_their_reason_beside_them():
    lines = (GITHUB / "zizmor.yml").read_text(encoding="utf-8").splitlines()
    off = [line for line in lines if "disable: true" in line]
    assert len(off) == 2
    own = (TEMPLATE / ".github" / "zizmor.yml").read_text(encoding="utf-8").splitlines()
    off += [line for line in own if "disable: true" in line]
    assert len(off) == 3
    assert all(re.search(r"# .{20,}", line) for line in off)
    ignored = [p for p in EVERY if "zizmor: ignore" in p.read_text(encoding="utf-8")]
    assert ignored == []


WORDS = {
    (): "nothing",
    ("contents:read",): "read the code",
    ("contents:read", "packages:read"): "read the code and the packages",
    ("contents:read", "pull-requests:write"): "read the code, write pull requests",
    ("contents:read", "issues:write"): "read the code, write issues",
}
MORE = {
    ("contents:write", "packages:write"): "write the state and packages",
    ("id-token:write",): "get an identity",
    ("attestations:write",): "attest",
    ("issues:write",): "write issues",
}


def in_words(permissions: dict[str, str]) -> str:
    """As docs/security.md of the project tells it."""
    held = {f"{name}:{level}" for name, level in permissions.items()}
    if tuple(sorted(held)) in WORDS:
        return WORDS[tuple(sorted(held))]
    told = [(one, text) for one, text in MORE.items() if held.issuperset(one)]
    assert held == {name for one, _ in told for name in one}
    return ", ".join(text for _, text in told)


def test_the_page_on_security_says_what_each_job_may():
    page = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+)\.yml \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    told = {(flow, job): text for flow, jobs, text in rows for job in jobs.split(", ")}
    found = {
        (path.stem, name): in_words(job["permissions"])
        for path in WORKFLOWS
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items()
    }
    assert told == found
    assert "pull_request_target" not in "".join(path.read_text("utf-8") for path in WORKFLOWS)
