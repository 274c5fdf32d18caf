"""What a killed writer leaves is completed by the next one, and nothing else is taken for it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.foundation.errors import BspecError, ExitCode, StoreError, TrustError
from bspec_opa.foundation.files import write_atomic
from bspec_opa.ledger.checkpoint import sign_checkpoint
from bspec_opa.ledger.copying import copy_ledger
from bspec_opa.ledger.file import commit
from bspec_opa.ledger.file.begun import Begun
from bspec_opa.ledger.growth import growth_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ledger_bench import Bench

    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.keys import PrivateKey


def begun_by(bench: Bench, *labels: str, key: PrivateKey | None = None) -> Begun:
    """What a writer puts down that appends records with these labels."""
    state = bench.store.read()
    drafted = state.draft(bench.now, [("submit", bench.record(x)) for x in labels])
    growth = growth_of(state.tip, drafted)
    head = growth.signed(key or bench.key).checkpoint
    assert head is not None
    length = bench.store.log.stat().st_size if bench.store.log.exists() else 0
    return Begun(length, head, growth.lines)


def add_on(bench: Bench, state: LedgerState, label: str) -> None:
    bench.store.append(state.tip, state.draft(bench.now, [("submit", bench.record(label))]), bench.key)


def left(bench: Bench, begun: Begun, written: int) -> None:
    """As a kill leaves it that comes when so many bytes of the lines are in the log."""
    bench.store.begun.write(begun)
    with bench.store.log.open("ab") as log:
        log.write(begun.body[:written])


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises((TrustError, StoreError)) as caught:
        call()
    assert "Traceback" not in str(caught.value)
    return caught.value.code


def asides(bench: Bench) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in bench.directory.iterdir() if "aside" in p.name or "tail" in p.name}


@pytest.mark.attack("A47")
@pytest.mark.parametrize("part", [0.0, 0.3, 0.8, 1.0])
def test_a_reader_goes_by_the_head_in_place_and_the_next_writer_completes(bench: Bench, part: float) -> None:
    old = bench.add("a", "b")
    begun = begun_by(bench, "c", "d")
    left(bench, begun, int(part * len(begun.body)))
    files = bench.files()
    store = bench.open()
    assert store.read() == old
    assert store.tip() == old.tip
    assert list(store.scan()) == list(old.entries)
    assert [store.find(e.record_id) for e in old.entries] == [0, 1]
    assert store.inclusion(old.tip, 1).path == old.inclusion(1)
    assert bench.files() == files, "a reader writes nothing"

    assert code_of(lambda: add_on(bench, old, "e")) == "ledger.race-lost"
    assert store.checkpoint.read_bytes() == begun.checkpoint.to_bytes()
    assert not store.begun.path.exists()
    assert [e.leaf() for e in store.read().entries[2:]] == list(begun.lines)
    assert bench.add("e").size == 5


@pytest.mark.attack("A47")
def test_a_first_append_is_completed_as_well(bench: Bench) -> None:
    bench.directory.mkdir()
    bench.store.log.touch()
    bench.store.checkpoint.write_bytes(sign_checkpoint(bench.origin, 0, bench.store.tip().root, bench.key).to_bytes())
    left(bench, begun_by(bench, "a"), 7)
    assert bench.store.read().size == 0
    assert bench.store.repair() is None
    assert bench.store.read().size == 1


def test_the_operator_can_have_it_completed(bench: Bench) -> None:
    bench.add("a")
    begun = begun_by(bench, "b")
    left(bench, begun, 20)
    assert bench.store.repair() is None
    assert bench.store.read().size == 2
    assert asides(bench) == {}


def test_one_that_is_done_counts_for_nothing(bench: Bench) -> None:
    """A power failure may bring back a file whose removal was not flushed."""
    bench.add("a")
    begun = begun_by(bench, "b")
    done = bench.add("b")
    bench.store.begun.write(begun)
    assert bench.store.read() == done
    assert bench.add("c").size == 3
    bench.store.begun.write(begun)
    assert bench.add("d").size == 4
    assert not bench.store.begun.path.exists()


def _of_another_key(bench: Bench, other_key: PrivateKey) -> tuple[Begun, bytes]:
    begun = begun_by(bench, "x", key=other_key)
    return begun, begun.body[:9]


def _with_other_lines(bench: Bench, _: PrivateKey) -> tuple[Begun, bytes]:
    begun = replace(begun_by(bench, "x"), lines=begun_by(bench, "y").lines)
    return begun, begun.body


def _with_more_lines(bench: Bench, _: PrivateKey) -> tuple[Begun, bytes]:
    begun = replace(begun_by(bench, "x"), lines=begun_by(bench, "x", "y").lines)
    return begun, b""


def _on_another_ledger(bench: Bench, _: PrivateKey) -> tuple[Begun, bytes]:
    begun = begun_by(bench, "x", "y")
    return replace(begun, checkpoint=sign_checkpoint(bench.origin, 4, bytes(32), bench.key)), begun.body


def _somewhere_else(bench: Bench, _: PrivateKey) -> tuple[Begun, bytes]:
    begun = begun_by(bench, "x")
    return replace(begun, start=begun.start + 1), begun.body


def _beyond_the_end(bench: Bench, _: PrivateKey) -> tuple[Begun, bytes]:
    return replace(begun_by(bench, "x"), start=10**9), b""


def _with_a_fake_tail(bench: Bench, _: PrivateKey) -> tuple[Begun, bytes]:
    begun = begun_by(bench, "x")
    return begun, begun_by(bench, "y").body


def _and_more(bench: Bench, _: PrivateKey) -> tuple[Begun, bytes]:
    begun = begun_by(bench, "x")
    return begun, begun.body + begun_by(bench, "y").body


@pytest.mark.attack("A81")
@pytest.mark.parametrize(
    "forged",
    [
        _of_another_key,
        _with_other_lines,
        _with_more_lines,
        _on_another_ledger,
        _somewhere_else,
        _beyond_the_end,
        _with_a_fake_tail,
        _and_more,
    ],
    ids=lambda f: f.__name__.strip("_").replace("_", " "),
)
def test_what_no_writer_has_begun_is_refused_and_moved_aside_unsigned(
    bench: Bench, other_key: PrivateKey, forged: Callable[[Bench, PrivateKey], tuple[Begun, bytes]]
) -> None:
    genuine = bench.add("a", "b")
    begun, tail = forged(bench, other_key)
    bench.store.begun.write(begun)
    with bench.store.log.open("ab") as log:
        log.write(tail)
    files = bench.files()
    for call in (bench.store.read, bench.store.tip, lambda: add_on(bench, genuine, "c")):
        assert code_of(call) == "ledger.bad-begun"
    assert {n: d for n, d in bench.files().items() if n in files} == files
    assert bench.store.repair() is not None
    wanted = {"begun-aside": begun.to_bytes()} | ({"tail-2.jsonl": tail} if tail else {})
    assert asides(bench) == wanted
    assert bench.store.read() == genuine
    assert bench.add("c").size == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"\n",
        lambda data: data[:-1],
        lambda data: data.partition(b"\n{")[0] + b"\n",
        lambda data: b"x" + data,
        lambda data: b"9" * 40 + data,
        lambda data: data.replace(b"\n\n", b"\n", 1),
        lambda data: re.sub(rb"\n\{", b"\n{\n{", data, count=1),
        lambda data: data.replace(b'"seq":2', b'"seq":3'),
        lambda data: data.replace(b'{"at"', b'{ "at"'),
        lambda data: data + b"\n",
    ],
)
def test_a_file_that_no_writer_writes_is_refused(bench: Bench, change: Callable[[bytes], bytes]) -> None:
    old = bench.add("a", "b")
    data = begun_by(bench, "c").to_bytes()
    assert change(data) != data
    bench.store.begun.path.write_bytes(change(data))
    assert code_of(bench.store.read) == "ledger.bad-begun"
    assert code_of(lambda: add_on(bench, old, "c")) == "ledger.bad-begun"
    assert bench.store.repair() is not None
    assert bench.store.read() == old


def test_a_link_or_a_pipe_in_its_place_is_refused(bench: Bench) -> None:
    bench.add("a")
    elsewhere = bench.directory.with_name("elsewhere")
    elsewhere.write_bytes(begun_by(bench, "b").to_bytes())
    path = bench.store.begun.path
    path.symlink_to(elsewhere)
    assert code_of(bench.store.read) == "ledger.bad-begun"
    path.unlink()
    os.mkfifo(path)
    assert code_of(bench.store.read) == "ledger.bad-begun"


def test_what_can_not_be_taken_back_is_completed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk lets nobody write any more: the writer can't clear up, and says that it failed."""
    bench.add("a")

    def broken(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(commit, "truncate", broken)
        patched.setattr(commit, "write_all", broken)
        with pytest.raises(BspecError) as caught:
            bench.add("b")
        assert (caught.value.code, caught.value.exit_code) == ("ledger.unwritable", ExitCode.STORE)
    assert bench.store.read().size == 1
    assert code_of(lambda: bench.add("c")) == "ledger.race-lost"
    assert bench.add("c").size == 3


def test_lines_are_not_taken_back_once_their_checkpoint_is_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.add("a")

    def interrupted(path: Path, data: bytes) -> None:
        write_atomic(path, data)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(commit, "write_atomic", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bench.add("b")
    assert bench.store.read().size == 2
    assert bench.add("c").size == 3


def test_one_that_is_too_large_is_refused_and_moved_aside_unread(bench: Bench) -> None:
    old = bench.add("a")
    bench.store.begun.path.touch()
    os.truncate(bench.store.begun.path, 2**40)
    assert code_of(bench.store.read) == "ledger.bad-begun"
    aside = bench.store.repair()
    assert aside is not None
    assert aside.stat().st_size == 2**40
    assert bench.store.read() == old


def test_a_writer_puts_down_no_more_than_a_reader_takes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    old = bench.add("a")
    files = bench.files()
    monkeypatch.setattr("bspec_opa.ledger.file.begun.MAX_APPEND_BYTES", 1_000)
    assert code_of(lambda: bench.add("b", "c")) == "ledger.too-large"
    assert bench.files() == files
    assert bench.store.read() == old


def test_a_copy_that_was_killed_goes_on(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = bench.add("a", "b", "c")
    target = bench.open(tmp_path / "copy")
    genuine, told = target.append, []

    def late(*arguments: Any) -> Any:
        told.append(arguments)
        if len(told) == 1:
            genuine(arguments[0], arguments[1][:1], arguments[2])  # as if it was completed
        return genuine(*arguments)

    monkeypatch.setattr(target, "append", late)
    assert copy_ledger(bench.store, source.tip, target, bench.key)[1] == 3
    assert target.read().root_hash == source.root_hash


def test_a_copy_takes_no_more_at_once_than_one_append(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, portions = bench.add("a", "b", "c", "d"), list[int]()
    monkeypatch.setattr("bspec_opa.ledger.portions.ROOM", 2 * len(source.entries[0].leaf()) + 20)
    target = bench.open(tmp_path / "copy")
    genuine = target.append

    def counted(*arguments: Any) -> Any:
        portions.append(len(arguments[1]))
        return genuine(*arguments)

    monkeypatch.setattr(target, "append", counted)
    assert copy_ledger(bench.store, source.tip, target, bench.key) == (source.tip, 4)
    assert portions == [2, 2]


@pytest.mark.attack("A81")
def test_one_of_very_many_lines_is_refused_before_each_is_an_object(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of two bytes would cost eighty."""
    bench.add("a")
    begun = begun_by(bench, "b")
    bench.store.begun.path.write_bytes(begun.to_bytes() + b"{\n" * 1000)

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("bspec_opa.ledger.file.begun.Begun", never)
    assert code_of(bench.store.read) == "ledger.bad-begun"
