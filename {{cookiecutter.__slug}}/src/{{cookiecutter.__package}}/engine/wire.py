"""What a worker is told to do. It travels by value, so a scheduler needs nothing of ours.

`keep` and `call` import what they use themselves, and get all else as bytes that the worker opens.
"""

from functools import lru_cache
from typing import Any

DIFFERS = "a worker has"


def keep(packed: bytes) -> bytes:
    """What all pieces share, as it came: workers hand it on, and an opened model cannot travel."""
    return packed


@lru_cache(maxsize=1)
def opened(packed: bytes) -> Any:
    """What all pieces of one map share, opened once by each worker."""
    import pickle  # noqa: TID251 - Dask's wire is made of pickles; none is stored

    return pickle.loads(packed)  # noqa: S301


def call(package: str, wanted: dict[str, str], shared: bytes, packed: bytes) -> Any:
    """One piece, where sources and libraries are those that it was cut with."""
    import importlib
    import pickle  # noqa: TID251 - as above

    found = importlib.import_module(f"{package}.engine.alike").facts()
    other = [name for name, value in wanted.items() if found.get(name) != value]
    if other:
        told = ", ".join(f"{name} {found.get(name)}, not {wanted[name]}" for name in other)
        raise LookupError(f"{DIFFERS} {told}")
    here = importlib.import_module(f"{package}.engine.wire")  # the worker's own, which remembers
    with importlib.import_module(f"{package}.engine.door").piece():
        work, item = pickle.loads(packed)  # noqa: S301
        return work(here.opened(shared), item)
