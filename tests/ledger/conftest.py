from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ledger_bench import Bench, new_key

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.trust.keys import PrivateKey


@pytest.fixture(scope="session")
def ledger_key() -> PrivateKey:
    return new_key()


@pytest.fixture(scope="session")
def other_key() -> PrivateKey:
    return new_key()


@pytest.fixture
def bench(tmp_path: Path, ledger_key: PrivateKey, other_key: PrivateKey) -> Bench:
    return Bench(tmp_path / "ledger", ledger_key, other_key)


@pytest.fixture(scope="session")
def kept_bench(tmp_path_factory: pytest.TempPathFactory, ledger_key: PrivateKey, other_key: PrivateKey) -> Bench:
    """A ledger for all examples of a property, which has to leave it as it was."""
    bench = Bench(tmp_path_factory.mktemp("kept") / "ledger", ledger_key, other_key)
    bench.add("a", "b", "c")
    bench.add("d", "e")
    return bench
