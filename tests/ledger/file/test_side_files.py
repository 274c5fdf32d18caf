"""Whatever stands in the side files, no answer is wrong, nothing fails and nothing hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_bench import Bench

if TYPE_CHECKING:
    from bspec_opa.trust.keys import PrivateKey

SIZE = 90


@pytest.fixture(scope="module")
def kept(
    tmp_path_factory: pytest.TempPathFactory, ledger_key: PrivateKey, other_key: PrivateKey
) -> tuple[Bench, dict[str, bytes]]:
    """A ledger, and its side files as they should be."""
    bench = Bench(tmp_path_factory.mktemp("side") / "ledger", ledger_key, other_key)
    bench.add(*(str(i) for i in range(SIZE)))
    return bench, {name: (bench.directory / name).read_bytes() for name in ("nodes", "index.sqlite")}


@pytest.mark.attack("A54")
@given(data=st.data())
def test_bytes_of_a_side_file_changed(kept: tuple[Bench, dict[str, bytes]], data: st.DataObject) -> None:
    bench, genuine = kept
    for name, good in genuine.items():
        (bench.directory / name).write_bytes(good)
    name = data.draw(st.sampled_from(sorted(genuine)))
    changed = bytearray(genuine[name])
    for _ in range(data.draw(st.integers(1, 8))):
        # SQLite's own book-keeping stands at the beginning of each page.
        page = data.draw(st.integers(0, (len(changed) - 1) // 4096)) * 4096
        place = page + data.draw(st.one_of(st.integers(0, 120), st.integers(0, 4095)))
        if place < len(changed):
            changed[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(0, len(changed))) :]
    (bench.directory / name).write_bytes(changed)
    state, store = bench.store.read(), bench.open()
    seq = data.draw(st.integers(0, SIZE - 1))
    assert store.find(state.entries[seq].record_id) in {seq, None}
    assert [e.seq for e in store.scan(seq)] == list(range(seq, SIZE))
    assert store.tip() == state.tip
    assert store.inclusion(state.tip, seq) == (seq, state.leaves[seq], state.inclusion(seq))
    assert store.consistency(state.tip, seq).path == state.consistency(seq)
