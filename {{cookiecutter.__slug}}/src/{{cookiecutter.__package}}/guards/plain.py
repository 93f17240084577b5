"""Warnings that need no test of a family: negative flips, and a simpler model that does as well."""

from collections.abc import Iterator

from ..evidence import Guard
from ..metrics.compare import Spread
from ..metrics.errors import Z
from ..metrics.scored import Scored
from ..settings import GateSettings


def warnings(scored: Scored, spread: Spread, settings: GateSettings) -> Iterator[Guard]:
    """What a reviewer should know and no verdict depends on."""
    if "champion" in scored.predictions and scored.task != "regression":
        yield flips(scored, settings.max_flips)
    if "linear" in scored.predictions:
        yield simpler(spread)


def flips(scored: Scored, most: float) -> Guard:
    """Rows that the champion gets right and the challenger wrong (Yan et al. 2021)."""
    right = {n: scored.labels(n) == scored.answers for n in ("champion", "challenger")}
    share = float((right["champion"] & ~right["challenger"]).mean())
    text = f"{share:.1%} of the rows were right and turn wrong; said from {most:.0%} on"
    return Guard("negative flips", "warn", share <= most, text)


def simpler(spread: Spread) -> Guard:
    """A linear model that is proven better than the challenger."""
    delta = spread.values["linear"] - spread.values["challenger"]
    lower = delta - Z * spread.error({"linear": 1.0, "challenger": -1.0})
    ok = not lower > 0
    word = "no better" if ok else "proven better"
    text = f"a linear model is {word}: {delta:+.4f} (lower bound {lower:+.4f})"
    return Guard("simpler model", "warn", ok, text)
