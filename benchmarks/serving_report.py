"""What was measured, in words: tables, the ratios that were promised, and a picture."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
from common import facts, table
from serving_load import Counts, Pace
from serving_parts import CONNECTIONS, FEW, MANY_ROWS, MOST, SWAPS, Batch, Round, Size
from serving_peers import ECHO, MLFLOW, OURS, PEERS

PACKAGES = ("scikit-learn", "onnxruntime", "numpy", "polars", "pandas")


@dataclass
class Found:
    """Everything that was measured; a part that was not asked for is empty."""

    command: str
    rounds: int
    seconds: int
    versions: Mapping[str, str]
    loads: Mapping[str, Sequence[Round]] = field(default_factory=dict)
    swaps: Mapping[str, Counts] = field(default_factory=dict)
    log: Sequence[tuple[Pace, Pace]] = ()
    sizes: Mapping[str, Size] = field(default_factory=dict)
    batch: Mapping[str, Batch] = field(default_factory=dict)

    def middle(self, name: str, of: Callable[[Round], float]) -> float:
        """The median over a server's rounds."""
        return median(of(one) for one in self.loads[name])

    def ratio(self, name: str, of: Callable[[Round], float]) -> float:
        """Ours to another's, within each round; the median."""
        pairs = zip(self.loads[OURS], self.loads[name], strict=True)
        return median(of(ours) / of(other) for ours, other in pairs)


def pace(one: Round) -> float:
    """Requests a second at the most connections."""
    return one.paces[MOST].requests


def p99(one: Round) -> float:
    """Milliseconds that 99 of 100 requests wait at most, at the most connections."""
    return one.paces[MOST].p99


def load_table(found: Found) -> str:
    """A row a server."""
    rows = []
    for name, rounds in found.loads.items():
        at = [found.middle(name, lambda one, c=c: one.paces[c].requests) for c in CONNECTIONS]
        many = "" if rounds[0].many is None else f"{found.middle(name, many_pace):,.0f}"
        rows.append(
            [
                PEERS[name].title,
                *(f"{value:,.0f}" for value in at),
                many,
                f"{found.middle(name, p99):,.1f}",
                f"{found.middle(name, lambda one: one.processor):.3g}",
                f"{found.middle(name, lambda one: one.start):.2f}",
                f"{found.middle(name, lambda one: one.memory):,.0f}",
                str(sum(one.failed for one in rounds)),
                stopped(rounds),
            ]
        )
    header = ["", *(f"c = {many}" for many in CONNECTIONS), f"{MANY_ROWS} rows"]
    header += [
        f"p99 at {MOST}, ms",
        "CPU, ms",
        "start, s",
        "memory, MB",
        "failed",
        "lost by SIGTERM",
    ]
    return table(header, rows)


def many_pace(one: Round) -> float:
    """Requests a second with many rows each."""
    return one.many.requests if one.many else 0.0


def stopped(rounds: Sequence[Round]) -> str:
    """Requests that were lost in all of a server's ends, and to which way."""
    lost = sum((one.stopped.failed for one in rounds), start=type(rounds[0].stopped.failed)())
    ways = ", ".join(f"{count} {NAMES.get(way, way)}" for way, count in lost.most_common())
    return f"{lost.total()} ({ways})" if lost else "0"


NAMES = {
    "ClientOSError": "reset",
    "ServerDisconnectedError": "closed",
    "ClientPayloadError": "cut off",
    "TimeoutError": "no answer",
}


@dataclass(frozen=True)
class Promise:
    """A ratio of the design, and what was found."""

    what: str
    wanted: str
    found: str
    holds: bool


def promises(found: Found) -> list[Promise]:
    """All that can be judged by what was measured."""
    return [*load_promises(found), *loss_promises(found), *log_promises(found)]


