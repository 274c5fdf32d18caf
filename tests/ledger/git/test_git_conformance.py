"""The suite of every store. What only the copy in files answers for is left to the long run: files have it each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from git_bench import GitLedger
from ledger_conformance import StoreConformance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ledger_conformance import Ledger

    from bspec_opa.trust.keys import PrivateKey

LONG = (
    "test_a_thousand_entries_in_portions_of_all_sizes",
    "test_of_threads_that_race_one_wins",
    "test_there_are_no_proofs_of_what_there_is_not",
    "test_proofs_are_of_the_tip_that_is_given",
    "test_no_proof_is_given_to_a_tip_of_another_history",
    "test_spoilt_nodes_never_give_a_proof_a_tip_or_a_signature",
    "test_an_altered_entry_is_named",
    "test_an_entry_in_another_form_is_named",
    "test_entries_that_do_not_follow_are_a_mistake",
    "test_an_entry_over_the_limit_is_refused",
)


@pytest.fixture
def ledger(tmp_path: Path, ledger_key: PrivateKey, other_key: PrivateKey) -> GitLedger:
    return GitLedger(tmp_path / "ledger", ledger_key, other_key)


class TestGitStore(StoreConformance):
    pass


def soaked(name: str) -> Callable[[TestGitStore, Ledger], None]:
    """The test of this name, for the long run."""

    @pytest.mark.soak
    def again(self: TestGitStore, ledger: Ledger) -> None:
        getattr(StoreConformance, name)(self, ledger)

    return again


for _name in LONG:
    setattr(TestGitStore, _name, soaked(_name))
