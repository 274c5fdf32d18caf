"""The ledger as files on one host: ``log.jsonl`` and ``checkpoint`` are the ledger, the rest makes it quick.

A writer locks the log, holds its end against the signed root, compares, signs over what it has just won, puts down
what it begins, appends and syncs the lines and replaces the checkpoint. Whatever fails before that last step is taken
back; after a kill, readers go on reading the old ledger, and the next writer completes what was begun
(:mod:`bspec_opa.ledger.file.begun`). So there is the old ledger or the new one. Lines that neither a checkpoint nor
an append that was begun explains are somebody's: readers refuse them by name, and :meth:`FileStore.repair` moves them
aside without signing them (attacks A47, A51, A81).

Two side files are written after the checkpoint: ``nodes`` has the complete Merkle nodes, ``index.sqlite`` the entries'
places and records. They make appending and proving O(log n). Nothing is believed of them: where they are missing or
don't fit, the log is read and verified as a whole, and they are made anew (:mod:`bspec_opa.ledger.file.view`).
"""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bspec_opa.foundation.errors import TrustError
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic
from bspec_opa.foundation.limits import LEDGER_LOCK_TIMEOUT_S, MAX_LEDGER_BYTES
from bspec_opa.ledger.checkpoint import MAX_CHECKPOINT_BYTES, merged, parse_checkpoint, sign_checkpoint, signers
from bspec_opa.ledger.file.aside import covered_length, move_file, move_lines
from bspec_opa.ledger.file.begun import BegunFile, before
from bspec_opa.ledger.file.commit import commit, complete
from bspec_opa.ledger.file.handle import APPENDING, READING, opened
from bspec_opa.ledger.file.index import RecordIndex, StaleError
from bspec_opa.ledger.file.lines import length_of, lines_from
from bspec_opa.ledger.file.nodes import NodeFile
from bspec_opa.ledger.file.view import Open, ThoroughView, answer
from bspec_opa.ledger.growth import growth_of
from bspec_opa.ledger.interface import LedgerState, Past, Tip, already_there, require_unmoved
from bspec_opa.ledger.log import read_log, rows
from bspec_opa.ledger.merkle import EMPTY_ROOT
from bspec_opa.ledger.proving import prove_consistency, prove_inclusion
from bspec_opa.ledger.reasons import CHECKPOINT_SIGNATURE, TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature, Signer
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.file.begun import Begun
    from bspec_opa.ledger.file.view import View
    from bspec_opa.ledger.growth import Growth
    from bspec_opa.ledger.interface import Consistency, Inclusion
    from bspec_opa.ledger.proving import Fetch
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.revocation import TreeHead

T = TypeVar("T")


