# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "matplotlib>=3.10", "numpy>=2.2", "polars>=2.1", "pydantic>=2.12", "pyyaml>=6.0.3",
#     "scipy>=1.16",
# ]
# [tool.uv]
# exclude-newer = "2026-11-14"
# ///
"""What checking a table costs, beside other tools and beside reading it.

    uv run benchmarks/validate.py            # 1, 10 and 50 million rows; writes results/validate.md
    uv run benchmarks/validate.py --quick    # a million rows, without the others; prints only

Twenty columns in Parquet: a unique key, a date, twelve numbers, three counts, two categories and a
binary answer. Reading is `pl.read_parquet`, the floor. Every run is a process of its own and starts
its clock after its imports; memory is the most that the process ever held. Other tools read the
file by themselves and check it with what they infer from its first 20 000 rows; they get a million
rows, since most of them hold the table several times. Medians of three runs.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from common import RESULTS, facts, say, table
from peers import NEWEST, PEERS

TODAY = date(2026, 6, 1)
MILLIONS = (1, 10, 50)
PIECE = 1_000_000
SEEN = 20_000
REPEATS = 3
PACKAGES = ("polars", "numpy")
OTHERS = ("pandera-polars", "pandera-pandas", "pointblank", "tdda")
GIGA = 1024**2  # of the kilobytes in which the system counts
ROOM = 12 * 1024**3


def piece(number: int) -> pl.DataFrame:
    """A million rows, the same whenever they are made."""
    random = np.random.default_rng(number)
    numbers = {f"number_{n}": np.round(random.normal(50, 10, PIECE), 2) for n in range(12)}
    counts = {f"count_{n}": random.poisson(4 + n, PIECE) for n in range(3)}
    first = np.datetime64("2026-01-01")
    return pl.DataFrame(
        {
            "key": pl.Series(np.arange(PIECE) + number * PIECE).cast(pl.String).str.zfill(10),
            "day": first + random.integers(0, 150, PIECE),
            **numbers,
            **counts,
            "kind": random.choice(["red", "green", "blue"], PIECE),
            "shop": pl.Series(random.zipf(1.6, PIECE) % 200).cast(pl.String).str.zfill(4),
            "answer": random.integers(0, 2, PIECE),
        }
    )


def make(folder: Path, millions: int) -> Path:
    """The table as one Parquet file."""
    parts = folder / f"parts-{millions}"
    parts.mkdir()
    for number in range(millions):
        piece(number).write_parquet(parts / f"{number:03d}.parquet")
    path = folder / f"{millions}.parquet"
    pl.scan_parquet(parts / "*.parquet").sink_parquet(path, row_group_size=250_000)
    shutil.rmtree(parts)
    return path


def run_here(what: str, path: str) -> None:
    """One measurement, in this process: seconds and the most memory, as JSON."""
    if what == "reading":
        act = _reading(path)
    elif what == "this project":
        act = _ours(path)
    else:
        act = _other(what, path)
    start = time.perf_counter()
    act()
    seconds = time.perf_counter() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIGA
    sys.stdout.write(json.dumps({"seconds": seconds, "gigabytes": most}) + "\n")


def _reading(path: str):
    return lambda: pl.read_parquet(path)


def _ours(path: str):
    from common import load_package

    load_package()
    from project.adopt.infer import infer_contract
    from project.checks.summarize import build_reference
    from project.steps.validate import validate

    head = pl.scan_parquet(path).head(SEEN)
    contract = infer_contract(head, "answer", TODAY)
    known = build_reference(head, contract)
    return lambda: validate(pl.scan_parquet(path), contract, TODAY, reference=known)


def _other(name: str, path: str):
    head = pl.scan_parquet(path).head(SEEN).collect()
    check = PEERS[name].fit(head, "answer", TODAY)
    return lambda: check(pl.read_parquet(path), TODAY)


def measure(what: str, path: Path, repeats: int = REPEATS) -> tuple[float, float]:
    """Median seconds and gigabytes of a few processes."""
    here = [sys.executable]
    if what in PEERS:
        here = ["uv", "run", "--quiet", "--isolated", "--no-project", "--python", "3.11"]
        here += ["--exclude-newer", NEWEST]
        here += [word for need in PEERS[what].needs for word in ("--with", need)]
        here += ["--with", "numpy>=2.2" if what != "tfdv" else "numpy", "python"]
    command = [*here, "-B", str(Path(__file__).resolve()), "--measure", what, str(path)]
    found = []
    for _ in range(repeats):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    seconds, most = ([one[key] for one in found] for key in ("seconds", "gigabytes"))
    return statistics.median(seconds), statistics.median(most)


def compare(folder: Path, millions: int, *, others: bool) -> list[list[str]]:
    """The rows of the result for one size."""
    path = make(folder, millions)
    floor, held = measure("reading", path)
    rows = [[f"{millions} M", "reading alone", f"{floor:.2f}", "1.0", f"{millions / floor:.1f} M"]]
    rows[0].append(f"{held:.1f}")
    for what in ("this project", *(OTHERS if others else ())):
        seconds, most = measure(what, path)
        speed = f"{millions / seconds:.2f} M"
        rows.append([f"{millions} M", what, f"{seconds:.2f}", f"{seconds / floor:.1f}", speed])
        rows[-1].append(f"{most:.1f}")
        say("  ".join(rows[-1]))
    path.unlink()
    return rows


def main() -> None:
    """Measure, or be one measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--measure", nargs=2)
    asked = parser.parse_args()
    if asked.measure:
        run_here(*asked.measure)
        return
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for millions in MILLIONS[:1] if asked.quick else MILLIONS:
            if shutil.disk_usage(scratch).free > ROOM:
                rows += compare(Path(scratch), millions, others=millions == 1 and not asked.quick)
    head = ["rows", "who", "seconds", "times reading", "rows a second", "GB at most"]
    text = (
        "# What checking a table costs\n\n"
        "Twenty columns in Parquet; medians of three processes each. Reading is all of the table\n"
        "into memory; the check reads it piece by piece.\n\n"
        f"{table(head, rows)}\n\n{facts('validate.py', PACKAGES)}\n"
    )
    if asked.quick:
        say(text)
    else:
        (RESULTS / "validate.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
