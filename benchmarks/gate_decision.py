"""One decision at a time: what each rule promotes, by true difference and holdout size."""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
from common import table
from gate_binormal import CHAMPION_AUC, draw_answers, mix, probabilities
from gate_product import Verdict
from gate_rules import (
    ABOVE,
    NEWER,
    NOT_WORSE,
    OURS,
    RULES,
    SETTINGS,
    STORED,
    Seen,
    auc,
    core,
    scored_of,
)

SIZES = (500, 2_000, 10_000)
DIFFERENCES = (-0.02, -0.01, -0.005, 0.0, 0.005, 0.01, 0.02)
NOMINAL_SIZES = (200, 500)
NOMINAL_TIMES = 10  # as many repeats as for the table, since 5 % asks for precision
IN_TABLE = DIFFERENCES[1:-1]
WORSE_BY_MARGIN = -round(SETTINGS.max_loss_increase * (1 - CHAMPION_AUC), 6)
MINUS = "\N{MINUS SIGN}"

# What the design says these rules do, in per cent at each of SIZES: worse and equal models
# promoted, better ones blocked.
DESIGN = {
    (STORED, -0.01): (38, 26, 7),
    (STORED, 0.01): (37, 25, 7),
    (ABOVE, -0.01): (68, 84, 97),
    (NOT_WORSE, -0.005): (69, 83, 98),
    (NEWER, 0.0): (50, 50, 50),
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


def measure(
    rows: int, differences: tuple[float, ...], repeats: int, correlation: float, seed: int
) -> Rates:
    """Let every rule judge the same challengers, each on a fresh holdout of `rows` rows."""
    random = np.random.default_rng([seed, rows])
    rates = Rates(repeats, Counter(), Counter())
    for _ in range(repeats):
        past = draw_answers(random, rows)
        stored = auc(past, probabilities(past, random.standard_normal(rows), CHAMPION_AUC))
        answers = draw_answers(random, rows)
        shared, *own = random.standard_normal((3, rows))
        new, old = (mix(shared, noise, correlation) for noise in own)
        champion = probabilities(answers, old, CHAMPION_AUC)
        value = auc(answers, champion)
        for difference in differences:
            challenger = probabilities(answers, new, CHAMPION_AUC + difference)
            predictions = {"challenger": challenger, "champion": champion, "anchor": champion}
            evidence = core(scored_of(answers, predictions))
            seen = Seen(evidence.challenger or 0.0, value, stored, lambda e=evidence: e)
            judge(seen, rows, difference, rates)
    return rates


def judge(seen: Seen, rows: int, difference: float, rates: Rates) -> None:
    """Count what each rule says, and our verdict."""
    for name, promotes in RULES.items():
        rates.promoted[name, rows, difference] += promotes(seen)
    rates.verdicts[seen.decision.verdict, rows, difference] += 1


def measure_all(options: argparse.Namespace) -> Rates:
    """All sizes together."""
    total = Rates(options.repeats, Counter(), Counter())
    for rows in SIZES:
        start = time.perf_counter()
        part = measure(rows, DIFFERENCES, options.repeats, options.correlation, options.seed)
        total.promoted.update(part.promoted)
        total.verdicts.update(part.verdicts)
        sys.stderr.write(f"one decision, {rows:>6} rows: {time.perf_counter() - start:.0f} s\n")
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
