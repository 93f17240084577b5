"""The engine that is always there: one piece after the other, in this process."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Protocol, TypeVar

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """Does equal pieces of work; what comes back does not depend on where they were done."""

    @property
    def pieces(self) -> int:
        """Into how many pieces a whole is worth cutting; 1 where nobody shares the work."""

    @property
    def told(self) -> str:
        """Where it is, and how large."""

    def map(
        self, work: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """`work(shared, item)` of every item, in their order.

        What is `shared` travels once. Who stops reading stops the work that is left.
        """


class Local:
    """This process, one piece when it is asked for."""

    pieces = 1
    told = "this machine"

    def map(
        self, work: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """`work(shared, item)` of every item, in their order."""
        return (work(shared, item) for item in items)


LOCAL = Local()


def cut(total: int, pieces: int) -> list[range]:
    """`total` places in at most so many neighbouring parts of about the same size."""
    pieces = max(1, min(total, pieces))
    ends = [total * n // pieces for n in range(pieces + 1)]
    return [range(start, end) for start, end in pairwise(ends)]
