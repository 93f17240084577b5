# /// script
# requires-python = "==3.11.*"
# dependencies = [
#     "charset-normalizer>=3.4",
#     "filelock>=3.20",
#     "fsspec>=2025.9",
#     "matplotlib>=3.10",
#     "numpy>=2.2",
#     "onnxruntime>=1.23",
#     "pandas>=2.3",
#     "polars>=2.1",
#     "protobuf<7",
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
"""How often monitoring asks for a retraining that nobody needs, and how soon for one that is due.

    uv run benchmarks/monitor.py                 # 20 seeds; writes benchmarks/results/
    uv run benchmarks/monitor.py 2 --only ours   # prints only, as any choice does

A model is trained once in each of the six worlds of `ml simulate` and is then watched for a year,
week by week, by this project and by others; nobody replaces it, so all see the same weeks. Alarms
in consecutive weeks are one. An alarm of ours is answered as the loop answers it, by a gate that
judges the model on its newest rows, and here always keeps it. Other tools run in environments of
their own (monitor_peers.py).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, median

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from common import RESULTS, TEMPLATE, facts, load_package, make_python, say, table

load_package()

from project.checks.summarize import build_reference  # noqa: E402
from project.contract import read_contract  # noqa: E402
from project.fitting import fit  # noqa: E402
from project.metrics.scores import score  # noqa: E402
from project.monitor.compare import compare  # noqa: E402
from project.monitor.confidence import learn  # noqa: E402
from project.monitor.score import predicted, score_rows  # noqa: E402
from project.monitor.seen import Champion  # noqa: E402
from project.monitor.verdict import verdict  # noqa: E402
from project.project import Project  # noqa: E402
from project.scoring import answers_of  # noqa: E402
from project.settings import Settings  # noqa: E402
from project.simulate.sources import WEEK, Sampled  # noqa: E402
from project.simulate.worlds import WORLDS  # noqa: E402
from project.simulate.year import in_memory  # noqa: E402
from project.steps.split import split  # noqa: E402
from project.steps.validate import validate  # noqa: E402
from project.store import export  # noqa: E402
from project.store.encode import encode_rows  # noqa: E402
from project.store.model import Model, open_unsealed  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

WEEKS, ROWS_A_DAY = 52, 100
HARM = 0.02  # of true AUC, below what the model had when it was new
LATE = 8.0  # weeks: two windows
SOON = 4  # weeks: a harm grows, and an alarm of the window before it is no delay
NEVER = 40.0  # where the picture shows who never notices
NEWEST = "2026-11-14"
KEPT = Path(tempfile.gettempdir()) / "monitor-benchmark"
PACKAGES = ("numpy", "polars", "scipy", "scikit-learn")
OURS, OURS_LATE, PSI, KS = "ours", "ours, no labels", "PSI > 0.2", "KS p < .05"
PEERS = {
    "nannyml": ("nannyml>=0.13", "statsmodels", "polars>=1.35", "pyarrow>=22"),
    "evidently": ("evidently>=0.7.20", "polars>=1.35", "pandas>=2.3,<3", "pyarrow>=22"),
}
SLOW = {"evidently": (1, ("stable", "concept"))}  # seeds and worlds; several seconds a week


@dataclass(frozen=True)
class Year:
    """One world and seed: the weeks in which each method alarms, and the model's true score."""

    world: str
    seed: int
    truth: Sequence[float]
    alarms: Mapping[str, Sequence[bool]] = field(default_factory=dict)

    @property
    def onset(self) -> int | None:
        """The first week of a harm that stays for a month."""
        low = [value < self.truth[0] - HARM for value in self.truth]
        return next((week for week in range(1, WEEKS - 3) if all(low[week : week + 4])), None)


def episodes(alarms: Sequence[bool]) -> list[int]:
    """The first week of each run of alarms."""
    return [n for n, alarm in enumerate(alarms) if alarm and not (n and alarms[n - 1])]


def watch(world: str, seed: int, folder: Path) -> Year:
    """Train, then watch a year with what runs in this process; write the tables for the others."""
    with threadpool_limits(1):
        return _watch(world, seed, folder)


