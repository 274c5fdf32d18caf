"""What a witness remembers: the checkpoint of each log that it cosigned last, in a file of its own.

One process holds the directory by a lock. What is kept bears the witness's own cosignature, so nobody can put
anything there that it has not signed. An older copy is genuine for ever: it is told while the process runs, because
the file is compared with what was written last before it is replaced, and afterwards where a checkpoint bears the
witness's cosignature on more than it remembers (see ``judging.py``). That is why a witness never begins without a
state by itself, and why a trust root should demand several.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import HEX64, TEXT, array, integers, obj, violations
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic, write_new
from bspec_opa.foundation.limits import MIB
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.ledger.checkpoint import parse_checkpoint
from bspec_opa.ledger.keeping import require_private
from bspec_opa.ledger.witness.cosignature import cosigned_at
from bspec_opa.ledger.witness.reasons import STATE_BUSY, STATE_CHANGED, STATE_DAMAGED, STATE_MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.trust.witnesses import Witness

FILE_NAME = "witness.json"
MAX_STATE_BYTES = 4 * MIB
_VERSION = 1
_SCHEMA = obj(v=integers(_VERSION), witness=TEXT, keyid=HEX64, checkpoints=array(TEXT, maximum=1000))


class WitnessState:
    """The memory of a running witness; made by :func:`held_state`."""

    def __init__(self, path: Path, witness: Witness) -> None:
        self._path = path
        self._witness = witness
        self._bytes = _read(path)
        self._known = _parse(self._bytes, path, witness)

    @property
    def known(self) -> Mapping[str, Checkpoint]:
        """The checkpoint that was cosigned last, by its log's origin."""
        return self._known

    def keep(self, checkpoint: Checkpoint) -> None:
        """Remember a checkpoint with our cosignature on it, durably; only then may the cosignature be given away.

        Raises:
            TrustError: somebody has changed the file since it was written; nothing was replaced.
            StoreError: it can't be written; nothing was changed.
        """
        if _read(self._path) != self._bytes:
            raise STATE_CHANGED.error(
                "the state was changed by somebody else while this witness runs",
                hint="restore the newest state of this witness",
                at=Location(str(self._path)),
            )
        known = {**self._known, checkpoint.origin: checkpoint}
        data = _render(self._witness, known)
        write_atomic(self._path, data, mode=0o600)
        self._bytes, self._known = data, known


def begin_state(directory: Path, witness: Witness) -> None:
    """The empty state of a new witness.

    Raises:
        UsageError: there is one already.
        TrustError: others may write the directory.
        StoreError: it can't be written, or another process holds it.
    """
    with _held(directory):
        write_new(directory / FILE_NAME, _render(witness, {}), mode=0o600)


@contextmanager
def held_state(directory: Path, witness: Witness) -> Iterator[WitnessState]:
    """The state of a witness, which no other process uses meanwhile.

    Raises:
        UsageError: there is none: a witness that has forgotten everything must not go on as if it had seen nothing.
        TrustError: it is damaged, of another witness or open to others.
        StoreError: another process holds it.
    """
    path = directory / FILE_NAME
    if not os.path.lexists(path):
        raise STATE_MISSING.error(
            "there is no state of this witness here",
            hint="restore it; for a new witness run it once with --begin",
            at=Location(str(path)),
        )
    with _held(directory):
        yield WitnessState(path, witness)


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    make_directory(directory, mode=0o700)
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as e:
        raise STATE_DAMAGED.error(f"can't be opened: {e.strerror}", at=Location(str(directory))) from e
    try:
        if not lock_descriptor(descriptor, exclusive=True, wait_s=0):
            raise STATE_BUSY.error("another process holds the state", hint="stop it first", at=Location(str(directory)))
        require_private(directory)
        yield
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, MAX_STATE_BYTES)
    except BspecError as e:
        raise STATE_DAMAGED.error(f"can't be read: {e.problems[0].message}", at=Location(str(path))) from e


def _render(witness: Witness, known: Mapping[str, Checkpoint]) -> bytes:
    notes = [known[origin].to_bytes().decode() for origin in sorted(known)]
    return canonical_bytes(
        {"v": _VERSION, "witness": witness.name, "keyid": witness.key.keyid, "checkpoints": [*notes]}
    )


def _parse(data: bytes, path: Path, witness: Witness) -> dict[str, Checkpoint]:
    at = Location(str(path))
    try:
        value = parse_json(data, str(path))
        if violations(_SCHEMA, value):
            raise STATE_DAMAGED.error("is not what was written", at=at)
        found = cast("dict[str, Any]", value)
        if (found["witness"], found["keyid"]) != (witness.name, witness.key.keyid):
            message = f"is the state of {found['witness'][:80]} with key {found['keyid'][:12]}"
            raise STATE_DAMAGED.error(message, hint="name the state of this witness", at=at)
        notes = [parse_checkpoint(note.encode(), str(path)) for note in found["checkpoints"]]
    except BspecError as e:
        if e.code == STATE_DAMAGED.code:
            raise
        raise STATE_DAMAGED.error(f"can't be read: {e.problems[0].message}", at=at) from e
    for note in notes:
        if not any(cosigned_at(note, s, witness) is not None for s in note.signatures):
            raise STATE_DAMAGED.error(f"what it holds of {note.origin} was never cosigned by this witness", at=at)
    return {note.origin: note for note in notes}
