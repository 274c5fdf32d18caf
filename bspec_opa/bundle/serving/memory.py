"""The highest signed sequence that was served under each name: nothing older is ever served again (attack A31).

An old bundle's signature holds for ever. A server that forgot what it served would take it for good, from whoever can
write its files. With a file the memory outlives the process; it is private, written whole, and held by one server.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.serving.reasons import BAD_STATE, OLDER, REUSED, STATE_IN_USE
from bspec_opa.bundle.signing.reasons import UNSEQUENCED
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import DIGEST, array, enum, integer, obj, string, violations
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import beside, read_bounded, write_atomic
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.foundation.reasons import UNWRITABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCHEMA = "bspec.bundle-serving-state/v1"
_STATE = obj(
    schema=enum(SCHEMA),
    bundles=array(obj(name=string(minimum=1, maximum=1000), sequence=integer(1), revision=DIGEST)),
)
_PRIVATE = 0o600
LOCK_WAIT_S = 5.0
"""A server that is being restarted may take a moment to end."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was served under a name: its sequence, and the revision under it."""

    sequence: int
    revision: str


class Memory:
    """What one server remembers.

    Args:
        seen: what it served before, by name.
        file: where it is kept; None for as long as the process lives.
    """

    def __init__(self, seen: Mapping[str, Seen] | None = None, file: Path | None = None) -> None:
        self._seen = dict(seen or {})
        self._file = file

    def accept(self, name: str, sequence: int | None, revision: str) -> None:
        """Refuse what is older than what was served under a name; remember what is newer, before it is served.

        Args:
            name: under which it is to be served.
            sequence: what its signature says; None if it says nothing.
            revision: of the bundle.

        Raises:
            TrustError: it is older; another revision had its sequence; it has none, and one is remembered or kept.
            StoreError: it can't be kept; then it must not be served either.
        """
        known = self._seen.get(name)
        if sequence is None:
            if known is None and self._file is None:
                return
            before = f"{known.sequence} was served before" if known else "the sequence is to be remembered"
            raise UNSEQUENCED.error(f"the signature says no sequence, and {before}")
        if known is not None and sequence < known.sequence:
            raise OLDER.error(f"has sequence {sequence}; {known.sequence} was served before")
        if known is not None and sequence == known.sequence and revision != known.revision:
            raise REUSED.error(f"has sequence {sequence}, as revision {known.revision} had")
        if known is None or sequence > known.sequence:
            self._keep({**self._seen, name: Seen(sequence, revision)})

    def _keep(self, seen: dict[str, Seen]) -> None:
        if self._file is not None:
            write_atomic(self._file, _rendered(seen), mode=_PRIVATE)
        self._seen = seen


def _rendered(seen: Mapping[str, Seen]) -> bytes:
    bundles = [{"name": n, "sequence": s.sequence, "revision": s.revision} for n, s in sorted(seen.items())]
    return canonical_bytes(cast("dict[str, Any]", {"schema": SCHEMA, "bundles": bundles})) + b"\n"


@contextmanager
def kept_in(file: Path, *, wait_s: float = LOCK_WAIT_S) -> Iterator[Memory]:
    """The memory in a file, for one server at a time; the file is made if it is not there.

    Args:
        file: where.
        wait_s: how long to wait for another server to end, in seconds.

    Raises:
        TrustError: it is damaged, a link, somebody else's, or others may read or write it.
        StoreError: it can't be written, or another server holds it.
    """
    with _held(file, wait_s):
        memory = Memory(_read(file), file)
        if not os.path.lexists(file):
            write_atomic(file, _rendered({}), mode=_PRIVATE)
        yield memory


@contextmanager
def _held(file: Path, wait_s: float) -> Iterator[None]:
    """A lock beside the file, since the file itself is replaced; the kernel takes it off when the process ends."""
    lock = beside(file, f"{file.name}.lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE)
    except (OSError, ValueError) as e:
        why = e.strerror if isinstance(e, OSError) else "is no file name"
        raise UNWRITABLE.error(f"can't be written: {why}", at=Location(str(lock))) from e
    try:
        if not lock_descriptor(descriptor, exclusive=True, wait_s=wait_s):
            raise STATE_IN_USE.error("another server remembers here", at=Location(str(file)))
        yield
    finally:
        os.close(descriptor)


def _read(file: Path) -> dict[str, Seen]:
    at = Location(str(file))
    if not os.path.lexists(file):
        return {}
    try:
        state = file.lstat()
        value = parse_json(read_bounded(file, MAX_DOCUMENT_BYTES), str(file))
    except (OSError, BspecError) as e:
        why = e.problems[0].message if isinstance(e, BspecError) else e.strerror
        raise BAD_STATE.error(f"can't be read: {why}", at=at) from e
    if state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) & ~_PRIVATE:
        raise BAD_STATE.error("others may read or write it", hint="chmod 600, and see that it is your own", at=at)
    if violations(_STATE, value, limit=1):
        raise BAD_STATE.error("is not what was written", at=at)
    bundles = cast("list[dict[str, Any]]", cast("dict[str, Any]", value)["bundles"])
    return {b["name"]: Seen(b["sequence"], b["revision"]) for b in bundles}
