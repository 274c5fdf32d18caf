"""What rests on something compromised, where several revocations meet."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any, cast

import pytest

from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.ledger.entry import Entry
from bspec_opa.trust.revocation import COMPROMISED, KEY, RECORD, Revocation, TreeHead
from bspec_opa.workflow.facts.voiding import Void

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.trust.root import TrustRoot

GATE = "a" * 64
LINE = Entry(20, 0, "promotion", {"signatures": [{"keyid": GATE, "sig": ""}]}, Digest("sha256:" + "1" * 64))
PLACES = [
    Revocation(KEY, GATE, "stolen", COMPROMISED, TreeHead(10, Digest("sha256:" + "2" * 64))),
    Revocation(RECORD, LINE.record_id, "forged", COMPROMISED, TreeHead(41, Digest("sha256:" + "3" * 64))),
]


class Root:
    version = 2

    def __init__(self, revocations: Sequence[Revocation]) -> None:
        self._revocations = tuple(revocations)

    def compromised(self) -> tuple[Revocation, ...]:
        return self._revocations


@pytest.mark.attack("A16")
@pytest.mark.parametrize("order", list(permutations(PLACES)), ids=["key first", "record first"])
def test_of_several_revocations_the_earliest_place_holds(order: Sequence[Revocation]) -> None:
    """A record that is named besides the stolen key that signed it is not the better for it."""
    void = Void(cast("TrustRoot", cast("Any", Root(order))))
    void.note(LINE)
    assert void.lines == {digest_of(LINE.record_bytes().rstrip(b"\n")): 0}
