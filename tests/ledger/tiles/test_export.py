from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from ledger_bench import NOW, ORIGIN, Bench, new_key

from bspec_opa.foundation.errors import BspecError
from bspec_opa.ledger import merkle
from bspec_opa.ledger.copying import copy_ledger
from bspec_opa.ledger.entry import entry_of
from bspec_opa.ledger.tiles.reading import TileReader
from bspec_opa.ledger.tiles.writing import check_tiles, write_tiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bspec_opa.ledger.interface import Tip
    from bspec_opa.trust.keys import PrivateKey

SIZE = 600


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory, ledger_key: PrivateKey, other_key: PrivateKey) -> Bench:
    """A ledger of three tiles, and an export of it beside it."""
    bench = Bench(tmp_path_factory.mktemp("big") / "ledger", ledger_key, other_key)
    bench.add(*(str(i) for i in range(SIZE)))
    write_tiles(bench.store, bench.store.tip(), bench.directory.with_name("export"))
    return bench


@pytest.fixture
def export(big: Bench, tmp_path: Path) -> TileReader:
    shutil.copytree(big.directory.with_name("export"), tmp_path / "export")
    return reader(tmp_path / "export", big)


def reader(directory: Path, bench: Bench) -> TileReader:
    return TileReader(directory, origin=ORIGIN, keys=[bench.key.public])


def check(export: TileReader) -> None:
    check_tiles(export, export.tip())


def refused(call: Callable[[], object], code: str) -> str:
    with pytest.raises(BspecError) as caught:
        call()
    assert caught.value.code == code
    return str(caught.value)


def names(directory: Path) -> set[str]:
    return {str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()}


def test_an_export_has_the_files_of_the_specification(big: Bench, export: TileReader) -> None:
    assert names(export.directory) == {
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
    }
    leaves = big.store.read().leaves
    assert (export.directory / "tile/0/001").read_bytes() == b"".join(leaves[256:512])
    assert (export.directory / "tile/1/000.p/2").read_bytes() == merkle.root_of(leaves[:256]) + merkle.root_of(
        leaves[256:512]
    )
    assert (export.directory / "checkpoint").read_bytes() == (big.directory / "checkpoint").read_bytes()


def test_an_export_is_the_ledger_in_every_way(big: Bench, export: TileReader) -> None:
    state, tip = big.store.read(), export.tip()
    assert tip == state.tip
    assert export.read() == state
    for start in (0, 1, 255, 256, 300, SIZE):
        assert list(export.scan(start)) == list(state.entries[start:])
    assert tuple(export.leaves(200, 520)) == state.leaves[200:520]
    for seq in (0, 255, 256, 511, 512, 599):
        assert export.inclusion(tip, seq) == (seq, state.leaves[seq], state.inclusion(seq))
    for size in (0, 1, 255, 256, 257, 512, 599, 600):
        assert export.consistency(tip, size) == (size, merkle.root_of(state.leaves[:size]), state.consistency(size))
    check(export)


def test_an_export_grows_with_its_ledger_and_files_never_change(bench: Bench, tmp_path: Path) -> None:
    directory = tmp_path / "export"
    bench.add(*(str(i) for i in range(3)))
    assert write_tiles(bench.store, bench.store.tip(), directory) == 3
    before = {name: (directory / name).read_bytes() for name in names(directory) - {"checkpoint"}}
    bench.add(*(str(i) for i in range(3, 5)))
    assert write_tiles(bench.store, bench.store.tip(), directory) == 3
    assert {name: (directory / name).read_bytes() for name in before} == before
    assert names(directory) - set(before) == {"checkpoint", "tile/0/000.p/5", "tile/entries/000.p/5"}
    assert write_tiles(bench.store, bench.store.tip(), directory) == 1
    check(reader(directory, bench))


def test_an_empty_ledger_has_a_checkpoint_alone(bench: Bench, tmp_path: Path) -> None:
    bench.directory.mkdir()
    bench.store._start(bench.key)
    (bench.directory / "log.jsonl").touch()
    write_tiles(bench.store, bench.store.tip(), tmp_path / "export")
    assert names(tmp_path / "export") == {"checkpoint"}
    export = reader(tmp_path / "export", bench)
    assert export.tip() == bench.store.tip()
    check(export)


def test_a_ledger_that_does_not_verify_is_not_exported(bench: Bench, tmp_path: Path) -> None:
    bench.add("a", "b", "c")
    tip = bench.store.tip()
    log = bench.directory / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b"2026-05-01T00:00:00Z", b"2026-04-01T00:00:00Z", 1))
    message = refused(lambda: write_tiles(bench.store, tip, tmp_path / "export"), "ledger.altered")
    assert "entry 0" in message
    assert not (tmp_path / "export" / "checkpoint").exists()


@pytest.mark.attack("A53")
def test_files_of_another_history_are_not_mixed_in(bench: Bench, tmp_path: Path) -> None:
    bench.add("a", "b")
    other = bench.open(tmp_path / "other")
    bench.add("a", "x", store=other)
    write_tiles(bench.store, bench.store.tip(), tmp_path / "export")
    refused(lambda: write_tiles(other, other.tip(), tmp_path / "export"), "ledger.forked")
    check(reader(tmp_path / "export", bench))