def load_promises(found: Found) -> list[Promise]:
    """Ours beside mlflow, the best peer that batches, and the echo."""
    if OURS not in found.loads:
        return []
    made = []
    peers = [name for name in found.loads if PEERS[name].batches]
    best = max(peers, key=lambda name: found.middle(name, pace), default=None)
    at = f"requests a second at {MOST} connections"
    if MLFLOW in found.loads:
        made.append(at_least(f"{at}, of mlflow's", 150, found.ratio(MLFLOW, pace), "times"))
    if best:
        title = PEERS[best].title.split(",")[0]
        what = f"{at}, of the best batching peer's ({title})"
        made.append(at_least(what, 15, found.ratio(best, pace), "times"))
    if ECHO in found.loads:
        made.append(at_least(f"{at}, of the echo's", 0.5, found.ratio(ECHO, pace)))
        made.append(at_most("p99 there, of the echo's", 5, found.ratio(ECHO, p99), "times"))
    if MLFLOW in found.loads:
        memory = found.ratio(MLFLOW, lambda one: one.memory)
        start = found.ratio(MLFLOW, lambda one: one.start)
        made.append(at_most("memory, of mlflow's", 1 / 4, memory))
        made.append(at_most("start, of mlflow's", 1 / 10, start))
    return made


def loss_promises(found: Found) -> list[Promise]:
    """What is lost when ours stops, and when it swaps."""
    made = []
    for one in (found.loads.get(OURS), found.swaps.values()):
        if one:
            ends = [part.stopped if isinstance(part, Round) else part for part in one]
            told = "SIGTERM" if isinstance(next(iter(one)), Round) else "swaps"
            made.append(none(f"requests lost through {told} under load", ends))
    return made


def log_promises(found: Found) -> list[Promise]:
    """What the prediction log costs."""
    if not found.log:
        return []
    cost = median(1 - after.requests / before.requests for before, after in found.log)
    return [at_most("throughput that the prediction log costs", 0.1, cost)]


def at_least(what: str, bound: float, value: float, unit: str = "") -> Promise:
    """More is better."""
    return Promise(what, f"≥ {shown(bound, unit)}", shown(value, unit), value >= bound)


def at_most(what: str, bound: float, value: float, unit: str = "") -> Promise:
    """Less is better."""
    return Promise(what, f"≤ {shown(bound, unit)}", shown(value, unit), value <= bound)


def none(what: str, ends: Sequence[Counts]) -> Promise:
    """Nothing may be lost."""
    lost, asked = sum(end.lost for end in ends), sum(end.answered + end.lost for end in ends)
    return Promise(what, "0", f"{lost} of {asked:,}", lost == 0)


def shown(value: float, unit: str) -> str:
    """A share as per cent; a multiple with its word."""
    return f"{value:.3g} {unit}" if unit else f"{value:.1%}".replace(".0%", "%")


def promise_table(found: Found) -> str:
    """A row a ratio."""
    rows = [[p.what, p.wanted, p.found, "yes" if p.holds else "**NO**"] for p in promises(found)]
    return table(["", "wanted", "found", "holds"], rows)


def swap_text(found: Found) -> str:
    """What became of every request while bundles were swapped."""
    lines = [
        f"- {how}: {SWAPS} swaps, {counts.answered:,} answers from {len(counts.said)} versions, "
        f"{counts.lost} lost."
        for how, counts in found.swaps.items()
    ]
    return "\n".join(lines)


def log_text(found: Found) -> str:
    """Both paces."""
    without, with_log = (median(pair[n].requests for pair in found.log) for n in (0, 1))
    return (
        f"{without:,.0f} requests a second without, {with_log:,.0f} with every request in the log."
    )


def size_table(found: Found) -> str:
    """A row an image's Python packages."""
    titles = {OURS: "this project", MLFLOW: "`mlflow models build-docker`"}
    rows = [
        [titles[name], str(size.packages), f"{size.megabytes:,.0f}"]
        for name, size in found.sizes.items()
    ]
    return table(["", "packages", "MB"], rows)


def batch_table(found: Found) -> str:
    """A row a way through a large file."""
    titles = {
        "ours": "`ml predict`: checks, scores, writes",
        "floor": "the bundle's model alone, on rows in memory",
        "peer": "pandas in pieces, `predict_proba`, written; no checks",
    }
    rows = [
        [titles[who], f"{one.rows:,}", f"{one.seconds:.1f}", f"{one.pace:,.0f}", f"{one.peak:,.0f}"]
        for who, one in found.batch.items()
    ]
    return table(["", "rows", "seconds", "rows a second", "peak, MB"], rows)


