"""The engine that settings.toml names."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from ..settings import EngineSettings
from .local import LOCAL, Engine

_inside: ContextVar[bool] = ContextVar("inside", default=False)


def open_engine(settings: EngineSettings) -> Engine:
    """The same engine for the same settings; in a piece of work, the process that does it."""
    return LOCAL if settings.kind == "local" or _inside.get() else _cluster(settings)


@contextmanager
def piece() -> Generator[None]:
    """A piece of work, which shares out nothing: it would hold the worker that it waits for."""
    token = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(token)


@cache
def _cluster(settings: EngineSettings) -> Engine:
    """It is connected when work is there for it."""
    from .cluster import Cluster

    return Cluster(settings)
