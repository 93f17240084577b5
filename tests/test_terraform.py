"""The cloud of option aws: parsed, formatted, checked, and held against the provider's schema."""

import ast
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hcl2
import pytest
from conftest import PROJECT, need
from orchestrated import environment

PLACE = PROJECT / "_options" / "deploy" / "aws" / "deploy" / "terraform"
FILES = sorted(PLACE.glob("*.tf"))
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
META = {"for_each", "count", "depends_on", "lifecycle", "provider"}
PARSER = "__"  # what begins so is python-hcl2's, about comments and blocks
# `terraform fmt` is this formatter of HashiCorp's HCL library; the package has it as WebAssembly.
FORMAT = """
const { format } = require("@cdktf/hcl-tools");
const { readFileSync } = require("fs");
const files = process.argv.slice(1).map((name) => readFileSync(name, "utf8"));
Promise.all(files.map(format)).then((told) => {
  console.log(JSON.stringify(told));
  process.exit(0); // the module keeps node alive
});
"""


def plain(value: Any) -> Any:
    """What python-hcl2 read, without its own marks and quotation marks."""
    if isinstance(value, dict):
        told = {k.strip('"'): plain(v) for k, v in value.items() if not k.startswith(PARSER)}
        return told
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value[1:-1] if isinstance(value, str) and value[:1] == value[-1:] == '"' else value


READ = {path.name: plain(hcl2.loads(path.read_text(encoding="utf-8"))) for path in FILES}


def blocks(kind: str) -> dict[str, dict[str, Any]]:
    """Every block of a kind, by address: `variable` as NAME, `resource` as TYPE.NAME."""
    found: dict[str, dict[str, Any]] = {}
    for told in READ.values():
        for one in told.get(kind, []):
            ((name, body),) = one.items()
            if kind in ("resource", "data"):
                found |= {f"{name}.{own}": content for own, content in body.items()}
            else:
                found[name] = body
    return found


def locals_() -> dict[str, Any]:
    return {
        k: v for told in READ.values() for one in told.get("locals", []) for k, v in one.items()
    }


