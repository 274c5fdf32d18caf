"""The layout of C2SP tlog-tiles, with the specification's own examples."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.ledger.merkle import leaf_hash, root_of
from bspec_opa.ledger.tiles.layout import Tiling, bundle_of, tile_path, unbundled, width_of


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ((0, 0, 256), "tile/0/000"),
        ((0, 1_234_067, 256), "tile/0/x001/x234/067"),
        ((3, 999, 256), "tile/3/999"),
        ((1, 1_000, 256), "tile/1/x001/000"),
        ((1, 0, 17), "tile/1/000.p/17"),
        (("entries", 273, 112), "tile/entries/273.p/112"),
    ],
)
def test_paths(arguments: tuple[int | str, int, int], path: str) -> None:
    assert tile_path(*arguments) == path


def test_the_tree_of_the_specification() -> None:
    """70,000 entries: 273 full tiles and one of 112 at level 0, one and one of 17 at level 1, one of 1 at level 2."""
    widths = {level: Counter(w for i in range(300) if (w := width_of(level, i, 70_000)) > 0) for level in range(4)}
    assert widths == {0: {256: 273, 112: 1}, 1: {256: 1, 17: 1}, 2: {1: 1}, 3: {}}
    tiling = Tiling()
    leaf = leaf_hash(b"x")
    paths = [path for path, _ in tiling.add(leaf for _ in range(70_000))]
    assert Counter(p.split("/")[1] for p in paths) == {"0": 273, "1": 1}
    assert [path for path, _ in tiling.rest()] == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]


def test_a_tree_of_one_full_tile_has_a_tile_of_one_hash_above_it() -> None:
    leaves = [leaf_hash(bytes([i])) for i in range(256)]
    tiling = Tiling()
    assert dict(tiling.add(leaves)) == {"tile/0/000": b"".join(leaves)}
    assert dict(tiling.rest()) == {"tile/1/000.p/1": root_of(leaves)}


def test_no_leaves_have_no_tiles() -> None:
    assert list(Tiling().rest()) == []


@given(st.lists(st.binary(max_size=70), max_size=8))
def test_bundles_give_their_entries_back(leaves: list[bytes]) -> None:
    kind, data = bundle_of(leaves)
    assert kind == "entries"
    assert list(unbundled(kind, data)) == leaves


def test_entries_that_two_bytes_can_not_count_stand_elsewhere() -> None:
    for size, kind in ((65_535, "entries"), (65_536, "entries-u32")):
        found, data = bundle_of([b"a", b"b" * size])
        assert found == kind
        assert list(unbundled(kind, data)) == [b"a", b"b" * size]


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
def test_a_bundle_that_is_cut_gives_what_is_whole(cut: int) -> None:
    kind, data = bundle_of([b"ab", b"cd"])
    assert list(unbundled(kind, data[:-cut])) == ([b"ab"] if cut <= 4 else [])
