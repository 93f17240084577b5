# /// script
# requires-python = "==3.11.*"
# dependencies = ["cookiecutter>=2.7"]
# [tool.uv]
# exclude-newer = "2026-11-14"
# ///
"""What an engine costs, and what it gives back: joblib, Dask, Ray, and this project's `[engine]`.

    uv run benchmarks/engine.py                # writes benchmarks/results/engine.md
    uv run benchmarks/engine.py --quick        # few and small fits and files; prints only

Forty fits of a cross-validation by each, with two workers; again with a worker that is killed in
the middle. Each engine has an environment of its own (engine_fits.py runs in it). Then
`ml validate` and `ml predict` over a table in many files, with one worker and with two, each on
one core.
"""

import argparse
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from common import REPOSITORY, RESULTS, facts, make_python, say, table
from cookiecutter.main import cookiecutter

NEWEST, TODAY = "2026-11-14", "2026-06-01"
KEPT = Path(tempfile.gettempdir()) / "engine-benchmark"
BASE = ("numpy", "scikit-learn>=1.9", "threadpoolctl")
NEEDS = {
    "joblib": BASE,
    "dask": (*BASE, "distributed>=2026.8"),
    "ray": (*BASE, "ray[default]>=2.50"),
}
TOLD = {  # what it is called, and whose version matters
    "alone": ("one process, no engine", "scikit-learn"),
    "joblib": ("joblib (loky)", "joblib"),
    "dask": ("joblib on Dask", "distributed"),
    "ray": ("joblib on Ray", "ray"),
    "project": ('`[engine] kind = "dask"`', "distributed"),
}
ROWS = """
import sys; from datetime import date, timedelta; from pathlib import Path
from customer_model import sample
files, rows = int(sys.argv[1]), int(sys.argv[2])
Path("parts").mkdir()
for n in range(files):
    day = date(2026, 6, 1) - timedelta(days=n + 1)
    world = sample.World(rows_a_day=rows)
    table = sample.rows("binary", day, day + timedelta(days=1), world)
    table.write_parquet(f"parts/{files - n:03}.parquet")
"""


def megabytes(python: Path) -> float:
    """What an environment takes on disk."""
    files = (path for path in python.parents[1].rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if not path.is_symlink()) / 1e6


def release(python: Path, library: str) -> str:
    """The version that an environment has."""
    ask = f"from importlib.metadata import version; print(version({library!r}))"
    return subprocess.check_output([python, "-c", ask], text=True, env=clean()).strip()


def generate(folder: Path) -> Path:
    """A project with the group `dask` in its environment."""
    project = Path(cookiecutter(str(REPOSITORY), no_input=True, output_dir=str(folder)))
    subprocess.run(["uv", "sync", "-q", "--group", "dask"], cwd=project, check=True, env=clean())
    return project


