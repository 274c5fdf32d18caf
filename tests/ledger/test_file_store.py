from __future__ import annotations

import json
import os
import re
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.foundation.errors import BspecError, ExitCode, StoreError, TrustError
from bspec_opa.foundation.limits import MAX_LEDGER_BYTES
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.ledger.checkpoint import sign_checkpoint
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES, Entry, entry_of
from bspec_opa.ledger.file.handle import READING, is_still, opened
from bspec_opa.ledger.file_store import FileStore
from bspec_opa.ledger.interface import LedgerState, Tip
from bspec_opa.ledger.merkle import EMPTY_ROOT, leaf_hash, root_of, verify_consistency, verify_inclusion
from bspec_opa.ledger.nodes import Frontier

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger_bench import Bench

    from bspec_opa.trust.keys import PrivateKey, PublicKey


class Scripted:
    """A signer that does something else before, or instead of, signing."""

    def __init__(self, key: PrivateKey, act: Callable[[bytes], bytes | None]) -> None:
        self._key = key
        self._act = act

    @property
    def public(self) -> PublicKey:
        return self._key.public

    def sign(self, message: bytes) -> bytes:
        return self._act(message) or self._key.sign(message)


def refused(call: Callable[[], object], code: str) -> str:
    with pytest.raises((TrustError, StoreError)) as caught:
        call()
    assert caught.value.code == code
    return str(caught.value)


# Reading and appending


def test_nothing_yet_is_an_empty_ledger_and_reading_writes_nothing(bench: Bench) -> None:
    state = bench.store.read()
    assert state == LedgerState(bench.origin)
    assert (state.size, state.last_at, state.root_hash) == (0, 0, "sha256:" + EMPTY_ROOT.hex())
    assert not bench.directory.exists()


def test_appended_entries_are_read_back_byte_for_byte(bench: Bench) -> None:
    written = bench.add("a", "b")
    written = bench.add("c", at=bench.now + 5)
    assert bench.store.read() == written
    assert [e.record_bytes() for e in written.entries] == [bench.record(x) for x in "abc"]
    assert [(e.seq, e.at, e.kind) for e in written.entries] == [
        (0, bench.now, "submit"),
        (1, bench.now, "submit"),
        (2, bench.now + 5, "submit"),
    ]
    assert written.last_at == bench.now + 5
    assert written.head() == {"origin": bench.origin, "tree_size": 3, "root_hash": written.root_hash}
    assert written.record_ids() == {e.record_id: e.seq for e in written.entries}


def test_nothing_to_append_changes_nothing(bench: Bench) -> None:
    before = bench.add("a"), bench.files()
    assert (bench.add(), bench.files()) == before


def test_proofs_verify_against_the_signed_roots(bench: Bench) -> None:
    old = bench.add("a", "b", "c")
    new = bench.add("d", "e")
    assert old.checkpoint is not None
    assert new.checkpoint is not None
    assert verify_inclusion(new.leaves[3], 3, 5, new.inclusion(3), new.checkpoint.root)
    assert verify_consistency(3, 5, new.consistency(3), old.checkpoint.root, new.checkpoint.root)
    assert new.root_at(3) == old.root_hash


def test_the_log_is_what_the_contract_says(bench: Bench) -> None:
    bench.add("a")
    line = (bench.directory / "log.jsonl").read_bytes()
    value = json.loads(line)
    assert {k: v for k, v in value.items() if k != "body"} == {
        "v": 1,
        "seq": 0,
        "at": "2026-05-01T00:00:00Z",
        "kind": "submit",
    }
    assert json.dumps(value["body"], separators=(",", ":"), sort_keys=True).encode() + b"\n" == bench.record("a")


def test_a_record_of_another_kind_is_refused(bench: Bench) -> None:
    refused(lambda: bench.store.read().draft(bench.now, [("approval", bench.record("a"))]), "ledger.bad-entry")