@pytest.fixture(scope="module")
def formatted(tmp_path_factory) -> Callable[..., list[str]]:
    """HashiCorp's formatter."""
    folder = tmp_path_factory.mktemp("format")
    install = [need("npm"), "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run([*install, "@cdktf/hcl-tools@0.21.0"], cwd=folder, check=True)

    def ask(*paths: Path) -> list[str]:
        command = [need("node"), "-e", FORMAT, *map(str, paths)]
        return json.loads(
            subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
        )

    return ask


def test_every_file_is_formatted(formatted, tmp_path):
    crooked = tmp_path / "crooked.tf"
    crooked.write_text("locals {\n  a = 1\n  long = 2\n}\n")
    *told, mended = formatted(*FILES, crooked)
    assert len(told) > 8
    assert {p.name for p, text in zip(FILES, told, strict=True) if text != p.read_text()} == set()
    assert mended == "locals {\n  a    = 1\n  long = 2\n}\n"


@pytest.fixture(scope="module")
def checkov(tmp_path_factory) -> Callable[[Path], dict[str, set[str]]]:
    """Checkov, in an environment of its own."""
    folder = tmp_path_factory.mktemp("checkov")
    programs = environment(folder / "env", "checkov==3.3.*")

    def ask(place: Path) -> dict[str, set[str]]:
        command = [programs / "python", programs / "checkov", "--directory", place, "--framework"]
        command += ["terraform", "--skip-download", "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        results = json.loads(done.stdout)["results"]
        assert not results["parsing_errors"]
        return {kind: {one["check_id"] for one in results[f"{kind}_checks"]} for kind in KINDS}

    return ask


KINDS = ("passed", "failed", "skipped")


def test_checkov_finds_nothing_that_has_no_reason_beside_it(checkov):
    found = checkov(PLACE)
    assert found["failed"] == set()
    assert len(found["passed"]) > 60
    reasons = dict(re.findall(r"checkov:skip=(\w+): (.+)", TEXT))
    assert set(reasons) == found["skipped"]
    assert all(len(reason) > 15 for reason in reasons.values())


def test_checkov_would_find_an_open_door(checkov, tmp_path):
    for path in (PLACE / "versions.tf", PLACE / "variables.tf"):
        shutil.copy(path, tmp_path)
    text = (PLACE / "storage.tf").read_text().replace("block_public_acls       = true", "")
    (tmp_path / "storage.tf").write_text(text)
    assert "CKV_AWS_53" in checkov(tmp_path)["failed"]


class Provider:
    """Arguments of the provider's resources, as CDK for Terraform took them from its schema."""

    def __init__(self, wheel: Path) -> None:
        """Open the package; modules are read when they are asked for."""
        self._wheel = zipfile.ZipFile(wheel)
        self._known: dict[str, dict[str, ast.ClassDef]] = {}

    def _classes(self, module: str) -> dict[str, ast.ClassDef]:
        if module not in self._known:
            inside = f"cdktf_cdktf_provider_aws/{module}/__init__.py"
            tree = ast.parse(self._wheel.read(inside))
            self._known[module] = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}
        return self._known[module]

    def faults(self, module: str, body: dict[str, Any], name: str = "") -> list[str]:
        """What the schema does not know in a block, and what it misses there."""
        classes = self._classes(module)
        name = name or next(one for one in classes if one.endswith("Config"))
        (init,) = [n for n in classes[name].body if getattr(n, "name", "") == "__init__"]
        args, defaults = init.args.kwonlyargs, init.args.kw_defaults
        kinds = {arg.arg.rstrip("_"): ast.unparse(arg.annotation) for arg in args}
        needed = {arg.arg for arg, default in zip(args, defaults, strict=True) if default is None}
        told = {key: value for key, value in body.items() if key not in META | {"dynamic"}}
        for one in body.get("dynamic", []):
            told |= {key: value["content"] for key, value in one.items()}
        faults = [f"{name}: {key} is unknown" for key in told if key not in kinds]
        faults += [f"{name}: {key} is missing" for key in needed - set(told)]
        for key in set(told) & set(kinds):
            inner = next((c for c in re.findall(r"'(\w+)'", kinds[key]) if c in classes), None)
            for block in _blocks(told[key]) if inner else []:
                faults += self.faults(module, block, inner or "")
        return faults


def _blocks(value: Any) -> list[dict[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


@pytest.fixture(scope="module")
def provider(tmp_path_factory) -> Provider:
    """The schema of provider 6.25, the last that was generated for Python."""
    folder = tmp_path_factory.mktemp("provider")
    fetch = ["uv", "run", "--no-project", "--quiet", "--with", "pip", "pip", "download", "--quiet"]
    fetch += ["--no-deps", "--dest", str(folder), "cdktf-cdktf-provider-aws==21.22.1"]
    subprocess.run(fetch, check=True, stderr=subprocess.DEVNULL)
    (wheel,) = folder.glob("*.whl")
    return Provider(wheel)


def test_the_provider_knows_every_argument_and_misses_none(provider):
    assert (
        READ["versions.tf"]["terraform"][0]["required_providers"][0]["aws"]["version"] == "~> 6.25"
    )
    faults: dict[str, list[str]] = {}
    for kind, prefix in (("resource", ""), ("data", "data_aws_")):
        for address, body in blocks(kind).items():
            module = prefix + address.partition(".")[0].removeprefix("aws_")
            if found := provider.faults(module, body):
                faults[address] = found
    assert faults == {}
    assert len(blocks("resource")) > 35


def test_the_provider_would_miss_what_is_not_there(provider):
    body = blocks("resource")["aws_ecs_service.service"]
    balancer = [{**body["load_balancer"][0], "container_prot": 8080}]
    del balancer[0]["container_name"]
    assert provider.faults("ecs_service", {**body, "load_balancer": balancer, "nmae": "x"}) == [
        "EcsServiceConfig: nmae is unknown",
        "EcsServiceLoadBalancer: container_prot is unknown",
        "EcsServiceLoadBalancer: container_name is missing",
    ]


def test_every_reference_is_to_something_and_every_variable_is_used():
    code = re.sub(r"(?m)#.*$", "", TEXT)
    used = set(re.findall(r"\bvar\.(\w+)", code))
    assert used == set(blocks("variable"))
    assert set(re.findall(r"\blocal\.(\w+)", code)) == set(locals_())
    named = set(re.findall(r"\bdata\.(aws_\w+\.\w+)", code))
    assert named == set(blocks("data"))
    rest = re.sub(r"\bdata\.aws_\w+\.\w+", "", code)
    assert set(re.findall(r"\b(aws_\w+\.\w+)", rest)) <= set(blocks("resource"))


GOOD = {
    "region": ["eu-central-1", "us-gov-west-1"],
    "name": ["model", "a-1", "a" * 20],
    "repository": ["octo/customer-model", "Octo-1/a.b_c"],
    "domain": ["model.example.org"],
    "certificate": ["arn:aws:acm:eu-central-1:1:certificate/x", "arn:aws-cn:acm:x"],
}
BAD = {
    "region": ["Frankfurt", "eu-central-1a", ""],
    "name": ["Model", "1a", "ab-", "a" * 21, "a_b"],
    "repository": ["octo/*", "*", "https://github.com/octo/x", "octo", "octo/x:ref", "a/b/c"],
    "domain": ["model", "https://model.example.org", "a_b.example.org"],
    "certificate": ["certificate/x", "arn:aws:iam::1:server-certificate/x"],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_variable_refuses_what_would_fail_or_open_too_much(name):
    (rule,) = blocks("variable")[name]["validation"]
    (pattern,) = re.findall(r'regex\("(.*)", var\.', rule["condition"])
    pattern = pattern.replace("\\\\", "\\")
    assert [one for one in GOOD[name] if not re.search(pattern, one)] == []
    assert [one for one in BAD[name] if re.search(pattern, one)] == []


def test_every_variable_says_what_it_is_and_what_can_be_wrong_is_checked():
    for name, told in blocks("variable").items():
        assert len(told["description"]) > 15, name
        assert told.get("validation") or told["type"] == "bool" or name == "provider_arn"
    unset = {name for name, told in blocks("variable").items() if "default" not in told}
    assert unset == {"region", "name", "repository", "domain", "certificate", "callers"}


def statements(name: str) -> list[dict[str, Any]]:
    return blocks("data")[f"aws_iam_policy_document.{name}"]["statement"]


def test_only_the_repositorys_own_environment_or_main_may_become_a_role():
    (trust,) = statements("github")
    assert trust["actions"] == ["sts:AssumeRoleWithWebIdentity"]
    assert {one["test"] for one in trust["condition"]} == {"StringEquals"}
    keys = {one["variable"].rpartition(":")[2] for one in trust["condition"]}
    assert keys == {"aud", "sub"}
    subjects = locals_()["subjects"]
    assert "*" not in subjects
    assert re.findall(r'"(repo:[^"]+)"', subjects) == [
        "repo:${var.repository}:environment:${one}",
        "repo:${var.repository}:ref:refs/heads/main",
    ]
    assert "aws_iam_access_key" not in TEXT
    assert "aws_iam_user" not in TEXT


def test_a_star_stands_only_where_the_action_knows_no_resource():
    free = {"ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition"}
    for address, told in blocks("data").items():
        for one in told.get("statement", []):
            if one.get("resources") == ["*"]:
                assert set(one["actions"]) <= free, address
            if one.get("effect") != "Deny":
                assert not [a for a in one["actions"] if "*" in a], address


def test_the_task_is_locked_as_the_compose_file_locks_it():
    task = blocks("resource")["aws_ecs_task_definition.service"]["container_definitions"]
    for told in (
        'user = "10001"',
        "readonlyRootFilesystem = true",
        'capabilities = {drop = ["ALL"]}',
        'command = ["CMD", "ml-serve", "--check"]',
        "containerPort = 8080",
    ):
        assert told in task, told
    drain, stop = (
        int(re.search(p, task)[1]) for p in (r'ML_DRAIN", value = "(\d+)', r"Timeout = (\d+)")
    )
    assert stop > drain + 20 + 20  # for requests in flight, and for the log: serving/


def test_the_readme_names_every_variable_output_and_setting():
    text = (PLACE / "README.md").read_text(encoding="utf-8")
    unset = {name for name, told in blocks("variable").items() if "default" not in told}
    assert [name for name in unset if not re.search(rf"(?m)^{name} +=", text)] == []
    wanted = [*blocks("output"), "AWS_ROLE", "AWS_REPOSITORY", "STAGING_URL", "PRODUCTION_URL"]
    assert [name for name in wanted if name not in text] == []
