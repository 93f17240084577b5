"""Fixtures for workflow tests; a test file takes them with `pytest_plugins = ["parts"]`."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import engine as engines
import pytest
from conftest import need
from repository import Repository
from services import Services, registry_server, world


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A git remote and GitHub's API, fresh for each test."""
    need("git")
    with world(tmp_path / "services") as made:
        yield made


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An OCI registry, one a session; repositories in it are the tests' own affair."""
    with registry_server(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="session")
def guarded_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An OCI registry that wants a login: octocat, and the token of the run."""
    with registry_server(tmp_path_factory.mktemp("guarded"), guarded=True) as address:
        yield address


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """DOCKER_HOST of an engine that runs, with the base image of the projects' Dockerfile."""
    engines.client()
    if not engines.answers(""):
        need("dockerd" if os.geteuid() == 0 else "a running Docker engine")
    with engines.engine() as host:
        engines.base_image(host)
        yield host


@pytest.fixture
def equipped(services: Services, registry: str, engine: str) -> Services:
    """Everything."""
    return replace(services, registry=registry, docker=engine)


@pytest.fixture
def guarded(services: Services, guarded_registry: str, engine: str) -> Services:
    """Everything, and a registry that is closed to who has not logged in, as GHCR is."""
    return replace(services, registry=guarded_registry, docker=engine)


@pytest.fixture
def repository(installed, tmp_path: Path, equipped: Services) -> Iterator[Repository]:
    """A new repository of the binary sample, pushed."""
    need("act")
    need("skopeo")
    folder = installed("binary").copy(tmp_path / "work", environment=False).folder
    made = Repository(folder, equipped)
    equipped.publish(folder)
    yield made
    for host in made.hosts:
        engines.docker(equipped.docker, "rm", "--force", host)
