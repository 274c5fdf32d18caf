from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.ledger.file.nodes import NodeFile, count_of, position_of
from bspec_opa.ledger.merkle import leaf_hash
from bspec_opa.ledger.nodes import Frontier

if TYPE_CHECKING:
    from pathlib import Path

LEAVES = [leaf_hash(bytes([i])) for i in range(70)]


def test_nodes_stand_in_the_order_in_which_they_became_complete() -> None:
    for size in range(71):
        _, nodes = Frontier().extended(LEAVES[:size])
        assert [position_of(n.level, n.index) for n in nodes] == list(range(count_of(size)))


@given(st.lists(st.integers(0, 20), max_size=5))
def test_portions_give_the_file_of_the_whole(tmp_path_factory: pytest.TempPathFactory, portions: list[int]) -> None:
    file = NodeFile(tmp_path_factory.mktemp("nodes") / "nodes")
    frontier = Frontier()
    for portion in portions:
        size = frontier.size
        frontier, fresh = frontier.extended(LEAVES[:70][size : size + portion])
        file.add(size, fresh)
    _, nodes = Frontier().extended(LEAVES[: frontier.size])
    places = [(n.level, n.index) for n in nodes]
    assert file.fetch(places) == {(n.level, n.index): n.value for n in nodes}
    assert list(file.leaves(0, frontier.size)) == LEAVES[: frontier.size]


def test_what_a_crash_left_behind_the_end_is_written_over(tmp_path: Path) -> None:
    file = NodeFile(tmp_path / "nodes")
    three, nodes = Frontier().extended(LEAVES[:3])
    file.add(0, nodes)
    _, lost = three.extended(LEAVES[10:12])
    file.add(3, lost)
    _, kept = three.extended(LEAVES[3:4])
    file.add(3, kept)
    assert file.fetch([(2, 0)]) == {(2, 0): kept[-1].value}


def test_nodes_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    file = NodeFile(tmp_path / "nodes")
    assert file.fetch([(0, 0)]) == {}
    assert file.leaves(0, 1) == ()
    file.add(0, Frontier().extended(LEAVES[:2])[1])
    assert file.fetch([(0, 1), (0, 2), (1, 0), (2, 0)]).keys() == {(0, 1), (1, 0)}
    assert file.leaves(0, 3) == ()


@pytest.mark.parametrize("kind", ["link", "pipe", "directory"])
def test_only_a_regular_file_is_used(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "nodes"
    if kind == "link":
        (tmp_path / "elsewhere").write_bytes(b"\x00" * 64)
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert NodeFile(path).fetch([(0, 0)]) == {}
    with pytest.raises(OSError, match=r".*"):
        NodeFile(path).add(0, [])
