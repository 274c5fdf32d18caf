from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.ledger import merkle
from bspec_opa.ledger.nodes import consistency_from, inclusion_from

if TYPE_CHECKING:
    from collections.abc import Sequence

# The leaves, roots and proofs of certificate-transparency's own tests of RFC 6962.
VECTOR_LEAVES = [
    bytes.fromhex(h)
    for h in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
VECTOR_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [merkle.leaf_hash(leaf) for leaf in VECTOR_LEAVES]

leaf_lists = st.lists(st.binary(max_size=4), max_size=40).map(lambda ls: [merkle.leaf_hash(x) for x in ls])


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word, with the split found by search."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = max(2**i for i in range(len(leaves)) if 2**i < len(leaves))
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = max(2**i for i in range(len(leaves)) if 2**i < len(leaves))
    if index < k:
        return [*naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int) -> None:
    assert merkle.root_of(HASHES[:size]).hex() == VECTOR_ROOTS[size - 1]


def test_empty_root_is_the_hash_of_nothing() -> None:
    assert merkle.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


# Of a leaf, counted from 0, in a tree of a size.
VECTOR_INCLUSION = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
# Of a tree in a larger one.
VECTOR_CONSISTENCY = {
    (1, 1): (),
    (1, 8): VECTOR_INCLUSION[0, 8],
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


class _Kept:
    """The vectors' complete nodes."""

    def node(self, level: int, index: int) -> bytes:
        return merkle.root_of(HASHES[index << level : (index + 1) << level])


@pytest.mark.parametrize(("index", "size"), VECTOR_INCLUSION)
def test_known_inclusion_paths(index: int, size: int) -> None:
    path = tuple(bytes.fromhex(h) for h in VECTOR_INCLUSION[index, size])
    root = bytes.fromhex(VECTOR_ROOTS[size - 1])
    assert merkle.inclusion_proof(HASHES[:size], index) == path == inclusion_from(_Kept(), size, index)
    assert merkle.verify_inclusion(HASHES[index], index, size, path, root)


@pytest.mark.parametrize(("first", "second"), VECTOR_CONSISTENCY)
def test_known_consistency_paths(first: int, second: int) -> None:
    path = tuple(bytes.fromhex(h) for h in VECTOR_CONSISTENCY[first, second])
    old, new = (bytes.fromhex(VECTOR_ROOTS[n - 1]) for n in (first, second))
    assert merkle.consistency_proof(HASHES[:second], first) == path == consistency_from(_Kept(), first, second)
    assert merkle.verify_consistency(first, second, path, old, new)


@given(leaf_lists)
def test_root_is_the_definition(leaves: list[bytes]) -> None:
    assert merkle.root_of(leaves) == naive_root(leaves)


@given(leaf_lists.filter(bool), st.data())
def test_inclusion(leaves: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = merkle.inclusion_proof(leaves, index)
    root = merkle.root_of(leaves)
    assert list(proof) == naive_path(index, leaves)
    assert merkle.verify_inclusion(leaves[index], index, len(leaves), proof, root)
    assert not merkle.verify_inclusion(merkle.leaf_hash(b"another"), index, len(leaves), proof, root)
    assert not merkle.verify_inclusion(leaves[index], index, len(leaves), (*proof, root), root)
    assert not proof or not merkle.verify_inclusion(leaves[index], index, len(leaves), proof[:-1], root)


@given(st.integers(1, 20), st.data())
def test_inclusion_holds_at_one_index_only(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(bytes([i])) for i in range(size)]
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(-2, size + 2))
    proof = merkle.inclusion_proof(leaves, index)
    assert merkle.verify_inclusion(leaves[index], other, size, proof, merkle.root_of(leaves)) == (other == index)


@given(leaf_lists, st.data())
def test_consistency(leaves: list[bytes], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(leaves)))
    old, new = merkle.root_of(leaves[:first]), merkle.root_of(leaves)
    proof = merkle.consistency_proof(leaves, first)
    assert merkle.verify_consistency(first, len(leaves), proof, old, new)
    assert not merkle.verify_consistency(first, len(leaves), (*proof, new), old, new)
    assert not proof or not merkle.verify_consistency(first, len(leaves), proof[:-1], old, new)
    assert not merkle.verify_consistency(first, len(leaves), proof, merkle.leaf_hash(b"fork"), new)


@pytest.mark.attack("A53")
@given(st.integers(1, 16), st.integers(0, 16), st.data())
def test_no_proof_joins_a_rewritten_history(first: int, more: int, data: st.DataObject) -> None:
    old = [merkle.leaf_hash(bytes([i])) for i in range(first)]
    new = [*old, *(merkle.leaf_hash(bytes([100 + i])) for i in range(more))]
    changed = data.draw(st.integers(0, first - 1))
    forged = [merkle.leaf_hash(b"forged") if i == changed else leaf for i, leaf in enumerate(new)]
    proof = merkle.consistency_proof(forged, first)
    assert not merkle.verify_consistency(first, len(new), proof, merkle.root_of(old), merkle.root_of(forged))


@pytest.mark.parametrize(("first", "second"), [(-1, 3), (4, 3)])
def test_impossible_sizes_are_inconsistent(first: int, second: int) -> None:
    assert not merkle.verify_consistency(first, second, (), merkle.EMPTY_ROOT, merkle.EMPTY_ROOT)


def test_proof_of_nothing_is_refused() -> None:
    assert not merkle.verify_consistency(3, 5, (), HASHES[0], HASHES[1])
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion_proof(HASHES, 8)
    with pytest.raises(ValueError, match="no such tree"):
        merkle.consistency_proof(HASHES, 9)
