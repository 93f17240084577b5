"""The files of the option `other_ci`: their schemas, commands, and what a verdict does."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT, TEMPLATE, bake_into, need

OPTION = PROJECT / "_options" / "other_ci"
GITLAB = OPTION / "gitlab" / ".gitlab-ci.yml"
AZURE = OPTION / "azure" / "azure-pipelines.yml"
JENKINS = OPTION / "jenkins" / "Jenkinsfile"
WALK = TEMPLATE / "tests" / "workflows" / "jenkins.groovy"
COMMANDS = [
    "bash deploy/image.sh OUTCOME model:new",
    "bash deploy/setup.sh",
    "bash deploy/setup.sh docker",
    'bash deploy/ship.sh OUTCOME "$REGISTRY" RUN',
    "sh .github/login",
    "uv run --no-sync just lint types",
    "uv run --no-sync ml gate --selftest",
    "uv run --no-sync ml monitor",
    "uv run --no-sync ml state pull",
    "uv run --no-sync ml train --pack outcome",
    "uv run --no-sync ml validate",
    "uv run --no-sync pytest -n auto",
]


def as_one(command: str) -> str:
    """A command without the names that differ from CI to CI."""
    command = command.removesuffix(" || exit 2").replace('"$PIPELINE_WORKSPACE/outcome"', "OUTCOME")
    command = re.sub(r"(image|ship)\.sh outcome", r"\1.sh OUTCOME", command)
    return re.sub(r'"\$(CI_JOB_URL|BUILD_BUILDURI|BUILD_URL)"', "RUN", command)


def gitlab() -> list[str]:
    jobs = yaml.safe_load(GITLAB.read_text(encoding="utf-8")).values()
    told = [job for job in jobs if isinstance(job, dict)]
    return [
        line for job in told for key in ("before_script", "script") for line in job.get(key, [])
    ]


def azure() -> list[str]:
    found = []
    for job in yaml.safe_load(AZURE.read_text(encoding="utf-8"))["jobs"]:
        for step in job["steps"]:
            found += re.findall(r"^(?:bash|sh|uv) .*?(?= \|\||$)", step.get("script") or "", re.M)
            found += re.findall(r"^(?:bash|sh|uv) .*?(?= \|\||$)", step.get("bash") or "", re.M)
    return found


def jenkins() -> list[str]:
    text = JENKINS.read_text(encoding="utf-8")
    return re.findall(r"\bsh(?: |\(script: )'(.*?)'", text)


@pytest.mark.parametrize("read", [gitlab, azure, jenkins])
def test_the_three_files_call_the_same_commands(read):
    """Jenkins has one workspace, so it sets up once, with Docker."""
    wanted = [c for c in COMMANDS if read is not jenkins or c != "bash deploy/setup.sh"]
    assert sorted({as_one(command) for command in read()}) == wanted


def schema(name: str, path: Path, folder: Path) -> subprocess.CompletedProcess:
    """check-jsonschema's word; to both CIs every scalar is a text."""
    copy = folder / f"{name}.json"
    loader = yaml.BaseLoader if name == "azure-pipelines" else yaml.SafeLoader
    text = path.read_text(encoding="utf-8")
    copy.write_text(json.dumps(yaml.load(text, Loader=loader)), encoding="utf-8")
    command = [need("check-jsonschema"), "--regex-variant=python"]
    command += [f"--builtin-schema=vendor.{name}", str(copy)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(("name", "path"), [("gitlab-ci", GITLAB), ("azure-pipelines", AZURE)])
def test_a_file_follows_the_published_schema_and_a_wrong_one_would_not(name, path, tmp_path):
    done = schema(name, path, tmp_path)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "wrong.yml"
    text = path.read_text(encoding="utf-8")
    wrong.write_text(text.replace("  needs:", "  nedes:").replace("    steps:", "    stebs:"))
    assert schema(name, wrong, tmp_path).returncode == 1


def test_azure_has_no_anchor_which_it_cannot_read():
    assert not re.search(r"[:\s][&*]\w+", AZURE.read_text(encoding="utf-8"))


def test_every_script_that_is_called_exists_and_is_sound(tmp_path):
    project = bake_into(tmp_path, other_ci="gitlab")
    for command in COMMANDS:
        for script in re.findall(r"(?:ba)?sh (\S+)", command):
            assert (project / script).is_file(), script
    scripts = [str(project / "deploy" / f"{name}.sh") for name in ("setup", "image", "ship")]
    subprocess.run([need("shellcheck"), *scripts], check=True)


NEEDED = {"docker": "docker.io", "skopeo": "skopeo", "jq": "jq"}


@pytest.mark.parametrize("there", [(), ("docker",), ("skopeo", "jq"), tuple(NEEDED)])
@pytest.mark.parametrize("allowed", [True, False])
def test_setup_installs_each_program_that_is_missing_and_names_it(there, allowed, tmp_path):
    """On a machine with nothing but these programs; `apt-get` writes down what it is asked."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "bash").symlink_to(need("bash"))
    log, end = tmp_path / "log", "" if allowed else "exit 100"
    does = {"apt-get": f'echo "$*" >> {log}\n{end}\n', "uv": "", **dict.fromkeys(there, "")}
    for name, text in does.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}")
        (programs / name).chmod(0o755)
    script = OPTION / "shared" / "deploy" / "setup.sh"

    def setup(*asked: str) -> subprocess.CompletedProcess:
        command, env = [need("bash"), str(script), *asked], {"PATH": str(programs)}
        return subprocess.run(command, env=env, capture_output=True, text=True)

    missing = " ".join(package for name, package in NEEDED.items() if name not in there)
    assert setup().returncode == 0
    assert not log.exists()
    done = setup("docker")
    assert done.returncode == (0 if allowed or not missing else 2)
    if missing:
        told = log.read_text().splitlines()[-1]
        assert told == (f"install --yes -qq {missing}" if allowed else "update -qq")
        assert done.stdout == f"Missing here: {missing}\n"
        assert (f"put {missing} on this machine" in done.stderr) == (not allowed)
    else:
        assert not log.exists()


@pytest.mark.parametrize("cluster", ["", "apiVersion: v1"])
@pytest.mark.parametrize("option", ["kubernetes", "registry"])
@pytest.mark.parametrize("there", [True, False])
def test_setup_says_that_a_cluster_needs_kubectl_before_anything_is_trained(
    there, option, cluster, tmp_path
):
    programs, deploy = tmp_path / "bin", tmp_path / "deploy"
    for name in ("uv", *NEEDED, *(["kubectl"] if there else [])):
        programs.mkdir(exist_ok=True)
        (programs / name).write_text("#!/bin/bash\n")
        (programs / name).chmod(0o755)
    (programs / "bash").symlink_to(need("bash"))
    (deploy / option).mkdir(parents=True)
    shutil.copy(OPTION / "shared" / "deploy" / "setup.sh", deploy)
    env = {"PATH": str(programs), "KUBE_CONFIG": cluster}
    more = {"cwd": tmp_path, "env": env, "capture_output": True, "text": True}
    lacks = bool(cluster) and option == "kubernetes" and not there
    done = subprocess.run([need("bash"), "deploy/setup.sh", "docker"], **more)
    assert done.returncode == (2 if lacks else 0), done.stderr
    assert len(done.stderr.splitlines()) == lacks
    assert subprocess.run([need("bash"), "deploy/setup.sh"], **more).returncode == 0


def stub(folder: Path, status: int) -> dict[str, str]:
    """An environment in which `uv` only ends with a status."""
    (folder / "uv").write_text(f"#!/bin/sh\nexit {status}\n")
    (folder / "uv").chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("status", "reason", "ends", "yellow"),
    [
        (0, "IndividualCI", 0, False),
        (1, "IndividualCI", 0, True),
        (1, "PullRequest", 1, False),
        (3, "IndividualCI", 3, False),
        (70, "IndividualCI", 70, False),
    ],
)
def test_azure_takes_a_no_on_main_for_news_and_a_crash_for_a_failure(
    status, reason, ends, yellow, tmp_path
):
    found = yaml.safe_load(AZURE.read_text(encoding="utf-8"))["jobs"]
    (script,) = [step["bash"] for job in found for step in job["steps"] if "bash" in step]
    told = {**stub(tmp_path, status), "BUILD_REASON": reason}
    done = subprocess.run(["bash", "-c", script], env=told, capture_output=True, text=True)
    assert done.returncode == ends
    assert ("SucceededWithIssues" in done.stdout) == yellow


def test_gitlab_takes_a_no_for_news_where_nobody_waits_for_it():
    jobs = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    news = {name for name, job in jobs.items() if "allow_failure" in job}
    assert news == {"train", "monitor"}
    assert {json.dumps(jobs[name]["allow_failure"]) for name in news} == {'{"exit_codes": 1}'}


@pytest.mark.parametrize("job", [".judge", "monitor"])
def test_gitlab_takes_nothing_for_news_but_the_last_command(job, tmp_path):
    """Whatever else ends with 1 ends the job with another status, and stops what follows."""
    told = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))[job]
    *before, last = [*told["before_script"], *told["script"]]
    for program in ("bash", "sh", "uv"):
        (tmp_path / program).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / program).chmod(0o755)
    env = {"PATH": str(tmp_path)}
    ends = {
        line: subprocess.run(["/bin/sh", "-ec", line], env=env).returncode
        for line in [*before, last]
    }
    assert ends.pop(last) == 1
    ends.pop("uv run --no-sync ml validate", None)  # its own words: 2 and above
    assert set(ends.values()) == {2}


SECRETS = {  # what each script of Azure is given; `""`: no secret
    "ml validate": {"DATABASE_URL", "MLFLOW_TRACKING_PASSWORD"},
    "ml train": {"DATABASE_URL", "MLFLOW_TRACKING_PASSWORD"},
    "ml monitor": {"DATABASE_URL", "MLFLOW_TRACKING_PASSWORD"},
    "ml state pull": {"MLFLOW_TRACKING_PASSWORD"},
    "deploy/ship.sh": {"DEPLOY_SSH_KEY", "KUBE_CONFIG", "MLFLOW_TRACKING_PASSWORD"},
    ".github/login": {"REGISTRY_PASSWORD"},
}


def test_azure_hands_each_script_the_secrets_that_it_needs_and_no_other():
    """A secret variable is in no script's environment by itself."""
    seen = set()
    for job in yaml.safe_load(AZURE.read_text(encoding="utf-8"))["jobs"]:
        for step in job["steps"]:
            script = step.get("script") or step.get("bash") or ""
            names = [name for name in SECRETS if name in script]
            wanted = set().union(*(SECRETS[name] for name in names))
            given = step.get("env", {})
            assert given == {name: f"$({name})" for name in wanted}, script
            seen.update(names)
    assert seen == set(SECRETS)


def test_a_secret_that_nobody_set_is_empty_on_azure_and_the_group_wins():
    *plain, group = yaml.safe_load(AZURE.read_text(encoding="utf-8"))["variables"]
    assert group == {"group": "model"}
    assert {one["name"]: one["value"] for one in plain} == dict.fromkeys(
        set().union(*SECRETS.values()) - {"REGISTRY_PASSWORD"}, ""
    )


def test_the_page_names_what_each_target_needs():
    page = (OPTION / "shared" / "docs" / "other-ci.md").read_text(encoding="utf-8")
    for target in json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))["deploy"]:
        (row,) = re.findall(rf"^\| {target} \| (.*) \|$", page, re.M)
        script = PROJECT / "_options" / "deploy" / target / "deploy" / "deploy.sh"
        names = set(re.findall(r"\$\{((?:DEPLOY|KUBE)_\w+):[-?]", script.read_text("utf-8")))
        assert {name for name in names - {"DEPLOY_PORT"} if name not in row} == set()
    for name in {"STAGING_URL", "PRODUCTION_URL"}.union(*SECRETS.values()):
        assert name in page
    assert "GitLab's, Azure's and Jenkins' jobs hold their tokens" in page


