"""Records of the past: judged by the trust root of their time, as far as the newest root doesn't revoke them.

A key that a newer root no longer has must not make the past unprovable, and must not be good for new records either.
So what names an earlier root counts if it was sequenced before the next root was issued, or if the newest root
accepts it as well: a root takes its time from being signed to being everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.trust.authority import Record, require_not_revoked, verify_record
from bspec_opa.trust.dsse import parse_envelope
from bspec_opa.trust.predicates import check_predicate
from bspec_opa.trust.statement import parse_statement, record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.root import TrustRoot


def verify_then(
    data: bytes, name: str, roots: Sequence[TrustRoot], now: int, seq: int | None = None
) -> tuple[Record, Sequence[TrustRoot]]:
    """Verify a record against the root that it names; returns it with the roots up to that one.

    Raises:
        TrustError: it did not count then either.
    """
    statement = parse_statement(parse_envelope(data, name).payload, name)
    check_predicate(record_of(statement, name), statement.predicate, name)
    version = cast("int", cast("JsonObject", statement.predicate["trust_root"])["version"])
    then = roots[:version]
    return verify_record(data, name, then, now, seq=seq), then


def verify_standing(data: bytes, name: str, roots: Sequence[TrustRoot], sequenced_at: int, seq: int) -> Record:
    """Verify what was said once against the root in force when it was sequenced, whoever holds which key today.

    The principal is the one of then.

    Raises:
        TrustError: it did not count then, or the newest root revokes it or its key.
    """
    then = [r for r in roots if r.issued_unix <= sequenced_at]
    record = verify_record(data, name, then, sequenced_at, seq=seq)
    require_not_revoked(record, roots[-1], name, seq=seq)
    return record


def verify_line(
    data: bytes, name: str, roots: Sequence[TrustRoot], now: int, entry: Entry, *, named: bool = True
) -> tuple[Record, Sequence[TrustRoot]]:
    """Verify what the gate signed once; returns it with the roots up to the one that it names.

    Args:
        data: the record's bytes.
        name: what errors call it.
        roots: the walked chain.
        now: Unix seconds; nothing is from the future.
        entry: holds it: when it was sequenced, and where; a key may be revoked from a later place on only.
        named: whether a revocation of the line by its name is looked at here; else that is for the caller.

    Raises:
        TrustError: it did not count then, it or its key is revoked, or it names a root that had been replaced and
            the newest one does not accept it.
    """
    record, then = verify_then(data, name, roots, now, entry.seq)
    require_not_revoked(record, roots[-1], name, seq=entry.seq, own=named)
    if len(then) < len(roots) and entry.at >= roots[len(then)].issued_unix:
        verify_record(data, name, roots, now, seq=entry.seq, named=named)
    return record, then