def _watch(world: str, seed: int, folder: Path) -> Year:
    scenario = WORLDS[world]
    scenario = replace(scenario, world=replace(scenario.world, rows_a_day=ROWS_A_DAY))
    contract = read_contract(TEMPLATE / "_options" / "sample" / "binary" / "contract.yaml")
    project = Project(Path(), Settings(name="watched", task="binary"), contract)
    source = Sampled(project, scenario, WEEKS, seed)
    place = folder / f"{world}-{seed}"
    place.mkdir()
    champion, training = crown(project, source, place)
    truth, alarms = [], {name: [] for name in (OURS, OURS_LATE, PSI, KS)}
    weeks = []
    for week in range(1, WEEKS + 1):
        day = source.first + week * WEEK
        raw = source.until(day, week)
        batch = raw.filter(pl.col("observed_on") >= day - WEEK).collect()
        truth.append(source.truth({"model": champion.model}, day - WEEK)["model"])
        # elsewhere nothing breaks the contract, which ml monitor looks at first
        broken = world == "batches" and bool(validate(raw, contract, day, labelled=False).failures)
        rows = champion.newer(raw.collect(), "observed_on")
        for name, seen in ((OURS, rows), (OURS_LATE, unlabelled(rows))):
            alarms[name].append(False if broken else is_due(project, champion, seen, day))
        if alarms[OURS][-1]:
            parts = split(raw.collect(), contract, project.settings.split.holdout)
            told = at_gate(project, champion.model, parts.holdout)
            champion = replace(champion, facts={**champion.facts, **told})
        alarms[PSI].append(any(psi(training[n], batch[n]) > 0.2 for n in contract.inputs))
        alarms[KS].append(any(ks(training[n], batch[n]) < 0.05 for n in contract.inputs))
        weeks.append(with_answers(champion, batch).with_columns(pl.lit(week).alias("week")))
    known = with_answers(champion, training)
    known.write_parquet(place / "reference.parquet")
    pl.concat(weeks).write_parquet(place / "weeks.parquet")
    return Year(world, seed, truth, alarms)


def crown(project: Project, source: Sampled, place: Path) -> tuple[Champion, pl.DataFrame]:
    """The model of the first day, packaged, with all that its bundle would tell."""
    rows = source.until(source.first, 0).collect()
    parts = split(rows, project.contract, project.settings.split.holdout)
    trained = fit(project, parts)
    signature = in_memory(project, trained, source.first).signature
    inputs = encode_rows(parts.holdout, project.inputs)
    export.write_model(place, trained.estimator, signature, inputs)
    model = open_unsealed(place)
    answers, said = answers_of(project, model, parts.holdout), predicted(model, parts.holdout)
    told = at_gate(project, model, parts.holdout)
    told |= {"until": (source.first - timedelta(days=1)).isoformat()}
    reference = build_reference(rows.lazy(), project.contract)
    worth = permuted(project, model, parts.holdout)
    known = (told, source.first, reference, learn(answers, said), worth)
    return Champion(1, "first", model, *known), rows


def at_gate(project: Project, model: Model, holdout: pl.DataFrame) -> dict[str, object]:
    """What a gate sees of the model on these rows."""
    found = score_rows(project, model, holdout, predicted(model, holdout))
    return {"metric": project.settings.watched, "value": found.value, "error": found.error}


def permuted(project: Project, model: object, rows: pl.DataFrame) -> dict[str, float]:
    """What shuffling each column costs, as the gate measures it."""
    answers = answers_of(project, model, rows)
    metric = project.settings.watched
    whole = score(answers, predicted(model, rows), metric).value
    found = {}
    for name in project.contract.inputs:
        mixed = rows.with_columns(pl.col(name).sample(fraction=1.0, shuffle=True, seed=1))
        found[name] = max(0.0, whole - score(answers, predicted(model, mixed), metric).value)
    return found


def is_due(project: Project, champion: Champion, rows: pl.DataFrame, day: object) -> bool:
    """Whether `ml monitor` would ask for a retraining; no calm, so that each week is judged."""
    seen = compare(project, champion, rows, (), None, day)
    return verdict(project, seen, champion.worth, ()).due


