"""The highest sequence of signed bundles that this user has seen, per publisher (attack A31).

A genuine old bundle verifies for ever; only somebody who remembers a newer one can tell. It is remembered where the
trust root and the ledger are (:mod:`bspec_opa.ledger.memory`).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import TEXT, integer, integers, obj, violations
from bspec_opa.foundation.digest import digest_of, hex_of
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import read_bounded, write_atomic
from bspec_opa.foundation.limits import KIB, LEDGER_LOCK_TIMEOUT_S
from bspec_opa.ledger.memory import held, require_private
from bspec_opa.ledger.reasons import MEMORY_DAMAGED, OLDER_BUNDLE, SEQUENCE_REUSED

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1
_MAX_BYTES = 16 * KIB
_SCHEMA = obj(v=integers(VERSION), publisher=TEXT, sequence=integer(1), revision=TEXT)


@dataclass(frozen=True, slots=True)
class Seen:
    """A bundle of a publisher: its sequence, and the revision under it."""

    sequence: int
    revision: str


class Sequences:
    """What is remembered of publishers, in a private directory."""

    def __init__(self, directory: Path, *, wait_s: float = LEDGER_LOCK_TIMEOUT_S) -> None:
        """Name a memory; nothing is opened yet."""
        self._directory = directory
        self._wait_s = wait_s

    def check(self, publisher: str, now: Seen) -> Seen | None:
        """Refuse a bundle that is older than what is remembered; returns what that is.

        Args:
            publisher: domain, environment and name in one text.
            now: the bundle.

        Raises:
            TrustError: it is older, another one had its sequence, or the memory can't be relied on.
        """
        path = self._path(publisher)
        if not os.path.lexists(path):
            return None
        require_private(self._directory)
        known = _parse(path, publisher)
        if now.sequence < known.sequence:
            raise OLDER_BUNDLE.error(f"has sequence {now.sequence}; {known.sequence} was used here before")
        if now.sequence == known.sequence and now.revision != known.revision:
            raise SEQUENCE_REUSED.error(f"has sequence {now.sequence}, as revision {known.revision} had")
        return known

    def remember(self, publisher: str, now: Seen) -> None:
        """Check, then remember; what is remembered never becomes older.

        Raises:
            TrustError: see :meth:`check`.
            StoreError: it can't be written, or another process holds it for too long.
        """
        with held(self._directory, self._wait_s):
            if self.check(publisher, now) != now:
                value = {"v": VERSION, "publisher": publisher, "sequence": now.sequence, "revision": now.revision}
                write_atomic(self._path(publisher), canonical_bytes(cast("dict[str, Any]", value)), mode=0o600)

    def _path(self, publisher: str) -> Path:
        return self._directory / f"publisher-{hex_of(digest_of(publisher.encode()))}.json"


def _parse(path: Path, publisher: str) -> Seen:
    at = Location(str(path))
    try:
        value = parse_json(read_bounded(path, _MAX_BYTES), str(path))
    except BspecError as e:
        raise MEMORY_DAMAGED.error(f"can't be read: {e.problems[0].message}", at=at) from e
    found = cast("dict[str, Any]", value)
    if violations(_SCHEMA, value) or found["publisher"] != publisher:
        raise MEMORY_DAMAGED.error("is not what was written", at=at)
    return Seen(found["sequence"], found["revision"])
