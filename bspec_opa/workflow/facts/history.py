"""What the ledger says: verified records in their order, and the current line of every environment. Pure."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from bspec_opa.approval.facts import REJECT
from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import parse_time
from bspec_opa.trust.authority import Record, verify_record
from bspec_opa.trust.reasons import REVOKED
from bspec_opa.trust.statement import parse_statement
from bspec_opa.workflow.facts.evaluation import Rejected
from bspec_opa.workflow.facts.past import verify_line, verify_standing, verify_then
from bspec_opa.workflow.facts.voiding import Void
from bspec_opa.workflow.reasons import SPENT, WRONG_KIND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.root import TrustRoot

LINE_TYPES = frozenset({"promotion", "rollback"})


@dataclass(frozen=True, slots=True)
class Sequenced:
    """A verified record with its place: ledger entry ``seq``, or ``None`` while it is only in the inbox."""

    record: Record
    seq: int | None


@dataclass(frozen=True, slots=True)
class Head:
    """The current line of one agent in one environment.

    Attributes:
        line: sha256 of the line without its line feed; what ``base`` and ``source`` name.
        seq: the ledger entry that holds it.
        at: when it was decided, Unix seconds.
        record: the verified promotion.
    """

    line: Digest
    seq: int
    at: int
    record: Record

    @property
    def binding(self) -> JsonObject:
        """The identities that the line binds."""
        binding = self.record.predicate["binding"]
        assert isinstance(binding, dict)  # noqa: S101 - the predicate's schema was checked
        return binding

    def subject(self, name: str) -> Digest:
        """The digest of one of the line's subjects."""
        return next(s.digest for s in self.record.statement.subjects if s.name == name)


@dataclass(frozen=True, slots=True)
class History:
    """Verified records of one agent, oldest first, and what of the ledger did not verify.

    Attributes:
        records: what counts now.
        rejected: what does not, with the reason.
        size: entries of the ledger.
        former: submits that counted once. Nothing rests on them, but whoever signed one is still an author of the
            change, also after losing the role or the key (attack A80).
    """

    records: tuple[Sequenced, ...]
    rejected: tuple[Rejected, ...]
    size: int
    former: tuple[Sequenced, ...] = ()

    def of_type(self, kind: str) -> tuple[Sequenced, ...]:
        """The records of one type, in their order."""
        return tuple(r for r in self.records if r.record.type == kind)

    def head(self, environment: str) -> Head | None:
        """The current line of an environment; only the ledger says so, never the lock file (attack A77)."""
        lines = self._lines(environment)
        return head_of(lines[-1]) if lines else None

    def lines(self, environment: str) -> tuple[Head, ...]:
        """Every line of an environment that counts, oldest first; the last one is current."""
        return tuple(map(head_of, self._lines(environment)))

    def _lines(self, environment: str) -> list[Sequenced]:
        return [
            r
            for r in self.records
            if r.record.type in LINE_TYPES and r.record.environment == environment and r.seq is not None
        ]

    def line(self, seq: int) -> Head | None:
        """The line that a ledger entry holds, current or not."""
        found = [r for r in self.records if r.record.type in LINE_TYPES and r.seq == seq]
        return head_of(found[0]) if found else None

    def with_inbox(self, records: Iterable[Record]) -> History:
        """As if the inbox's records were sequenced after everything else; what is spent is not fresh there either."""
        known = {r.record.id for r in self.records} | {r.id for r in self.rejected if r.code == SPENT.code}
        fresh = tuple(Sequenced(r, None) for r in records if r.id not in known)
        return replace(self, records=(*self.records, *fresh))


def head_of(line: Sequenced) -> Head:
    """A line of the ledger as what the next ones name."""
    assert line.seq is not None  # noqa: S101 - lines are never in an inbox
    at = parse_time(str(line.record.predicate["now"]))
    return Head(digest_of(line.record.envelope.rstrip(b"\n")), line.seq, at, line.record)