def test_a_record_is_sequenced_once(bench: Bench) -> None:
    bench.add("a", "b")
    before = bench.files()
    refused(lambda: bench.add("c", "a"), "ledger.duplicate-record")
    refused(lambda: bench.add("d", "d"), "ledger.duplicate-record")
    assert bench.files() == before


@pytest.mark.attack("A83")
def test_an_old_record_sequenced_again_is_refused_on_reading(bench: Bench) -> None:
    bench.add("a", "b")
    state = bench.store.read()
    forge(bench, [*state.entries, entry_of(2, bench.now, "submit", bench.record("a"))])
    assert "entry 2 repeats the record of entry 0" in refused(bench.store.read, "ledger.duplicate-record")


def forge(bench: Bench, entries: list[Entry]) -> None:
    """Rewrite the whole ledger, signed by its own key: what only its owner could do."""
    leaves = [e.leaf() for e in entries]
    root = root_of(leaf_hash(x) for x in leaves)
    (bench.directory / "log.jsonl").write_bytes(b"".join(x + b"\n" for x in leaves))
    note = sign_checkpoint(bench.origin, len(leaves), root, bench.key).to_bytes()
    (bench.directory / "checkpoint").write_bytes(note)


def test_entries_that_do_not_follow_are_a_bug(bench: Bench) -> None:
    entry = entry_of(7, bench.now, "submit", bench.record("a"))
    with pytest.raises(ValueError, match="must follow"):
        bench.store.append(bench.store.tip(), [entry], bench.key)


# The clock


@pytest.mark.attack("A17")
def test_a_clock_behind_the_last_entry_is_refused(bench: Bench) -> None:
    state = bench.add("a")
    message = refused(lambda: state.draft(bench.now - 1, []), "ledger.clock-behind")
    assert "2026-04-30T23:59:59Z" in message
    assert state.draft(bench.now, []) == ()
    late = entry_of(1, bench.now - 1, "submit", bench.record("b"))
    refused(lambda: bench.store.append(state.tip, [late], bench.key), "ledger.clock-behind")


def test_time_running_backwards_in_the_log_is_named(bench: Bench) -> None:
    bench.add("a")
    entries = [entry_of(i, bench.now - i, "submit", bench.record(x)) for i, x in enumerate("ab")]
    forge(bench, entries)
    assert "log.jsonl:2: entry 1 was sequenced before" in refused(bench.store.read, "ledger.bad-entry")


# Compare and set


@pytest.mark.attack("A45")
def test_of_two_decisions_on_one_state_one_is_recorded(bench: Bench) -> None:
    base = bench.add("a")
    first = bench.store.append(base.tip, base.draft(bench.now, [("submit", bench.record("b"))]), bench.key)
    late = base.draft(bench.now, [("submit", bench.record("c"))])
    message = refused(lambda: bench.open().append(base.tip, late, bench.key), "ledger.race-lost")
    assert "1 entries were added" in message
    assert bench.store.tip() == first


