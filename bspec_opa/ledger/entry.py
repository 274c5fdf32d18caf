"""One ledger entry: a canonical line that carries a record's exact envelope.

A line is the RFC 8785 form of ``{at, body, kind, seq, v}`` and LF; the Merkle leaf is the line without LF. ``body``
is the DSSE envelope as an object: since its file is canonical too, its bytes can be given back exactly.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import TIME, array, enum, integer, integers, obj, string, violations
from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.limits import KIB, MAX_RECORD_BYTES
from bspec_opa.foundation.times import format_time, parse_time
from bspec_opa.ledger.merkle import leaf_hash
from bspec_opa.ledger.reasons import BAD_ENTRY
from bspec_opa.trust.dsse import parse_envelope
from bspec_opa.trust.statement import RECORD_TYPES, parse_statement, record_of

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

VERSION = 1
KINDS = tuple(RECORD_TYPES)
MAX_ENTRY_BYTES = MAX_RECORD_BYTES + KIB
"""A record of the largest size and the members around it."""
_SCHEMA = obj(
    v=integers(VERSION),
    seq=integer(),
    at=TIME,
    kind=enum(*KINDS),
    body=obj(
        payload=string(),
        payloadType=string(),
        signatures=array(obj(keyid=string(), sig=string()), minimum=1),
    ),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A record in its place in the ledger.

    Attributes:
        seq: counts entries from 0.
        at: when it was sequenced, Unix seconds; never before the entry ahead of it.
        kind: the record's type.
        body: the record's envelope.
        record_id: SHA-256 of the decoded payload.
    """

    seq: int
    at: int
    kind: str
    body: JsonObject
    record_id: Digest

    def leaf(self) -> bytes:
        """The line without LF."""
        return canonical_bytes(
            {"v": VERSION, "seq": self.seq, "at": format_time(self.at), "kind": self.kind, "body": self.body}
        )

    def leaf_hash(self) -> bytes:
        """The hash of this entry in the Merkle tree."""
        return leaf_hash(self.leaf())

    def record_bytes(self) -> bytes:
        """The record's file, or the lock line with its LF, byte for byte."""
        return canonical_bytes(self.body) + b"\n"


def entry_of(seq: int, at: int, kind: str, record: bytes, name: str = "record") -> Entry:
    """A new entry for a record's bytes.

    Raises:
        TrustError: they are not exactly an envelope around a statement of this kind.
    """
    envelope = parse_envelope(record, name)
    found = record_of(parse_statement(envelope.payload, name), name)
    if found != kind:
        raise BAD_ENTRY.error(f"is of the type {found}, not {kind}", at=Location(name))
    body = cast("JsonObject", parse_json(record, name, text=False, limit=MAX_RECORD_BYTES))
    return Entry(seq, at, kind, body, envelope.digest)


def parse_entry(leaf: bytes, seq: int, at: Location) -> Entry:
    """The entry that must stand at a place.

    Args:
        leaf: the line without LF.
        seq: the number it must have.
        at: where it stands, for errors.

    Raises:
        TrustError: not canonical, another number, or no such entry.
    """
    try:
        value = parse_json(leaf, at.file, text=False, limit=MAX_ENTRY_BYTES)
    except BspecError as e:
        raise BAD_ENTRY.error(f"entry {seq} can't be read: {e.problems[0].message}", at=at) from e
    wrong = violations(_SCHEMA, value, limit=1)
    if wrong:
        raise BAD_ENTRY.error(f"entry {seq}: {wrong[0].pointer or 'it'} {wrong[0].message}", at=at)
    entry = _typed(cast("dict[str, Any]", value), seq, at)
    if entry.seq != seq:
        raise BAD_ENTRY.error(
            f"entry {entry.seq} stands where {seq} belongs", hint="rows were removed, added or moved", at=at
        )
    if entry.leaf() != leaf:
        raise BAD_ENTRY.error(f"entry {seq} is not in canonical form", at=at)
    return entry


def _typed(value: dict[str, Any], seq: int, at: Location) -> Entry:
    try:
        payload = base64.b64decode(value["body"]["payload"], validate=True)
        return Entry(value["seq"], parse_time(value["at"]), value["kind"], value["body"], digest_of(payload))
    except (binascii.Error, ValueError, BspecError) as e:
        raise BAD_ENTRY.error(f"entry {seq}: {e}", at=at) from e
