# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "matplotlib>=3.10",
#     "mlflow>=3.6",
#     "numpy>=2.2",
#     "pydantic>=2.12",
#     "scikit-learn>=1.7.2",
#     "scipy>=1.16",
# ]
# [tool.uv]
# exclude-newer = "2026-11-14"
# ///
"""What the gate decides, once and over years, beside the rules that others ship.

    uv run benchmarks/gate.py              # a quarter of an hour; writes benchmarks/results/
    uv run benchmarks/gate.py --quick      # one minute; prints only

The parts: one decision (gate_decision.py), all guards together (gate_guards.py), 52 weekly
retrains in worlds where truth is known (gate_worlds.py) and of real gradient boosting
(gate_retrains.py). What it costs is in gate_time.py, which wants a quiet machine.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import RESULTS, facts, say, table
from gate_binormal import CHAMPION_AUC, PREVALENCE
from gate_decision import (
    NOMINAL_TIMES,
    WORSE_BY_MARGIN,
    Rates,
    against_design,
    measure_all,
    nominal,
    promotions,
    verdicts,
)
from gate_guards import Guarded, ask_all, guarded_table
from gate_pictures import draw_rates, draw_worlds
from gate_retrains import LEAVES, REAL_WORLDS, TREES, TRUTH_ROWS, Pairs, judge_neighbours, real_year
from gate_rules import NEWER, OURS, PLAIN, RULES, SETTINGS, STORED
from gate_worlds import ANY, ROWS, WEEKS, WORLDS, Year, binormal_years, least_certain, tables

PACKAGES = ("numpy", "scipy", "pydantic", "scikit-learn", "mlflow")
Years = Mapping[str, Sequence[Year]]


@dataclass(frozen=True)
class Measured:
    """All that the report tells."""

    rates: Rates
    nominal: str
    level_kept: bool
    guarded: Guarded
    worlds: Years
    retrains: Years
    pairs: Sequence[Pairs]
    minutes: float

    @property
    def kept(self) -> bool:
        """Whether the gate kept both of its levels."""
        return self.level_kept and self.guarded.kept


def measure_everything(options: argparse.Namespace) -> Measured:
    """One part after the other."""
    start = time.perf_counter()
    rates = measure_all(options)
    level, kept = nominal(options)
    progress("one decision and its level", start)
    guarded = ask_all(options.repeats, options.correlation, options.seed)
    progress("guards", start)
    worlds = {
        world.name: binormal_years(world, options.years, options.correlation, options.seed)
        for world in WORLDS
    }
    progress("worlds", start)
    retrains = {}
    for world in REAL_WORLDS[:1] if options.quick else REAL_WORLDS:
        retrains[world.name] = [real_year(world, s) for s in range(options.real_years)]
        progress(f"retrains, {world.name}", start)
    pairs = [judge_neighbours(seed) for seed in range(options.real_years)]
    progress("neighbouring retrains", start)
    minutes = (time.perf_counter() - start) / 60
    return Measured(rates, level, kept, guarded, worlds, retrains, pairs, minutes)


def progress(part: str, start: float) -> None:
    """How far the run has come."""
    sys.stderr.write(f"{time.perf_counter() - start:5.0f} s: {part}\n")


def report(found: Measured, options: argparse.Namespace) -> str:
    """The whole result as Markdown."""
    parts = (
        head(found, options),
        decision_part(found, options),
        guards_part(found.guarded),
        worlds_part(found.worlds, options),
        retrains_part(found.retrains, found.pairs, options),
    )
    return "\n\n".join(parts) + "\n"


def head(found: Measured, options: argparse.Namespace) -> str:
    """Command, versions and what is what."""
    command = f"gate.py --repeats {options.repeats} --years {options.years}"
    command += f" --real-years {options.real_years} --correlation {options.correlation:g}"
    command += f" --seed {options.seed}"
    return f"""# The gate beside the rules that others ship

{facts(command, PACKAGES)} It took {found.minutes:.0f} minutes.

The gate is this template's own code with its default settings. Four rules are those that peers \
ship; "MLflow" is the real `mlflow.validate_evaluation_results` with `MetricThreshold(\
threshold=0.78, min_absolute_change=0.01, greater_is_better=True)`; plain non-inferiority is this \
project's lower bound without its bar and its anchor. A holdout is fresh for every decision."""


def decision_part(found: Measured, options: argparse.Namespace) -> str:
    """One decision at a time."""
    worst = 100 * np.sqrt(0.25 / found.rates.repeats)
    return f"""## One decision: promoted, by true difference

Binary, {PREVALENCE:.0%} positives, champion of true AUC {CHAMPION_AUC:.2f}. Scores are binormal, \
so the true AUC is exact by formula. Champion and challenger share their noise as retrains do: \
latent correlation {options.correlation:g}. For speed the evidence is built from \
`metrics/compare.py` alone: the rule without guards. The anchor is the champion. \
{found.rates.repeats:,} repeats: the standard error of a rate is at most {worst:.1f} points.

{promotions(found.rates)}

