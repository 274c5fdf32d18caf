"""Records and lines with their place in the ledger. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.times import parse_time
from bspec_opa.lock.line import PROMOTION, ROLLBACK

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.striking import Struck
    from bspec_opa.workflow.facts.withdrawing import Withdrawal


LINE_TYPES = frozenset({PROMOTION, ROLLBACK})


@dataclass(frozen=True, slots=True)
class Sequenced:
    """A verified record with its place.

    Attributes:
        record: verified.
        seq: the ledger entry that holds it, or ``None`` while it is only in the inbox.
        at: when it was sequenced, Unix seconds; ``None`` likewise.
    """

    record: Record
    seq: int | None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The current line of one agent in one environment.

    Attributes:
        line: sha256 of the line without its line feed; what ``base`` and ``source`` name.
        seq: the ledger entry that holds it.
        at: when it was decided, Unix seconds.
        record: the verified promotion.
        revoked: the revocation of this line, if there is one: nothing may be built on it or deployed from it, and
            what comes next is still compared with it.
    """

    line: Digest
    seq: int
    at: int
    record: Record
    revoked: Withdrawal | Struck | None = None

    @property
    def binding(self) -> JsonObject:
        """The identities that the line binds."""
        binding = self.record.predicate["binding"]
        assert isinstance(binding, dict)  # noqa: S101 - the predicate's schema was checked
        return binding

    def subject(self, name: str) -> Digest:
        """The digest of one of the line's subjects."""
        return next(s.digest for s in self.record.statement.subjects if s.name == name)


def line_digest(line: Record) -> Digest:
    """What ``base``, ``source`` and ``target_line`` name: the line without its line feed."""
    return digest_of(line.envelope.rstrip(b"\n"))


def line_in(entry: Entry) -> Digest:
    """The same of the ledger entry that holds the line."""
    return digest_of(entry.record_bytes().rstrip(b"\n"))


def head_of(line: Sequenced, revoked: Withdrawal | Struck | None = None) -> Head:
    """A line of the ledger as what the next ones name."""
    assert line.seq is not None  # noqa: S101 - lines are never in an inbox
    at = parse_time(str(line.record.predicate["now"]))
    return Head(line_digest(line.record), line.seq, at, line.record, revoked)