def read_history(entries: Sequence[Entry], roots: Sequence[TrustRoot], agent: str, now: int) -> History:
    """Verify again everything in the ledger that concerns an agent.

    A new trust root or revocation may void what once counted, so nothing is believed because it was sequenced.
    Lines are judged by the root of their time: a new gate key doesn't undo what the old one promoted.

    So is what restricts, or a new key for its signer would make it vanish: a reject, and an evaluation run that did
    not pass everything (with all its cases, as it was sequenced). It stands in the name of the principal of then, who
    can lift a reject with the new key, until the newest root revokes the record or the key. What only permits, such
    as an approval or a run without any failure, has to be signed again with a key of today.
    """
    reader = _Reader(roots, now)
    for entry in entries:
        if agent_of_entry(entry) == agent:
            reader.read(entry)
    return reader.history(len(entries))


@dataclass(slots=True)
class _Reader:
    """Sorts entries into what counts and what does not."""

    roots: Sequence[TrustRoot]
    now: int
    records: list[Sequenced] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    former: list[Sequenced] = field(default_factory=list)
    spent: set[str] = field(default_factory=set)
    standing: set[str] = field(default_factory=set)
    void: Void = field(init=False)

    def __post_init__(self) -> None:
        self.void = Void(self.roots[-1])

    def read(self, entry: Entry) -> None:
        name = f"ledger entry {entry.seq}"
        self.void.note(entry)
        try:
            record = self._verified(entry, name)
        except BspecError as e:
            standing = self._standing(entry, name)
            if standing is not None:
                self.standing.add(standing.id)
                self.records.append(Sequenced(standing, entry.seq))
                return
            self.rejected.append(Rejected(entry.kind, name, name, e.code, e.problems[0].message))
            self._keep_former(entry, name, revoked=e.code == REVOKED.code)
            return
        self.records.append(Sequenced(record, entry.seq))

    def _verified(self, entry: Entry, name: str) -> Record:
        if entry.kind in LINE_TYPES:
            record, _ = verify_line(entry.record_bytes(), name, self.roots, self.now, entry)
            self.void.require_sound(record, entry, name)
        else:
            record = verify_record(entry.record_bytes(), name, self.roots, self.now, seq=entry.seq)
        if record.type != entry.kind:
            raise WRONG_KIND.error(f"the entry of kind {entry.kind} holds a {record.type}")
        return record

    def _standing(self, entry: Entry, name: str) -> Record | None:
        """A restriction that keeps standing without a key of today; an approval of then still lifts what it lifted."""
        if entry.kind not in {"approval", "evidence"}:
            return None
        try:
            record = verify_standing(entry.record_bytes(), name, self.roots, entry.at, entry.seq)
        except BspecError:
            return None
        if record.type == entry.kind and _restricts(record):
            return record
        self.records = [r for r in self.records if r.record.id not in self.standing or not _lifts(record, r.record)]
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
            approvals = cast("list[dict[str, str]]", record.predicate["approvals"])
            waivers = cast("list[str]", record.predicate["waivers"])
            self.spent.update((*(a["id"] for a in approvals), *waivers, str(record.predicate["request"])))

    def history(self, size: int) -> History:
        """Without approvals, waivers and request of a line that was revoked: they can't promote it once more."""
        spent = [r for r in self.records if r.record.id in self.spent]
        kept = tuple(r for r in self.records if r.record.id not in self.spent)
        self.rejected += [_spent(r) for r in spent]
        return History(kept, tuple(self.rejected), size, tuple(self.former))


def _restricts(record: Record) -> bool:
    """A reject, or a run in which something failed, broke off or was skipped."""
    if record.type == "approval":
        return record.predicate["decision"] == REJECT
    counts = cast("dict[str, int]", record.predicate["counts"])
    probes = cast("list[dict[str, int]]", record.predicate["probes"])
    return counts["pass"] < counts["n"] or any(p["passed"] < p["cases"] for p in probes)


def _lifts(later: Record, earlier: Record) -> bool:
    """Whether somebody approved what the same person had rejected."""
    return (
        (later.type, earlier.type) == ("approval", "approval")
        and (later.principal, later.environment) == (earlier.principal, earlier.environment)
        and set(later.statement.subjects) == set(earlier.statement.subjects)
        and later.signed_unix > earlier.signed_unix
    )


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
