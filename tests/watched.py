"""A service that a real Prometheus watches, under a load that changes."""

import http.client
import itertools
import json
import random
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from conftest import PROJECT, need
from real_servers import free_port, wait_until

MONITORING = PROJECT / "deploy" / "monitoring"
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
Rows = list[dict[str, Any]]
SAMPLE = """
import sys
from datetime import date
from customer_model.sample import rows
sys.stdout.write(rows("{task}", date(2026, 5, 1), date(2026, 6, 1)).write_json())
"""


class Service:
    """The service of a project's bundle, which can be swapped for another one."""

    def __init__(self, project: Path, folder: Path) -> None:
        """Nothing runs yet."""
        self.project, self.folder, self.port = project, folder, free_port()
        self.bundle = next((project / ".ml" / "bundles").iterdir())
        self.link = folder / "bundle"
        self.link.symlink_to(self.bundle)
        self.golden = json.loads((self.bundle / "golden.json").read_text(encoding="utf-8"))

    @contextmanager
    def started(self) -> Iterator["Service"]:
        """It answers, and looks for another bundle every second."""
        program = self.project / ".venv" / "bin" / "ml-serve"
        watch = ["--port", str(self.port), "--watch", "1", "--log", str(self.folder / "log")]
        with running([str(program), str(self.link), *watch], f"{self.port}/health/ready"):
            yield self

    def take(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Point it to a copy of its bundle under another manifest."""
        shutil.copytree(self.bundle, self.folder / name)
        manifest = self.folder / name / "manifest.json"
        values = json.loads(manifest.read_text(encoding="utf-8"))
        change(values)
        manifest.write_text(json.dumps(values), encoding="utf-8")
        aside = self.folder / "aside"
        aside.symlink_to(self.folder / name)
        aside.replace(self.link)

    def rows(self, task: str) -> Rows:
        """A month of the sample, as requests have it."""
        python, code = self.project / ".venv" / "bin" / "python", SAMPLE.format(task=task)
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
        names = list(self.golden["rows"][0])
        return [{name: row[name] for name in names} for row in json.loads(done.stdout)]

    def ask(self, rows: Rows, path: str = "/predict") -> int:
        """Send one request; returns the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", path, json.dumps({"rows": rows}))
            return connection.getresponse().status
        finally:
            connection.close()

    def story(self, rows: Rows, seconds: float) -> None:
        """A quiet third, a third in batches from a newer version, a third of changed rows."""
        began = time.monotonic()

        def client(number: int) -> None:
            chance = random.Random(number)
            for turn in itertools.count(1):
                part = int(3 * (time.monotonic() - began) / seconds)
                if part > 2:
                    return
                some = chance.choices(rows, k=200 if part == 1 else chance.choice([1, 1, 5]))
                some = [changed(row, chance) for row in some] if part == 2 else some
                if turn % 50 == 0:  # words that no contract knows
                    some = [dict.fromkeys(some[0], "?")]
                self.ask(some, {0: "/invocations", 7: "/nothing"}.get(turn % 20, "/predict"))
                time.sleep(0.05 if part == 1 else 0.005)

        clients = [threading.Thread(target=client, args=(n,)) for n in range(4)]
        for one in clients:
            one.start()
        time.sleep(seconds / 3)
        self.take("newer", lambda manifest: manifest.update(created="later"))
        time.sleep(seconds / 3)
        self.take("broken", lambda manifest: manifest["files"].update({"contract.yaml": "0"}))
        for one in clients:
            one.join()


def changed(row: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A row as it should not come: larger numbers, missing ones, a region that is new."""
    row = {name: value * 1.5 if isinstance(value, float) else value for name, value in row.items()}
    for name in ("monthly_spend", "satisfaction"):
        if name in row and chance.random() < 0.5:
            row[name] = None
    if "region" in row and chance.random() < 0.2:
        row["region"] = "moon"
    return row


@contextmanager
def running(command: list[str], place: str) -> Iterator[None]:
    """A program that answers at this port and path, until the block ends."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{place}"
            wait_until(lambda: urllib.request.urlopen(url, timeout=1), process)
            yield
        finally:
            process.terminate()


@contextmanager
def prometheus(folder: Path, services: list[Any], sends_to: str = "") -> Iterator[str]:
    """A real one with the product's own settings and rules, but it asks every second."""
    settings = (MONITORING / "prometheus.yml").read_text(encoding="utf-8").replace("15s", "1s")
    targets = ", ".join(f'"127.0.0.1:{service.port}"' for service in services)
    assert '"model:8080"' in settings
    settings = settings.replace('"model:8080"', targets)
    if sends_to:
        assert settings.count("\n# remote_write: ") == settings.count('"https://HOST/') == 1
        settings = settings.replace("\n# remote_write: ", "\nremote_write: ")
        settings = settings.replace("https://HOST", sends_to)
    (folder / "prometheus.yml").write_text(settings, encoding="utf-8")
    shutil.copy(MONITORING / "rules.yaml", folder)
    port, options = free_port(), ["--config.file", folder / "prometheus.yml"]
    options += ["--storage.tsdb.path", folder / "data", "--web.listen-address", f"127.0.0.1:{port}"]
    with running([need("prometheus"), *map(str, options)], f"{port}/-/ready"):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def watched(folder: Path, *projects: Path) -> Iterator[tuple[str, list[Service]]]:
    """Services of these projects, and the address of the Prometheus that watches them."""
    with ExitStack() as stack:
        services = []
        for number, project in enumerate(projects):
            place = folder / str(number)
            place.mkdir()
            services.append(stack.enter_context(Service(project, place).started()))
        yield stack.enter_context(prometheus(folder, services)), services


class Series(NamedTuple):
    """One line of a panel: its name in the legend, its query's letter, seconds and values."""

    name: str
    query: str
    at: list[float]
    values: list[float]


def plain(query: str) -> str:
    """A query without Grafana's variables; what takes minutes takes seconds here."""
    for name, value in {"$__rate_interval": "5s", "$job": ".+", "offset 1m": "offset 5s"}.items():
        query = query.replace(name, value)
    return query


def ask(url: str, target: dict[str, Any], start: float, end: float, step: float) -> list[Series]:
    """What Prometheus answers to one query of a panel."""
    query = {"query": plain(target["expr"]), "start": start, "end": end, "step": step}
    place = f"{url}/api/v1/query_range?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(place, timeout=30) as answer:
        result = json.load(answer)["data"]["result"]
    found = []
    for one in result:
        name = target["legendFormat"]
        for label, value in one["metric"].items():
            name = name.replace("{{" + label + "}}", value)
        at = [float(moment) - start for moment, _ in one["values"]]
        values = [float(value) for _, value in one["values"]]
        found.append(Series(name, target["refId"], at, values))
    return found
