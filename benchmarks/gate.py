# /// script
# requires-python = ">=3.11"
# dependencies = ["matplotlib>=3.10", "numpy>=2.2", "pydantic>=2.12", "scipy>=1.16"]
# [tool.uv]
# exclude-newer = "2026-11-14"
# ///
"""How often the gate promotes worse and blocks better models, beside the rules that others ship.

    uv run benchmarks/gate.py              # about three minutes; writes benchmarks/results/
    uv run benchmarks/gate.py --quick      # seconds; prints only

Scores are binormal: a row of class y has the score d·y + noise, so the true AUC is exactly
Φ(d/√2). A champion and its retrain share most of their noise (correlation 0.9).
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from common import RESULTS, facts, load_package, say, table
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

load_package()
from project.evidence import Evidence  # noqa: E402 - the line above makes it importable
from project.settings import GateSettings  # noqa: E402
from project.steps.evaluate import evaluate, score  # noqa: E402
from project.steps.gate import Verdict, Z, decide  # noqa: E402

Numbers = NDArray[np.float64]

CHAMPION_AUC = 0.80
PREVALENCE = 0.3
SETTINGS = GateSettings()
ABSOLUTE = 0.78
TOLERANCE = 0.01
SIZES = (500, 2_000, 10_000)
DIFFERENCES = (-0.02, -0.01, -0.005, 0.0, 0.005, 0.01, 0.02)
NOMINAL_SIZES = (200, 500)
NOMINAL_TIMES = 10  # as many repeats as for the table, since 5 % asks for precision
IN_TABLE = DIFFERENCES[1:-1]
WORSE_BY_MARGIN = -round(SETTINGS.max_loss_increase * (1 - CHAMPION_AUC), 6)
OURS = "this project"
PACKAGES = ("numpy", "scipy", "pydantic")
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Seen:
    """What a rule may look at: the gate's evidence, and the champion's AUC as it was stored."""

    evidence: Evidence
    stored: float

    @property
    def challenger(self) -> float:
        """The challenger's AUC on the holdout."""
        return self.evidence.challenger or 0.0

    @property
    def delta(self) -> float:
        """Challenger minus champion on the same holdout."""
        return self.evidence.gaps["champion"].delta

    @property
    def lower(self) -> float:
        """Lower end of the difference's 90 % interval."""
        return self.delta - Z * self.evidence.gaps["champion"].standard_error

    @property
    def margin(self) -> float:
        """How much worse counts as still as good."""
        return SETTINGS.max_loss_increase * (1 - self.evidence.gaps["champion"].rival)


RULES: dict[str, Callable[[Seen], bool]] = {
    OURS: lambda seen: decide(seen.evidence, SETTINGS).verdict is Verdict.PROMOTE,
    "better than the stored metric": lambda seen: seen.challenger > seen.stored,
    f"above {ABSOLUTE}": lambda seen: seen.challenger > ABSOLUTE,
    f"not worse by more than {TOLERANCE}": lambda seen: seen.delta > -TOLERANCE,
    "new > old on the same holdout": lambda seen: seen.delta > 0,
    "plain non-inferiority": lambda seen: seen.lower > -seen.margin,
}

# What docs/gate.md says these rules do, in per cent at each of SIZES: worse and equal models
# promoted, better ones blocked.
DESIGN = {
    ("better than the stored metric", -0.01): (38, 26, 7),
    ("better than the stored metric", 0.01): (37, 25, 7),
    (f"above {ABSOLUTE}", -0.01): (68, 84, 97),
    (f"not worse by more than {TOLERANCE}", -0.005): (69, 83, 98),
    ("new > old on the same holdout", 0.0): (50, 50, 50),
}


@dataclass(frozen=True)
class Rates:
    """Counts over the repeats, by holdout size and true difference."""

    repeats: int
    promoted: Counter[tuple[str, int, float]]
    verdicts: Counter[tuple[Verdict, int, float]]

    def share(self, rule: str, rows: int, difference: float) -> float:
        """How often the rule promoted."""
        return self.promoted[rule, rows, difference] / self.repeats


def separation(auc: float) -> float:
    """Distance of the two classes' scores, in standard deviations, that has this true AUC."""
    return float(np.sqrt(2) * norm.ppf(auc))


def probabilities(answers: Numbers, noise: Numbers, auc: float) -> Numbers:
    """A calibrated model of this true AUC, shape (n, 2)."""
    distance = separation(auc)
    scores = distance * answers + noise
    positive = expit(distance * scores - distance**2 / 2 + logit(PREVALENCE))
    return np.column_stack([1 - positive, positive])


