from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ledger_bench import new_key
from sql_bench import SqlBench, sqlite_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from postgres import Server

    from bspec_opa.trust.keys import PrivateKey


@pytest.fixture(scope="session")
def keys() -> tuple[PrivateKey, PrivateKey, PrivateKey]:
    """The ledger's, an author's, and one that nobody trusts."""
    return new_key(), new_key(), new_key()


@pytest.fixture
def bench(request: pytest.FixtureRequest, keys: tuple[PrivateKey, ...]) -> SqlBench:
    """A ledger in each of the two databases; ``made`` makes one of them."""
    make: Callable[[], SqlBench] = request.getfixturevalue(f"make_{request.param}")
    return make()


@pytest.fixture
def make_sqlite(tmp_path: Path, keys: tuple[PrivateKey, ...]) -> Callable[[], SqlBench]:
    return lambda: SqlBench(sqlite_url(tmp_path / "db" / "ledger.sqlite"), keys[0], keys[1])


@pytest.fixture
def make_postgresql(postgres: Server, keys: tuple[PrivateKey, ...]) -> Iterator[Callable[[], SqlBench]]:
    yield lambda: SqlBench(postgres.url(postgres.fresh()), keys[0], keys[1], postgres)
    postgres.give_back()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "bench" in metafunc.fixturenames:  # of "ledger", too
        metafunc.parametrize("bench", ["sqlite", "postgresql"], indirect=True)