![Promotion rate by true difference](gate.png)

What is not promoted is kept out: a better model that is not promoted is a false block. Where this \
project blocks more of the better ones than another rule does, that is the price of what it keeps \
out on the other side of the table.

### Beside the design's figures

{against_design(found.rates)}

### The nominal level: a challenger worse by exactly the margin

The margin is {SETTINGS.max_loss_increase:.0%} of the champion's loss, {-WORSE_BY_MARGIN:g} AUC \
here. {NOMINAL_TIMES * found.rates.repeats:,} repeats on other random numbers than the table's. \
At most 5 %, within Monte-Carlo error: **{yes(found.level_kept)}**.

{found.nominal}

### What this project's gate says

{verdicts(found.rates)}"""


def guards_part(guarded: Guarded) -> str:
    """The Holm family."""
    one = next(iter(guarded.equal.values()))[0]
    repeats, fewer = (len(next(iter(f.values()))) for f in (guarded.equal, guarded.bad))
    return f"""## All guards together

Champion and challenger are two retrains of equal truth, with noise of their own and of the same \
size. Four columns of categories (one of them sensitive) and three numbers by quarters make \
{one.slices} slices; with the secondary score, calibration and fairness the family has \
{one.tests} tests. {repeats:,} repeats for equal models, {fewer:,} for the bad slice; in brackets \
Wilson's 95 % interval. An equal model is blocked by all of them together at most 5 % of the \
time, within Monte-Carlo error: **{yes(guarded.kept)}**.

{guarded_table(guarded)}

The design says 99 % for the bare limit at 2,000 rows and 1.6 % for the family."""


def worlds_part(worlds: Years, options: argparse.Namespace) -> str:
    """Years of binormal models."""
    says = "\n".join(f"- **{world.name}**: {world.says}." for world in WORLDS)
    return f"""## {WEEKS} weekly retrains, truth known by formula

{says}

Every week one challenger is trained and every rule judges it against the champion that the rule \
itself has put in force, on the same fresh holdout of {ROWS:,} rows; champion and anchor move as \
`promote.py` moves them. This project's evidence is the core's, without guards. All start with \
the same champion. Any two models' noise has correlation {options.correlation:g}. Means over \
{options.years} years of each world; the largest standard error of a mean regret is \
{least_certain(worlds):.2f} thousandths.