@pytest.mark.attack("A45")
def test_threads_that_race_on_one_size_get_one_winner_each_round(bench: Bench) -> None:
    outcomes: list[str] = []
    base = bench.store.read()
    start = threading.Barrier(4)

    def promote(label: str) -> None:
        drafted = base.draft(bench.now, [("submit", bench.record(label))])
        start.wait()
        try:
            bench.open().append(base.tip, drafted, bench.key)
        except StoreError as e:
            outcomes.append(e.code)
        else:
            outcomes.append("won")

    threads = [threading.Thread(target=promote, args=(x,)) for x in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["ledger.race-lost"] * 3 + ["won"]
    assert bench.store.read().size == 1


@pytest.mark.attack("A53")
def test_a_decision_on_another_history_of_the_same_size_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.add("a")
    other = bench.open(tmp_path / "other")
    base = bench.add("b", store=other)
    drafted = base.draft(bench.now, [("submit", bench.record("c"))])
    refused(lambda: bench.store.append(base.tip, drafted, bench.key), "ledger.forked")


@pytest.mark.attack("A55")
def test_a_decision_on_a_larger_ledger_than_there_is_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.add("a")
    shutil.copytree(bench.directory, tmp_path / "backup")
    base = bench.add("b")
    shutil.rmtree(bench.directory)
    shutil.copytree(tmp_path / "backup", bench.directory)
    refused(lambda: bench.store.append(base.tip, (), bench.key), "ledger.rolled-back")


# Who signs


def test_only_a_ledger_key_appends(bench: Bench, other_key: PrivateKey) -> None:
    refused(lambda: bench.store.append(bench.store.tip(), (), other_key), "ledger.checkpoint-signature")
    assert not bench.directory.exists()


def test_a_checkpoint_of_another_key_or_ledger_is_refused(bench: Bench, other_key: PrivateKey) -> None:
    state = bench.add("a")
    assert state.checkpoint is not None
    path = bench.directory / "checkpoint"
    path.write_bytes(sign_checkpoint(bench.origin, 1, state.checkpoint.root, other_key).to_bytes())
    refused(bench.store.read, "ledger.checkpoint-signature")
    path.write_bytes(sign_checkpoint("ledger.example/other", 1, state.checkpoint.root, bench.key).to_bytes())
    refused(bench.store.read, "ledger.bad-checkpoint")


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda _: b"\x00" * 64, TrustError),
        (lambda _: (_ for _ in ()).throw(TimeoutError("the KMS does not answer")), TimeoutError),
        (lambda _: (_ for _ in ()).throw(KeyboardInterrupt), KeyboardInterrupt),
    ],
    ids=["wrong signature", "no signature", "interrupted"],
)
def test_without_a_good_signature_nothing_is_recorded(
    bench: Bench, act: Callable[[bytes], bytes], error: type[BaseException]
) -> None:
    bench.add("a")
    before = bench.files()
    state = bench.store.read()
    drafted = state.draft(bench.now, [("submit", bench.record("b"))])
    with pytest.raises(error):
        bench.store.append(state.tip, drafted, Scripted(bench.key, act))
    assert bench.files() == before


def test_nothing_is_written_before_it_is_signed(bench: Bench) -> None:
    """What a kill leaves is then always under a signature, or not there at all."""
    seen: list[tuple[bytes, bytes, bool]] = []

    def look(message: bytes) -> None:
        log = (bench.directory / "log.jsonl").read_bytes()
        seen.append((message.splitlines()[1], log, bench.store.begun.path.exists()))

    drafted = bench.store.read().draft(bench.now, [("submit", bench.record("a"))])
    bench.store.append(bench.store.tip(), drafted, Scripted(bench.key, look))
    assert seen == [(b"0", b"", False), (b"1", b"", False)]


# Damage


@pytest.mark.attack("A52")
def test_a_truncated_log_is_told_by_the_checkpoint(bench: Bench) -> None:
    bench.add("a", "b", "c")
    log = bench.directory / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2]))
    assert "log.jsonl:3: entry 2 is missing" in refused(bench.store.read, "ledger.truncated")
    log.write_bytes(b"".join(lines)[:-5])
    assert "log.jsonl:3: entry 2 is cut off" in refused(bench.store.read, "ledger.truncated")
    log.unlink()
    assert "log.jsonl:1: entry 0 is missing" in refused(bench.store.read, "ledger.truncated")
    refused(bench.store.repair, "ledger.truncated")


def test_a_log_without_its_checkpoint_is_refused_and_not_repaired(bench: Bench) -> None:
    bench.add("a")
    (bench.directory / "checkpoint").unlink()
    refused(bench.store.read, "ledger.no-checkpoint")
    refused(bench.store.repair, "ledger.no-checkpoint")


def test_a_row_whose_time_was_put_off_is_named_with_the_one_behind_it(kept_bench: Bench) -> None:
    """Only the two together are wrong, and nobody can tell from them which one was changed."""
    log = kept_bench.directory / "log.jsonl"
    original = log.read_bytes()
    lines = original.splitlines(keepends=True)
    lines[1] = re.sub(rb'"at":"[0-9]{4}', b'"at":"9026', lines[1])
    log.write_bytes(b"".join(lines))
    try:
        said = refused(kept_bench.store.read, "ledger.bad-entry")
    finally:
        log.write_bytes(original)
    assert "log.jsonl:3: entry 2 was sequenced before entry 1 ahead of it" in said


