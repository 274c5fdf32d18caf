"""Checks a lock offline: envelopes, chain, pin, ledger inclusion, facts rebuilt, decision replayed.

The gate is a notary, not an oracle: whoever stole its key can sign a line, but not make the ledger's records say
what the line claims (attack A76). Every fact is rebuilt by the code that would decide today, from what the ledger
had when the line was decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.ledger.merkle import verify_inclusion
from bspec_opa.lock.chain import next_place, read_lock
from bspec_opa.lock.line import ROLLBACK
from bspec_opa.trust.authority import require_not_revoked
from bspec_opa.trust.reasons import REVOKED
from bspec_opa.trust.root import require_current
from bspec_opa.workflow.facts.adopting import adopted_in
from bspec_opa.workflow.facts.ending import unrecorded_notes
from bspec_opa.workflow.facts.ground import NO_SOURCE
from bspec_opa.workflow.facts.lines import lock_of, places_of_lines
from bspec_opa.workflow.facts.past import verify_line
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.facts.reviews import is_emergency, reviews_of
from bspec_opa.workflow.facts.rolling import Wanted, rollback_to
from bspec_opa.workflow.facts.voiding import counted_in, require_no_void_line
from bspec_opa.workflow.reasons import FACTS_DIFFER, NO_LOCK, NOT_IN_LEDGER, NOT_IN_LOCK
from bspec_opa.workflow.verifying.past import STOLEN, Past
from bspec_opa.workflow.verifying.rebuilding import rebuild, require_publisher
from bspec_opa.workflow.verifying.verified import Verification, VerifiedLine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.ledger.objects import ObjectStore
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.facts.heads import Head
    from bspec_opa.workflow.facts.history import History


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a lock is verified against: roots walked from the pin, the verified ledger, the stored objects."""

    roots: Sequence[TrustRoot]
    ledger: LedgerState
    objects: ObjectStore
    environ: Mapping[str, str]
    now: int


def verify_lock(
    data: bytes, name: str, evidence: Evidence, notes: tuple[str, ...] = (), *, inbox: Sequence[Record] = ()
) -> Verification:
    """Verify every line of a lock.

    Args:
        data: the lock file.
        name: what errors call it.
        evidence: what it is verified against.
        notes: what could not be checked.
        inbox: verified revocations and retirements that may not be recorded yet: they are told and change nothing.

    Raises:
        TrustError: with the line and the one reason.
    """
    require_current(evidence.roots[-1], evidence.now)
    lines = read_lock(data, name)
    if not lines:
        raise NO_LOCK.error("holds no line", hint="promote first", at=Location(name))
    agent = lines[0].agent
    recorded = places_of_lines(evidence.ledger.entries)
    history = read_history(evidence.ledger.entries, evidence.roots, agent, evidence.now)
    verified = []
    for number, line in enumerate(lines, 1):
        entry = recorded.get(line.record)
        at = f"{name} line {number}"
        if entry is None:
            raise NOT_IN_LEDGER.error("is not in the ledger", hint="the ledger is authoritative", at=Location(at))
        past = _past(line.record, at, entry, evidence, history, lock=name)
        rules = rebuild(past)
        _check_counted(past, evidence.roots)
        verified.append(replace(_verified(past, number, rules), reviewed_by=_reviewers(history, entry)))
    _require_complete(history, [line.record for line in lines], agent, name)
    known = evidence.ledger.record_ids() if inbox else {}
    waiting = history.with_inbox(r for r in inbox if r.agent == agent and r.id not in known)
    notes = (*notes, *unrecorded_notes(waiting))
    return Verification(agent, _marked(verified, history), evidence.ledger.size, evidence.roots[-1].version, notes)


def _marked(verified: Sequence[VerifiedLine], history: History) -> tuple[VerifiedLine, ...]:
    """The lines with what became of them."""
    heads = {h.line: h for e in {v.environment for v in verified} if (h := history.head(e)) is not None}
    found = []
    for v in verified:
        head, own = heads.get(v.digest), history.line(v.entry)
        withdrawn = history.withdrawn(head) if head is not None else own.revoked if own is not None else None
        found.append(replace(v, current=head is not None, withdrawn=withdrawn))
    return tuple(found)


def verify_head(head: Head, history: History, evidence: Evidence) -> Past:
    """Verify a line that the next promotion goes on from: what is built on it is worth no more (rule P17).

    Returns:
        What there was when it was decided.

    Raises:
        TrustError: with the one reason; the ledger entry is named.
    """
    name = f"ledger entry {head.seq}"
    past = _past(head.record.envelope, name, head.seq, evidence, history)
    rebuild(past)
    _check_counted(past, evidence.roots)
    return past


def _require_complete(history: History, lock: list[bytes], agent: str, name: str) -> None:
    """The lock has all of the agent's lines, in the ledger's order."""
    ledger = [line.record for line in lock_of(history)]
    if ledger != lock:
        raise NOT_IN_LOCK.error(
            f"the ledger has {len(ledger)} lines of {agent}, the lock {len(lock)}, and they must be the same",
            hint="promote completes the lock from the ledger",
            at=Location(name),
        )


