"""One workflow out of one and those that it calls, because act ends with the first call that fails.

Every call becomes jobs of the caller: `C--call` decides whether it happens and computes its
inputs, `C--J` are the called jobs, and `C` itself has the call's result and outputs. Conditions
are spelled out, so that a job sees the results of its own workflow's jobs, as on GitHub, and not
of all before it. Nothing else of a job changes.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

STATUS = r"\b(?:success|failure|always|cancelled)\(\)"
HERE = r"(?<![.\w-])"  # the start of a context: `inputs.x`, and not `github.event.inputs.x`


@dataclass(frozen=True)
class Scope:
    """What names mean inside a workflow: where its jobs went, and what its caller gave."""

    prefix: str = ""
    inputs: dict[str, str] | None = None  # an expression for each; None at the top
    secrets: dict[str, str] | None = None  # None: all of them

    def _replaced(self, text: str) -> str:
        """An expression's part outside of quotes, with the flat names."""
        text = re.sub(rf"{HERE}needs\.(?=[\w-])", f"needs.{self.prefix}", text)
        text = re.sub(rf"{HERE}jobs\.(?=[\w-])", f"needs.{self.prefix}", text)
        if (given := self.inputs) is not None:
            text = re.sub(rf"{HERE}inputs\.([\w-]+)", lambda m: given.get(m[1], "null"), text)
            assert not re.search(rf"{HERE}inputs\b", text), f"cannot follow {text}"
        if (known := self.secrets) is not None:
            text = re.sub(rf"{HERE}secrets\.([\w-]+)", lambda m: known.get(m[1], "''"), text)
        return text

    def expression(self, text: str) -> str:
        """An expression with the flat names; what is quoted stays."""
        parts = re.split(r"('(?:[^']|'')*')", text)
        return "".join(p if p.startswith("'") else self._replaced(p) for p in parts)

    def value(self, content: Any, key: str = "") -> Any:
        """Any part of a job, with the flat names in its expressions."""
        if isinstance(content, dict):
            return {k: self.value(v, k) for k, v in content.items()}
        if isinstance(content, list):
            return [self.value(one) for one in content]
        if not isinstance(content, str):
            return content
        if key == "if" and "${{" not in content:
            return self.expression(content)
        parts = re.split(r"(\$\{\{.*?\}\})", content, flags=re.S)
        return "".join(self.expression(p) if p.startswith("${{") else p for p in parts)


@dataclass
class Flat:
    """The flat jobs, and how they are shown."""

    repository: Path
    jobs: dict[str, Any] = field(default_factory=dict)
    orders: dict[str, list[str]] = field(default_factory=dict)  # of each matrix
    calls: dict[str, list[str]] = field(default_factory=dict)  # of each caller: its jobs

    def add(self, path: str, scope: Scope, gate: str = "") -> dict[str, Any]:
        """Add a workflow's jobs; returns the workflow."""
        content = load(self.repository / path)
        jobs = content["jobs"]
        for key, job in jobs.items():
            above = list(_ancestors(jobs, key))
            if "uses" in job:
                self._call(key, job, above, scope, gate)
                continue
            made = scope.value({k: v for k, v in job.items() if k not in ("needs", "if")})
            made["env"] = {**scope.value(content.get("env") or {}), **(made.get("env") or {})}
            if "defaults" in content:
                made.setdefault("defaults", content["defaults"])
            self.orders[scope.prefix + key] = list((job.get("strategy") or {}).get("matrix") or {})
            self._place(scope.prefix + key, made, above, scope, gate, job.get("if"))
        return content

    def _place(
        self, key: str, job: dict, above: list[str], scope: Scope, gate: str, condition: Any
    ) -> None:
        """Add one job, with its condition spelled out."""
        results = [f"needs.{scope.prefix}{one}.result" for one in above]
        good = " && ".join([f"{one} == 'success'" for one in results] or ["true"])
        bad = " || ".join([f"{one} == 'failure'" for one in results] or ["false"])
        spelled = {
            "success()": f"({good})",
            "failure()": f"({bad})",
            "always()": "true",
            "cancelled()": "false",
        }
        text = str(condition).lower() if isinstance(condition, bool) else condition or "success()"
        text = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", text, flags=re.S)
        assert "${{" not in text, f"{key}: cannot follow the condition {text}"
        text = text if re.search(STATUS, text) else f"success() && ({text})"
        text = re.sub(STATUS, lambda match: spelled[match[0]], scope.expression(text))
        called = [f"needs.{gate}.result == 'success'"] if gate else []
        wanted = " && ".join(["always()", *called, f"({text})"])
        needs = [scope.prefix + one for one in above] + ([gate] if gate else [])
        self._keep(key, {**job, "needs": needs, "if": f"${{{{ {wanted} }}}}"})

    def _keep(self, key: str, job: dict) -> None:
        """Add a job without its empty parts, which are no valid workflow."""
        self.jobs[key] = {part: value for part, value in job.items() if value not in ({}, [])}

    def _call(self, key: str, job: dict, above: list[str], scope: Scope, gate: str) -> None:
        """Add a call: the decision, the called jobs, the result."""
        assert "strategy" not in job, f"{key}: a call with a matrix"
        full = scope.prefix + key
        asked = load(self.repository / job["uses"])["on"]["workflow_call"] or {}
        outputs, inputs = _inputs(asked.get("inputs") or {}, job.get("with") or {}, f"{full}--call")
        decide = {**_small("exit 0"), "outputs": scope.value(outputs)}
        self._place(f"{full}--call", decide, above, scope, gate, job.get("if"))
        inside = Scope(f"{full}--", inputs, _secrets(job.get("secrets"), scope))
        before = set(self.jobs)
        called = self.add(job["uses"], inside, f"{full}--call")
        mine = [f"{full}--{one}" for one in called["jobs"]]
        self.calls[full] = [one for one in self.jobs if one not in before]
        ran = " || ".join(f"needs.{one}.result != 'skipped'" for one in mine)
        result = _small("exit 1")
        result["steps"][0]["if"] = "contains(join(needs.*.result), 'failure')"
        values = {k: v["value"] for k, v in (asked.get("outputs") or {}).items()}
        condition = f"always() && needs.{full}--call.result == 'success' && ({ran})"
        result |= {"outputs": inside.value(values), "needs": [f"{full}--call", *mine]}
        self._keep(full, {**result, "if": f"${{{{ {condition} }}}}"})

    def shown(self, entry: dict[str, Any]) -> str:
        """The name of a log entry's job; empty for the jobs that only hold a call together."""
        key = entry["jobID"]
        if key in self.calls or key.endswith("--call"):
            return ""
        values = entry.get("matrix") or {}
        order = self.orders[key]
        names = sorted(values, key=lambda name: order.index(name) if name in order else len(order))
        words = f" ({', '.join(str(values[name]) for name in names)})" if values else ""
        return key.replace("--", " / ") + words

    def complete(self, results: dict[str, str]) -> dict[str, str]:
        """The results in the files' order, with the skipped jobs that act does not mention."""
        filled: dict[str, str] = {}
        silent = {key for key in self.calls if not self._ran(key, results)}
        for key in self.jobs:
            name = key.replace("--", " / ")
            outer = any(key.startswith(f"{one}--") for one in silent)
            if outer or key.endswith("--call") or (key in self.calls and key not in silent):
                continue
            mine = {n: r for n, r in results.items() if n == name or n.startswith(f"{name} (")}
            filled |= mine or {name: "skipped"}
        return filled

    def _ran(self, caller: str, results: dict[str, str]) -> bool:
        return any(name.startswith(caller.replace("--", " / ") + " / ") for name in results)


