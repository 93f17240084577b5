"""Every option generated, alone and with every other; what is rendered is valid and complete."""

import ast
import itertools
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT, TEMPLATE, bake_into
from cookiecutter.exceptions import OutputDirExistsException

QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
OPTIONS = {key: QUESTIONS[key] for key in ("license", "sample", "deploy")}
COMBINATIONS = [
    dict(zip(OPTIONS, chosen, strict=True)) for chosen in itertools.product(*OPTIONS.values())
]
GITHUB = {
    f".github/{name}"
    for name in (
        *("comment", "issue", "login", "monitor", "state", "summary", "train", "zizmor.yml"),
        *("dependabot.yml", "pull_request_template.md"),
        *(f"ISSUE_TEMPLATE/{n}.yml" for n in ("change", "config", "data", "wrong-predictions")),
        *(f"actions/{n}/action.yml" for n in ("environment", "image", "publish", "setup", "train")),
        *("rulesets/main.json", "rulesets/ml-state.json"),
        *(f"workflows/{n}.yml" for n in ("ci", "ct", "deploy", "monitor", "rollback", "security")),
    )
}
ALWAYS = {
    *GITHUB,
    *(f"deploy/{name}.sh" for name in ("copy", "deploy", "point", "push", "smoke")),
    ".dockerignore",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-config.yaml",
    "AGENTS.md",
    "LICENSE",
    "README.md",
    "contract.yaml",
    "deploy/Dockerfile",
    "deploy/compose.yaml",
    *(f"deploy/mlflow/{name}" for name in ("auth.ini", "bucket.py", "compose.yaml", "secrets.sh")),
    "deploy/mlflow/Dockerfile",
    "deploy/monitoring/dashboard.json",
    "deploy/monitoring/grafana/datasource.yaml",
    "deploy/monitoring/grafana/provider.yaml",
    "deploy/monitoring/otel-collector.yaml",
    "deploy/monitoring/prometheus.yml",
    "deploy/monitoring/rules.yaml",
    "deploy/training.Dockerfile",
    "deploy/training.Dockerfile.dockerignore",
    "docs/dashboard.png",
    "docs/data.md",
    "docs/doors.md",
    "docs/engine.md",
    "docs/gate.md",
    "docs/ml-test-score.md",
    "docs/mlflow.md",
    "docs/monitor.md",
    "docs/page.png",
    "docs/questions.md",
    "docs/security.md",
    "docs/serving.md",
    "docs/updating.md",
    "docs/result.schema.json",
    "justfile",
    "pyproject.toml",
    "settings.toml",
    "tests/model/test_behaviour.py",
}
SHARED = {  # what any answer but none brings
    "orchestrator": {"docs/orchestrators.md"},
    "other_ci": {"docs/other-ci.md", *(f"deploy/{n}.sh" for n in ("image", "setup", "ship"))},
}
BROUGHT = {
    ("orchestrator", "airflow"): {"deploy/airflow/dag.py"},
    ("orchestrator", "kubeflow"): {"deploy/kubeflow/pipeline.py"},
    ("other_ci", "gitlab"): {".gitlab-ci.yml"},
    ("other_ci", "azure"): {"azure-pipelines.yml"},
    ("other_ci", "jenkins"): {"Jenkinsfile"},
}
BASE = ("account", "autoscaler", "deployment", "disruption", "kustomization", "network", "service")
BY_TARGET = {
    "registry": set(),
    "compose-ssh": set(),
    "aws": {
        *(
            f"deploy/terraform/{name}.tf"
            for name in (
                *("balancer", "github", "network", "outputs", "registry", "roles", "service"),
                *("storage", "variables", "versions"),
            )
        ),
        "deploy/terraform/README.md",
    },
    "kubernetes": {
        *(f"deploy/kubernetes/base/{name}.yaml" for name in BASE),
        *(
            f"deploy/kubernetes/components/canary/{name}.yaml"
            for name in ("kustomization", "route")
        ),
        "deploy/kubernetes/components/canary/model/kustomization.yaml",
        *(
            f"deploy/kubernetes/components/dask/{name}.yaml"
            for name in ("kustomization", "network", "scheduler", "service", "workers")
        ),
        *(f"deploy/kubernetes/components/kserve/{n}.yaml" for n in ("inference", "kustomization")),
        *(f"deploy/kubernetes/components/seldon/{n}.yaml" for n in ("kustomization", "seldon")),
        *(
            f"deploy/kubernetes/overlays/{name}/kustomization.yaml"
            for name in ("production", "staging", "training", "training-now")
        ),
        *(
            f"deploy/kubernetes/training/{name}.yaml"
            for name in ("account", "cronjob", "job", "kustomization", "network")
        ),
        "deploy/cluster.sh",
        "deploy/train.sh",
        "docs/kubernetes.md",
    },
}
LICENSE_WORDS = {
    "MIT": "MIT License",
    "Apache-2.0": "Apache License",
    "BSD-3-Clause": "BSD 3-Clause",
    "Proprietary": "All rights reserved",
}
TARGETS = {"binary": "churned", "regression": "next_spend", "multiclass": "next_plan"}