def unlabelled(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose answers have not come."""
    return rows.with_columns(pl.lit(None, dtype=rows.schema["churned"]).alias("churned"))


def with_answers(champion: Champion, rows: pl.DataFrame) -> pl.DataFrame:
    """Inputs, the champion's probability and label, and the answer."""
    said = predicted(champion.model, rows)[:, 1]
    names = [column.name for column in champion.model.signature.inputs]
    told = (pl.Series("said", said), pl.Series("label", (said >= 0.5).astype(int)))
    return rows.select(*names, "churned").with_columns(*told)


def psi(before: pl.Series, now: pl.Series) -> float:
    """Population stability index: ten bins of equal size of numbers, levels of words."""
    if before.dtype.is_numeric():
        cuts = np.unique(np.quantile(before.drop_nulls(), np.arange(1, 10) / 10))
        one, two = (np.searchsorted(cuts, part.drop_nulls().to_numpy()) for part in (before, now))
        size = len(cuts) + 1
    else:
        levels = sorted(before.drop_nulls().unique().to_list())
        places = {level: place for place, level in enumerate(levels)}
        one, two = (
            [places.get(v, len(levels)) for v in part.drop_nulls()] for part in (before, now)
        )
        size = len(levels) + 1
    p, q = (np.bincount(part, minlength=size) / len(part) for part in (one, two))
    p, q = np.clip(p, 1e-4, None), np.clip(q, 1e-4, None)
    return float(((q - p) * np.log(q / p)).sum())


def ks(before: pl.Series, now: pl.Series) -> float:
    """p of Kolmogorov and Smirnov for numbers, of chi-square for words, uncorrected."""
    from scipy.stats import chi2_contingency, ks_2samp

    before, now = before.drop_nulls(), now.drop_nulls()
    if before.dtype.is_numeric():
        return float(ks_2samp(before.to_numpy(), now.to_numpy()).pvalue)
    levels = sorted({*before.unique(), *now.unique()})
    counts = [[(part == level).sum() for level in levels] for part in (before, now)]
    return float(chi2_contingency(counts).pvalue)


def ask_peers(folder: Path, names: Sequence[str], years: list[Year]) -> tuple[list[Year], dict]:
    """The same weeks in other tools' hands; their versions."""
    versions = {}
    for name in names:
        python = make_python(KEPT / name, PEERS[name], NEWEST)
        script = Path(__file__).with_name("monitor_peers.py")
        most, worlds = SLOW.get(name, (len(years), tuple(WORLDS)))
        chosen = [y for y in years if y.seed <= most and y.world in worlds]
        places = [folder / f"{year.world}-{year.seed}" for year in chosen]
        command = [python, script, name, *places]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        told = json.loads(done.stdout)
        versions[name] = told["version"]
        for year, alarms in zip(chosen, told["alarms"], strict=True):
            years[years.index(year)] = replace(year, alarms={**year.alarms, **alarms})
    return years, versions


def report(years: Sequence[Year], versions: Mapping[str, str], told: str) -> str:
    """Tables and what was promised."""
    methods = list(dict.fromkeys(name for year in years for name in year.alarms))
    seeds = len({year.seed for year in years})
    others = ", ".join(f"{name} {number}" for name, number in versions.items())
    return f"""# Monitoring: false alarms, and how late a true one is

{facts(told, PACKAGES)} {f"In environments of their own: {others}. " if others else ""}\
{seeds} seeds of each world, {WEEKS} weeks of {7 * ROWS_A_DAY} rows; the slow Evidently saw one \
seed of two worlds. \
A model is trained once and watched; nobody replaces it. A run of weeks with an alarm is one \
alarm. Ours is answered by a gate that judges the model on its newest rows, as the loop would, and \
keeps it. A harm is a true AUC {HARM} below that of the first week, for a month; an alarm in the \
{SOON} weeks before it counts as both: before any harm, and without delay.

## Alarms a year

{alarm_table(years, methods)}

Where nothing is harmed, each is a retraining that nobody needs: in *stable* customers only mix a \
little; *labels* rot without any change in customers, so a retraining learns from wrong answers; \
*batches* arrive broken.

## Weeks until a harm is noticed

{delay_table(years, methods)}

The median of the years with a harm (in brackets: noticed, of how many). This project's window is \
four weeks. Without labels nobody can see in their columns that customers mind other things.

## Promises

{promises(years)}

![Alarms a year and weeks until a harm is noticed](monitor.png)
"""


def of(years: Sequence[Year], world: str, method: str) -> list[Year]:
    """The years of a world in which a method took part."""
    return [year for year in years if year.world == world and method in year.alarms]


def false_alarms(year: Year, method: str) -> int:
    """Alarms before anything is harmed."""
    end = WEEKS if year.onset is None else year.onset
    return sum(week < end for week in episodes(year.alarms[method]))


def delay(year: Year, method: str) -> float:
    """Weeks from the harm to an alarm; one of the four weeks before it is no delay."""
    if year.onset is None:
        return float("nan")
    after = [n for n in range(max(0, year.onset - SOON), WEEKS) if year.alarms[method][n]]
    return float(max(1, after[0] - year.onset + 1)) if after else float("inf")


def alarm_table(years: Sequence[Year], methods: Sequence[str]) -> str:
    rows = []
    for method in methods:
        cells = [of(years, world, method) for world in WORLDS]
        rows.append(
            [
                method,
                *(f"{fmean(false_alarms(y, method) for y in c):.1f}" if c else "" for c in cells),
            ]
        )
    return table(["before any harm", *WORLDS], rows)


def delay_table(years: Sequence[Year], methods: Sequence[str]) -> str:
    harmed = [
        world for world in WORLDS if any(y.onset is not None for y in years if y.world == world)
    ]
    rows = []
    for method in methods:
        cells = []
        for world in harmed:
            found = [delay(y, method) for y in of(years, world, method) if y.onset is not None]
            seen = [value for value in found if np.isfinite(value)]
            middle = f"{median(found):.0f}" if found and np.isfinite(median(found)) else "never"
            cells.append(f"{middle} ({len(seen)} of {len(found)})" if found else "")
        rows.append([method, *cells])
    return table(["", *harmed], rows)


def promises(years: Sequence[Year]) -> str:
    """What the design asks of this project."""
    calm = of(years, "stable", OURS)
    alarms = [false_alarms(year, OURS) for year in calm]
    harmed = [
        year for year in years if year.onset is not None and year.world not in ("labels", "batches")
    ]
    late = [delay(year, OURS) for year in harmed]
    held = sum(value <= LATE for value in late)
    rows = [
        [
            "false retrainings a year in a stable world, most of any seed",
            "≤ 1",
            str(max(alarms)),
            "yes" if max(alarms) <= 1 else "**NO**",
        ],
        [
            "harms answered within two windows (8 weeks), where labels arrive",
            "all",
            f"{held} of {len(late)}",
            "yes" if held == len(late) else "**NO**",
        ],
    ]
    return table(["", "wanted", "found", "holds"], rows)


def points(years: Sequence[Year]) -> dict[tuple[float, float], list[str]]:
    """Who stands where: false alarms in the stable world, weeks in the one whose concept turns."""
    found: dict[tuple[float, float], list[str]] = {}
    for method in dict.fromkeys(name for year in years for name in year.alarms):
        calm, turned = of(years, "stable", method), of(years, "concept", method)
        delays = [delay(y, method) for y in turned if y.onset is not None]
        if calm and delays:
            x = round(fmean(false_alarms(y, method) for y in calm), 1)
            found.setdefault((x, min(median(delays), NEVER)), []).append(method)
    return found


def draw(places: Mapping[tuple[float, float], Sequence[str]], path: Path) -> None:
    """False alarms against the delay; names that stand at one place are listed there."""
    figure, panel = plt.subplots(figsize=(8, 4.4))
    for (x, y), methods in places.items():
        own = methods == [OURS]
        panel.plot(x, y, "o" if own else "s", color="#0072b2" if own else "#777777", markersize=9)
        name = "\n".join(methods)
        at = {"xytext": (10, 0), "textcoords": "offset points", "va": "center", "fontsize": 9}
        panel.annotate(name, (x, y), weight="bold" if own else "normal", **at)
    panel.set_yticks([0, 10, 20, 30, NEVER], ["0", "10", "20", "30", "never"])
    panel.set_xlabel("false alarms a year where nothing changes (fewer is better)")
    panel.set_ylabel("weeks until a turned concept is noticed")
    panel.set_title("Monitoring: false alarms and delay", loc="left")
    panel.margins(0.18)
    panel.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main() -> int:
    """Measure, print, write; fails where a promise does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seeds", nargs="?", type=int, default=20)
    parser.add_argument("--only", choices=["ours"], help="no other tools")
    parser.add_argument("--results", type=Path)
    asked = parser.parse_args()
    usual = asked.seeds == 20 and not asked.only
    where = asked.results or (RESULTS if usual else None)
    KEPT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="monitor-") as scratch:
        folder = Path(scratch)
        plans = [(world, seed, folder) for seed in range(1, asked.seeds + 1) for world in WORLDS]
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            years = []
            for year in pool.map(watch, *zip(*plans, strict=True)):
                years.append(year)
                say(f"{year.world} {year.seed}: harm from week {year.onset}")
        years, versions = ask_peers(folder, [] if asked.only else list(PEERS), years)
    told = "monitor.py" if usual else f"monitor.py {asked.seeds}"
    text = report(years, versions, told)
    say(text)
    if where:
        (where / "monitor.md").write_text(text, encoding="utf-8")
        draw(points(years), where / "monitor.png")
    return 1 if "**NO**" in text else 0


if __name__ == "__main__":
    sys.exit(main())
