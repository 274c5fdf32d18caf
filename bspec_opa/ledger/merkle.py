"""RFC 6962 Merkle trees: roots, inclusion proofs and consistency proofs, and how to verify them. Pure.

Leaf and node hashes have different prefixes, so that a node can't be passed off as a leaf (RFC 6962, section 2.1).
Verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2. All functions take leaf *hashes*.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf's bytes."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The tree's root, in one pass that keeps one hash a level."""
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        size, value = 1, leaf
        while stack and stack[-1][0] == size:
            value = node_hash(stack.pop()[1], value)
            size *= 2
        stack.append((size, value))
    if not stack:
        return EMPTY_ROOT
    _, root = stack.pop()
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The audit path of one leaf, from the leaf's sibling upwards.

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise ValueError("no such leaf")
    if len(leaves) == 1:
        return ()
    k = _split(len(leaves))
    if index < k:
        return (*inclusion_proof(leaves[:k], index), root_of(leaves[k:]))
    return (*inclusion_proof(leaves[k:], index - k), root_of(leaves[:k]))


def consistency_proof(leaves: Sequence[bytes], first: int) -> tuple[bytes, ...]:
    """Proof that the tree of the first leaves is a prefix of the whole tree; empty for none and for all of them.

    Raises:
        ValueError: ``first`` is larger than the tree.
    """
    if not 0 <= first <= len(leaves):
        raise ValueError("no such tree")
    return _subproof(leaves, first, whole=True) if first else ()


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> tuple[bytes, ...]:
    if first == len(leaves):
        return () if whole else (root_of(leaves),)
    k = _split(len(leaves))
    if first <= k:
        return (*_subproof(leaves[:k], first, whole=whole), root_of(leaves[k:]))
    return (*_subproof(leaves[k:], first - k, whole=False), root_of(leaves[:k]))


def _split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf hash is at an index of the tree with this size and root."""
    if not 0 <= index < size:
        return False
    position, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            position, last = _skip(position, last)
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and value == root


def verify_consistency(first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Whether the tree of ``first`` leaves is a prefix of the tree of ``second`` leaves."""
    if not 0 <= first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof and first_root == EMPTY_ROOT
    power_of_two = first & (first - 1) == 0
    path = [first_root, *proof] if power_of_two else list(proof)
    return bool(path) and _climb(first, second, path) == (first_root, second_root)


def _climb(first: int, second: int, path: list[bytes]) -> tuple[bytes, bytes] | None:
    """Both roots as the path implies them; none if its length is wrong."""
    position, last = first - 1, second - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            position, last = _skip(position, last)
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return (old, new) if last == 0 else None


def _skip(position: int, last: int) -> tuple[int, int]:
    """Past the levels on which a right-most node has no sibling."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last
