"""A run of MLflow, whole, as a plain value. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Run:
    """One run: `id` is where it was first made, `files` its artifacts by path and sha256.

    A metric is its name, value, time and step; times are milliseconds.
    """

    id: str
    name: str
    parent: str
    status: str
    start: int
    end: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: tuple[tuple[str, float, int, int], ...]
    datasets: tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]
