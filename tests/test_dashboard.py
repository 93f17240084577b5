"""Alerts and dashboard: read by Prometheus' own promtool, and about what the service counts."""

import ast
import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import isnan
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import SOURCES, TEMPLATE, TODAY, need
from watched import DASHBOARD, MONITORING, PANELS, Series, ask, plain, watched

ALERTS = TEMPLATE / "tests" / "alerts.yaml"
RULES = yaml.safe_load((MONITORING / "rules.yaml").read_text())["groups"][0]["rules"]
OWN = {"up", "ALERTS"}  # of Prometheus itself
PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}  # of its library
# Okabe and Ito's, which people with any kind of colour vision tell apart
COLOURS = {"#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#F0E442"}
UNITS = {"none", "short", "reqps", "percentunit", "s", "bytes", "suffix: rows/s"}
WORDS = {
    "by",
    "on",
    "ignoring",
    "group_left",
    "or",
    "and",
    "unless",
    "offset",
    "sum",
    "max",
    "count",
}


def title(panel: dict[str, Any]) -> str:
    return panel["title"]


def expressions(panel: dict[str, Any]) -> Iterator[str]:
    """A panel's queries as Prometheus gets them."""
    for target in panel["targets"]:
        yield plain(target["expr"])


def promtool(*arguments: str | Path, folder: Path = MONITORING) -> str:
    """Run promtool; returns what it prints."""
    command = [need("promtool"), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_its_settings_and_rules():
    assert "SUCCESS: 1 rule files found" in promtool("check", "config", "prometheus.yml")
    assert f"SUCCESS: {len(RULES)} rules found" in promtool("check", "rules", "rules.yaml")


def test_every_alert_fires_when_it_should_and_not_before(tmp_path):
    shutil.copy(MONITORING / "rules.yaml", tmp_path)
    shutil.copy(ALERTS, tmp_path)
    promtool("test", "rules", "alerts.yaml", folder=tmp_path)
    told: dict[str, set[bool]] = {}
    for case in yaml.safe_load(ALERTS.read_text())["tests"]:
        for expected in case["alert_rule_test"]:
            told.setdefault(expected["alertname"], set()).add(bool(expected["exp_alerts"]))
    assert told == {rule["alert"]: {True, False} for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert set(rule["annotations"]) == {"summary", "runbook"}
    assert rule["annotations"]["runbook"].endswith(".")


def test_promtool_refuses_a_query_that_does_not_parse(tmp_path):
    with pytest.raises(AssertionError, match="parse error"):
        parse(tmp_path, ["sum by (le) (rate(ml_rows_total[1m])"])


def parse(folder: Path, queries: list[str]) -> None:
    """See that queries are PromQL: promtool reads rules, so each becomes one."""
    rules = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    (folder / "queries.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]})
    )
    promtool("check", "rules", "queries.yaml", folder=folder)


def test_every_query_of_the_dashboard_parses(tmp_path):
    parse(tmp_path, [query for panel in PANELS for query in expressions(panel)])
    (note,) = DASHBOARD["annotations"]["list"]
    parse(tmp_path, [plain(note["expr"])])


def metrics(query: str) -> set[str]:
    """Names of the metrics in a query: words that are no function, label, text or duration."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"", " ", query)
    bare = re.sub(r"\b(by|on|ignoring|group_left)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\b\w+\s*\(", " ", bare)
    return {word for word in re.findall(r"\b[A-Za-z]\w+", bare) if word not in WORDS}


def counted() -> set[str]:
    """What the service counts, by the table that its /metrics are written from."""
    tree = ast.parse((SOURCES / "serving" / "counters.py").read_text(encoding="utf-8"))
    tables = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in ("HELP", "GAUGES")
    }
    names = set(tables["GAUGES"])
    for name in set(tables["HELP"]) - names:
        names |= {name + ending for ending in ("_total", "_bucket", "_count", "_sum")}
    return names


@pytest.mark.parametrize("panel", PANELS, ids=title)
def test_a_panel_asks_for_metrics_that_the_service_has(panel):
    for query in expressions(panel):
        found = metrics(query)
        assert found
        assert found <= counted() | OWN | PROCESS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_that_the_service_has(rule):
    assert metrics(rule["expr"])
    assert metrics(rule["expr"]) <= counted() | OWN


@pytest.mark.parametrize("panel", PANELS, ids=title)
def test_a_panel_says_what_it_shows_in_which_unit_and_for_everyone_to_see(panel):
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    text = json.dumps(panel["fieldConfig"])
    assert set(re.findall("#[0-9A-Fa-f]{6}", text)) <= COLOURS
    assert "palette" not in text  # Grafana's own: green beside red
    for target in panel["targets"]:
        for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            kept = re.search(rf"\bby \([^)]*\b{label}\b", target["expr"])
            assert kept or label == "instance"


def test_panels_fill_their_rows_and_do_not_overlap():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells
    height = 1 + max(y for _, y in taken)
    assert len(taken) == 24 * height
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_the_dashboard_stays_small_enough_to_be_reviewed():
    assert len((MONITORING / "dashboard.json").read_text().splitlines()) <= 900


def last(series: Series) -> float:
    """The newest value that is a number."""
    return [value for value in series.values if not isnan(value)][-1]


def test_every_panel_shows_what_a_real_service_did(installed, tmp_path):
    """Two services, for classes and for numbers; see watched.py for what happens to them."""
    tasks, projects = ("binary", "regression"), []
    for task in tasks:
        projects.append(installed(task).copy(tmp_path / task))
        projects[-1].ml("train", "--today", TODAY)
        projects[-1].ml("promote")
    with watched(tmp_path, *(project.folder for project in projects)) as (url, services):
        start = time.time()
        with ThreadPoolExecutor() as pool:
            rows = [service.rows(task) for service, task in zip(services, tasks, strict=True)]
            list(pool.map(lambda service, some: service.story(some, 15), services, rows))
        end = time.time()
        told = {
            panel["title"]: [
                [one for one in ask(url, target, start, end, 1) if not all(map(isnan, one.values))]
                for target in panel["targets"]
            ]
            for panel in PANELS
        }
        with urllib.request.urlopen(f"{url}/api/v1/alerts") as answer:
            alerts = json.load(answer)["data"]["alerts"]
    assert {name: [bool(found) for found in queries] for name, queries in told.items()} == {
        panel["title"]: [True] * len(panel["targets"]) for panel in PANELS
    }
    by = {name: {one.name: last(one) for one in found[0]} for name, found in told.items()}
    assert len(by["Version"]) == 4  # each took a newer one
    assert by["Bundles"] == {"done": 2, "refused": 2}
    firing = [alert for alert in alerts if alert["state"] == "firing"]
    assert {alert["labels"]["alertname"] for alert in firing} == {"ModelRefused"}
    assert by["Failed"] == {"failed": 0}
    assert set(by["Refused and failed by status"]) == {"404", "422"}
    assert "plan: values" in by["Broken rules"]
    assert sum(by["What is predicted"].values()) == pytest.approx(1)
    assert by["Missing"]["monthly_spend"] > 0.2 > by["Missing"]["plan"]
    assert by["Drift"]["usage_hours"] > 0.1 > by["Drift"]["plan"]
    assert by["Never seen in training"]["region"] > 0.05