LINES = {
    "check": ["just lint types", "pytest -n auto", "ml gate --selftest"],
    "train": ["ml state pull", "ml validate", "ml train --pack outcome"],
    "watch": ["ml state pull", "ml monitor"],
}


@pytest.mark.parametrize(
    ("asked", "result", "stages"),
    [
        (["main", "", "no"], "SUCCESS", ["check", "train", "ship.sh"]),
        (["main", "", "yes"], "SUCCESS", ["watch"]),
        (["one", "7", "no"], "SUCCESS", ["check", "train", "image.sh"]),
        (["main", "", "no", "1", "ml train"], "UNSTABLE", ["check", "train", "ship.sh"]),
        (["one", "7", "no", "1", "ml train"], "FAILURE", ["check", "train"]),
        (["main", "", "no", "70", "ml train"], "FAILURE", ["check", "train"]),
        (["main", "", "yes", "1", "ml monitor"], "UNSTABLE", ["watch"]),
        (["main", "", "yes", "3", "ml monitor"], "FAILURE", ["watch"]),
    ],
)
def test_jenkins_goes_through_the_stages_that_it_should(asked, result, stages):
    """No Jenkins is to be had: Groovy of its version reads the file, a walk knows its words."""
    told = walk(JENKINS, *asked)
    wanted = ["deploy/setup.sh", "login"]
    wanted += [line for stage in stages for line in LINES.get(stage, [stage])]
    assert told["result"] == result
    assert len(told["ran"]) == len(wanted)
    assert [b for a, b in zip(told["ran"], wanted, strict=True) if b not in a] == []


def test_a_word_that_jenkins_does_not_know_is_found(tmp_path):
    wrong = tmp_path / "Jenkinsfile"
    wrong.write_text(JENKINS.read_text(encoding="utf-8").replace("disableConcurrent", "disabelC"))
    assert walk(wrong, "main", "", "no")["result"] == "FAILURE"


def walk(path: Path, *asked: str) -> dict:
    """What tests/workflows/jenkins.groovy says would run, and how it would end."""
    home = Path(shutil.which("java") or need("java")).resolve().parents[1]
    told = {**os.environ, "JAVA_HOME": str(home)}
    command = [need("groovy"), str(WALK), str(path), *asked]
    done = subprocess.run(command, env=told, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