@pytest.mark.attack("A54")
@given(data=st.data())
def test_whatever_is_done_to_a_row_the_row_is_named(kept_bench: Bench, data: st.DataObject) -> None:
    bench = kept_bench
    log = bench.directory / "log.jsonl"
    original = log.read_bytes()
    lines = original.splitlines(keepends=True)
    row = data.draw(st.integers(0, len(lines) - 1))
    change = data.draw(st.sampled_from(["delete", "swap", "repeat", "edit"]))
    if change == "delete":
        del lines[row]
    elif change == "swap":
        row = min(row, len(lines) - 2)
        lines[row], lines[row + 1] = lines[row + 1], lines[row]
    elif change == "repeat":
        lines.insert(row, lines[row])
        row += 1
    else:
        place = data.draw(st.integers(0, len(lines[row]) - 2))
        byte = data.draw(st.integers(0, 255).filter(lambda b: b not in (10, lines[row][place])))
        lines[row] = lines[row][:place] + bytes([byte]) + lines[row][place + 1 :]
    log.write_bytes(b"".join(lines))
    try:
        with pytest.raises(TrustError) as caught:
            bench.store.read()
        assert re.search(rf"(entry|where) {row}\b", str(caught.value))
    finally:
        log.write_bytes(original)


@pytest.mark.parametrize("noted", [b"", b"zz\n", b"0" * 32], ids=["none", "cut off", "wrong"])
def test_without_a_good_note_an_edited_row_is_still_refused(bench: Bench, noted: bytes) -> None:
    bench.add("a")
    log = bench.directory / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b"2026-05-01T00:00:00Z", b"2026-05-01T00:00:01Z"))
    (bench.directory / "nodes").write_bytes(noted)
    assert "which one can't be told" in refused(bench.store.read, "ledger.altered")


def nodes_of(state: LedgerState) -> bytes:
    return b"".join(node.value for node in Frontier().extended(state.leaves)[1])


def test_the_nodes_are_made_again_when_they_are_wrong(bench: Bench) -> None:
    bench.add("a", "b")
    noted = bench.directory / "nodes"
    assert noted.read_bytes() == nodes_of(bench.store.read())
    for wrong in (b"junk\n", b"0" * 96, b""):
        noted.write_bytes(wrong)
        state = bench.add(f"after {wrong!r}")
        assert noted.read_bytes() == nodes_of(state)
    noted.unlink()
    noted.mkdir()
    assert bench.add("d").size == 6
    assert bench.store.tip() == bench.store.read().tip


@pytest.mark.parametrize("read", [False, True], ids=["nobody reads it", "somebody reads it"])
def test_a_pipe_in_place_of_the_note_keeps_nobody_waiting(bench: Bench, read: bool) -> None:
    bench.directory.mkdir(parents=True)
    noted = bench.directory / "nodes"
    os.mkfifo(noted)
    reader = os.open(noted, os.O_RDONLY | os.O_NONBLOCK) if read else -1
    added: list[LedgerState] = []
    appending = threading.Thread(target=lambda: added.append(bench.add("a")), daemon=True)
    appending.start()
    appending.join(30)
    assert [s.size for s in added] == [1]
    if read:
        assert os.read(reader, 10) == b""
        os.close(reader)
    assert bench.store.read() == added[0]
    state = bench.add("b")
    assert noted.read_bytes() == nodes_of(state)


@pytest.mark.parametrize(("name", "code"), [("log.jsonl", "ledger.unwritable"), ("checkpoint", "file.unreadable")])
def test_a_pipe_in_place_of_the_ledger_is_refused(bench: Bench, name: str, code: str) -> None:
    bench.add("a")
    (bench.directory / name).unlink()
    os.mkfifo(bench.directory / name)
    for act in (bench.store.read, lambda: bench.add("b"), bench.store.repair):
        with pytest.raises(BspecError) as caught:
            act()
        assert caught.value.code == code