def measure(
    rows: int, differences: tuple[float, ...], repeats: int, correlation: float, seed: int
) -> Rates:
    """Let every rule judge the same challengers, each on a fresh holdout of `rows` rows."""
    random = np.random.default_rng([seed, rows])
    rates = Rates(repeats, Counter(), Counter())
    for _ in range(repeats):
        past = (random.random(rows) < PREVALENCE).astype(float)
        before = probabilities(past, random.standard_normal(rows), CHAMPION_AUC)
        stored = score(past, before, "roc_auc").value
        answers = (random.random(rows) < PREVALENCE).astype(float)
        shared, own = random.standard_normal((2, rows))
        noise = correlation * shared + np.sqrt(1 - correlation**2) * own
        champion = probabilities(answers, shared, CHAMPION_AUC)
        for difference in differences:
            challenger = probabilities(answers, noise, CHAMPION_AUC + difference)
            judge(Seen(weigh(answers, challenger, champion), stored), rows, difference, rates)
    return rates


def weigh(answers: Numbers, challenger: Numbers, champion: Numbers) -> Evidence:
    """The project's own evidence; in one decision the anchor is the champion."""
    dummy = np.broadcast_to([1 - PREVALENCE, PREVALENCE], champion.shape)
    predictions = {
        "challenger": challenger,
        "champion": champion,
        "anchor": champion,
        "dummy": dummy,
    }
    return evaluate(answers, predictions, "roc_auc")


def judge(seen: Seen, rows: int, difference: float, rates: Rates) -> None:
    """Count what each rule says, and our verdict."""
    for name, promotes in RULES.items():
        rates.promoted[name, rows, difference] += promotes(seen)
    rates.verdicts[decide(seen.evidence, SETTINGS).verdict, rows, difference] += 1


def measure_all(options: argparse.Namespace) -> Rates:
    """All sizes together."""
    total = Rates(options.repeats, Counter(), Counter())
    for rows in SIZES:
        start = time.perf_counter()
        part = measure(rows, DIFFERENCES, options.repeats, options.correlation, options.seed)
        total.promoted.update(part.promoted)
        total.verdicts.update(part.verdicts)
        sys.stderr.write(f"n = {rows:>6}: {time.perf_counter() - start:.0f} s\n")
    return total


def promotions(rates: Rates) -> str:
    """Per cent promoted, by rule and size."""
    rows = [
        [name, f"{n:,}", *(f"{rates.share(name, n, d):.0%}" for d in IN_TABLE)]
        for name in RULES
        for n in SIZES
    ]
    return table(["promoted, when truly", "holdout rows", *map(signed, IN_TABLE)], rows)


def verdicts(rates: Rates) -> str:
    """Our four verdicts, by size and true difference."""
    rows = [
        [
            f"{n:,} rows, {signed(d)}",
            *(f"{rates.verdicts[verdict, n, d] / rates.repeats:.1%}" for verdict in Verdict),
        ]
        for n in SIZES
        for d in IN_TABLE
    ]
    return table(["true difference", *Verdict], rows)


def against_design(rates: Rates) -> str:
    """The design's figures beside these."""
    rows = []
    for (name, difference), stated in DESIGN.items():
        promoted = [100 * rates.share(name, n, difference) for n in SIZES]
        found = [100 - share for share in promoted] if difference > 0 else promoted
        furthest = max(abs(f - s) for f, s in zip(found, stated, strict=True))
        rows.append(
            [
                f"{name}: {signed(difference)} {'blocked' if difference > 0 else 'promoted'}",
                " / ".join(map(str, stated)),
                " / ".join(f"{value:.0f}" for value in found),
                f"{furthest:.1f}",
            ]
        )
    header = [f"%, n = {' / '.join(f'{n:,}' for n in SIZES)}", "design", "here"]
    return table([*header, "furthest apart"], rows)


def nominal(options: argparse.Namespace) -> tuple[str, bool]:
    """A challenger worse by exactly the margin, many times: promoted at most 5 % of the time?

    At these sizes the lower bound decides; with more rows the half standard error asks for more.
    """
    repeats, rows, kept = NOMINAL_TIMES * options.repeats, [], True
    for n in NOMINAL_SIZES:
        rates = measure(n, (WORSE_BY_MARGIN,), repeats, options.correlation, options.seed + 1)
        share = rates.share(OURS, n, WORSE_BY_MARGIN)
        reach = 1.96 * float(np.sqrt(share * (1 - share) / repeats))
        rows.append([f"{n:,}", f"{share:.2%}", f"{share - reach:.2%} to {share + reach:.2%}"])
        kept = kept and share - reach <= 0.05
    return table(["holdout rows", "promoted", "95 % interval"], rows), kept


def signed(difference: float) -> str:
    """A difference of AUC with its sign."""
    return f"{difference:+g}".replace("-", MINUS) if difference else "equal"


