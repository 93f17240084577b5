"""`ml simulate`: every world in a process of its own, so that two processors halve the time."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from math import isfinite, nan
from queue import Empty, SimpleQueue
from statistics import fmean
from typing import Any

from threadpoolctl import threadpool_limits

from ..engine.door import open_engine
from ..engine.local import LOCAL, Engine
from ..errors import Status, Stop
from ..project import Project
from .sources import Own, Sampled, Source
from .worlds import WORLDS
from .year import POLICIES, Policy, Week, Year

OWN = "yours"
Advance = Callable[[], None]


@dataclass(frozen=True)
class Lived:
    """A world that was lived through."""

    world: str
    says: str
    weeks: tuple[Week, ...]

    def mean(self, policy: Policy) -> float:
        """The mean true score of the weeks in which every policy has one."""
        found = [one.scores[policy] for one in self.compared]
        return fmean(found) if found else float("nan")

    @property
    def compared(self) -> list[Week]:
        """The weeks in which every policy has a true score: a late start is no advantage."""
        return [
            one for one in self.weeks if all(isfinite(one.scores.get(p, nan)) for p in POLICIES)
        ]

    @property
    def promotions(self) -> int:
        """How often the loop changed the champion."""
        return sum(one.verdict == "PROMOTE" for one in self.weeks)


@dataclass(frozen=True)
class Plan:
    """What to live through; picklable, for processes and workers."""

    project: Project
    world: str
    weeks: int
    every: int
    seed: int
    today: date


def choose(project: Project, wanted: Sequence[str]) -> list[str]:
    """The worlds that are lived: those named, else all of them, or the project's own history.

    Raises:
        Stop: a name that is none, or the sample's worlds with other columns than the sample's.
    """
    known, sampled = (*WORLDS, OWN), project.settings.data.source.startswith("sample:")
    wrong = [name for name in wanted if name not in known]
    if wrong:
        raise Stop(Status.SETTINGS, f"--world {wrong[0]!r}: use {', '.join(known)}.")
    worlds = list(wanted) or (list(WORLDS) if sampled else [OWN])
    if not sampled and worlds != [OWN]:
        raise Stop(
            Status.SETTINGS, f"The worlds are the sample's; your own rows are replayed as {OWN!r}."
        )
    return worlds


def simulate(plans: Sequence[Plan], advance: Advance) -> list[Lived]:
    """Live through all plans; `advance` is called for each week."""
    engine = open_engine(plans[0].project.settings.engine)
    if len(plans) == 1:
        return [live(plans[0], advance)]
    if engine is not LOCAL:
        return list(_afar(engine, plans, advance))
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        ticks: Any = manager.Queue()
        workers = min(len(plans), multiprocessing.cpu_count())
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            waiting = [pool.submit(_live_there, plan, ticks) for plan in plans]
            while not all(one.done() for one in waiting):
                _drain(ticks, advance, 0.2)
                _raise_first(waiting)
            _drain(ticks, advance, 0.0)
            return [one.result() for one in waiting]


def _afar(engine: Engine, plans: Sequence[Plan], advance: Advance) -> Iterator[Lived]:
    """Where no queue reaches, a world's weeks are told when it is over."""
    for lived in engine.map(_live_alone, None, plans):
        for _ in lived.weeks:
            advance()
        yield lived


def _live_alone(_: None, plan: Plan) -> Lived:
    return live(plan, lambda: None)


def _raise_first(waiting: Sequence[Future]) -> None:
    """The first world that failed ends the others."""
    for one in waiting:
        if one.done() and one.exception():
            for other in waiting:
                other.cancel()
            one.result()


def _drain(ticks: Any, advance: Advance, patience: float) -> None:
    try:
        ticks.get(timeout=patience) if patience else ticks.get_nowait()
        advance()
        while True:
            ticks.get_nowait()
            advance()
    except Empty:
        return


def _live_there(plan: Plan, ticks: SimpleQueue) -> Lived:
    return live(plan, lambda: ticks.put(1))


def live(plan: Plan, advance: Advance) -> Lived:
    """One world, in this process."""
    project = plan.project
    source: Source
    if plan.world == OWN:
        source, says = Own(project, plan.weeks, plan.today), "your own rows, week by week"
    else:
        scenario = WORLDS[plan.world]
        source, says = Sampled(project, scenario, plan.weeks, plan.seed), scenario.says
    with threadpool_limits(1):  # for tables as small as these threads wait more than they work
        weeks = Year(project, plan.every).live(source, plan.weeks, advance)
    return Lived(plan.world, says, tuple(weeks))


def best_rival(lived: Lived) -> tuple[Policy, float]:
    """The best of the other policies, and how much better the loop is."""
    rival = max(POLICIES[1:], key=lived.mean)
    return rival, lived.mean("loop") - lived.mean(rival)