@pytest.mark.attack("A53")
def test_a_rewritten_history_does_not_fit_the_checkpoint(bench: Bench) -> None:
    bench.add("a", "b")
    forged = [entry_of(i, bench.now, "submit", bench.record(x)) for i, x in enumerate("xb")]
    (bench.directory / "log.jsonl").write_bytes(b"".join(e.leaf() + b"\n" for e in forged))
    assert "changed since it was signed: entry 0" in refused(bench.store.read, "ledger.altered")
    refused(lambda: bench.open().append(Tip(bench.origin), (), bench.key), "ledger.race-lost")


@pytest.mark.attack("A54")
def test_a_row_altered_after_it_was_verified_is_not_signed_and_still_named(bench: Bench) -> None:
    """An append doesn't read the middle of the log; the root that it signs is that of the genuine rows."""
    state = bench.add("a", "b", "c")
    log = bench.directory / "log.jsonl"
    good = log.read_bytes()
    log.write_bytes(good.replace(b"2026-05-01T00:00:00Z", b"2026-04-01T00:00:00Z", 1))
    drafted = state.draft(bench.now, [("submit", bench.record("d"))])
    tip = bench.store.append(state.tip, drafted, bench.key)
    assert "changed since it was signed: entry 0" in refused(bench.store.read, "ledger.altered")
    log.write_bytes(good + drafted[0].leaf() + b"\n")
    assert bench.store.read().tip == tip


# Repair


@pytest.mark.attack("A81")
def test_a_fake_entry_after_the_checkpoint_is_refused_named_and_never_signed(bench: Bench) -> None:
    state = bench.add("a")
    fake = entry_of(1, bench.now, "submit", bench.record("fake")).leaf() + b"\n"
    log = bench.directory / "log.jsonl"
    log.write_bytes(log.read_bytes() + fake)
    assert "log.jsonl:2: entry 1" in refused(bench.store.read, "ledger.uncheckpointed-tail")
    drafted = state.draft(bench.now, [("submit", bench.record("b"))])
    refused(lambda: bench.store.append(state.tip, drafted, bench.key), "ledger.uncheckpointed-tail")
    note = (bench.directory / "checkpoint").read_bytes()
    assert bench.store.repair() == bench.directory / "tail-1.jsonl"
    assert (bench.directory / "tail-1.jsonl").read_bytes() == fake
    assert (bench.directory / "checkpoint").read_bytes() == note
    assert bench.store.read() == state


def test_repair_is_idempotent_and_never_overwrites_an_earlier_tail(bench: Bench) -> None:
    assert bench.store.repair() is None
    bench.add("a")
    assert bench.store.repair() is None
    log = bench.directory / "log.jsonl"
    for torn, name in ((b'{"at', "tail-1.jsonl"), (b'{"v', "tail-1-2.jsonl")):
        log.write_bytes(log.read_bytes() + torn)
        assert "entry 1 is incomplete" in refused(bench.store.read, "ledger.uncheckpointed-tail")
        assert bench.store.repair() == bench.directory / name
        assert (bench.directory / name).read_bytes() == torn
    assert bench.store.repair() is None


def test_repair_of_a_ledger_that_was_only_begun(bench: Bench) -> None:
    bench.directory.mkdir()
    (bench.directory / "log.jsonl").touch()
    assert bench.store.repair() is None
    assert bench.store.read().size == 0


def test_repair_does_not_hide_an_altered_row(bench: Bench) -> None:
    bench.add("a")
    log = bench.directory / "log.jsonl"
    altered = log.read_bytes().replace(b"2026-05-01T00:00:00Z", b"2026-05-01T00:00:01Z") + b"tail"
    log.write_bytes(altered)
    refused(bench.store.repair, "ledger.altered")
    assert log.read_bytes() == altered


# The system


