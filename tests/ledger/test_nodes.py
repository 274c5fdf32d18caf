from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.ledger import merkle
from bspec_opa.ledger.nodes import (
    Frontier,
    Node,
    consistency_from,
    frontier_of,
    inclusion_from,
    last_path,
    places_of,
    read_frontier,
)

LEAVES = [merkle.leaf_hash(bytes([i])) for i in range(70)]


class Kept:
    """Complete nodes, and how often each was asked for."""

    def __init__(self, count: int) -> None:
        self.frontier, fresh = Frontier().extended(LEAVES[:count])
        self.values = {(n.level, n.index): n.value for n in fresh}
        self.asked: Counter[tuple[int, int]] = Counter()

    def node(self, level: int, index: int) -> bytes:
        self.asked[level, index] += 1
        return self.values[level, index]


ALL = Kept(70)


@pytest.mark.parametrize("size", range(71))
def test_a_frontier_gives_the_root(size: int) -> None:
    assert Frontier().extended(LEAVES[:size])[0].root == merkle.root_of(LEAVES[:size])
    assert frontier_of(ALL, size) == Frontier().extended(LEAVES[:size])[0]


@pytest.mark.parametrize("size", range(71))
def test_a_frontier_is_read_back_from_its_hashes(size: int) -> None:
    frontier = frontier_of(ALL, size)
    data = frontier.to_bytes()
    assert read_frontier(size, data) == frontier
    for wrong in (data[:-1] if data else b"x", data + b"x", data + bytes(32)):
        with pytest.raises(ValueError, match="no "):
            read_frontier(size, wrong)


@pytest.mark.parametrize("size", range(1, 71))
def test_the_last_path_is_the_beginning_of_the_leafs_audit_path(size: int) -> None:
    path = last_path(ALL, size)
    whole = merkle.inclusion_proof(LEAVES[:size], size - 1)
    assert path == whole[: len(path)]
    width = 1 << len(path)
    assert size % width == 0
    assert size % (2 * width) == width
    assert merkle.verify_inclusion(LEAVES[size - 1], width - 1, width, path, frontier_of(ALL, size).values[-1])


@given(st.integers(0, 70), st.integers(0, 70))
def test_leaves_can_be_added_in_any_portions(a: int, b: int) -> None:
    first, second = sorted((a, b))
    before, once = Frontier().extended(LEAVES[:first])
    after, more = before.extended(LEAVES[first:second])
    assert (after, (*once, *more)) == Frontier().extended(LEAVES[:second])


def test_every_complete_node_is_told_once_with_its_place() -> None:
    _, fresh = Frontier().extended(LEAVES[:7])
    places = [(n.level, n.index) for n in fresh]
    assert places == [(0, 0), (0, 1), (1, 0), (0, 2), (0, 3), (1, 1), (2, 0), (0, 4), (0, 5), (1, 2), (0, 6)]
    assert fresh[5] == Node(1, 1, merkle.root_of(LEAVES[2:4]))


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 70])
def test_proofs_are_those_of_the_whole_leaves(size: int) -> None:
    for index in range(size):
        assert inclusion_from(ALL, size, index) == merkle.inclusion_proof(LEAVES[:size], index)
    for first in range(size + 1):
        assert consistency_from(ALL, first, size) == merkle.consistency_proof(LEAVES[:size], first)


def test_proofs_verify() -> None:
    root = merkle.root_of(LEAVES)
    for index in range(70):
        assert merkle.verify_inclusion(LEAVES[index], index, 70, inclusion_from(ALL, 70, index), root)
        proof = consistency_from(ALL, index, 70)
        assert merkle.verify_consistency(index, 70, proof, merkle.root_of(LEAVES[:index]), root)


def test_a_proof_asks_for_few_nodes() -> None:
    """At most two a level: those of a sibling that is not complete."""
    kept = Kept(70)
    for index in range(70):
        kept.asked.clear()
        inclusion_from(kept, 70, index)
        assert sum(kept.asked.values()) <= 2 * (70).bit_length()
        kept.asked.clear()
        consistency_from(kept, index, 70)
        assert sum(kept.asked.values()) <= 2 * (70).bit_length()


def test_places_of_a_range() -> None:
    assert list(places_of(0, 7)) == [(2, 0), (1, 2), (0, 6)]
    assert list(places_of(4, 6)) == [(1, 2)]
    assert list(places_of(3, 3)) == []


@pytest.mark.parametrize("size", [-1, 1, 3])
def test_a_frontier_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="no frontier"):
        Frontier(size, ())


def test_what_is_no_leaf_and_no_tree_is_refused() -> None:
    for index in (-1, 3):
        with pytest.raises(ValueError, match="no such leaf"):
            inclusion_from(ALL, 3, index)
    for first in (-1, 4):
        with pytest.raises(ValueError, match="no such tree"):
            consistency_from(ALL, first, 3)
