"""Roots and proofs from the nodes of a Merkle tree that never change again, in O(log n) reads. Pure.

A node is complete once all the leaves below it are there: node ``(level, index)`` covers the ``2**level`` leaves from
``index * 2**level`` on (C2SP tlog-tiles counts them in the same way). A store keeps complete nodes and nothing else;
what a root or a proof needs besides lies on the right edge and is put together from at most one of them a level. The
whole leaves give the same in :mod:`bspec_opa.ledger.merkle`, which the tests hold this module against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bspec_opa.ledger.merkle import EMPTY_ROOT, HASH_SIZE, node_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Nodes(Protocol):
    """Where complete nodes are kept."""

    def node(self, level: int, index: int) -> bytes:
        """The hash of a complete node; level 0 has the leaves' hashes.

        Raises:
            TrustError: it isn't there.
        """
        ...


@dataclass(frozen=True, slots=True)
class Node:
    """A complete node: where it is, and its hash."""

    level: int
    index: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """The largest complete nodes that make up a tree, from the left: all that appending to it needs.

    Attributes:
        size: how many leaves the tree has.
        values: one hash for each bit of ``size`` that is set, the highest bit first.
    """

    size: int = 0
    values: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a number of hashes that makes up no tree of this size."""
        if self.size < 0 or len(self.values) != self.size.bit_count():
            raise ValueError("no frontier of a tree of this size")

    @property
    def root(self) -> bytes:
        """The tree's root."""
        if not self.values:
            return EMPTY_ROOT
        root = self.values[-1]
        for value in reversed(self.values[:-1]):
            root = node_hash(value, root)
        return root

    def extended(self, leaves: Iterable[bytes]) -> tuple[Frontier, tuple[Node, ...]]:
        """The frontier with more leaves, and every node that is complete now and was not before, leaves included."""
        size, values, fresh = self.size, list(self.values), []
        for leaf in leaves:
            level, index, value = 0, size, leaf
            fresh.append(Node(level, index, value))
            while index & 1:
                level, index, value = level + 1, index >> 1, node_hash(values.pop(), value)
                fresh.append(Node(level, index, value))
            values.append(value)
            size += 1
        return Frontier(size, tuple(values)), tuple(fresh)

    def to_bytes(self) -> bytes:
        """The hashes one after the other; with the size, :func:`read_frontier` reads them back."""
        return b"".join(self.values)


def read_frontier(size: int, data: bytes) -> Frontier:
    """The frontier of a tree from exactly its hashes.

    Raises:
        ValueError: there are more or fewer than a tree of this size has.
    """
    if len(data) % HASH_SIZE:
        raise ValueError("no hashes")
    return Frontier(size, tuple(data[i : i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)))


def places_of(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete nodes that make up a range of leaves as the RFC divides a tree: level and index, from the left."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def frontier_of(nodes: Nodes, size: int) -> Frontier:
    """The frontier of the tree of the first leaves."""
    return Frontier(size, tuple(nodes.node(*place) for place in places_of(0, size)))


def inclusion_from(nodes: Nodes, size: int, index: int) -> tuple[bytes, ...]:
    """The audit path of a leaf in the tree of the first ``size`` leaves (RFC 6962, section 2.1.1).

    Raises:
        ValueError: there is no such leaf.
        TrustError: a node is missing.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _half(end - start)
        if index < middle:
            path.append(_root_of(nodes, middle, end))
            end = middle
        else:
            path.append(_root_of(nodes, start, middle))
            start = middle
    return tuple(reversed(path))


def last_path(nodes: Nodes, size: int) -> tuple[bytes, ...]:
    """The audit path of the last leaf inside the last complete node of the frontier, from the leaf's sibling upwards.

    As many hashes as ``size`` has zeros at its end, which is one on average.
    """
    zeros = (size & -size).bit_length() - 1
    return tuple(nodes.node(level, (size - 1 >> level) - 1) for level in range(zeros))


def consistency_from(nodes: Nodes, first: int, second: int) -> tuple[bytes, ...]:
    """Proof that the tree of ``first`` leaves is a prefix of that of ``second`` (RFC 6962, section 2.1.2).

    Empty for none and for all of them.

    Raises:
        ValueError: ``first`` is larger than ``second``.
        TrustError: a node is missing.
    """
    if not 0 <= first <= second:
        raise ValueError("no such tree")
    if first in {0, second}:
        return ()
    path: list[bytes] = []
    start, end = 0, second
    while first != end:
        middle = start + _half(end - start)
        if first <= middle:
            path.append(_root_of(nodes, middle, end))
            end = middle
        else:
            path.append(_root_of(nodes, start, middle))
            start = middle
    if start:  # what is left ends at ``first`` without being the whole of the first tree, which the verifier has
        path.append(_root_of(nodes, start, end))
    return tuple(reversed(path))


def _root_of(nodes: Nodes, start: int, end: int) -> bytes:
    values = [nodes.node(*place) for place in places_of(start, end)]
    return Frontier(end - start, tuple(values)).root


def _half(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)
