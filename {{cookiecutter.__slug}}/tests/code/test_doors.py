"""The shape of the code: one door to each vendor, pure steps, and pieces that fit on a screen."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import your_package

PACKAGE = your_package.__name__
SOURCE = Path(your_package.__path__[0])
YOURS = ("data.py", "features.py", "model.py")
MODULES = sorted(SOURCE.rglob("*.py"))
NAMES = [path.relative_to(SOURCE).as_posix() for path in MODULES]
TREES = {
    name: ast.parse(path.read_text(encoding="utf-8"))
    for name, path in zip(NAMES, MODULES, strict=True)
}
LIGHT = {"mlflow", "sklearn", "pandas", "polars", "scipy", "matplotlib", "pydantic", "yaml"}


def imports(name):
    """Every module that a file imports, anywhere in it; ours from the package on, as `.a.b`."""
    here = [part for part in Path(name).parent.parts if part]
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name.replace(PACKAGE, "", 1) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) + 1 - node.level] if node.level else []
            start = "." * bool(node.level) + ".".join([*base, *filter(None, [node.module])])
            start = start.replace(PACKAGE, "", 1) if not node.level else start
            found = [f"{start}.{alias.name}".replace("..", ".") for alias in node.names]
            yield from (one if is_module(one) else start for one in found)


def is_module(name):
    path = SOURCE.joinpath(*name.split(".")[1:])
    return name.startswith(".") and (path.is_dir() or path.with_suffix(".py").is_file())


def who_imports(vendor):
    return [name for name in NAMES if vendor in {one.split(".")[0] for one in imports(name)}]


def ours(name):
    return {one for one in imports(name) if one.startswith(".")}


@pytest.mark.parametrize(
    ("vendor", "doors"),
    [
        ("mlflow", [f"store/{name}.py" for name in ("backend", "runs", "tracking", "whole")]),
        ("skl2onnx", ["store/converters.py", "store/export.py"]),
        ("uvicorn", ["serving/direct.py", "serving/server.py", "serving/wire.py"]),
        ("onnxruntime", ["store/model.py"]),
        ("skops", ["store/export.py", "store/model.py"]),
        ("pickle", ["engine/wire.py"]),
        ("joblib", []),
        ("fsspec", ["serving/place.py", "sources/remote.py"]),
        ("prometheus_client", ["serving/counters.py"]),
        ("sqlalchemy", ["sources/database.py"]),
        ("deltalake", ["sources/delta.py"]),
        ("wandb", ["mirror.py"]),
        ("ruamel", ["adopt/refresh.py"]),
        ("cloudpickle", ["engine/cluster.py"]),
        ("distributed", []),  # asked for by its name, in engine/cluster.py: it may be missing
    ],
)
def test_each_vendor_has_its_doors_and_no_other(vendor, doors):
    assert who_imports(vendor) == doors


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("steps/")])
def test_a_step_knows_settings_and_values_and_no_other_step(name):
    values = {".settings", ".contract", ".errors", ".evidence", ".decision"}
    engines = (".checks.", ".metrics.", ".guards.")
    assert {one for one in ours(name) if not one.startswith(engines)} <= values


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith(("metrics/", "guards/"))])
def test_a_metric_or_guard_is_pure_and_knows_no_model(name):
    """What maps a bootstrap's pieces is a value that it is given."""
    known = {".settings", ".evidence", ".engine.local"}
    assert {one for one in ours(name) if not one.startswith((".metrics.", ".guards."))} <= known


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("checks/")])
def test_a_check_is_pure_and_knows_the_contract_and_other_checks(name):
    values = {".settings", ".mistakes", ".contract", ".errors"}
    assert {one for one in ours(name) if not one.startswith(".checks.")} <= values


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("serving/")])
def test_the_service_knows_the_bundle_and_nothing_else_of_ours(name):
    door = {".store.bundle", ".store.encode", ".store.model", ".errors"}
    assert {one for one in ours(name) if not one.startswith(".serving.")} <= door


def test_the_imports_that_these_tests_see_are_the_ones_there_are():
    assert {".steps.gate", ".store.tracking", ".load"} <= ours("pipeline.py")
    assert ".data" in ours("load.py")
    assert {".store.bundle", ".errors"} <= ours("serving/server.py")


def run_python(code, folder):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("cli", LIGHT),
        ("mirror", LIGHT),
        ("serving.server", LIGHT),
        ("serving.app", LIGHT | {"uvicorn"}),
    ],
)
def test_what_starts_often_loads_little(tmp_path, module, absent):
    code = f"import sys, {PACKAGE}.{module}; print(*sys.modules)"
    assert set(run_python(code, tmp_path)).isdisjoint(absent)


def test_importing_does_nothing(tmp_path):
    """No folder, no connection, no MLflow: what a module does, it does when it is called."""
    names = [name.removesuffix(".py").replace("/", ".") for name in NAMES]
    modules = [f"{PACKAGE}.{name}".removesuffix(".__init__") for name in names]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    assert "mlflow" not in run_python(code, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_state_needs_nothing_installed(tmp_path):
    """Jobs that hold write tokens install nothing: Python as it comes has to do."""
    start = f"import sys; sys.path.insert(0, {str(SOURCE.parent)!r})"
    code = f"{start}; from {PACKAGE}.state.__main__ import main; main(['--help'])"
    command = [sys.executable, "-S", "-I", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "rollback" in done.stdout


def length(node):
    return node.end_lineno - node.lineno + 1


def functions():
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def test_the_story_fits_on_a_screen():
    lengths = {node.name: length(node) for name, node in functions() if name == "pipeline.py"}
    assert lengths["run"] <= 35


def test_no_function_is_longer_than_thirty_lines():
    bodies = [
        (f"{name}: {node.name}", length(node))
        for name, node in functions()
        if name not in YOURS and (name, node.name) != ("pipeline.py", "run")
    ]
    assert [name for name, lines in bodies if lines > 30] == []


def test_no_module_is_longer_than_two_hundred_lines():
    lengths = {
        name: len(path.read_text(encoding="utf-8").splitlines())
        for name, path in zip(NAMES, MODULES, strict=True)
    }
    assert [name for name, lines in lengths.items() if lines > 200 and name not in YOURS] == []