def _past(data: bytes, at: str, entry: int, evidence: Evidence, history: History, *, lock: str = "") -> Past:
    """A verified line in its place, with what there was then; where it stands in a lock's file, that is named."""
    require_no_void_line(history, entry, at, lock)
    ledger = evidence.ledger
    held = ledger.entries[entry]
    record, roots = verify_line(data, at, evidence.roots, evidence.now, held, named=False)
    require_current(roots[-1], held.at)
    _check_place(record, entry, at, ledger)
    _check_root(roots[-1].version, entry, at, history)
    return Past(record, at, held, ledger.entries[:entry], roots, evidence.objects, evidence.environ)


def _verified(past: Past, number: int, rules: int) -> VerifiedLine:
    predicate = past.predicate
    return VerifiedLine(
        number=number,
        digest=digest_of(past.record.envelope.rstrip(b"\n")),
        environment=predicate["environment"],
        at=predicate["now"],
        entry=past.entry.seq,
        assurance=predicate["decision"]["assurance"],
        rules=rules,
        approvals=tuple((a["principal"], a["role"]) for a in predicate["approvals"]),
        current=False,
        binding=predicate["binding"],
        kind=past.record.type,
        target=predicate.get("target_line", ""),
        emergency=predicate.get("emergency", False),
        waivers=tuple(predicate["waivers"]),
        adopted=tuple(f"in {a.environment} since {a.at}" for a in adopted_in(past.record)),
    )


def _reviewers(history: History, entry: int) -> tuple[str, ...]:
    line = history.line(entry)
    return tuple(sorted({r.principal for r in reviews_of(history, line)})) if line and is_emergency(line) else ()


def _check_place(record: Record, entry: int, at: str, ledger: LedgerState) -> None:
    """The line stands in the ledger directly after the tree that it was decided on."""
    decided_on: dict[str, Any] = cast("dict[str, Any]", record.predicate["decided_on"])
    size = decided_on["tree_size"]
    leaf = ledger.entries[entry].leaf_hash()
    root = bytes.fromhex(ledger.root_hash.removeprefix("sha256:"))
    proven = verify_inclusion(leaf, entry, ledger.size, ledger.inclusion(entry), root)
    same_tree = size == entry and ledger.root_at(size) == decided_on["root_hash"]
    if not proven or not same_tree or decided_on["origin"] != ledger.origin:
        raise FACTS_DIFFER.error("was not decided on the ledger that it stands in", hint=STOLEN, at=Location(at))


def _check_counted(past: Past, roots: Sequence[TrustRoot]) -> None:
    """Nothing that the line counted was revoked when it was sequenced, whatever older root the line names.

    Raises:
        TrustError: the root that was in force then revokes a submit, an approval, a run, a review or the request, or
            its key, or the key of the bundle's publisher; or the newest root calls the publisher's key compromised
            before that.
    """
    if roots[-1].compromised():
        require_publisher(past, roots[-1], compromised=True)
    force = [r for r in roots if r.issued_unix <= past.entry.at][-1]
    if force.version <= past.roots[-1].version:
        return
    require_publisher(past, force)
    predicate = past.predicate
    _require_standing_ground(past, [r for r in roots if r.version <= force.version])
    named = {*counted_in(predicate)}
    history = read_history(past.before, past.roots, past.record.agent, past.entry.at)
    for counted in history.records:
        if counted.record.id in named:
            require_not_revoked(counted.record, force, f"{past.at}: ledger entry {counted.seq}", seq=counted.seq)


def _require_standing_ground(past: Past, roots: Sequence[TrustRoot]) -> None:
    """Under the root in force it had the same place, and the line that it was carried from or went back to stood."""
    history = read_history(past.before, roots, past.record.agent, past.entry.at)
    why = _why_groundless(past, history, roots[-1])
    if why:
        message = f"{why}, by trust root version {roots[-1].version}, which was in force"
        raise REVOKED.error(message, hint=STOLEN, at=Location(past.at))


def _why_groundless(past: Past, history: History, root: TrustRoot) -> str:
    said, place = past.predicate, next_place(lock_of(history), past.environment.id)
    if (place.seq, place.previous, place.base) != (said["seq"], said["previous"], said["base"]):
        return "goes on from a line that is not in the lock"
    lines = (h for e in root.environments for h in history.lines(e.id))
    if said["source"] not in {NO_SOURCE, *(h.line for h in lines if h.revoked is None)}:
        return f"was decided on the line {said['source'][:19]}…, which is revoked"
    if past.record.type != ROLLBACK:
        return ""
    try:
        rollback_to(history, past.environment.id, Wanted(said["target_line"], said["emergency"]))
    except BspecError as e:
        return f"goes back where no rollback could: {e.problems[0].message}"
    return ""


def _check_root(version: int, entry: int, at: str, history: History) -> None:
    """No line is decided under an older trust root than a record before it names."""
    before = [r.record.predicate["trust_root"] for r in history.records if r.seq is not None and r.seq < entry]
    newest = max((cast("dict[str, int]", t)["version"] for t in before), default=version)
    if newest > version:
        raise FACTS_DIFFER.error(
            f"was decided under trust root version {version} when version {newest} was in use",
            hint=STOLEN,
            at=Location(at),
        )