def edit(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))


@pytest.mark.attack("A54")
def test_the_first_bad_entry_of_an_export_is_named(export: TileReader) -> None:
    bundle = export.directory / "tile/entries/001"
    leaf = next(iter(export.scan(300))).leaf()
    edit(bundle, leaf, leaf.replace(b'"v":1}', b'"v":2}'))
    for act in (lambda: check(export), export.read):
        assert "entry 300: /v" in refused(act, "ledger.bad-entry")


@pytest.mark.attack("A54")
@pytest.mark.parametrize("extra", [b"x", b"\0\1a", b"\0\0" * 300])
def test_what_follows_the_covered_entries_is_refused(export: TileReader, extra: bytes) -> None:
    with (export.directory / "tile/entries/002.p/88").open("ab") as bundle:
        bundle.write(extra)
    for act in (lambda: check(export), export.read):
        assert "more follows the 88 entries" in refused(act, "ledger.uncheckpointed-tail")


@pytest.mark.attack("A54")
def test_an_altered_entry_of_the_right_form_is_named(big: Bench, export: TileReader) -> None:
    bundle = export.directory / "tile/entries/001"
    genuine = next(iter(export.scan(300)))
    forged = entry_of(300, NOW, "submit", big.record("forged"))
    data = bundle.read_bytes()
    old, new = (len(x).to_bytes(2) + x for x in (genuine.leaf(), forged.leaf()))
    bundle.write_bytes(data.replace(old, new))
    for act in (lambda: check(export), export.read):
        assert "changed since it was signed: entry 300" in refused(act, "ledger.altered")


@pytest.mark.parametrize(
    ("path", "told"),
    [("tile/0/000", "tile/0/000: "), ("tile/0/002.p/88", "tile/0/002"), ("tile/1/000.p/2", "tile/1/000")],
)
def test_an_altered_or_missing_tile_is_named(export: TileReader, path: str, told: str) -> None:
    tip = export.tip()
    file = export.directory / path
    for data in (bytes(len(file.read_bytes())), file.read_bytes()[:-32], file.read_bytes() + bytes(32)):
        file.write_bytes(data)
        assert told in refused(lambda: check_tiles(export, tip), "ledger.nodes-altered")
    file.unlink()
    assert told in refused(lambda: check_tiles(export, tip), "ledger.nodes-altered")


@pytest.mark.attack("A52")
@pytest.mark.parametrize(("path", "entry"), [("tile/entries/000", 0), ("tile/entries/002.p/88", 512)])
def test_missing_entries_are_named(export: TileReader, path: str, entry: int) -> None:
    tip = export.tip()
    (export.directory / path).unlink()
    assert f"entry {entry} is missing" in refused(lambda: check_tiles(export, tip), "ledger.truncated")


def test_an_export_without_its_checkpoint_or_with_a_strangers_is_refused(export: TileReader, big: Bench) -> None:
    stranger = TileReader(export.directory, origin=ORIGIN, keys=[new_key().public])
    refused(stranger.tip, "ledger.checkpoint-signature")
    (export.directory / "checkpoint").unlink()
    refused(export.tip, "ledger.no-checkpoint")


# Copies


def test_a_copy_has_the_same_head_and_the_same_bytes(big: Bench, export: TileReader, tmp_path: Path) -> None:
    for source, name in ((big.store, "from a store"), (export, "from an export")):
        target = big.open(tmp_path / name)
        tip, added = copy_ledger(source, source.tip(), target, big.key)
        assert (tip, added) == (big.store.tip(), SIZE)
        for file in ("log.jsonl", "checkpoint"):
            assert (target.directory / file).read_bytes() == (big.directory / file).read_bytes()
        assert copy_ledger(source, source.tip(), target, big.key) == (tip, 0)


def test_an_interrupted_copy_is_gone_on_from(bench: Bench, tmp_path: Path) -> None:
    bench.add("a", "b")
    target = bench.open(tmp_path / "target")
    copy_ledger(bench.store, bench.store.tip(), target, bench.key)
    bench.add("c")
    tip, added = copy_ledger(bench.store, bench.store.tip(), target, bench.key)
    assert (tip, added) == (bench.store.tip(), 1)


@pytest.mark.attack("A53")
def test_another_history_is_not_copied_over(bench: Bench, tmp_path: Path) -> None:
    bench.add("a", "b")
    target = bench.open(tmp_path / "target")

    def copied(tip: Tip) -> object:
        return copy_ledger(bench.store, tip, target, bench.key)

    before = bench.add("x", store=target)
    refused(lambda: copied(bench.store.tip()), "ledger.forked")
    larger = bench.add("y", "z", store=target)
    refused(lambda: copied(bench.store.tip()), "ledger.rolled-back")
    assert (before.size, larger.size, target.read()) == (1, 3, larger)


def test_a_ledger_that_does_not_verify_is_not_copied(bench: Bench, tmp_path: Path) -> None:
    bench.add("a", "b")
    tip = bench.store.tip()
    log = bench.directory / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b"2026-05-01T00:00:00Z", b"2026-04-01T00:00:00Z", 1))
    target = bench.open(tmp_path / "target")
    refused(lambda: copy_ledger(bench.store, tip, target, bench.key), "ledger.altered")
    assert not target.directory.exists()