def files_of(project: Path) -> set[str]:
    return {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}


@pytest.mark.parametrize("answers", COMBINATIONS, ids=lambda a: " ".join(a.values()))
def test_every_combination_of_options_is_whole(answers, tmp_path):
    project = bake_into(tmp_path, **answers)
    files = files_of(project)
    outside = {f for f in files if not f.startswith(("src/", "tests/"))}
    assert outside == {
        f for f in ALWAYS | BY_TARGET[answers["deploy"]] if not f.startswith("tests/")
    }
    assert files >= ALWAYS
    assert LICENSE_WORDS[answers["license"]] in (project / "LICENSE").read_text(encoding="utf-8")
    contract = yaml.safe_load((project / "contract.yaml").read_text(encoding="utf-8"))
    assert contract["columns"][TARGETS[answers["sample"]]]["role"] == "target"
    settings = tomllib.loads((project / "settings.toml").read_text(encoding="utf-8"))
    assert settings["task"] == answers["sample"]
    assert settings["data"]["source"] == f"sample:{answers['sample']}"


@pytest.mark.parametrize(("question", "answer"), BROUGHT)
def test_an_answer_brings_its_files_and_none_brings_nothing(question, answer, tmp_path):
    brought = files_of(bake_into(tmp_path / answer, **{question: answer}))
    assert brought - files_of(bake_into(tmp_path / "none")) == (
        BROUGHT[question, answer] | SHARED[question]
    )


def test_the_page_on_orchestrators_says_what_a_git_bundle_needs():
    """It is a fresh clone: no environment, no state."""
    page = PROJECT / "_options" / "orchestrator" / "shared" / "docs" / "orchestrators.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    assert "Let a local DAG bundle, or the DAGs folder" in text
    assert "A git bundle is a fresh clone" in text
    assert "it needs `MLFLOW_TRACKING_URI` and `ML_RUN`" in text


def test_every_answer_but_none_has_its_files():
    for question, shared in SHARED.items():
        answers = [answer for name, answer in BROUGHT if name == question]
        assert ["none", *answers] == QUESTIONS[question]
        assert shared


def test_nothing_of_the_template_is_left_in_a_project(bake):
    project = bake()
    for path in project.rglob("*"):
        if path.is_file() and path.suffix != ".png":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\{\{ ?cookiecutter|\{%|your_package|_options/", text), path
            assert text.endswith("\n"), path
            assert "\r" not in text, path


def test_what_is_rendered_is_valid(bake):
    project = bake(sample="regression", deploy="kubernetes")
    for path in project.rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))
    for path in project.rglob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path
    for path in project.rglob("*.toml"):
        assert tomllib.loads(path.read_text(encoding="utf-8")), path


def test_an_existing_folder_is_not_touched(bake, tmp_path):
    mine = tmp_path / "customer-model" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    with pytest.raises(OutputDirExistsException):
        bake()
    assert files_of(tmp_path) == {"customer-model/mine.txt"}
    assert mine.read_text() == "mine"


def test_the_same_answers_give_the_same_bytes(tmp_path):
    one, other = (bake_into(tmp_path / folder) for folder in ("one", "other"))
    assert {f: (one / f).read_bytes() for f in files_of(one)} == {
        f: (other / f).read_bytes() for f in files_of(other)
    }
