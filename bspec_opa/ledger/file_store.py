"""The ledger as two files on one host: ``log.jsonl`` and ``checkpoint``.

A writer locks the log, verifies it, compares, appends and syncs the lines, signs over what it has just won and
replaces the checkpoint. Whatever fails before that last step is taken back, so that there is the old ledger or the
new one. A kill leaves at worst lines that no checkpoint covers: readers refuse them by name, and :meth:`repair`
moves them aside without signing them (attacks A47, A51, A81).

A third file, ``leaves``, notes the leaf hashes. Nothing relies on it but the naming of an altered row.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic, write_new
from bspec_opa.foundation.limits import LEDGER_LOCK_TIMEOUT_S, MAX_LEDGER_BYTES
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.ledger.checkpoint import MAX_CHECKPOINT_BYTES, merged, parse_checkpoint, sign_checkpoint
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES
from bspec_opa.ledger.interface import LedgerState, require_unmoved
from bspec_opa.ledger.log import covered_length, read_log
from bspec_opa.ledger.merkle import EMPTY_ROOT, HASH_SIZE, root_of
from bspec_opa.ledger.reasons import (
    BUSY,
    CHECKPOINT_SIGNATURE,
    CLOCK_BEHIND,
    DUPLICATE_RECORD,
    TOO_LARGE,
    UNWRITABLE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature, Signer
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.keys import PublicKey

_LEAF_LINE = 2 * HASH_SIZE + 1


class FileStore:
    """A ledger in a directory; implements :class:`bspec_opa.ledger.interface.Store`."""

    def __init__(
        self, directory: Path, *, origin: str, keys: Sequence[PublicKey], wait_s: float = LEDGER_LOCK_TIMEOUT_S
    ) -> None:
        """Name a ledger; nothing is opened yet.

        Args:
            directory: holds the files; created by the first append.
            origin: the ledger's name, from the trust root.
            keys: keys whose signature on a checkpoint counts, from the trust root.
            wait_s: how long to wait for other processes, in seconds.
        """
        self.directory = directory
        self.origin = origin
        self.keys = tuple(keys)
        self.wait_s = wait_s

    @property
    def log(self) -> Path:
        """The entries, one a line."""
        return self.directory / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The signed tree head."""
        return self.directory / "checkpoint"

    @property
    def leaves(self) -> Path:
        """Leaf hashes in hexadecimal, one a line; a note without authority."""
        return self.directory / "leaves"

    def read(self) -> LedgerState:
        """The whole ledger, verified; see :class:`~bspec_opa.ledger.interface.Store`."""
        begun = os.path.lexists(self.checkpoint)
        try:
            with self._opened(os.O_RDONLY) as log:
                return self._load(_read_all(log, self.log))
        except FileNotFoundError:
            return self._load(b"") if begun else LedgerState(self.origin)

    def append(self, base: LedgerState, entries: Sequence[Entry], signer: Signer) -> LedgerState:
        """Compare and append; see :class:`~bspec_opa.ledger.interface.Store`."""
        if signer.public not in self.keys:
            raise CHECKPOINT_SIGNATURE.error("the key is not a ledger key of the trust root")
        make_directory(self.directory)
        with self._opened(os.O_RDWR | os.O_APPEND | os.O_CREAT) as log:
            data = _read_all(log, self.log)
            current = self._load(data)
            require_unmoved(current, base)
            _check_new(current, entries, len(data))
            if not entries:
                return current
            if current.checkpoint is None:
                self._start(signer)
            return self._commit(log, len(data), current, entries, signer)

    def endorse(self, checkpoint: Checkpoint, signatures: Sequence[NoteSignature]) -> Checkpoint | None:
        """Put signatures of others beside the ledger's own; see :class:`~bspec_opa.ledger.interface.Store`."""
        with self._opened(os.O_RDWR | os.O_CREAT):
            current = self._read_checkpoint()
            if current is None or current.text != checkpoint.text:
                return None
            endorsed = merged(current, signatures)
            write_atomic(self.checkpoint, endorsed.to_bytes())
            return endorsed

    def repair(self) -> Path | None:
        """Move lines that no checkpoint covers aside, into ``tail-<n>.jsonl``; they are never signed.

        Returns:
            Where they are now; None if there was nothing to repair.

        Raises:
            TrustError: what the checkpoint covers doesn't verify, or there is no checkpoint.
            StoreError: the ledger is busy or can't be written.
        """
        if not os.path.lexists(self.log):
            self.read()
            return None
        with self._opened(os.O_RDWR) as log:
            data = _read_all(log, self.log)
            checkpoint = self._read_checkpoint()
            if checkpoint is None:
                read_log(data, None, self.origin, str(self.log))
                return None
            length = covered_length(data, checkpoint.size)
            read_log(data[:length], checkpoint, self.origin, str(self.log), self._known_leaves)
            return self._move_aside(log, data, length, checkpoint.size) if length < len(data) else None

    def _move_aside(self, log: int, data: bytes, length: int, size: int) -> Path:
        names = (f"tail-{size}{more}.jsonl" for more in ("", *(f"-{i}" for i in range(2, 1000))))
        aside = next(p for n in names if not os.path.lexists(p := self.directory / n))
        write_new(aside, data[length:])
        with self._system_errors():
            _truncate(log, length)
        return aside

    @contextlib.contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        """The log, open and locked: for writing against everybody, for reading together with other readers."""
        writing = flags & os.O_RDWR != 0
        with self._system_errors():
            descriptor = os.open(self.log, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UNWRITABLE.error("is no regular file", at=self._at())
            if not lock_descriptor(descriptor, exclusive=writing, wait_s=self.wait_s):
                raise BUSY.error(f"another process holds it for more than {self.wait_s:g} s", at=self._at())
            if not _is_still(descriptor, self.log):
                raise BUSY.error("the file was replaced while it was opened", hint="run it again", at=self._at())
            yield descriptor
        finally:
            os.close(descriptor)

    def _at(self) -> Location:
        return Location(str(self.log))

    @contextlib.contextmanager
    def _system_errors(self) -> Iterator[None]:
        """Turn what the system refuses into our own error."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as e:
            raise UNWRITABLE.error(f"can't be opened or written: {e.strerror}", at=self._at()) from e

    def _load(self, data: bytes) -> LedgerState:
        return read_log(data, self._read_checkpoint(), self.origin, str(self.log), self._known_leaves)

    def _read_checkpoint(self) -> Checkpoint | None:
        if not os.path.lexists(self.checkpoint):
            return None
        name = str(self.checkpoint)
        found = parse_checkpoint(read_bounded(self.checkpoint, MAX_CHECKPOINT_BYTES), name)
        found.verify(self.origin, self.keys, name)
        return found

    def _start(self, signer: Signer) -> None:
        """A checkpoint of the empty tree: from now on a log without a checkpoint can't be a crash of ours."""
        write_atomic(self.checkpoint, sign_checkpoint(self.origin, 0, EMPTY_ROOT, signer).to_bytes())

    def _commit(
        self, log: int, length: int, current: LedgerState, entries: Sequence[Entry], signer: Signer
    ) -> LedgerState:
        leaves = (*current.leaves, *(e.leaf_hash() for e in entries))
        note = b""
        try:
            with self._system_errors():
                _write_all(log, b"".join(e.leaf() + b"\n" for e in entries))
            signed = sign_checkpoint(self.origin, len(leaves), root_of(leaves), signer)
            note = signed.to_bytes()
            write_atomic(self.checkpoint, note)
        except BaseException:
            self._take_back(log, length, note)
            raise
        self._note_leaves(len(current.leaves), leaves)
        return LedgerState(self.origin, (*current.entries, *entries), leaves, signed)

    def _take_back(self, log: int, length: int, note: bytes) -> None:
        """Remove the lines that were just written, unless the checkpoint that covers them is out already."""
        with contextlib.suppress(OSError, BspecError):
            if not note or read_bounded(self.checkpoint, MAX_CHECKPOINT_BYTES) != note:
                _truncate(log, length)

    def _note_leaves(self, before: int, leaves: Sequence[bytes]) -> None:
        with contextlib.suppress(OSError, BspecError):
            known = self.leaves.stat().st_size if self.leaves.exists() else 0
            if known != before * _LEAF_LINE:
                write_atomic(self.leaves, _leaf_lines(leaves))
                return
            # A pipe of that name must not keep us waiting with the log locked.
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(self.leaves, flags, 0o644), "wb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    file.write(_leaf_lines(leaves[before:]))

    def _known_leaves(self) -> tuple[bytes, ...]:
        try:
            noted = read_bounded(self.leaves, MAX_LEDGER_BYTES).decode()
            return tuple(bytes.fromhex(line) for line in noted.splitlines())
        except (BspecError, ValueError):
            return ()


def _check_new(current: LedgerState, entries: Sequence[Entry], length: int) -> None:
    """Refuse what a reader would refuse afterwards."""
    known, last = current.record_ids(), current.last_at
    for seq, entry in enumerate(entries, current.size):
        if entry.seq != seq:
            raise ValueError("entries must follow the state that they were drafted on")
        if entry.at < last:
            raise CLOCK_BEHIND.error(f"entry {seq} would lie before the one ahead of it")
        if entry.record_id in known:
            raise DUPLICATE_RECORD.error(f"the {entry.kind} is entry {known[entry.record_id]} already")
        last, known[entry.record_id] = entry.at, seq
        size = len(entry.leaf()) + 1
        length += size
        if size > MAX_ENTRY_BYTES or length > MAX_LEDGER_BYTES:
            raise TOO_LARGE.error(f"entry {seq} doesn't fit: a file ledger holds {MAX_LEDGER_BYTES} bytes")


def _read_all(descriptor: int, path: Path) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        data = file.read(MAX_LEDGER_BYTES + 1)
    if len(data) > MAX_LEDGER_BYTES:
        raise TOO_LARGE.error(f"larger than {MAX_LEDGER_BYTES} bytes", at=Location(str(path)))
    return data


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _truncate(descriptor: int, length: int) -> None:
    os.ftruncate(descriptor, length)
    os.fsync(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one that the name stands for now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _leaf_lines(leaves: Sequence[bytes]) -> bytes:
    return "".join(leaf.hex() + "\n" for leaf in leaves).encode()