def clean() -> dict[str, str]:
    """The environment's variables without this script's own environment.

    Where an image of Python says so, each start would compile all libraries anew; and Ray would
    start its workers by the `uv run` that this script was started with.
    """
    own = ("VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if key not in own}
    return {**kept, "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}


def fits(python: Path, name: str, fits: int, rows: int, kill: float = 0.0) -> dict[str, Any]:
    """One engine, once."""
    script = Path(__file__).with_name("engine_fits.py")
    command = [python, script, name, str(fits), str(rows)]
    command += ["kill", str(kill)] if kill else []
    run = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=clean(),
        start_new_session=True,
    )
    told = next((line for line in run.stdout if line.startswith(b"{")), None)
    with suppress(ProcessLookupError):  # its workers would outlive it, and hold its output open
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    if name == "ray":  # its daemons live in sessions of their own, and stand in the next one's way
        subprocess.run([python.with_name("ray"), "stop", "--force"], stdout=subprocess.DEVNULL)
    if told is None:
        raise SystemExit(f"{name} ended without a word: {run.returncode}")
    return json.loads(told)


def middle(found: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The median of each figure."""
    return {key: median(one[key] for one in found) for key in found[0]}


def compare_fits(project: Path, number: int, rows: int, repeats: int) -> list[list[str]]:
    """A row for each engine."""
    lines, scores = [], set()
    for name, (told, library) in TOLD.items():
        own = name == "project"
        engine = "joblib" if name == "alone" else name
        python = (
            project / ".venv" / "bin" / "python"
            if own
            else make_python(KEPT / engine, NEEDS[engine], NEWEST)
        )
        usual = middle([fits(python, name, number, rows) for _ in range(repeats)])
        scores.add(round(usual["score"], 12))
        line = [f"{told}, {library} {release(python, library)}"]
        line += [f"{usual['start']:.1f}", f"{1e3 * usual['overhead']:.1f}"]
        line += [f"{usual['seconds']:.1f}", f"{usual['megabytes']:.0f}"]
        kills = repeats if name != "alone" else 0
        line += [after_kills(python, name, number, rows, usual["seconds"], kills)]
        lines.append([*line, "" if own or name == "alone" else f"{megabytes(python):.0f}"])
        say("  ".join(lines[-1]))
    if len(scores) > 1:
        raise SystemExit(f"the engines found different scores: {scores}")
    return lines


def after_kills(python: Path, name: str, number: int, rows: int, usual: float, kills: int) -> str:
    """How long it takes if a worker is killed with -9 when a third is done, so often."""
    found = [fits(python, name, number, rows, usual / 3) for _ in range(kills)]
    took = [one["seconds"] for one in found if "lost" not in one]
    said = [f"{median(took):.1f}"] if took else []
    if lost := sorted({one["lost"] for one in found if "lost" in one}):
        said.append(f"lost {kills - len(took)} of {kills}: {', '.join(lost)}")
    return "; ".join(said)


@contextmanager
def cluster(project: Path, workers: int, scratch: Path) -> Iterator[str]:
    """A scheduler and workers that use one core each; its address."""
    dask, known = project / ".venv" / "bin" / "dask", scratch / f"scheduler-{workers}.json"
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "cwd": scratch}
    where = ["--host", "127.0.0.1", "--no-dashboard"]
    told = ["--port", "0", "--scheduler-file", known, "--dashboard-address", ":0"]
    running = [subprocess.Popen([dask, "scheduler", *where, *told], **quiet)]
    env = {**clean(), "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        while not known.is_file() or not known.read_text():
            time.sleep(0.1)
        address = json.loads(known.read_text())["address"]
        one = [dask, "worker", address, "--nthreads", "1", *where]
        running += [subprocess.Popen(one, env=env, **quiet) for _ in range(workers)]
        time.sleep(8)  # until they have come
        yield address
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)


def use(project: Path, address: str) -> None:
    """The setting, and nothing else."""
    path = project / "settings.toml"
    kept = path.read_text().partition("[engine]")[0]
    told = f'[engine]\nkind = "dask"\naddress = "{address}"\n' if address else ""
    path.write_text(kept + told)


def timed(project: Path, *arguments: str) -> tuple[float, str]:
    """Seconds of a command, its start included, and what it printed."""
    command, begun = [project / ".venv" / "bin" / "ml", *arguments, "--json"], time.perf_counter()
    done = subprocess.run(command, cwd=project, stdout=subprocess.PIPE, check=True, env=clean())
    return time.perf_counter() - begun, done.stdout.decode()


def scale(project: Path, files: int, rows: int, repeats: int, scratch: Path) -> list[list[str]]:
    """`ml validate` and `ml predict` here, by one worker and by two; all must find the same."""
    python = project / ".venv" / "bin" / "python"
    subprocess.run([python, "-c", ROWS, str(files), str(rows)], cwd=project, check=True)
    timed(project, "train", "--today", TODAY)
    timed(project, "promote")
    lines, known = [], set()
    for told, workers in (("this process, all cores", 0), ("1 worker", 1), ("2 workers", 2)):
        if workers:
            with cluster(project, workers, scratch) as address:
                use(project, address)
                found, said = passes(project, repeats, f"out-{workers}")
        else:
            use(project, "")
            found, said = passes(project, repeats, f"out-{workers}")
        known.add(said)
        lines.append([told, *(f"{seconds:.1f}" for seconds in found)])
        say("  ".join(lines[-1]))
    if len(known) > 1:
        raise SystemExit("the engines found or wrote something else")
    return lines


def passes(project: Path, repeats: int, folder: str) -> tuple[tuple[float, float], str]:
    """Median seconds of both commands, the first time left out, and a digest of what came out."""
    looked, answered, told = [], [], ""
    for number in range(repeats + 1):
        seconds, told = timed(project, "validate", "parts/*.parquet", "--today", TODAY)
        looked.append(seconds)
        out = f"{folder}-{number}"
        seconds, _ = timed(project, "predict", "parts/*.parquet", out, "--today", TODAY)
        answered.append(seconds)
    digest = sha256(told.encode())
    for path in sorted((project / out).iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return (median(looked[1:]), median(answered[1:])), digest.hexdigest()


def report(fitted: list[list[str]], scaled: list[list[str]], told: Mapping[str, Any]) -> str:
    """Both tables."""
    head = ["engine", "start, s", "a fit, ms", "all fits, s", "MB", "s after a kill", "MB on disk"]
    return f"""# Engines: what they cost, and what they give back

{facts("engine.py", ())} {os.cpu_count()} processors. The newest releases before {NEWEST}, each in \
an environment of its own.

## {told["fits"]} fits of a cross-validation

{told["rows"]:,} rows, 30 columns, gradient boosting on one thread; two workers; medians of \
{told["repeats"]} runs. All found the same scores.

{table(head, fitted)}

*Start* is until four empty pieces have come back, imports included; *a fit* is what an engine \
adds to each one, from as many empty pieces. *MB* is the most that all processes used together, \
shared pages once. *After a kill*: the same fits, one worker killed with -9 when a third of the \
usual time is over, as often. *On disk*: the environment, scikit-learn included.

## A table in {told["files"]} files, {told["files"] * told["per_file"]:,} rows

{table(["where", "`ml validate`, s", "`ml predict`, s"], scaled)}

Seconds of the command, its own start included, the first run left out; medians of \
{told["repeats"]}. Each worker uses one core. Findings and files are the same, byte for byte. Both \
workers are on this machine: it shows that work is shared out, not what a network does to it.
"""


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    told = {"fits": 40, "rows": 10_000, "repeats": 3, "files": 24, "per_file": 300_000}
    if quick:
        told = {"fits": 10, "rows": 2_000, "repeats": 1, "files": 4, "per_file": 20_000}
    with tempfile.TemporaryDirectory(prefix="engine-") as scratch:
        project = generate(Path(scratch))
        os.environ["PYTHONPATH"] = str(project / "src")
        fitted = compare_fits(project, told["fits"], told["rows"], told["repeats"])
        files = (told["files"], told["per_file"], told["repeats"])
        text = report(fitted, scale(project, *files, Path(scratch)), told)
    say(text)
    if not quick:
        (RESULTS / "engine.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
