"""Fixtures for every room."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from postgres import Server
from world import World

from bspec_opa.engine.toolchain import find_opa

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

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


# Being measured makes Python code two to three times as slow, and a property test or the fourth case of a table hardly
# reaches another line; nor do tests that walk again, from end to end or many times, what the rooms' own tests reach.
# So only the first cases of each test count for coverage, and none of those walks; every test runs.
MEASURED_CASES = 2
WALKS = (
    *(
        "tests/benchmarks/",
        "tests/examples/",
        "tests/faults/",
        "tests/model/",
        "tests/mutation/",
        "tests/workflow/life/",
    ),
    *(
        "tests/cli/test_hostile_",
        "tests/cli/test_tls_sidecar",
        "tests/cli/test_every_verb",
        "tests/foundation/test_patterns",
    ),
    *("tests/engine/test_parity", "tests/engine/test_opa_cases", "tests/engine/test_interrupted", "tests/test_"),
)
UNMEASURED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Settle which tests count for coverage: the same ones in every process."""
    cases: Counter[str] = Counter()
    for item in items:
        name = item.nodeid.partition("[")[0]
        cases[name] += 1
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        item.stash[UNMEASURED] = is_property or cases[name] > MEASURED_CASES or item.nodeid.startswith(WALKS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test that doesn't count for coverage without the tracer, in new threads, too."""
    tracer, of_threads = sys.gettrace(), threading.gettrace()
    if tracer is None or not item.stash[UNMEASURED]:
        return (yield)
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        threading.settrace(of_threads)
        sys.settrace(tracer)