def report(rates: Rates, options: argparse.Namespace) -> tuple[str, bool]:
    """The whole result as Markdown, and whether the gate kept its nominal level."""
    worst = 100 * np.sqrt(0.25 / rates.repeats)
    level, kept = nominal(options)
    command = f"gate.py --repeats {rates.repeats} --correlation {options.correlation:g}"
    command += f" --seed {options.seed}"
    text = f"""# The gate beside the rules that others ship

{facts(command, PACKAGES)} \
{rates.repeats:,} repeats: the standard error of a rate is at most {worst:.1f} points.

Binary, {PREVALENCE:.0%} positives, champion of true AUC {CHAMPION_AUC:.2f}, a fresh holdout for \
every decision. Scores are binormal, so the true AUC is exact by formula. Champion and challenger \
share their noise as retrains do: latent correlation {options.correlation:g}. The gate is this \
template's own `steps/evaluate.py` and `steps/gate.py` with its default settings; the anchor is \
the champion.

## Promoted, by true difference

{promotions(rates)}

![Promotion rate by true difference](gate.png)

What is not promoted is kept out: a better model that is not promoted is a false block. Plain \
non-inferiority looks good in one decision; with much data it also promotes most models that are \
slightly worse, and each of them would be the level that the next has to hold.

## Beside the design's figures

{against_design(rates)}

## The nominal level: a challenger worse by exactly the margin

The margin is {SETTINGS.max_loss_increase:.0%} of the champion's loss, {-WORSE_BY_MARGIN:g} AUC \
here. {NOMINAL_TIMES * rates.repeats:,} repeats on other random numbers than the table's. At most \
5 %, within Monte-Carlo error: **{"yes" if kept else "NO"}**.

{level}

## What this project's gate says

{verdicts(rates)}
"""
    return text, kept


COLOURS = {  # Okabe and Ito's palette: told apart by every eye; markers and dashes serve in grey
    OURS: ("black", "o", "-"),
    "better than the stored metric": ("#D55E00", "s", "--"),
    f"above {ABSOLUTE}": ("#56B4E9", "^", "--"),
    f"not worse by more than {TOLERANCE}": ("#CC79A7", "D", "-."),
    "new > old on the same holdout": ("#E69F00", "v", ":"),
    "plain non-inferiority": ("#0072B2", "P", "-."),
}


def draw(rates: Rates, path: Path) -> None:
    """Promotion rate by true difference: a line for each rule, a panel for each size."""
    figure, panels = plt.subplots(1, len(SIZES), figsize=(12, 5), sharey=True)
    ticks = [-0.02, -0.01, 0, 0.01, 0.02]
    for panel, rows in zip(panels, SIZES, strict=True):
        panel.axvspan(min(DIFFERENCES) - 0.002, WORSE_BY_MARGIN, color="0.92", zorder=0)
        panel.axhline(5, color="0.45", linewidth=0.8, zorder=1)
        for name, (colour, marker, dashes) in COLOURS.items():
            shares = [100 * rates.share(name, rows, difference) for difference in DIFFERENCES]
            style = {"color": colour, "marker": marker, "linestyle": dashes}
            width, front = (2.8, 5) if name == OURS else (1.5, 3)
            panel.plot(DIFFERENCES, shares, label=name, linewidth=width, zorder=front, **style)
        panel.set_title(f"{rows:,} holdout rows", fontsize=11)
        panel.set_xlim(min(DIFFERENCES) - 0.002, max(DIFFERENCES) + 0.002)
        panel.set_xticks(ticks, [signed(tick) for tick in ticks])
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(-2, 102)
    panels[0].set_ylabel("promoted, %")
    panels[0].text(-0.0213, 97, "worse by the margin\nor more", fontsize=9, va="top")
    panels[0].text(0.0218, 6, "5 %", fontsize=9, ha="right", va="bottom", color="0.3")
    panels[0].text(
        -0.001, 14, "plain non-inferiority is\nthe same line here", fontsize=9, va="center"
    )
    panels[1].set_xlabel("challenger's true AUC minus champion's")
    figure.suptitle("How often each rule promotes a challenger", x=0.065, ha="left", fontsize=13)
    names = panels[0].get_legend_handles_labels()
    figure.legend(*names, loc="lower center", ncols=3, frameon=False, handlelength=3.5)
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    figure.savefig(path, dpi=130)
    plt.close(figure)


def read_options() -> argparse.Namespace:
    """The command's options. `--quick` writes nothing unless told where."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1_500, help="holdouts for each size")
    parser.add_argument("--quick", action="store_true", help="30 repeats; prints only")
    parser.add_argument("--correlation", type=float, default=0.9, help="of the models' noise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, help="folder for gate.md and gate.png")
    options = parser.parse_args()
    if options.quick:
        options.repeats = 30
    elif options.results is None:
        options.results = RESULTS
    return options


def main() -> int:
    """Measure, print, write; fails when a gate promotes worse models more often than it says."""
    options = read_options()
    rates = measure_all(options)
    text, kept = report(rates, options)
    say(text)
    if options.results:
        options.results.mkdir(parents=True, exist_ok=True)
        (options.results / "gate.md").write_text(text, encoding="utf-8")
        draw(rates, options.results / "gate.png")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
