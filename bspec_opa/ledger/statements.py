"""The newest head statement that this user has seen, per domain, kept where the ledger's head is remembered.

A statement may be seen before the ledger that it is about: from then on, no smaller ledger and no older trust root is
taken for the newest, whether a statement is demanded or not (attacks A55, A78).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import HEX64, TEXT, integer, integers, obj, violations
from bspec_opa.foundation.digest import digest_of, hex_of
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import read_bounded, write_atomic
from bspec_opa.foundation.limits import KIB, LEDGER_LOCK_TIMEOUT_S
from bspec_opa.ledger.memory import held, require_private
from bspec_opa.ledger.reasons import MEMORY_DAMAGED

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject

VERSION = 1
_MAX_BYTES = 16 * KIB
_SCHEMA = obj(v=integers(VERSION), domain=TEXT, root_version=integer(1), tree_size=integer(), key=HEX64)


@dataclass(frozen=True, slots=True, order=True)
class Stated:
    """How far a statement has gone: the version of the trust root, the ledger's size, and by whose word."""

    root_version: int
    tree_size: int
    keyid: str = field(compare=False)


class Statements:
    """What is remembered of head statements, in a private directory."""

    def __init__(self, directory: Path, *, wait_s: float = LEDGER_LOCK_TIMEOUT_S) -> None:
        """Name a memory; nothing is opened yet."""
        self._directory = directory
        self._wait_s = wait_s

    def recall(self, domain: str) -> Stated | None:
        """What was stated last in a domain; None if nothing was.

        Raises:
            TrustError: the memory is damaged, or others may write it.
        """
        path = self._path(domain)
        if not os.path.lexists(path):
            return None
        require_private(self._directory)
        return _parse(path, domain)

    def remember(self, domain: str, now: Stated) -> None:
        """Remember a statement that was found to be no older than what is remembered.

        Another process may have remembered a newer one meanwhile, which stays: a later version of the root is newer,
        also where it takes the ledger back behind what a stolen key had signed.

        Raises:
            TrustError: see :meth:`recall`.
            StoreError: it can't be written, or another process holds it for too long.
        """
        with held(self._directory, self._wait_s):
            known = self.recall(domain)
            if known is None or known < now:
                value: JsonObject = {
                    "v": VERSION,
                    "domain": domain,
                    "root_version": now.root_version,
                    "tree_size": now.tree_size,
                    "key": now.keyid,
                }
                write_atomic(self._path(domain), canonical_bytes(value), mode=0o600)

    def _path(self, domain: str) -> Path:
        return self._directory / f"head-{hex_of(digest_of(domain.encode()))}.json"


def _parse(path: Path, domain: str) -> Stated:
    at = Location(str(path))
    try:
        value = parse_json(read_bounded(path, _MAX_BYTES), str(path))
    except BspecError as e:
        raise MEMORY_DAMAGED.error(f"can't be read: {e.problems[0].message}", at=at) from e
    found = cast("dict[str, Any]", value)
    if violations(_SCHEMA, value) or found["domain"] != domain:
        raise MEMORY_DAMAGED.error("is not what was written", at=at)
    return Stated(found["root_version"], found["tree_size"], found["key"])
