"""Every record of an agent as the ledger got it: judged by the root of then, marked by what is known now. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import format_time
from bspec_opa.trust.authority import verify_record
from bspec_opa.workflow.facts.claims import agent_of_entry
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.facts.past import verify_line
from bspec_opa.workflow.facts.withdrawing import read_withdrawals
from bspec_opa.workflow.reasons import WRONG_KIND
from bspec_opa.workflow.recorded.decisions import DENIAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.facts.withdrawing import Withdrawals


@dataclass(frozen=True, slots=True)
class Since:
    """Something that a trust root says against a record and that was not known when it was sequenced.

    Attributes:
        kind: ``record``, or ``key`` for the key that signed it.
        id: of the record or the key.
        version: the first version of the trust root that says so; 0 where a record of the ledger does.
        at: when that version was issued, or that record sequenced.
        reason: in its words.
        entry: the ledger entry that says so; -1 where the trust root does.
        by: who signed that entry.
    """

    kind: str
    id: str
    version: int
    at: str
    reason: str
    entry: int = -1
    by: str = ""

    @property
    def revoked_by(self) -> str:
        """Who says so, and when."""
        if self.version == 0:
            return f"{self.by} at ledger entry {self.entry} of {self.at}"
        return f"trust root version {self.version} of {self.at}"


@dataclass(frozen=True, slots=True)
class Sequenced:
    """One entry of an agent.

    Attributes:
        entry: as it stands in the ledger.
        record: verified by the trust root in force when it was sequenced; None if it did not count then.
        why: why it did not count; empty if it did.
        since: what became known later.
    """

    entry: Entry
    record: Record | None
    why: str
    since: tuple[Since, ...]


def roots_at(roots: Sequence[TrustRoot], at: int) -> Sequence[TrustRoot]:
    """The versions that had been issued by a moment, Unix seconds; none if that lies before the first."""
    return [r for r in roots if r.issued_unix <= at]


def read_sequenced(
    entries: Sequence[Entry], roots: Sequence[TrustRoot], agent: str, until: int | None = None
) -> list[Sequenced]:
    """Every entry about an agent, in the order of the ledger.

    Args:
        entries: the whole ledger: what is withdrawn later stands beside what it is about.
        roots: the walked chain.
        agent: whose.
        until: only the entries before this one; all if None.
    """
    own = [e for e in entries if agent_of_entry(e) == agent]
    withdrawals = read_withdrawals(own, roots, max((e.at for e in own), default=0))
    return [_read(e, roots, withdrawals) for e in own if until is None or e.seq < until]


def agents_in(entries: Sequence[Entry]) -> list[str]:
    """The agents that a ledger has records about, sorted."""
    return sorted({agent for e in entries if (agent := agent_of_entry(e)) is not None})


def _read(entry: Entry, roots: Sequence[TrustRoot], withdrawals: Withdrawals) -> Sequenced:
    name = f"ledger entry {entry.seq}"
    try:
        record = _verified(entry, name, roots_at(roots, entry.at))
    except BspecError as e:
        return Sequenced(entry, None, e.problems[0].message, ())
    return Sequenced(entry, record, "", (*since(record, roots, entry), *_withdrawn(entry, withdrawals)))


def _withdrawn(entry: Entry, withdrawals: Withdrawals) -> tuple[Since, ...]:
    found = withdrawals.revoked.get(entry.record_id)
    if found is None or found.seq is None:
        return ()
    at, reason = format_time(found.at), found.reason
    return (Since("record", entry.record_id, 0, at, reason, found.seq, found.record.principal),)


def _verified(entry: Entry, name: str, then: Sequence[TrustRoot]) -> Record:
    data = entry.record_bytes()
    if entry.kind in {*LINE_TYPES, DENIAL} and then:
        record, _ = verify_line(data, name, then, entry.at, entry)
    else:
        record = verify_record(data, name, then, entry.at, seq=entry.seq)
    if record.type != entry.kind:
        raise WRONG_KIND.error(f"the entry of kind {entry.kind} holds a {record.type}")
    return record


def since(record: Record, roots: Sequence[TrustRoot], entry: Entry) -> tuple[Since, ...]:
    """What later roots say against a record or the key that signed it; the first that does counts."""
    return revoked_since(roots, entry, ("record", record.id), ("key", record.keyid))


def revoked_since(roots: Sequence[TrustRoot], entry: Entry, *named: tuple[str, str]) -> tuple[Since, ...]:
    """What roots issued after an entry was sequenced revoke of some records and keys, each by its kind and id.

    A key that is revoked from a later place in the ledger on still counts at the entry.
    """
    found = []
    for kind, identifier in named:
        revoking = ((r, r.revocation(kind, identifier, entry.seq)) for r in roots if r.issued_unix > entry.at)
        first = next(((root, said) for root, said in revoking if said is not None), None)
        if first is not None:
            root, said = first
            found.append(Since(kind, identifier, root.version, format_time(root.issued_unix), said.reason))
    return tuple(found)
