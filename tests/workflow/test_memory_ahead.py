"""A ledger that was read before another process went on is not a ledger that was rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from project import HOUR

from bspec_opa.foundation.errors import BspecError
from bspec_opa.workflow.memory import check_current, remember_current
from bspec_opa.workflow.promote import promote

if TYPE_CHECKING:
    from project import Project


def test_a_promotion_that_was_overtaken(signed: Project) -> None:
    """Both read the empty ledger; the slower one finds that everything is done."""
    overtaken = signed.session()
    line = signed.allowed().line
    outcome = promote(overtaken, "staging", signed.keys)
    assert (outcome.evaluation, outcome.line, outcome.sequenced) == (None, line, ())
    assert [v.current for v in signed.verify().lines] == [True]


def test_it_is_read_once_more(signed: Project) -> None:
    """And only where it is behind the memory."""
    before = signed.session()
    signed.allowed()
    reads: list[int] = []

    def read() -> Any:
        reads.append(1)
        return signed.ledger()

    now = signed.ledger()
    assert check_current(before.anchor, before.ledger, read, signed.environ) == (now, ())
    assert remember_current(before.anchor, before.ledger, read, signed.environ) == now
    assert len(reads) == 2
    assert check_current(before.anchor, now, read, signed.environ) == (now, ())
    assert remember_current(before.anchor, now, read, signed.environ) == now
    assert len(reads) == 2


@pytest.mark.attack("A55")
def test_what_stays_behind_was_rolled_back(signed: Project) -> None:
    before = signed.session()
    signed.allowed()
    for act in (check_current, remember_current):
        with pytest.raises(BspecError) as raised:
            act(before.anchor, before.ledger, lambda: before.ledger, signed.environ)
        assert raised.value.code == "ledger.rolled-back"


@pytest.mark.attack("A18")
def test_an_older_root_is_not_read_away(staged: Project) -> None:
    staged.now += HOUR
    before = staged.session()
    staged.next_root()
    staged.promote()
    for act in (check_current, remember_current):
        with pytest.raises(BspecError) as raised:
            act(before.anchor, before.ledger, staged.ledger, staged.environ)
        assert raised.value.code == "ledger.root-rolled-back"