def report(found: Found) -> str:
    """The whole result as Markdown; a part that is empty says nothing."""
    sections = {
        "Ratios": (promise_table(found), bool(promises(found))),
        "One model behind each server": (load_section(found), bool(found.loads)),
        "Another bundle under load": (swap_section(found), bool(found.swaps)),
        "The prediction log": (found.log and log_text(found), bool(found.log)),
        "Installed": (size_section(found), bool(found.sizes)),
        "A large file": (found.batch and batch_table(found), bool(found.batch)),
    }
    told = "\n\n".join(f"## {head}\n\n{text}" for head, (text, there) in sections.items() if there)
    peers = ", ".join(
        f"{PEERS[name].package} {number}"
        for name, number in found.versions.items()
        if name not in (OURS, ECHO)
    )
    return f"""# One model behind six servers

{facts(found.command, PACKAGES)} Others, each in an environment of its own: {peers}. \
{os.cpu_count()} processors, which server and load share. Medians of {found.rounds} rounds in \
turns; {found.seconds} s for each load; a ratio is the median of the rounds' ratios.

The model is the one that a generated project trains (categories as codes, then \
HistGradientBoosting) on 20,000 made-up rows of 10 numbers and 5 categories. Each server \
scores in one process; scikit-learn's get one OpenMP thread, which is faster for requests as small \
as these. Before it is timed, each has answered 100 rows, one by one and together, as \
scikit-learn does, within 1e-5.

{told}
"""


def load_section(found: Found) -> str:
    """The table, and how to read it."""
    return f"""{load_table(found)}

![Requests a second at {MOST} connections](serving.png)

Requests a second with one row a request over 1, 16 and 64 connections, from wrk with one thread; \
then with {MANY_ROWS} rows a request over {FEW}. CPU: what a request costs all the server's \
processes at {MOST} connections; a busy machine disturbs it least. Start: from the start of the \
process to its first right answer. Memory: of all the server's processes after the load, shared \
pages once (PSS). Failed: requests that wrk saw fail or answered with an error. Lost by SIGTERM: \
16 clients send as fast as they get answers while the first process gets SIGTERM, once a round; a \
request that was sent and got no whole answer, or another status than 200, is lost; a refused \
connection is not."""


def swap_section(found: Found) -> str:
    """The counts, and what was done."""
    return f"""The same clients, while the link that names the bundle moves to another version and \
the service is told by SIGHUP, or looks by itself (`--watch`).

{swap_text(found)}"""


def size_section(found: Found) -> str:
    """The table, and what is in it."""
    return f"""Python packages as the images install them, bytecode included, without Python \
itself and without what comes from the system: MLflow's image adds nginx and a compiler.

{size_table(found)}"""


def draw(found: Found, path: Path) -> None:
    """Requests a second at the most connections: a bar a server, on a log scale."""
    names = sorted(found.loads, key=lambda name: found.middle(name, pace))
    values = [found.middle(name, pace) for name in names]
    figure, panel = plt.subplots(figsize=(9, 0.9 + 0.42 * len(names)))
    styles = {OURS: {"color": "#0072B2"}, ECHO: {"color": "white", "hatch": "///"}}
    for place, (name, value) in enumerate(zip(names, values, strict=True)):
        style = {"color": "0.72", "edgecolor": "0.25", "linewidth": 0.8} | styles.get(name, {})
        style["facecolor"] = style.pop("color")
        panel.barh(place, value, height=0.62, **style)
        panel.text(value * 1.08, place, f"{value:,.0f}", va="center", fontsize=9)
    titles = [PEERS[name].title.replace("`", "") for name in names]
    panel.set_yticks(range(len(names)), titles)
    panel.set_xscale("log")
    panel.set_xlim(10, max(values) * 3)
    panel.xaxis.set_major_formatter("{x:,.0f}")
    panel.set_xlabel(f"requests a second, {MOST} connections, one row each (log scale)")
    panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle("The same model behind each server", x=0.02, ha="left", fontsize=13)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)
