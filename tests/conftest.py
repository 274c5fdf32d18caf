"""Fixtures for every room."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from postgres import Server
from world import World

from bspec_opa.engine.toolchain import find_opa

if TYPE_CHECKING:
    from collections.abc import Iterator

# A busy machine must not fail a test: nothing here asserts how long something took.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture
def world() -> World:
    """A trust world: keys, a signed root, records; see ``tests/world.py``."""
    return World()


@pytest.fixture(scope="session")
def opa_path() -> Path:
    """The OPA program of the required version; a test that needs it fails without it."""
    return find_opa(os.environ, Path(__file__).parents[1] / ".tools" / "bin")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL of this process; a test that needs it fails without it."""
    server = Server()
    try:
        server.make()
        yield server
    finally:
        server.remove()
