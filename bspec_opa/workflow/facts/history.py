"""What the ledger says: verified records in their order, and the current line of every environment. Pure."""

from __future__ import annotations

import base64
from bisect import insort
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.lock.line import ROLLBACK
from bspec_opa.trust.authority import Record, verify_record
from bspec_opa.trust.reasons import REVOKED
from bspec_opa.trust.statement import parse_statement
from bspec_opa.workflow.facts.evaluation import Rejected
from bspec_opa.workflow.facts.heads import LINE_TYPES, Head, Sequenced, head_of, line_digest
from bspec_opa.workflow.facts.objections import lifts
from bspec_opa.workflow.facts.past import verify_line, verify_standing, verify_then
from bspec_opa.workflow.facts.striking import Strikes, Struck, used_by
from bspec_opa.workflow.facts.voiding import Void
from bspec_opa.workflow.facts.withdrawing import (
    TYPES,
    Withdrawal,
    Withdrawals,
    of_inbox,
    read_withdrawals,
    restricts,
    revoked_among,
)
from bspec_opa.workflow.life.reasons import WITHDRAWN
from bspec_opa.workflow.reasons import SPENT, WRONG_KIND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.root import TrustRoot


_HEARD = frozenset(("approval", "evidence", "request", "waiver"))
"""What was said once still matters, though its signer may not say it any more."""


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
        known = {*(r.record.id for r in self.records), *self.gone}
        fresh = [r for r in records if r.id not in known]
        everything = (*self.records, *(Sequenced(r, None) for r in fresh))
        later = of_inbox(fresh, [s.record for s in everything])
        withdrawals = self.withdrawals.followed_by(later)
        revoked = revoked_among([s.record for s in everything], withdrawals)
        return replace(
            self,
            records=tuple(s for s in everything if s.record.id not in revoked),
            rejected=(*self.rejected, *(_revoked(s, revoked) for s in everything if s.record.id in revoked)),
            former=(*self.former, *(s for s in everything if s.record.id in revoked and s.record.type == "submit")),
            withdrawals=withdrawals,
            dropped=(*self.dropped, *(s for s in everything if s.record.id in revoked)),
        )


def read_history(entries: Sequence[Entry], roots: Sequence[TrustRoot], agent: str, now: int) -> History:
    """Verify again everything in the ledger that concerns an agent.

    A new trust root or revocation may void what once counted, so nothing is believed because it was sequenced.
    Lines are judged by the root of their time: a new gate key doesn't undo what the old one promoted.

    So is what restricts, or a new key for its signer would make it vanish: a reject, and an evaluation run that did
    not pass everything (with all its cases, as it was sequenced). It stands in the name of the principal of then, who
    can lift a reject with the new key, until the newest root revokes the record or the key. What only permits, such
    as an approval or a run without any failure, has to be signed again with a key of today.
    """
    own = [e for e in entries if agent_of_entry(e) == agent]
    reader = _Reader(roots, now, read_withdrawals(own, roots, now))
    for entry in own:
        reader.read(entry)
    return reader.history(len(entries))


