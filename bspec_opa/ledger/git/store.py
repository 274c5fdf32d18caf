"""The ledger in a Git ref: gates on many machines, each with a private copy, and the ref that decides who was first.

The ref is the ledger. What a gate has on its disk is a copy that is held against the ref each time, and made anew where
it is not what the ref holds: so whatever was killed, the next run converges. An append is verified and signed on that
copy, committed, and pushed without force. The server moves the ref only from the commit that was decided on; of two
gates one is told that it is not there any more, forgets what it had signed, and decides again (attacks A45, A53).
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, TypeVar

from bspec_opa.foundation.digest import digest_of, hex_of
from bspec_opa.foundation.errors import BspecError, Location, StoreError, TrustError
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic
from bspec_opa.foundation.limits import LEDGER_LOCK_TIMEOUT_S
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.ledger.checkpoint import MAX_CHECKPOINT_BYTES, merged, signers
from bspec_opa.ledger.file_store import FileStore
from bspec_opa.ledger.git.program import DEADLINE_S, Git
from bspec_opa.ledger.git.reasons import GIT_REFUSED, GIT_UNKNOWN
from bspec_opa.ledger.git.repository import CHECKPOINT, SEGMENT, Repository, segment_name
from bspec_opa.ledger.interface import Past, as_digest, require_unmoved
from bspec_opa.ledger.keeping import require_private
from bspec_opa.ledger.reasons import BUSY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature, Signer
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.git.url import GitUrl
    from bspec_opa.ledger.interface import Consistency, Inclusion, LedgerState, Tip
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.revocation import TreeHead

T = TypeVar("T")
TRIES = 5
"""At most, where others only put signatures beside the head that was decided on."""
_MAX_MARKER_BYTES = 400


class GitStore:
    """A ledger in a Git ref; implements :class:`bspec_opa.ledger.interface.Store`."""

    def __init__(
        self,
        url: GitUrl,
        directory: Path,
        *,
        origin: str,
        keys: Sequence[PublicKey],
        environ: Mapping[str, str],
        former: Sequence[tuple[PublicKey, TreeHead]] = (),
        wait_s: float = DEADLINE_S,
    ) -> None:
        """Name a ledger; nothing is opened yet.

        Args:
            url: the repository and the ref.
            directory: of this user alone; each ledger has a directory of its own in it.
            origin: the ledger's name, from the trust root.
            keys: keys whose signature on a checkpoint counts, from the trust root.
            environ: what git finds programs, keys and credentials by.
            former: revoked keys, each with the one tree head that it still vouches for.
            wait_s: how long git, and other processes that hold the copy, may take for one operation, in seconds.
        """
        self.url = url
        self.origin = origin
        self.wait_s = wait_s
        self._environ = environ
        self._directory = directory / "git" / hex_of(digest_of(f"{origin} {url.shown}".encode()))[:32]
        self._files = FileStore(
            self._directory / "ledger", origin=origin, keys=keys, former=former, wait_s=LEDGER_LOCK_TIMEOUT_S
        )

    # Reading

    def read(self) -> LedgerState:
        """The whole ledger, verified; see :class:`~bspec_opa.ledger.interface.Store`."""
        return self._ask(self._files.read)

    def tip(self) -> Tip:
        """Its end; see :class:`~bspec_opa.ledger.interface.Store`."""
        return self._ask(self._files.tip)

    def scan(self, start: int = 0) -> Iterator[Entry]:
        """Entries one by one; see :class:`~bspec_opa.ledger.interface.Store`."""
        found = self._files.scan(start)
        first = self._ask(lambda: next(found, None))  # from here on the open file is read, whatever takes its name
        if first is not None:
            yield first
            yield from found

    def find(self, record_id: Digest) -> int | None:
        """Where a record is; see :class:`~bspec_opa.ledger.interface.Store`."""
        return self._ask(lambda: self._files.find(record_id))

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Leaf hashes as they were noted; see :class:`~bspec_opa.ledger.interface.Store`."""
        return self._files.leaves(start, end)

    def inclusion(self, tip: Tip, seq: int) -> Inclusion:
        """Proof of an entry; see :class:`~bspec_opa.ledger.interface.Store`."""
        return self._proven(lambda: self._files.inclusion(tip, seq))

    def consistency(self, tip: Tip, size: int) -> Consistency:
        """Proof of growth; see :class:`~bspec_opa.ledger.interface.Store`."""
        return self._proven(lambda: self._files.consistency(tip, size))

    # Writing

    def append(self, base: Tip, entries: Sequence[Entry], signer: Signer) -> Tip:
        """Compare and append; see :class:`~bspec_opa.ledger.interface.Store`."""
        with self._held() as repository:
            for _ in range(TRIES):
                tip = self._append(repository, base, entries, signer)
                if tip is not None:
                    return tip
        raise BUSY.error("others kept signing the ledger's head meanwhile", hint="run it again", at=self._at)

    def endorse(self, checkpoint: Checkpoint, signatures: Sequence[NoteSignature]) -> Checkpoint | None:
        """Put signatures of others beside the ledger's own; see :class:`~bspec_opa.ledger.interface.Store`."""
        with self._held() as repository:
            for _ in range(TRIES):
                head = self._synced(repository)
                current = self._files.tip().checkpoint if head else None
                if current is None or current.text != checkpoint.text:
                    return None
                endorsed = merged(current, signatures, signers(self._files.keys, self._files.former))
                if endorsed == current:
                    return endorsed
                changed = {CHECKPOINT: endorsed.to_bytes()}
                commit = repository.commit(head, changed, self._files.tip().last_at, "ledger: cosigned\n")
                if self._pushed(repository, head, commit):
                    self._synced(repository)
                    return endorsed
        raise BUSY.error("others kept signing the ledger's head meanwhile", hint="run it again", at=self._at)

    def repair(self) -> None:
        """Verify; what others have pushed is not ours to remove, and what was killed converges by itself.

        Raises:
            TrustError: it doesn't verify.
        """
        self.read()

    # The copy

    @property
    def _at(self) -> Location:
        return Location(self.url.shown)

    @property
    def _marker(self) -> Path:
        """The commit that the copy is of; not there while it may be of none."""
        return self._directory / "commit"

    @contextlib.contextmanager
    def _held(self) -> Iterator[Repository]:
        """The copy, held against other processes of this user."""
        make_directory(self._directory, mode=0o700)
        require_private(self._directory)
        descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not lock_descriptor(descriptor, exclusive=True, wait_s=self.wait_s):
                raise BUSY.error(f"another process holds the copy for more than {self.wait_s:g} s", at=self._at)
            make_directory(self._directory / "repository", mode=0o700)
            repository = Repository(Git(self.url, self._directory / "repository", self._environ, self.wait_s))
            repository.prepare()
            yield repository
        finally:
            os.close(descriptor)

    def _ask(self, question: Callable[[], T]) -> T:
        with self._held() as repository:
            self._synced(repository)
            with contextlib.suppress(TrustError):
                return question()
            # It may be the copy that was damaged, or a killed writer's: what is wrong with the ref itself stays wrong.
            self._marker.unlink(missing_ok=True)
            self._synced(repository)
            return question()

    def _proven(self, prove: Callable[[], T]) -> T:
        """A proof from the copy alone, for it verifies or not; from the ref, if the copy doesn't give one."""
        with contextlib.suppress(BspecError):
            return prove()
        return self._ask(prove)

    def _synced(self, repository: Repository) -> str | None:
        """Make the copy what the ref holds; returns its commit, None if there is no ref.

        What a killed writer has begun in the copy goes first: only the ref says what is recorded. Completed, it would
        be taken for the ledger, or stand in the way of what the ref holds by now.
        """
        _remove(self._files.begun.path)
        head = repository.head()
        if head is None:
            self._forget()
        elif self._described(head) != self._copied():
            head = repository.fetch()
            files = repository.files(head)
            self._forget()
            make_directory(self._files.directory)
            write_atomic(self._files.log, files.log)
            if files.checkpoint is not None:
                write_atomic(self._files.checkpoint, files.checkpoint)
            self._mark(head)
        return head

    def _copied(self) -> bytes:
        return read_bounded(self._marker, _MAX_MARKER_BYTES) if os.path.lexists(self._marker) else b""

    def _mark(self, commit: str) -> None:
        write_atomic(self._marker, self._described(commit))

    def _described(self, commit: str) -> bytes:
        """What the marker says of a copy of a commit, so that another copy in its place is noticed."""
        files = self._files
        length = files.log.stat().st_size if os.path.lexists(files.log) else -1
        note = read_bounded(files.checkpoint, MAX_CHECKPOINT_BYTES) if os.path.lexists(files.checkpoint) else b""
        return f"{commit} {length} {digest_of(note)}\n".encode()

    def _forget(self) -> None:
        """The side files stay: they are believed nothing, and name what was altered."""
        for file in (self._marker, self._files.log, self._files.checkpoint):
            _remove(file)

    # Going on

    def _append(self, repository: Repository, base: Tip, entries: Sequence[Entry], signer: Signer) -> Tip | None:
        """One try; None if the ref has moved and the ledger has not."""
        head = self._synced(repository)
        # From here on the copy may hold what the ref does not.
        self._marker.unlink(missing_ok=True)
        tip = self._files.append(base, entries, signer)
        if not entries:
            return tip
        commit = repository.commit(head, self._changed(base, tip), tip.last_at, _message(entries))
        if self._pushed(repository, head, commit):
            self._mark(commit)
            return tip
        self._synced(repository)
        now = self._files.tip()
        past = Past(now, self._files.consistency)
        if now.size >= tip.size and past.root_at(tip.size) == as_digest(tip.root):
            return tip  # it counted although the push failed, and others have gone on from it
        require_unmoved(past, base)
        return None

    def _changed(self, base: Tip, tip: Tip) -> dict[str, bytes]:
        """The files that differ from those of the commit before."""
        assert tip.checkpoint is not None  # noqa: S101 - something was appended
        first = base.size // SEGMENT
        segments: dict[str, bytes] = {}
        for entry in self._files.scan(first * SEGMENT):
            name = segment_name(entry.seq // SEGMENT)
            segments[name] = segments.get(name, b"") + entry.leaf() + b"\n"
        return {CHECKPOINT: tip.checkpoint.to_bytes(), **segments}

    def _pushed(self, repository: Repository, head: str | None, commit: str) -> bool:
        """Whether the ref is on our commit now; False if somebody else has moved it.

        Raises:
            StoreError: it was refused, or nobody knows.
        """
        told = ""
        try:
            said = repository.push(commit)
            if said.code == 0:
                return True
            told = f"git push: {said.message}; and since then: "
            now = repository.head()
        except StoreError as e:
            raise GIT_UNKNOWN.error(f"{told}{e.problems[0].message}", at=self._at) from e
        if now == head:
            raise GIT_REFUSED.error(f"git push: {said.message}", at=self._at)
        return now == commit


def _remove(file: Path) -> None:
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    file.unlink(missing_ok=True)


def _message(entries: Sequence[Entry]) -> str:
    kinds = ", ".join(dict.fromkeys(e.kind for e in entries))
    return f"ledger: entries {entries[0].seq} to {entries[-1].seq} ({kinds})\n"