class FileStore:
    """A ledger in a directory; implements :class:`bspec_opa.ledger.interface.Store`."""

    def __init__(
        self,
        directory: Path,
        *,
        origin: str,
        keys: Sequence[PublicKey],
        former: Sequence[tuple[PublicKey, TreeHead]] = (),
        wait_s: float = LEDGER_LOCK_TIMEOUT_S,
    ) -> None:
        """Name a ledger; nothing is opened yet.

        Args:
            directory: holds the files; created by the first append.
            origin: the ledger's name, from the trust root.
            keys: keys whose signature on a checkpoint counts, from the trust root.
            former: revoked keys, each with the one tree head that it still vouches for.
            wait_s: how long to wait for other processes, in seconds.
        """
        self.directory = directory
        self.origin = origin
        self.keys = tuple(keys)
        self.former = tuple(former)
        self.wait_s = wait_s
        self.nodes = NodeFile(directory / "nodes")
        self.index = RecordIndex(directory / "index.sqlite")
        self.begun = BegunFile(directory / "begun")

    @property
    def log(self) -> Path:
        """The entries, one a line."""
        return self.directory / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The signed tree head."""
        return self.directory / "checkpoint"

    # Reading

    def read(self) -> LedgerState:
        """The whole ledger, verified; see :class:`~bspec_opa.ledger.interface.Store`."""
        begun = os.path.lexists(self.checkpoint)
        try:
            with self._opened(READING) as log:
                opening = self._open(log)
                lines = lines_from(log, 0, opening.length)
                return read_log(lines, opening.checkpoint, self.origin, str(self.log), self.nodes.leaves)
        except FileNotFoundError:
            if not begun:
                return LedgerState(self.origin)
        return read_log((), self._read_checkpoint(), self.origin, str(self.log))

    def tip(self) -> Tip:
        """Its end; see :class:`~bspec_opa.ledger.interface.Store`."""
        return self._ask(lambda view: view.tip)

    def scan(self, start: int = 0) -> Iterator[Entry]:
        """Entries one by one; see :class:`~bspec_opa.ledger.interface.Store`."""
        try:
            with self._opened(READING) as log:
                opening = self._open(log)
                size = opening.checkpoint.size if opening.checkpoint else 0
                offset = answer(opening, lambda view: view.start_of(start)) if 0 < start < size else 0
                descriptor = os.open(self.log, READING | os.O_NOFOLLOW | os.O_CLOEXEC)  # without the lock
        except FileNotFoundError:
            self.read()
            return
        try:
            for row in rows(lines_from(descriptor, offset), size, str(self.log), start):
                yield row.entry
        finally:
            os.close(descriptor)

    def find(self, record_id: Digest) -> int | None:
        """Where a record is; see :class:`~bspec_opa.ledger.interface.Store`."""
        return self._ask(lambda view: view.find([record_id]))[0]

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Leaf hashes as they were noted; see :class:`~bspec_opa.ledger.interface.Store`."""
        return self.nodes.leaves(start, end)

    def inclusion(self, tip: Tip, seq: int) -> Inclusion:
        """Proof of an entry; see :class:`~bspec_opa.ledger.interface.Store`."""
        if not 0 <= seq < tip.size:
            raise ValueError("no such leaf")
        return self._proven(lambda fetch: prove_inclusion(fetch, tip, seq))

    def consistency(self, tip: Tip, size: int) -> Consistency:
        """Proof of growth; see :class:`~bspec_opa.ledger.interface.Store`."""
        if not 0 <= size <= tip.size:
            raise ValueError("no such tree")
        return self._proven(lambda fetch: prove_consistency(fetch, tip, size))

    def _proven(self, prove: Callable[[Fetch], T]) -> T:
        """A proof from the nodes alone, for it verifies or not; from the log, if they don't give one."""
        with contextlib.suppress(TrustError):
            return prove(self.nodes.fetch)
        return self._ask(lambda view: prove(view.fetch))

    def _ask(self, question: Callable[[View], T]) -> T:
        try:
            with self._opened(READING) as log:
                return answer(self._open(log), question)
        except FileNotFoundError:
            return question(ThoroughView(self.read().tip))

    def _opened(self, flags: int) -> AbstractContextManager[int]:
        return opened(self.log, flags, self.wait_s)

    def _open(self, log: int) -> Open:
        """The log up to where the checkpoint covers it, if what follows was begun by a writer; else all of it."""
        opening = self._all(log)
        begun = self._unfinished(opening)
        return before(opening, begun, self._verify)[0] if begun else opening

    def _all(self, log: int) -> Open:
        checkpoint = self._read_checkpoint()
        return Open(log, str(self.log), length_of(log), self.origin, checkpoint, self.nodes, self.index)

    def _unfinished(self, opening: Open) -> Begun | None:
        begun, size = self.begun.read(), opening.checkpoint.size if opening.checkpoint else 0
        return begun if begun and begun.checkpoint.size > size else None

    def _read_checkpoint(self) -> Checkpoint | None:
        if not os.path.lexists(self.checkpoint):
            return None
        name = str(self.checkpoint)
        found = parse_checkpoint(read_bounded(self.checkpoint, MAX_CHECKPOINT_BYTES), name)
        self._verify(found, name)
        return found

    def _verify(self, checkpoint: Checkpoint, name: str) -> None:
        checkpoint.verify(self.origin, self.keys, name, self.former)

    # Writing

    def append(self, base: Tip, entries: Sequence[Entry], signer: Signer) -> Tip:
        """Compare and append; see :class:`~bspec_opa.ledger.interface.Store`."""
        if signer.public not in self.keys:
            raise CHECKPOINT_SIGNATURE.error("the key is not a ledger key of the trust root")
        make_directory(self.directory)
        with self._opened(APPENDING) as log:
            opening = self._settled(log)
            tip, known = answer(opening, partial(_compare, entries))
            require_unmoved(Past(tip, partial(self._consistency, opening)), base)
            growth = growth_of(tip, entries)
            _check_new(growth, known, opening.length)
            if not entries:
                return tip
            if tip.checkpoint is None:
                self._start(signer)
            grown = commit(opening, growth, signer, self.checkpoint, self.begun)
            self._note(opening.length, growth)
            return grown

    def endorse(self, checkpoint: Checkpoint, signatures: Sequence[NoteSignature]) -> Checkpoint | None:
        """Put signatures of others beside the ledger's own; see :class:`~bspec_opa.ledger.interface.Store`."""
        with self._opened(APPENDING):
            current = self._read_checkpoint()
            if current is None or current.text != checkpoint.text:
                return None
            endorsed = merged(current, signatures, signers(self.keys, self.former))
            write_atomic(self.checkpoint, endorsed.to_bytes())
            return endorsed

    def repair(self) -> Path | None:
        """Complete what a killed writer has begun; move lines that nobody has begun aside, into ``tail-<n>.jsonl``.

        Those are never signed. The file of an append that doesn't verify is moved aside as well.

        Returns:
            Where the lines are now, or that file; None if nothing had to be moved.

        Raises:
            TrustError: what the checkpoint covers doesn't verify, or there is no checkpoint.
            StoreError: the ledger is busy or can't be written.
        """
        if not os.path.lexists(self.log):
            self.read()
            return None
        with self._opened(APPENDING) as log:
            opening, moved = self._all(log), None
            length = covered_length(opening)
            try:
                begun = self._unfinished(opening)
                if begun is not None:
                    self._complete(opening, begun)
                    return None
            except TrustError:
                moved = move_file(self.begun.path)
            return move_lines(opening, length, self.directory) if length < opening.length else moved

    def _settled(self, log: int) -> Open:
        """The log, once what a killed writer has begun is complete."""
        opening = self._all(log)
        begun = self._unfinished(opening)
        if begun is None:
            return opening
        self._complete(opening, begun)
        return self._all(log)

    def _complete(self, opening: Open, begun: Begun) -> None:
        earlier, growth = before(opening, begun, self._verify)
        complete(earlier, begun, opening.length, self.checkpoint, self.begun)
        self._note(begun.start, growth)

    def _consistency(self, log: Open, tip: Tip, size: int) -> Consistency:
        return answer(log, lambda view: prove_consistency(view.fetch, tip, size))

    def _start(self, signer: Signer) -> None:
        """A checkpoint of the empty tree: from now on a log without a checkpoint can't be a crash of ours."""
        write_atomic(self.checkpoint, sign_checkpoint(self.origin, 0, EMPTY_ROOT, signer).to_bytes())

    def _note(self, length: int, growth: Growth) -> None:
        """Bring the side files up to date; what fails here is made up for by the next one that needs them."""
        start, places = length, []
        for entry, line in zip(growth.entries, growth.lines, strict=True):
            length += len(line) + 1
            places.append((entry.seq, length, entry.record_id))
        with contextlib.suppress(OSError):
            self.nodes.add(growth.base.size, growth.nodes)
        with contextlib.suppress(StaleError):
            self.index.add(places, growth.base.size, start)


def _compare(entries: Sequence[Entry], view: View) -> tuple[Tip, list[int | None]]:
    """What an append has to know: the tip, and where each record is already."""
    return view.tip, view.find([entry.record_id for entry in entries])


def _check_new(growth: Growth, known: Sequence[int | None], length: int) -> None:
    for entry, seq in zip(growth.entries, known, strict=True):
        if seq is not None:
            raise already_there(entry, seq)
    if length + sum(len(line) + 1 for line in growth.lines) > MAX_LEDGER_BYTES:
        raise TOO_LARGE.error(f"it doesn't fit: a file ledger holds {MAX_LEDGER_BYTES} bytes")
