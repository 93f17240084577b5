"""The generated project's own checks, for every sample, as its user would run them."""

import ast
import json
import re
import subprocess
import sys

import pytest
from conftest import SAMPLES, TEMPLATE, bake_into, need
from orchestrated import project_with

sys.path.insert(0, str(TEMPLATE))
from local_extensions import TAKEN

COMMANDS = [
    "adopt",
    "doctor",
    "validate",
    "train",
    "gate",
    "monitor",
    "promote",
    "rollback",
    "simulate",
    "status",
    "predict",
    "serve",
]
RUNTIME = {
    *("click", "flatbuffers", "h11", "httptools", "numpy", "onnxruntime", "orjson"),
    *("prometheus-client", "protobuf", "uvicorn", "uvloop"),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_it_is_formatted_linted_and_typed(installed, sample):
    project = installed(sample)
    for command in (["ruff", "format", "--check"], ["ruff", "check"], ["ty", "check"]):
        project.uv(*command)


@pytest.mark.parametrize("sample", SAMPLES)
def test_its_own_tests_pass(installed, sample):
    """Whole once; the engine is the same in every sample, so then what looks at the sample."""
    project, whole = installed(sample), sample == "multiclass"
    if whole:  # with what nobody gets unasked, so that no test is skipped
        project.run("uv", "sync", "--quiet", "--group", "dask")
    chosen = () if whole else ("-m", "yours")
    done = project.uv("pytest", "-q", "-p", "no:cacheprovider", *chosen)
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 30
    assert "skipped" not in done.stdout


def test_a_long_and_a_short_name_are_formatted_too(installed, tmp_path):
    ruff = installed("binary").folder / ".venv" / "bin" / "ruff"
    for name in ("q", "a" * 50):
        folder = bake_into(tmp_path, project_name=name, sample="multiclass")
        subprocess.run([ruff, "format", "--check"], cwd=folder, check=True)
        subprocess.run([ruff, "check", "--quiet"], cwd=folder, check=True)


def test_no_slug_can_hide_an_installed_module(installed):
    """The names that local_extensions refuses are those that the environment really holds."""
    listing = """
import importlib.metadata, json, sys
names = set()
for one in importlib.metadata.distributions():
    for file in one.files or []:
        top = file.parts[0].split(".")[0]
        module = len(file.parts) > 1 or file.name.endswith((".py", ".so", ".pyd"))
        if module and top.isidentifier() and not top.startswith("_"):
            names.add(top.lower())
print(json.dumps(sorted(names - set(sys.stdlib_module_names))))
"""
    found = json.loads(installed("binary").uv("python", "-c", listing).stdout)
    assert not set(found) - set(TAKEN) - {"customer_model"}


def test_every_command_is_in_the_readme_and_helps(installed):
    project = installed("binary")
    readme = (project.folder / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 100
    shown = project.ml("--help").stdout
    listed = re.findall(r"^│ (\w+) ", shown, re.M)
    assert [name for name in listed if name in COMMANDS] == COMMANDS
    for name in COMMANDS:
        assert f"| `{name}" in readme
        assert name in project.ml(name, "--help").stdout


def test_help_is_fast_because_nothing_heavy_is_imported(installed):
    script = "import customer_model.cli, sys; print([m for m in sys.modules if '.' not in m])"
    loaded = ast.literal_eval(installed("binary").uv("python", "-c", script).stdout)
    assert not set(loaded) & {"mlflow", "sklearn", "pandas", "polars", "scipy", "onnxruntime"}


def test_the_image_needs_the_runtime_dependencies_alone(installed, tmp_path):
    """The Dockerfile's own install line, into a fresh environment."""
    project = installed("binary").copy(tmp_path / "project")
    line = "uv sync --locked --no-default-groups --no-editable"
    assert line in (project.folder / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    runtime = tmp_path / "runtime"
    project.run(*line.split(), env={"UV_PROJECT_ENVIRONMENT": str(runtime)})
    listed = project.run("uv", "pip", "list", "--format", "json", "-p", str(runtime))
    names = {one["name"] for one in json.loads(listed.stdout)} - {"customer-model"}
    assert names <= RUNTIME | {"typing-extensions", "packaging", "colorama"}
    project.ml("train", "--today", "2026-06-01")
    project.ml("promote")
    bundle = next((project.folder / ".ml" / "bundles").iterdir())
    command = [runtime / "bin" / "ml-serve", bundle, "--port", "18431"]
    serve = subprocess.Popen(command, cwd=tmp_path)
    try:
        check = [runtime / "bin" / "ml-serve", "--check", "--port", "18431"]
        for _ in range(50):
            answered = subprocess.run(check, capture_output=True).returncode == 0
            if answered or serve.poll() is not None:
                break
        assert answered
    finally:
        serve.terminate()
        assert serve.wait(10) == 0 or serve.returncode == -15


def test_hooks_run_and_stop_a_broken_contract(installed, tmp_path):
    project = installed("binary").copy(tmp_path / "project")
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    project.run("git", "init", "-q")
    project.run("git", "add", "-A")
    project.uv("pre-commit", "run", "--all-files")
    project.uv("pre-commit", "install")
    contract = project.folder / "contract.yaml"
    contract.write_text(contract.read_text(encoding="utf-8").replace("role: target", "role: targt"))
    project.run("git", "add", "-A")
    done = project.run("git", *who, "commit", "-qm", "broken", status=1)
    assert "targt" in done.stdout + done.stderr


def test_the_dockerfiles_are_clean_and_begin_alike(bake):
    files = sorted((bake() / "deploy").glob("*Dockerfile"))
    subprocess.run([need("hadolint"), *map(str, files)], check=True)
    one, other = (re.findall(r"^ARG (?:BASE|UV)=.+$", f.read_text("utf-8"), re.M) for f in files)
    assert len(one) == 2
    assert one == other


@pytest.mark.parametrize("orchestrator", ["airflow", "kubeflow"])
def test_an_orchestrators_file_passes_the_projects_own_checks(orchestrator, installed, tmp_path):
    project = project_with(tmp_path, installed("binary"), orchestrator=orchestrator)
    for command in (("ruff", "check"), ("ruff", "format", "--check"), ("ty", "check")):
        project.uv(*command, "deploy")


@pytest.mark.parametrize("sample", SAMPLES)
def test_one_lock_serves_every_sample(installed, sample):
    """What the lock pins does not depend on the answers; these tests resolve it once."""
    installed(sample).run("uv", "lock", "--check")
