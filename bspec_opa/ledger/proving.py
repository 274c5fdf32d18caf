"""Proofs from a store's nodes, verified against the signed root before anybody sees them. Pure.

A store keeps complete nodes without having to answer for them: a proof that doesn't verify is never handed out. The
nodes that a proof needs are worked out first and fetched in one go, so that a store makes one question of them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from bspec_opa.ledger.merkle import HASH_SIZE, verify_consistency, verify_inclusion
from bspec_opa.ledger.nodes import (
    Frontier,
    Nodes,
    consistency_from,
    frontier_of,
    inclusion_from,
    last_path,
    read_frontier,
)
from bspec_opa.ledger.reasons import NODES_ALTERED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from bspec_opa.ledger.interface import Tip

    Fetch = Callable[[Collection["Place"]], Mapping["Place", bytes]]
    """Gives the complete nodes at some places; leaves out those that it doesn't have."""

Place = tuple[int, int]
"""A node's level and index."""
T = TypeVar("T")


class Inclusion(NamedTuple):
    """That an entry is in a tree (RFC 6962, section 2.1.1); a store has verified it against the signed root.

    Attributes:
        seq: the entry's number.
        leaf: its leaf hash.
        path: the audit path, from the leaf's sibling upwards.
    """

    seq: int
    leaf: bytes
    path: tuple[bytes, ...]


class Consistency(NamedTuple):
    """That a tree goes on from a smaller one (RFC 6962, section 2.1.2); verified against the signed root.

    Attributes:
        size: how many entries the smaller tree has.
        root: its root.
        path: the proof; empty for none and for all of the entries.
    """

    size: int
    root: bytes
    path: tuple[bytes, ...]


def prove_inclusion(fetch: Fetch, tip: Tip, seq: int) -> Inclusion:
    """Proof that an entry is in the tree of a tip.

    Raises:
        ValueError: there is no such entry.
        TrustError: the nodes don't give the tip's root.
    """

    def build(nodes: Nodes) -> Inclusion:
        path = inclusion_from(nodes, tip.size, seq)
        return Inclusion(seq, nodes.node(0, seq), path)

    proof = from_nodes(fetch, build)
    if not verify_inclusion(proof.leaf, seq, tip.size, proof.path, tip.root):
        raise NODES_ALTERED.error(f"the stored nodes don't prove entry {seq} of {tip.size}")
    return proof


def prove_consistency(fetch: Fetch, tip: Tip, size: int) -> Consistency:
    """Proof that the tree of a tip goes on from that of its first entries, with that tree's root.

    Raises:
        ValueError: the tree is smaller than that.
        TrustError: the nodes don't give the tip's root.
    """

    def build(nodes: Nodes) -> Consistency:
        return Consistency(size, frontier_of(nodes, size).root, consistency_from(nodes, size, tip.size))

    proof = from_nodes(fetch, build)
    if not verify_consistency(size, tip.size, proof.path, proof.root, tip.root):
        raise NODES_ALTERED.error(f"the stored nodes don't prove that {tip.size} entries go on from {size}")
    return proof


def prove_frontier(fetch: Fetch, size: int, root: bytes) -> Frontier:
    """The frontier of the tree with a signed root.

    Raises:
        TrustError: the nodes don't give that root.
    """
    frontier = from_nodes(fetch, lambda nodes: frontier_of(nodes, size))
    if frontier.root != root:
        raise NODES_ALTERED.error(f"the stored nodes don't give the signed root of {size} entries")
    return frontier


def noted_frontier(data: bytes, size: int, root: bytes) -> Frontier:
    """The frontier that was noted beside a tree head; nothing is fetched.

    Args:
        data: its hashes, as :meth:`Frontier.to_bytes` wrote them.
        size: of the tree.
        root: the tree's signed root.

    Raises:
        TrustError: they don't give that root.
    """
    found: Frontier | None = None
    with suppress(ValueError):
        found = read_frontier(size, data)
    if found is None or found.root != root:
        raise NODES_ALTERED.error(f"the frontier that was noted does not give the signed root of {size} entries")
    return found


def is_last(fetch: Fetch, frontier: Frontier, leaf: bytes) -> bool:
    """Whether a hash is that of a tree's last leaf.

    It is shown inside the last complete node of a frontier that gives the root. Further to the left nothing has to be
    looked at.

    Args:
        fetch: gives nodes.
        frontier: gives the root; not that of an empty tree.
        leaf: a leaf hash.

    Raises:
        TrustError: the nodes show no leaf to be the last one.
    """

    def ends_with(last: bytes) -> bool:
        width = 1 << len(path)
        return verify_inclusion(last, width - 1, width, path, frontier.values[-1])

    path = from_nodes(fetch, lambda nodes: last_path(nodes, frontier.size))
    if ends_with(leaf):
        return True
    # Either the leaf is another one, or the path is. The leaf's hash as it was noted tells which.
    if path and not ends_with(from_nodes(fetch, lambda nodes: nodes.node(0, frontier.size - 1))):
        raise NODES_ALTERED.error(f"the stored nodes don't prove entry {frontier.size - 1} of {frontier.size}")
    return False


def from_nodes(fetch: Fetch, build: Callable[[Nodes], T]) -> T:
    """What is built from nodes, which are fetched together.

    Raises:
        TrustError: a node is missing.
    """
    wanted = _Wanted()
    build(wanted)
    return build(_Fetched(fetch(tuple(wanted.places))))


class _Wanted:
    """Notes which nodes are asked for. Which these are doesn't depend on what they hold."""

    def __init__(self) -> None:
        self.places: dict[Place, None] = {}

    def node(self, level: int, index: int) -> bytes:
        self.places[level, index] = None
        return bytes(HASH_SIZE)


class _Fetched:
    def __init__(self, values: Mapping[Place, bytes]) -> None:
        self._values = values

    def node(self, level: int, index: int) -> bytes:
        value = self._values.get((level, index))
        if value is None or len(value) != HASH_SIZE:
            raise NODES_ALTERED.error(f"node {index} of level {level} is not stored")
        return value