@dataclass(slots=True)
class _Reader:
    """Sorts entries into what counts and what does not."""

    roots: Sequence[TrustRoot]
    now: int
    withdrawals: Withdrawals
    records: list[Sequenced] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    former: list[Sequenced] = field(default_factory=list)
    spent: set[str] = field(default_factory=set)
    standing: set[str] = field(default_factory=set)
    dropped: list[Sequenced] = field(default_factory=list)
    void: Void = field(init=False)
    strikes: Strikes = field(init=False)

    def __post_init__(self) -> None:
        self.strikes = Strikes(self.roots)
        self.void = Void(self.roots[-1], self.withdrawals.compromised)

    def read(self, entry: Entry) -> None:
        name = f"ledger entry {entry.seq}"
        self.void.note(entry)
        try:
            record = self._verified(entry, name)
        except BspecError as e:
            standing = self._standing(entry, name)
            if standing is not None:
                self.standing.add(standing.id)
                self.records.append(Sequenced(standing, entry.seq, entry.at))
                return
            self.rejected.append(Rejected(entry.kind, name, name, e.code, e.problems[0].message))
            if e.code == REVOKED.code and entry.kind not in LINE_TYPES:
                self.strikes.note_refused(entry)
            self._keep_former(entry, name, revoked=e.code in {REVOKED.code, WITHDRAWN.code})
            return
        self.records.append(Sequenced(record, entry.seq, entry.at))

    def _require_not_compromised(self, line: Record, name: str) -> None:
        """A line that is revoked stays what is current, unless it is called compromised: then it never was."""
        found = self.withdrawals.revoked.get(line.id)
        if found is not None and found.compromised:
            raise WITHDRAWN.error(f"is {found.said}", at=Location(name))

    def _verified(self, entry: Entry, name: str) -> Record:
        if entry.kind in TYPES:
            if entry.seq in self.withdrawals.refused:
                raise self.withdrawals.refused[entry.seq]
            return self.withdrawals.records[entry.seq]
        if entry.kind in LINE_TYPES:
            record, _ = verify_line(entry.record_bytes(), name, self.roots, self.now, entry, named=False)
            self._require_not_compromised(record, name)
            self.void.require_sound(record, entry, name)
            self.strikes.note(record, entry, name)
        else:
            record = verify_record(entry.record_bytes(), name, self.roots, self.now, seq=entry.seq)
        if record.type != entry.kind:
            raise WRONG_KIND.error(f"the entry of kind {entry.kind} holds a {record.type}")
        return record

    def _standing(self, entry: Entry, name: str) -> Record | None:
        """A restriction that keeps standing without a key of today; an approval of then still lifts what it lifted."""
        if entry.kind not in _HEARD or entry.record_id in self.withdrawals.revoked:
            return None
        try:
            record = verify_standing(entry.record_bytes(), name, self.roots, entry.at, entry.seq)
        except BspecError:
            return None
        if record.type == entry.kind and restricts(record.type, record.predicate):
            return record
        self.dropped.append(Sequenced(record, entry.seq, entry.at))
        self.records = [r for r in self.records if r.record.id not in self.standing or not lifts(record, r.record)]
        return None

    def _keep_former(self, entry: Entry, name: str, *, revoked: bool) -> None:
        """What still matters of something that no longer counts: who was an author, and what a revoked line used."""
        if entry.kind not in {*LINE_TYPES, "submit"}:
            return
        try:
            record, _ = verify_then(entry.record_bytes(), name, self.roots, self.now, entry.seq)
        except BspecError:
            return
        if record.type == "submit":
            self.former.append(Sequenced(record, entry.seq))
        elif revoked and record.type in LINE_TYPES:
            self.spent.update(used_by(record))

    def _fall(self, line: Sequenced, why: BspecError) -> None:
        """A line that the root says never counted: as if it had not verified."""
        self.records.remove(line)
        self.spent.update(used_by(line.record))
        name = f"ledger entry {line.seq}"
        fallen = Rejected(line.record.type, name, name, why.code, why.problems[0].message)
        insort(self.rejected, fallen, key=lambda r: int(r.file.rpartition(" ")[2]))

    def history(self, size: int) -> History:
        """Without what is revoked, and without what a void line used: it can't promote it once more."""
        for line, why in self.strikes.fallen(self.records):
            self._fall(line, why)
        revoked = revoked_among([s.record for s in self.records], self.withdrawals)
        spent = [r for r in self.records if r.record.id in self.spent and r.record.id not in revoked]
        withdrawn = [r for r in self.records if r.record.id in revoked]
        gone = frozenset((*self.spent, *revoked))
        self.rejected += [*(_spent(r) for r in spent), *(_revoked(r, revoked) for r in withdrawn)]
        self.former += [r for r in withdrawn if r.record.type == "submit"]
        kept = tuple(r for r in self.records if r.record.id not in gone)
        dropped = (*self.dropped, *(r for r in self.records if r.record.id in gone))
        former, struck = tuple(self.former), self.strikes.found
        return History(kept, tuple(self.rejected), size, former, self.withdrawals, gone, dropped, struck)


def _revoked(record: Sequenced, revoked: Mapping[Digest, Withdrawal]) -> Rejected:
    where = "inbox" if record.seq is None else f"ledger entry {record.seq}"
    message = f"it is {revoked[record.record.id].said}"
    return Rejected(record.record.type, record.record.id, where, WITHDRAWN.code, message)


def _spent(record: Sequenced) -> Rejected:
    message = "it belongs to a line that no longer counts"
    return Rejected(record.record.type, record.record.id, f"ledger entry {record.seq}", SPENT.code, message)


def agent_of_entry(entry: Entry) -> str | None:
    """The agent that an entry claims to be about; only used to leave other agents' entries out."""
    payload = entry.body["payload"]
    assert isinstance(payload, str)  # noqa: S101 - the entry's schema was checked
    return _agent_of(payload)


@lru_cache(maxsize=100_000)
def _agent_of(payload: str) -> str | None:
    """Kept, because whoever reads about many agents or lines asks it of every entry again and again."""
    try:
        predicate = parse_statement(base64.b64decode(payload)).predicate
    except BspecError:
        return None
    return str(predicate.get("agent"))
