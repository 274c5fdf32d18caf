"""What records of the ledger revoke, and whom they retire: from their own entry on, and what was before stays. Pure.

A revocation is judged like a reject: by the newest trust root, or by the one in force when it was sequenced, so that
a new key of whoever signed it doesn't undo it. Who restricts nothing any more is for the trust root alone to say.

What restricts can't be revoked here: without a reject, or a run in which something failed, more would be allowed.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.approval.facts import REJECT
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import format_time
from bspec_opa.lock.line import ROLLBACK
from bspec_opa.trust.authority import Record, verify_record
from bspec_opa.trust.predicates import check_predicate
from bspec_opa.trust.statement import parse_statement
from bspec_opa.trust.withdrawal import COMPROMISED_MODE, RECORD_SUBJECT, RETIREMENT, REVOCABLE, REVOCATION
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.facts.past import verify_standing
from bspec_opa.workflow.life.reasons import NOT_REVOCABLE
from bspec_opa.workflow.reasons import WRONG_KIND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.root import TrustRoot

TYPES = frozenset((REVOCATION, RETIREMENT))
_NONE: Mapping[str, Withdrawal] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A revocation or a retirement that counts.

    Attributes:
        record: verified.
        seq: the ledger entry that holds it; None while it is only in the inbox.
        at: when it was sequenced, Unix seconds; of one in the inbox, when it was signed.
    """

    record: Record
    seq: int | None
    at: int

    @property
    def target(self) -> str:
        """The id of the record that is revoked; of a retirement, what names its scope."""
        return str(self.record.statement.subjects[0].digest)

    @property
    def names(self) -> str:
        """The type of the record that is revoked; of a retirement, its own."""
        return str(self.record.predicate.get("type", RETIREMENT))

    @property
    def compromised(self) -> bool:
        """Whether what rests on it is void from the record's own place on."""
        return self.record.predicate.get("mode") == COMPROMISED_MODE

    @property
    def ends_agent(self) -> bool:
        """Whether the agent is retired, not one record revoked."""
        return self.record.type == RETIREMENT

    @property
    def reason(self) -> str:
        """In the signer's words."""
        return str(self.record.predicate["reason"])

    @property
    def what(self) -> str:
        """What it ends, in few words."""
        if self.record.type == RETIREMENT:
            return "the agent is retired"
        mode = "compromised" if self.compromised else "revoked"
        return f"{self.record.predicate['type']} {self.target[:19]}… {mode}"

    @property
    def said(self) -> str:
        """In one sentence: what happened, where, when, by whom and why."""
        verb = "retired" if self.record.type == RETIREMENT else "revoked"
        mode = " as compromised" if self.compromised else ""
        place = "(not recorded yet)" if self.seq is None else f"at ledger entry {self.seq} of {format_time(self.at)}"
        return f"{verb}{mode} {place} by {self.record.principal}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """Everything that is withdrawn of one agent.

    Attributes:
        revoked: by the id of the record: the first revocation, or the first that calls it compromised.
        retired: by environment: the first retirement.
        records: every revocation and retirement that counts, by its ledger entry.
        refused: why another one doesn't, by its ledger entry.
    """

    revoked: Mapping[str, Withdrawal] = field(default_factory=lambda: _NONE)
    retired: Mapping[str, Withdrawal] = field(default_factory=lambda: _NONE)
    records: Mapping[int, Record] = field(default_factory=dict)
    refused: Mapping[int, BspecError] = field(default_factory=dict)

    @property
    def compromised(self) -> Mapping[str, Withdrawal]:
        """Those that void what rests on them, by the id of the record."""
        return {i: w for i, w in self.revoked.items() if w.compromised}

    def in_order(self) -> tuple[Withdrawal, ...]:
        """Those that hold, in the order of the ledger."""
        held = (*self.revoked.values(), *self.retired.values())
        return tuple(sorted(held, key=lambda w: (w.seq is None, w.seq or 0)))

    def followed_by(self, later: Iterable[Withdrawal]) -> Withdrawals:
        """With others that come after these."""
        revoked, retired = dict(self.revoked), dict(self.retired)
        for one in later:
            ends = one.record.type == RETIREMENT
            held, key = (retired, str(one.record.environment)) if ends else (revoked, one.target)
            if key not in held or (one.compromised and not held[key].compromised):
                held[key] = one
        return replace(self, revoked=revoked, retired=retired)


def read_withdrawals(entries: Sequence[Entry], roots: Sequence[TrustRoot], now: int) -> Withdrawals:
    """The revocations and retirements among the entries of one agent.

    Args:
        entries: all of the agent's.
        roots: the walked chain.
        now: Unix seconds; nothing is from the future.
    """
    places: dict[str, Entry] = {e.record_id: e for e in entries}
    found: list[Withdrawal] = []
    records: dict[int, Record] = {}
    refused: dict[int, BspecError] = {}
    for entry in entries:
        if entry.kind in TYPES:
            try:
                record = _verified(entry, roots, now)
                _require_fitting(record, places)
                _require_no_emergency(record, places, entry)
            except BspecError as e:
                refused[entry.seq] = e
                continue
            records[entry.seq] = record
            found.append(Withdrawal(record, entry.seq, entry.at))
    return Withdrawals(records=records, refused=refused).followed_by(found)


def _verified(entry: Entry, roots: Sequence[TrustRoot], now: int) -> Record:
    name, data = f"ledger entry {entry.seq}", entry.record_bytes()
    try:
        record = verify_record(data, name, roots, now, seq=entry.seq)
    except BspecError as e:
        try:
            record = verify_standing(data, name, roots, entry.at, entry.seq)
        except BspecError:
            raise e from None
    if record.type != entry.kind:
        raise WRONG_KIND.error(f"the entry of kind {entry.kind} holds a {record.type}")
    return record


def _require_fitting(record: Record, places: Mapping[str, Entry]) -> None:
    """A record that the ledger doesn't have yet is held against its revocation when it comes (:func:`is_meant`)."""
    if record.type == RETIREMENT:
        return
    entry = places.get(str(record.statement.digest_of(RECORD_SUBJECT)))
    if entry is not None:
        target = parse_statement(base64.b64decode(cast("str", entry.body["payload"]))).predicate
        check_predicate(entry.kind, target, f"ledger entry {entry.seq}")
        require_revocable(record.predicate, entry.kind, target)


