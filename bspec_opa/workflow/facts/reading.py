"""Reading a ledger about an agent: sorting its entries into what counts, and what of the rest still matters. Pure."""

from __future__ import annotations

from bisect import insort
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.trust.authority import Record, verify_record
from bspec_opa.trust.reasons import REVOKED
from bspec_opa.workflow.facts.claims import agent_of_entry
from bspec_opa.workflow.facts.evaluation import Rejected
from bspec_opa.workflow.facts.heads import LINE_TYPES, Sequenced
from bspec_opa.workflow.facts.history import History, revoked_one
from bspec_opa.workflow.facts.objections import lifts
from bspec_opa.workflow.facts.past import verify_line, verify_standing, verify_then
from bspec_opa.workflow.facts.striking import Strikes, used_by
from bspec_opa.workflow.facts.voiding import Void
from bspec_opa.workflow.facts.withdrawing import (
    TYPES,
    Withdrawals,
    read_withdrawals,
    restricts,
    revoked_among,
)
from bspec_opa.workflow.life.reasons import WITHDRAWN
from bspec_opa.workflow.reasons import SPENT, WRONG_KIND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.root import TrustRoot


_HEARD = frozenset(("approval", "evidence", "request", "waiver"))
"""What was said once still matters, though its signer may not say it any more."""
_USED = frozenset(("approval", "request", "waiver"))
"""What a line uses up: it is for one promotion."""


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
            if entry.kind not in LINE_TYPES:
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
        if entry.kind not in _HEARD:
            return None
        try:
            record = verify_standing(entry.record_bytes(), name, self.roots, entry.at, entry.seq)
        except BspecError:
            return None
        if record.type == entry.kind and restricts(record.type, record.predicate):
            return record
        self.dropped.append(Sequenced(record, entry.seq, entry.at))
        if entry.record_id in self.withdrawals.revoked:
            return None
        self.records = [r for r in self.records if r.record.id not in self.standing or not lifts(record, r.record)]
        return None

    def _keep_former(self, entry: Entry, name: str, *, revoked: bool) -> None:
        """What still matters of something that no longer counts: who was an author, and what a revoked line used."""
        if entry.kind not in {*LINE_TYPES, "submit"}:
            return
        record = self._once(entry, name)
        if record is None:
            return
        if record.type == "submit":
            self.former.append(Sequenced(record, entry.seq))
        elif revoked and record.type in LINE_TYPES:
            self.spent.update(used_by(record))

    def _once(self, entry: Entry, name: str) -> Record | None:
        """What counted by the root that it names, or by the one in force when it was sequenced."""
        data, then = entry.record_bytes(), [r for r in self.roots if r.issued_unix <= entry.at]
        with suppress(BspecError):
            return verify_then(data, name, self.roots, self.now, entry.seq)[0]
        with suppress(BspecError):
            return verify_record(data, name, then, entry.at, seq=entry.seq)
        return None

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
        used = self.spent - {r.record.id for r in self.records if not _is_usable(r.record)}
        spent = [r for r in self.records if r.record.id in used and r.record.id not in revoked]
        withdrawn = [r for r in self.records if r.record.id in revoked]
        gone = frozenset((*used, *revoked))
        self.rejected += [*(_spent(r) for r in spent), *(revoked_one(r, revoked) for r in withdrawn)]
        self.former += [r for r in withdrawn if r.record.type == "submit"]
        kept = tuple(r for r in self.records if r.record.id not in gone)
        dropped = (*self.dropped, *(r for r in self.records if r.record.id in gone))
        former, struck = tuple(self.former), self.strikes.found
        return History(kept, tuple(self.rejected), size, former, self.withdrawals, gone, dropped, struck)


def _is_usable(record: Record) -> bool:
    """Whether a line can have used it up. A void line may name anything: what restricts stays, whoever names it."""
    return record.type in _USED and not restricts(record.type, record.predicate)


def _spent(record: Sequenced) -> Rejected:
    message = "it belongs to a line that no longer counts"
    return Rejected(record.record.type, record.record.id, f"ledger entry {record.seq}", SPENT.code, message)
