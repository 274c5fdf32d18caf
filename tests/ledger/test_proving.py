from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.foundation.errors import TrustError
from bspec_opa.ledger import merkle
from bspec_opa.ledger.interface import Tip
from bspec_opa.ledger.nodes import Frontier
from bspec_opa.ledger.proving import is_last, noted_frontier, prove_consistency, prove_frontier, prove_inclusion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from bspec_opa.ledger.proving import Place

SIZE = 37
LEAVES = [merkle.leaf_hash(bytes([i])) for i in range(SIZE)]
FRONTIER, NODES = Frontier().extended(LEAVES)
TIP = Tip("ledger.example/acme", FRONTIER)


class Kept:
    """A store's nodes, and how often it was asked."""

    def __init__(self) -> None:
        self.nodes = {(n.level, n.index): n.value for n in NODES}
        self.asked: list[tuple[Place, ...]] = []

    def __call__(self, places: Collection[Place]) -> Mapping[Place, bytes]:
        self.asked.append(tuple(places))
        return {p: self.nodes[p] for p in places if p in self.nodes}


PROOFS: dict[str, Callable[[Kept], object]] = {
    "inclusion": lambda kept: prove_inclusion(kept, TIP, 20),
    "consistency": lambda kept: prove_consistency(kept, TIP, 20),
    "frontier": lambda kept: prove_frontier(kept, SIZE, TIP.root),
}


@given(st.integers(0, SIZE - 1))
def test_proofs_are_those_of_the_leaves_and_ask_once(number: int) -> None:
    kept = Kept()
    assert prove_inclusion(kept, TIP, number) == (number, LEAVES[number], merkle.inclusion_proof(LEAVES, number))
    root = merkle.root_of(LEAVES[:number])
    assert prove_consistency(kept, TIP, number) == (number, root, merkle.consistency_proof(LEAVES, number))
    assert prove_frontier(kept, SIZE, TIP.root) == FRONTIER
    assert len(kept.asked) == 3
    assert all(len(set(places)) == len(places) for places in kept.asked)


@given(st.integers(1, SIZE))
def test_the_last_leaf_is_shown_in_one_fetch_of_what_is_below_the_frontier(size: int) -> None:
    kept, (frontier, _) = Kept(), Frontier().extended(LEAVES[:size])
    assert is_last(kept, frontier, LEAVES[size - 1])
    (places,) = kept.asked
    assert 1 << len(places) == size & -size
    assert not is_last(kept, frontier, LEAVES[size - 2] if size > 1 else bytes(32))


@pytest.mark.attack("A54")
def test_altered_nodes_below_the_frontier_are_not_taken_for_an_altered_leaf() -> None:
    frontier, _ = Frontier().extended(LEAVES[:8])
    for place in ((0, 6), (1, 2), (2, 0)):
        for leaf in (LEAVES[7], bytes(32)):
            for wrong in (None, bytes(32), b"", b"x" * 33):
                kept = Kept()
                if wrong is None:
                    del kept.nodes[place]
                else:
                    kept.nodes[place] = wrong
                with pytest.raises(TrustError) as caught:
                    is_last(kept, frontier, leaf)
                assert caught.value.code == "ledger.nodes-altered"
    unknown = Kept()
    del unknown.nodes[0, 7]
    assert is_last(unknown, frontier, LEAVES[7])  # its hash is the entry's own
    with pytest.raises(TrustError):
        is_last(unknown, frontier, bytes(32))


@given(st.integers(0, SIZE))
def test_a_noted_frontier_gives_the_root_or_is_refused(size: int) -> None:
    frontier, _ = Frontier().extended(LEAVES[:size])
    data = frontier.to_bytes()
    assert noted_frontier(data, size, frontier.root) == frontier
    for wrong, root in ((data + b"x", frontier.root), (data + bytes(32), frontier.root), (data, bytes(32))):
        with pytest.raises(TrustError) as caught:
            noted_frontier(wrong, size, root)
        assert caught.value.code == "ledger.nodes-altered"


@pytest.mark.attack("A54")
@pytest.mark.parametrize("proof", PROOFS)
def test_any_node_that_is_missing_or_another_is_refused(proof: str) -> None:
    asked = Kept()
    PROOFS[proof](asked)
    (places,) = asked.asked
    assert places
    for place in places:
        for wrong in (None, bytes(32), b"", b"x" * 33):
            kept = Kept()
            if wrong is None:
                del kept.nodes[place]
            else:
                kept.nodes[place] = wrong
            with pytest.raises(TrustError) as caught:
                PROOFS[proof](kept)
            assert caught.value.code == "ledger.nodes-altered"