**Regret** of a week is the highest true AUC, in that week, of all models that have been trained \
so far (the first champion and every challenger up to that week's, promoted or not), less the true \
AUC of the model that the rule has in force after its decision; the mean over the {WEEKS} weeks. \
That is hindsight: nobody can have 0 where retrains go up and down by chance. **Negative flips**: \
the share of all holdout rows that the champion has right and the promoted challenger has wrong, \
at a threshold of one half.

{tables(worlds)}

![True AUC of the model in force, by world and rule](gate-worlds.png)

{comparison(worlds)}

### Beside the design's figures for a year

{years_against_design(worlds)}"""


def years_against_design(worlds: Years) -> str:
    """What the design says of a year; its worlds are told in a few words, so they may differ."""
    ends = {name: {rule: mean_end(f, rule) for rule in RULES} for name, f in worlds.items()}
    swaps = mean_swaps(worlds["no change"], NEWER)
    rows = [
        [f"{STORED}: AUC lost when the world drifts", "50", f"{-ends['world drifts'][STORED]:.0f}"],
        [f"{PLAIN}: AUC lost to rot, {ROWS:,} rows", "10", f"{-ends['rot'][PLAIN]:.0f}"],
    ]
    lost = table(["thousandths in a year", "design", "here"], rows)
    rows = [[f"{NEWER}: swaps where nothing changed", "about 20", f"{swaps:.0f}"]]
    return f"{lost}\n\n{table(['in a year', 'design', 'here'], rows)}"


def comparison(years: Years) -> str:
    """In plain words: where another rule has less regret, or fewer swaps for nothing."""
    lines = []
    for world, found in years.items():
        regret = {n: mean_regret(found, n) for n in RULES}
        better = {n: v for n, v in regret.items() if v < regret[OURS] - 0.05}
        if better:
            names = ", ".join(
                f"{n} ({v:.1f})" for n, v in sorted(better.items(), key=lambda i: i[1])
            )
            lines.append(f"- {world}: {regret[OURS]:.1f} of this project; less have {names}.")
        else:
            lines.append(f"- {world}: {regret[OURS]:.1f} of this project; no rule has less.")
    worst = {n: max(mean_regret(f, n) for f in years.values()) for n in RULES}
    order = ", ".join(f"{n} {v:.1f}" for n, v in sorted(worst.items(), key=lambda i: i[1]))
    return (
        "Where this project is worse than another rule, by mean regret in thousandths:\n\n"
        + "\n".join(lines)
        + f"\n\nEach rule's regret in the world that is worst for it: {order}.\n\n"
        + idle_swaps(years["no change"])
    )


def idle_swaps(found: Sequence[Year]) -> str:
    """Promotions for nothing, and who has fewer of them."""
    swaps = {rule: mean_swaps(found, rule) for rule in RULES}
    fewer = [f"{rule} ({n:.1f})" for rule, n in swaps.items() if n < swaps[OURS] - 0.05]
    who = ", ".join(fewer) or "no rule"
    return f"Where nothing changes this project swaps {swaps[OURS]:.1f} times a year; less: {who}."


def retrains_part(years: Years, pairs: Sequence[Pairs], options: argparse.Namespace) -> str:
    """Years of real models."""
    says = "\n".join(f"- **{w.name}**: {w.says}." for w in REAL_WORLDS if w.name in years)
    count = options.real_years
    blocked = "\n".join(f"- {world}: {harm_line(found)}" for world, found in years.items())
    return f"""## The same with real gradient boosting

scikit-learn's HistGradientBoostingClassifier ({TREES} trees of {LEAVES} leaves, ten columns) is \
trained anew every week on drawn rows; each week's model is trained once, and every rule judges \
the same sequence. This project's evidence is the whole gate's, with all ten columns as slices. \
True AUC is measured on a large fresh sample of the week, each row weighed by its \
known probability instead of a drawn answer. {count} year{"s" * (count != 1)} of each world, each \
with a nature of its own; the largest standard error of a mean regret is \
{f"{least_certain(years):.1f} thousandths" if count > 1 else "unknown"}.

{says}

{tables(years)}

![True AUC of the real model in force](gate-retrains.png)

{comparison(years)}

### What the guards said of real retrains

Weeks a year in which a guard of the Holm family said proven harm of this project's challenger \
(in "label rot" and "world drifts" models do differ):

{blocked}

{pairs_text(pairs)}"""


def pairs_text(pairs: Sequence[Pairs]) -> str:
    """Whether the harms that are named between neighbouring retrains are there."""
    judged, blocked, bare, other = (
        sum(getattr(one, name) for one in pairs)
        for name in ("judged", "blocked", "bare", "secondary")
    )
    named = [harm for one in pairs for harm in one.named]
    said = "; ".join(f"{one.where}: {one.measured:+.3f}, truly {one.true:+.3f}" for one in named)
    return f"""In "no change" each week's model was also judged against the last week's, whatever \
any rule had in force: {judged} pairs of retrains that differ by their training rows alone. The \
family blocked {blocked} of them ({blocked / judged:.1%}), {other} for something else than a \
slice; a bare limit of {SETTINGS.slice_max_drop} a slice would have blocked {bare} \
({bare / judged:.0%}). The slices that were named, as measured and as they truly are on \
{TRUTH_ROWS:,} rows: {said or "none"}."""


def harm_line(found: Sequence[Year]) -> str:
    """Weeks a year with proven harm, and by which guards."""
    total = sum((year.reigns[OURS].harmed for year in found), Counter())
    any_, years = total.pop(ANY, 0), len(found)
    which = ", ".join(f"{name} {count / years:.1f}" for name, count in total.most_common())
    return f"{any_ / years:.1f}" + (f" ({which})." if which else ".")


def mean_regret(years: Sequence[Year], name: str) -> float:
    """In thousandths of AUC."""
    return 1000 * float(np.mean([year.reigns[name].regret for year in years]))


def mean_swaps(years: Sequence[Year], name: str) -> float:
    """Promotions a year."""
    return float(np.mean([year.reigns[name].promotions for year in years]))


def mean_end(years: Sequence[Year], name: str) -> float:
    """AUC in force at the end less that at the start, in thousandths."""
    return 1000 * float(np.mean([year.reigns[name].truth[-1] - year.start for year in years]))


def yes(kept: bool) -> str:
    """Loud where it is not."""
    return "yes" if kept else "NO"


def read_options() -> argparse.Namespace:
    """The command's options. `--quick` writes nothing unless told where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1_000, help="holdouts for each size")
    parser.add_argument("--years", type=int, default=40, help="of each world of known truth")
    parser.add_argument("--real-years", type=int, default=3, help="of each world of real models")
    parser.add_argument("--quick", action="store_true", help="very few of each; prints only")
    parser.add_argument("--correlation", type=float, default=0.9, help="of the models' noise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, help="folder for gate.md and its pictures")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.years, options.real_years = 30, 2, 1
    elif options.results is None:
        options.results = RESULTS
    return options


def write(found: Measured, text: str, folder: Path) -> None:
    """The report and its pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gate.md").write_text(text, encoding="utf-8")
    draw_rates(found.rates, folder / "gate.png")
    title = "True AUC of the model in force, mean over the years"
    draw_worlds(found.worlds, title, folder / "gate-worlds.png", columns=3)
    title = "The same with real gradient boosting"
    draw_worlds(found.retrains, title, folder / "gate-retrains.png", columns=2)


def main() -> int:
    """Measure, print, write; fails when the gate does not keep a level that it promises."""
    options = read_options()
    found = measure_everything(options)
    text = report(found, options)
    say(text)
    if options.results:
        write(found, text, options.results)
    return 0 if found.kept else 1


if __name__ == "__main__":
    sys.exit(main())