def _require_no_emergency(record: Record, places: Mapping[str, Entry], revocation: Entry) -> None:
    target = places.get(str(record.statement.digest_of(RECORD_SUBJECT)))
    if target is not None and record.predicate.get("mode") == COMPROMISED_MODE:
        require_no_emergency(target.seq, (e for e in places.values() if e.seq < revocation.seq))


def require_no_emergency(target: int, entries: Iterable[Entry]) -> None:
    """Demand that no emergency may rest on a record that is called compromised, nor is it one itself.

    Void, nobody would have to review it any more.

    Args:
        target: the record's ledger entry.
        entries: the agent's, as far as the ledger went.

    Raises:
        TrustError: there is one.
    """
    found = next((e.seq for e in entries if e.seq >= target and _is_emergency(e)), None)
    if found is not None:
        message = f"ledger entry {found} is an emergency that may rest on it, and has to stay for its review"
        hint = "only the root keys can call it compromised: bspec-opa trust revoke … --mode compromised"
        raise NOT_REVOCABLE.error(message, hint=hint)


def _is_emergency(entry: Entry) -> bool:
    """Whether an entry holds what says that it is an emergency rollback, whoever signed it."""
    if entry.kind != ROLLBACK:
        return False
    try:
        predicate = parse_statement(base64.b64decode(cast("str", entry.body["payload"]))).predicate
    except BspecError:
        return False
    return predicate.get("emergency") is True


def require_revocable(revocation: JsonObject, kind: str, target: JsonObject) -> None:
    """Demand that a revocation may name a record: it says what that is and where, and nothing more is allowed without.

    Args:
        revocation: its predicate.
        kind: the type of the record that it names.
        target: that record's predicate, of the right form; not necessarily of a genuine one.

    Raises:
        TrustError: it may not.
    """
    if kind not in REVOCABLE:
        raise NOT_REVOCABLE.error(f"a {kind} can't be revoked")
    said, found = (revocation["type"], revocation["environment"]), (kind, str(target.get("environment", "")))
    if said != found or revocation["agent"] != target.get("agent"):
        raise NOT_REVOCABLE.error(f"it names a {said[0]} in {said[1] or 'no environment'}, which the record is not")
    if restricts(kind, target):
        what = "a reject" if kind == "approval" else "a run in which something failed"
        raise NOT_REVOCABLE.error(f"{what} can't be revoked: more would be allowed without it")


def restricts(kind: str, predicate: JsonObject) -> bool:
    """A reject, or a run in which something failed, broke off or was skipped."""
    said = cast("dict[str, Any]", predicate)
    if kind == "approval":
        return bool(said["decision"] == REJECT)
    if kind != "evidence":
        return False
    counts = said["counts"]
    return bool(counts["pass"] < counts["n"] or any(p["passed"] < p["cases"] for p in said["probes"]))


def is_replaced(earlier: Record, revoked: Record) -> bool:
    """Whether a revoked approval or request had taken the place of an earlier one: it does not come back."""
    return (
        earlier.type == revoked.type
        and earlier.type in {"approval", "request"}
        and (earlier.principal, earlier.environment) == (revoked.principal, revoked.environment)
        and set(earlier.statement.subjects) == set(revoked.statement.subjects)
        and earlier.predicate["base"] == revoked.predicate["base"]
        and not restricts(earlier.type, earlier.predicate)
    )


def revoked_among(records: Sequence[Record], withdrawals: Withdrawals) -> dict[Digest, Withdrawal]:
    """The ids of the records that a revocation takes out; a lock line stays, and is marked.

    Args:
        records: verified, in the order of the ledger.
        withdrawals: everything that is withdrawn of their agent.
    """
    found: dict[Digest, Withdrawal] = {}
    for n, record in enumerate(records):
        withdrawal = withdrawals.revoked.get(record.id)
        if withdrawal is None or record.type in LINE_TYPES or not _is_meant(withdrawal, record):
            continue
        found[record.id] = withdrawal
        found.update((r.id, withdrawal) for r in records[:n] if is_replaced(r, record))
    return found


def _is_meant(withdrawal: Withdrawal, record: Record) -> bool:
    try:
        require_revocable(withdrawal.record.predicate, record.type, record.predicate)
    except BspecError:
        return False
    return True


def of_inbox(records: Iterable[Record], targets: Iterable[Record]) -> Iterable[Withdrawal]:
    """Revocations and retirements of an inbox, as if they were sequenced.

    Args:
        records: all of the inbox.
        targets: whatever they may name.
    """
    known = {t.id: t for t in targets}
    for record in records:
        if record.type not in TYPES:
            continue
        withdrawal = Withdrawal(record, None, record.signed_unix)
        target = known.get(record.statement.subjects[0].digest)
        if target is None or record.type == RETIREMENT or _is_meant(withdrawal, target):
            yield withdrawal
