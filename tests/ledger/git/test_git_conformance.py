from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from git_bench import GitLedger
from ledger_conformance import StoreConformance

if TYPE_CHECKING:
    from pathlib import Path

    from ledger_conformance import Ledger

    from bspec_opa.trust.keys import PrivateKey


@pytest.fixture
def ledger(tmp_path: Path, ledger_key: PrivateKey, other_key: PrivateKey) -> GitLedger:
    return GitLedger(tmp_path / "ledger", ledger_key, other_key)


class TestGitStore(StoreConformance):
    @pytest.mark.soak  # 44 pushes
    def test_a_thousand_entries_in_portions_of_all_sizes(self, ledger: Ledger) -> None:
        super().test_a_thousand_entries_in_portions_of_all_sizes(ledger)

    @pytest.mark.attack("A45")
    @pytest.mark.soak  # test_git_store.py lets two gates race
    def test_of_threads_that_race_one_wins(self, ledger: Ledger) -> None:
        super().test_of_threads_that_race_one_wins(ledger)