def load(path: Path) -> dict[str, Any]:
    """A workflow; YAML reads its `on` as a truth."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if key is True else key): value for key, value in content.items()}


def flatten(repository: Path, workflow: str) -> tuple[Flat, str]:
    """The flat jobs, and the text of their workflow."""
    flat = Flat(repository)
    content = flat.add(f".github/workflows/{workflow}", Scope())
    kept = {"name": content.get("name", workflow), "on": content["on"], "jobs": flat.jobs}
    return flat, yaml.safe_dump(kept, sort_keys=False, width=10**6)


def _ancestors(jobs: dict[str, Any], key: str) -> dict[str, None]:
    """All jobs before one, the direct ones first."""
    needs = jobs[key].get("needs") or []
    direct = [needs] if isinstance(needs, str) else list(needs)
    found = dict.fromkeys(direct)
    for one in direct:
        found |= {other: None for other in _ancestors(jobs, one) if other not in found}
    return found


def _inputs(asked: dict, given: dict, gate: str) -> tuple[dict[str, str], dict[str, str]]:
    """The deciding job's outputs, and the expression that each input becomes."""
    assert not (unknown := set(given) - set(asked)), f"{gate}: no input {unknown}"
    outputs, inputs = {}, {}
    for key, about in asked.items():
        kind = about.get("type", "string")
        usual = about.get("default", {"boolean": False, "number": 0}.get(kind, ""))
        assert key in given or not about.get("required"), f"{gate}: needs the input {key}"
        value = given.get(key, usual)
        outputs[key] = str(value).lower() if isinstance(value, bool) else str(value)
        read = f"needs.{gate}.outputs.{key}"
        wrapped = {"boolean": f"({read} == 'true')", "number": f"fromJSON({read})"}
        inputs[key] = wrapped.get(kind, read)
    return outputs, inputs


def _secrets(given: Any, scope: Scope) -> dict[str, str] | None:
    """The secrets that a call passes on: all, some, or the token alone."""
    if given == "inherit":
        return scope.secrets
    named = {k: scope.value(v).strip().removeprefix("${{") for k, v in (given or {}).items()}
    token = {"GITHUB_TOKEN": "secrets.GITHUB_TOKEN"}
    return token | {key: text.removesuffix("}}").strip() for key, text in named.items()}


def _small(command: str) -> dict[str, Any]:
    return {"runs-on": "ubuntu-24.04", "steps": [{"run": command}]}
