"""The engine that settings.toml names."""

from functools import cache

from ..settings import EngineSettings
from .local import LOCAL, Engine


@cache
def open_engine(settings: EngineSettings) -> Engine:
    """The same engine for the same settings; a cluster is connected when work is there for it."""
    if settings.kind == "local":
        return LOCAL
    from .cluster import Cluster

    return Cluster(settings)
