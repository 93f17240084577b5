# /// script
# requires-python = "==3.11.*"
# dependencies = [
#     "charset-normalizer>=3.4",
#     "filelock>=3.20",
#     "fsspec>=2025.9",
#     "matplotlib>=3.10",
#     "numpy>=2.2",
#     "pandas>=2.3",
#     "polars>=2.1",
#     "pyarrow>=22",
#     "pydantic>=2.12",
#     "pyyaml>=6.0.3",
#     "scikit-learn>=1.9",
#     "scipy>=1.16",
#     "threadpoolctl>=3.6",
# ]
# [tool.uv]
# exclude-newer = "2026-11-14"
# ///
"""A year of the loop in six worlds, beside three simpler policies: the README's picture.

    uv run benchmarks/simulate.py      # three seeds; writes benchmarks/results/
    uv run benchmarks/simulate.py 1    # prints only, as any choice does

It is `ml simulate` on the template's sample, with the generated project's default settings.
"""

import argparse
import os
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

from common import RESULTS, TEMPLATE, facts, load_package, say, table

load_package()

from project.project import read_project  # noqa: E402
from project.simulate.report import NAMES, draw  # noqa: E402
from project.simulate.run import Lived, Plan, live  # noqa: E402
from project.simulate.worlds import WORLDS  # noqa: E402
from project.simulate.year import BROKEN, POLICIES  # noqa: E402

WEEKS, SEEDS, METRIC = 52, 3, "roc_auc"
NEAR = 0.003
PACKAGES = ("numpy", "polars", "scipy", "scikit-learn")


def lived(plan: Plan) -> Lived:
    """One world, in a process of its own."""
    return live(plan, lambda: None)


def report(years: dict[int, list[Lived]], told: str) -> str:
    """Means over seeds, and what was promised."""
    by_world = {
        world: [next(one for one in year if one.world == world) for year in years.values()]
        for world in WORLDS
    }
    means = {
        world: {policy: fmean(one.mean(policy) for one in found) for policy in POLICIES}
        for world, found in by_world.items()
    }
    rows = []
    for world, found in by_world.items():
        stopped = fmean(sum(week.verdict == BROKEN for week in one.weeks) for one in found)
        due = fmean(sum(week.due for week in one.weeks) for one in found)
        moved = fmean(one.promotions for one in found)
        scores = [f"{means[world][policy]:.4f}" for policy in POLICIES]
        rows.append([world, *scores, f"{moved:.0f}", f"{stopped:.0f}", f"{due:.0f}"])
    header = ["mean true AUC", *(NAMES[policy] for policy in POLICIES)]
    header += ["promotions", "batches stopped", "weeks due"]
    worlds = "\n".join(f"- **{world}**: {WORLDS[world].says}." for world in WORLDS)
    return f"""# A year of the loop

{facts(told, PACKAGES)} {WEEKS} weeks, {len(years)} seeds, 60 customers a day, half a year of \
them in each training; every week a model is trained, and its true AUC in the week that follows is \
measured on rows whose truth is known. All policies get the same rows and the same trained models; \
this loop looks at the contract first, asks the gate, and is watched by `ml monitor`.

{table(header, rows)}

{worlds}

{promises(means)}

![True AUC of the model in force over a year, in six worlds, by policy](simulate.png)
"""


def promises(means: dict[str, dict[str, float]]) -> str:
    """Nowhere much worse than the best of the others, and better than each of them somewhere."""
    rivals = POLICIES[1:]
    gaps = {w: max(found[r] for r in rivals) - found["loop"] for w, found in means.items()}
    worst = max(gaps, key=lambda world: gaps[world])
    rows = [
        [
            f"less than the best other policy, at most (in {worst})",
            f"≤ {NEAR}",
            f"{gaps[worst]:+.4f}",
            "yes" if gaps[worst] <= NEAR else "**NO**",
        ]
    ]
    for rival in rivals:
        best = max(means, key=lambda world: means[world]["loop"] - means[world][rival])
        gain = means[best]["loop"] - means[best][rival]
        told = [f"better than “{NAMES[rival]}” somewhere (in {best})", "> 0", f"{gain:+.4f}"]
        rows.append([*told, "yes" if gain > 0 else "**NO**"])
    return table(["", "wanted", "found", "holds"], rows)


def main() -> int:
    """Live, print, write; fails where a promise does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", nargs="?", type=int, default=SEEDS)
    parser.add_argument("--results", type=Path)
    asked = parser.parse_args()
    usual = asked.seeds == SEEDS
    where = asked.results or (RESULTS if usual else None)
    with tempfile.TemporaryDirectory(prefix="simulate-") as scratch:
        root = Path(scratch)
        contract = TEMPLATE / "_options" / "sample" / "binary" / "contract.yaml"
        shutil.copy(contract, root)
        (root / "settings.toml").write_text('name = "simulated"\ntask = "binary"\n')
        project = read_project(root)
        today = datetime.now(UTC).date()
        plans = [
            Plan(project, world, WEEKS, 1, seed, today)
            for seed in range(1, asked.seeds + 1)
            for world in WORLDS
        ]
        years: dict[int, list[Lived]] = {}
        context = get_context("spawn")
        with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
            for plan, one in zip(plans, pool.map(lived, plans), strict=True):
                years.setdefault(plan.seed, []).append(one)
                say(f"{one.world} {plan.seed}: {one.mean('loop'):.4f}")
    text = report(years, "simulate.py" if usual else f"simulate.py {asked.seeds}")
    say(text)
    if where:
        (where / "simulate.md").write_text(text, encoding="utf-8")
        draw(years[1], METRIC, where / "simulate.png")
    return 1 if "**NO**" in text else 0


if __name__ == "__main__":
    sys.exit(main())