@pytest.mark.attack("A56")
def test_waiting_for_another_process_is_bounded(bench: Bench) -> None:
    state = bench.add("a")
    descriptor = os.open(bench.directory / "log.jsonl", os.O_RDONLY)
    try:
        assert lock_descriptor(descriptor, exclusive=True, wait_s=0)
        impatient = bench.open(wait_s=0.02)
        assert "more than 0.02 s" in refused(impatient.read, "ledger.busy")
        refused(lambda: impatient.append(state.tip, (), bench.key), "ledger.busy")
        with pytest.raises(StoreError) as caught:
            impatient.repair()
        assert caught.value.exit_code == ExitCode.STORE
    finally:
        os.close(descriptor)
    assert impatient.read() == state


def test_readers_do_not_keep_each_other_out(bench: Bench) -> None:
    state = bench.add("a")
    with opened(bench.store.log, READING, 1):
        assert bench.open(wait_s=0).read() == state


def test_a_log_replaced_while_somebody_waits_for_it_is_not_written(bench: Bench) -> None:
    state = bench.add("a")
    log = bench.directory / "log.jsonl"
    caught: list[str] = []

    def wait() -> None:
        try:
            bench.open().append(state.tip, (), bench.key)
        except StoreError as e:
            caught.append(e.code)

    holder = os.open(log, os.O_RDONLY)
    try:
        assert lock_descriptor(holder, exclusive=True, wait_s=0)
        waiter = threading.Thread(target=wait)
        waiter.start()
        while open_count(log) < 2:
            os.sched_yield()
        shutil.copy(log, bench.directory / "copy")
        (bench.directory / "copy").replace(log)
    finally:
        os.close(holder)
    waiter.join()
    assert caught == ["ledger.busy"]


def open_count(path: Path) -> int:
    """How many descriptors of this process have the file open."""
    wanted = path.stat().st_ino
    found = 0
    for name in Path("/proc/self/fd").iterdir():
        try:
            found += name.stat().st_ino == wanted
        except OSError:
            continue
    return found


def test_a_log_that_vanished_while_it_was_opened_is_not_the_named_one(bench: Bench) -> None:
    bench.add("a")
    log = bench.directory / "log.jsonl"
    descriptor = os.open(log, os.O_RDONLY)
    try:
        assert is_still(descriptor, log)
        log.unlink()
        assert not is_still(descriptor, log)
    finally:
        os.close(descriptor)


@pytest.mark.attack("A43")
@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_a_log_that_is_no_regular_file_is_refused(bench: Bench, tmp_path: Path, kind: str) -> None:
    bench.add("a")
    log = bench.directory / "log.jsonl"
    log.rename(tmp_path / "elsewhere")
    if kind == "link":
        log.symlink_to(tmp_path / "elsewhere")
    elif kind == "fifo":
        os.mkfifo(log)
    else:
        log.mkdir()
    refused(bench.store.read, "ledger.unwritable")


def test_an_entry_over_the_limit_is_refused_before_it_is_written(bench: Bench) -> None:
    state = bench.add("a")
    before = bench.files()
    good = entry_of(1, bench.now, "submit", bench.record("b"))
    huge = Entry(1, good.at, good.kind, {**good.body, "payload": "A" * MAX_ENTRY_BYTES}, good.record_id)
    refused(lambda: bench.store.append(state.tip, [huge], bench.key), "ledger.too-large")
    assert bench.files() == before


def test_a_line_over_the_limit_is_refused(bench: Bench) -> None:
    bench.add("a")
    (bench.directory / "log.jsonl").write_bytes(b"{" * (MAX_ENTRY_BYTES + 1) + b"\n")
    assert "entry 0 is larger" in refused(bench.store.read, "ledger.bad-entry")


def test_a_log_over_the_limit_is_refused(bench: Bench) -> None:
    bench.add("a")
    os.truncate(bench.directory / "log.jsonl", MAX_LEDGER_BYTES + 1)
    refused(bench.store.read, "ledger.too-large")


def test_a_store_is_named_without_being_opened(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "nowhere", origin="a.example", keys=[])
    assert (store.log.name, store.checkpoint.name) == ("log.jsonl", "checkpoint")
    assert not store.directory.exists()
