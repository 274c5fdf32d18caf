"""What the ledger says: verified records in their order, and the current line of every environment. Pure.

What counts is sorted out by :mod:`bspec_opa.workflow.facts.reading`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bspec_opa.lock.line import ROLLBACK
from bspec_opa.workflow.facts.evaluation import Rejected
from bspec_opa.workflow.facts.heads import LINE_TYPES, Head, Sequenced, head_of, line_digest
from bspec_opa.workflow.facts.withdrawing import (
    Withdrawal,
    Withdrawals,
    of_inbox,
    restricts,
    revoked_among,
)
from bspec_opa.workflow.life.reasons import WITHDRAWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.striking import Struck


@dataclass(frozen=True, slots=True)
class History:
    """Verified records of one agent, oldest first, and what of the ledger did not verify.

    Attributes:
        records: what counts now.
        rejected: what does not, with the reason.
        size: entries of the ledger.
        former: submits that counted once. Nothing rests on them, but whoever signed one is still an author of the
            change, also after losing the role or the key (attack A80).
        withdrawals: what is revoked, and where the agent is retired.
        gone: ids of records of the ledger that counted once and don't any more, such as revoked ones.
        dropped: records that were genuine and don't count any more. Nothing rests on them; who signed them, and what
            they say against the agent, still matters.
        struck: what the trust root revokes, by the id of the record; the lines among it stay in the lock.
    """

    records: tuple[Sequenced, ...]
    rejected: tuple[Rejected, ...]
    size: int
    former: tuple[Sequenced, ...] = ()
    withdrawals: Withdrawals = field(default_factory=Withdrawals)
    gone: frozenset[str] = frozenset()
    dropped: tuple[Sequenced, ...] = ()
    struck: Mapping[str, Struck] = field(default_factory=dict)

    def of_type(self, kind: str) -> tuple[Sequenced, ...]:
        """The records of one type, in their order."""
        return tuple(r for r in self.records if r.record.type == kind)

    def once_of_type(self, kind: str) -> tuple[Sequenced, ...]:
        """The same with those that counted once, in the order of the ledger and then of the inbox."""
        found = (*self.of_type(kind), *(r for r in self.dropped if r.record.type == kind))
        return tuple(sorted(found, key=lambda r: (r.seq is None, r.seq or 0)))

    def head(self, environment: str) -> Head | None:
        """The current line of an environment; only the ledger says so, never the lock file (attack A77)."""
        lines = self._lines(environment)
        return self._head(lines[-1]) if lines else None

    def lines(self, environment: str) -> tuple[Head, ...]:
        """Every line of an environment that counts, oldest first; the last one is current."""
        return tuple(map(self._head, self._lines(environment)))

    def _lines(self, environment: str) -> list[Sequenced]:
        return [
            r
            for r in self.records
            if r.record.type in LINE_TYPES and r.record.environment == environment and r.seq is not None
        ]

    def standing(self, environment: str) -> Head | None:
        """The current line, if something may be built on it and deployed: not revoked, nor the agent retired."""
        head = self.head(environment)
        return None if head is None or self.withdrawn(head) else head

    def withdrawn(self, head: Head) -> Withdrawal | Struck | None:
        """What keeps a current line from standing: the agent's retirement there, or the line's own revocation."""
        return self.withdrawals.retired.get(str(head.record.environment)) or head.revoked

    def line(self, seq: int) -> Head | None:
        """The line that a ledger entry holds, current or not."""
        found = [r for r in self.records if r.record.type in LINE_TYPES and r.seq == seq]
        return self._head(found[0]) if found else None

    def _head(self, line: Sequenced) -> Head:
        return head_of(line, self._revocation_of(line.record))

    def _revocation_of(self, line: Record) -> Withdrawal | Struck | None:
        """A line's own revocation; a rollback deploys another line's content, so that one's counts for it, too."""
        revoked: Mapping[str, Withdrawal | Struck] = {**self.struck, **self.withdrawals.revoked}
        while revoked:
            if line.id in revoked or line.type != ROLLBACK:
                return revoked.get(line.id)
            target = line.predicate["target_line"]
            lines = (r.record for r in self.records if r.record.type in LINE_TYPES)
            found = next((r for r in lines if line_digest(r) == target), None)
            if found is None:
                return None
            line = found
        return None

    def with_inbox(self, records: Iterable[Record]) -> History:
        """As if the inbox's records were sequenced after everything else."""
        known = {r.record.id for r in self.records}
        fresh = [r for r in records if r.id not in known and (r.id not in self.gone or restricts(r.type, r.predicate))]
        everything = (*self.records, *(Sequenced(r, None) for r in fresh))
        later = of_inbox(fresh, [s.record for s in everything])
        withdrawals = self.withdrawals.followed_by(later)
        revoked = revoked_among([s.record for s in everything], withdrawals)
        return replace(
            self,
            records=tuple(s for s in everything if s.record.id not in revoked),
            rejected=(*self.rejected, *(revoked_one(s, revoked) for s in everything if s.record.id in revoked)),
            former=(*self.former, *(s for s in everything if s.record.id in revoked and s.record.type == "submit")),
            withdrawals=withdrawals,
            dropped=(*self.dropped, *(s for s in everything if s.record.id in revoked)),
        )


def revoked_one(record: Sequenced, revoked: Mapping[Digest, Withdrawal]) -> Rejected:
    """A record that doesn't count because a record of the ledger or the inbox revokes it."""
    where = "inbox" if record.seq is None else f"ledger entry {record.seq}"
    message = f"it is {revoked[record.record.id].said}"
    return Rejected(record.record.type, record.record.id, where, WITHDRAWN.code, message)
