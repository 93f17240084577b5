# /// script
# requires-python = "==3.11.*"
# dependencies = [
#     "aiohttp>=3.13",
#     "charset-normalizer>=3.4",
#     "cloudpickle>=3.1",
#     "cookiecutter>=2.7.1",
#     "filelock>=3.20",
#     "fsspec>=2025.9",
#     "matplotlib>=3.10",
#     "numpy>=2.2",
#     "onnxruntime>=1.23",
#     "orjson>=3.11",
#     "pandas>=2.3",
#     "polars>=2.1",
#     "protobuf<7",
#     "psutil>=7",
#     "pyarrow>=22",
#     "pydantic>=2.12",
#     "pyyaml>=6.0.3",
#     "scikit-learn>=1.9",
#     "scipy>=1.16",
#     "skl2onnx>=1.20",
#     "skops>=0.13",
#     "threadpoolctl>=3.6",
# ]
# [tool.uv]
# exclude-newer = "2026-11-14"
# ///
"""One model behind six servers under the same load: pace, memory, start, and what is lost.

    uv run benchmarks/serving.py                         # all, 20 minutes; writes results/
    uv run benchmarks/serving.py 1 --seconds 1 --only ours,mlflow,echo --parts load
    uv run benchmarks/serving.py --minutes 10            # only: does memory grow under load?

Needs wrk (apt-get install wrk). Any choice but the number of rounds prints only, unless `--results`
says where to write. Peers' environments are kept in the temporary folder.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from common import RESULTS, facts, say
from serving_model import prepare
from serving_parts import (
    Bench,
    measure_batch,
    measure_length,
    measure_loads,
    measure_log,
    measure_memory,
    measure_sizes,
    measure_swaps,
)
from serving_peers import KEPT, MLFLOW, OURS, PEERS, environment, installed
from serving_report import PACKAGES, Found, draw, promises, report

ROUNDS, SECONDS, BATCH_ROWS = 5, 3, 3_000_000
PARTS = ("load", "swap", "log", "size", "batch")
NEEDED = {"swap": {OURS}, "log": {OURS}, "size": {MLFLOW}}


def set_up(scratch: Path, options: argparse.Namespace) -> Bench:
    """The model and the environments that the chosen parts need."""
    KEPT.mkdir(exist_ok=True)
    prepared = prepare(scratch)
    names = set(options.only) if "load" in options.parts else set()
    names = names.union(*(NEEDED.get(part, set()) for part in options.parts))
    pins = {name: version(name) for name in ("scikit-learn", "numpy")}
    pythons = {}
    for name in sorted(names):
        pythons[name] = environment(name, scratch, pins)
        say(f"{name}: {PEERS[name].package} {installed(pythons[name], PEERS[name].package)}")
    bench = Bench(prepared, pythons, options.rounds, options.seconds)
    return replace(bench, length=measure_length(bench)) if OURS in pythons else bench


def measure(bench: Bench, options: argparse.Namespace) -> Found:
    """The chosen parts."""
    told = f"serving.py {options.rounds}" if options.rounds != ROUNDS else "serving.py"
    pairs = bench.pythons.items()
    versions = {name: installed(python, PEERS[name].package) for name, python in pairs}
    found = Found(told, options.rounds, options.seconds, versions)
    if "load" in options.parts:
        found.loads = measure_loads(bench, options.only)
    if "swap" in options.parts:
        found.swaps = measure_swaps(bench)
    if "log" in options.parts:
        found.log = measure_log(bench)
    if "size" in options.parts:
        found.sizes = measure_sizes(bench)
    if "batch" in options.parts:
        found.batch = measure_batch(bench, options.rows)
    return found


def remember(bench: Bench, options: argparse.Namespace) -> None:
    """Memory under load, minute by minute."""
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        say(line)

    found = measure_memory(bench, options.minutes, tell)
    grown = found[-2] - found[1]
    told = "\n".join(f"- {line}" for line in lines)
    text = f"""# Memory under load

{facts(f"serving.py --minutes {options.minutes}", PACKAGES)} 64 connections, one row a request, \
every request in the prediction log. From the first minute to the last one it grew by \
{grown:.1f} MB.

{told}
"""
    say(text)
    if options.results:
        (options.results / "serving-memory.md").write_text(text, encoding="utf-8")


def names(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Reads some of these names, between commas, in the order in which they are known."""

    def read(text: str) -> tuple[str, ...]:
        wanted = set(text.split(","))
        if wanted - set(known):
            raise argparse.ArgumentTypeError(f"choose from {', '.join(known)}")
        return tuple(name for name in known if name in wanted)

    return read


def read_options() -> argparse.Namespace:
    """The command's options. With any choice nothing is written unless told where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    servers = tuple(PEERS)
    parser.add_argument("--only", type=names(servers), default=servers, help=", ".join(servers))
    parser.add_argument("--parts", type=names(PARTS), default=PARTS, help=", ".join(PARTS))
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each load")
    parser.add_argument("--rows", type=int, default=BATCH_ROWS, help="of the large file")
    parser.add_argument("--minutes", type=int, default=0, help="only: memory under load")
    parser.add_argument("--results", type=Path, help="folder for serving.md and serving.png")
    options = parser.parse_args()
    usual = (servers, PARTS, SECONDS, BATCH_ROWS)
    if (options.only, options.parts, options.seconds, options.rows) == usual:
        options.results = options.results or RESULTS
    if options.minutes:
        options.parts = ("log",)
    return options


def main() -> int:
    """Measure, print, write; fails where a ratio does not hold."""
    options = read_options()
    if options.results:
        options.results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="serving-") as scratch:
        bench = set_up(Path(scratch), options)
        if options.minutes:
            remember(bench, options)
            return 0
        found = measure(bench, options)
    text = report(found)
    say(text)
    if options.results:
        (options.results / "serving.md").write_text(text, encoding="utf-8")
        if found.loads:
            draw(found, options.results / "serving.png")
    return 0 if all(one.holds for one in promises(found)) else 1


if __name__ == "__main__":
    sys.exit(main())
