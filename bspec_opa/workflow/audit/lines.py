"""A lock line of the past with everybody behind it: who submitted, evaluated, approved, requested. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT
from bspec_opa.workflow.facts import heads
from bspec_opa.workflow.facts.adopting import Adopted, adopted_in
from bspec_opa.workflow.facts.evaluation import BundleRef
from bspec_opa.workflow.facts.history import History
from bspec_opa.workflow.facts.reviews import is_emergency, reviews_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.audit.sequenced import Sequenced, Since

UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A record behind a line.

    Attributes:
        type: such as ``approval``.
        id: digest of its payload.
        entry: where the ledger has it; -1 if it has no such record that counted.
        principal: whose key signed it, by the trust root of then; empty if it is not there.
        role: in which role.
        at: when it says that it was signed.
        expires: when it says that it ends, or empty.
        about: of a run, its question, method and counts; of a waiver, its rule and reason; else empty.
        since: what became known later.
    """

    type: str
    id: Digest
    entry: int
    principal: str
    role: str
    at: str
    expires: str
    about: str
    since: tuple[Since, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What a line changed: the verdict, and each difference as verdict, JSON Pointer and sentence."""

    verdict: str
    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class PastLine:
    """A line that verified by the trust root of its time.

    Attributes:
        number: in its agent's lock, from 1.
        digest: sha256 of the line without its line feed.
        entry: the ledger entry that holds it.
        kind: ``promotion`` or ``rollback``.
        agent: whose.
        environment: where to.
        at: when it was decided.
        intent: digest of the intent.
        binding: digest of the binding.
        bound: the binding itself.
        change: from the line before in this environment.
        bundle: what decided.
        assurance: what the decision was worth.
        gate: who signed it.
        submits: who wrote it.
        runs: the evidence that counted.
        approvals: who approved, in which role.
        waivers: what was waived, by whom and until when.
        request: who asked for it.
        since: what became known later against the line or the gate's key.
        publisher: the same against the key that signed the bundle; only where the line was replayed.
        target: of a rollback, the line that it redeploys; else empty.
        emergency: whether it is a rollback by the quorum for emergencies.
        reviews: of an emergency, those by people who took no part in it.
        adopted: where the agent ran before it was under the gate, as every line since says.
    """

    number: int
    digest: Digest
    entry: int
    kind: str
    agent: str
    environment: str
    at: str
    intent: Digest
    binding: Digest
    bound: Mapping[str, Any]
    change: Change
    bundle: BundleRef
    assurance: str
    gate: str
    submits: tuple[Signed, ...]
    runs: tuple[Signed, ...]
    approvals: tuple[Signed, ...]
    waivers: tuple[Signed, ...]
    request: Signed
    since: tuple[Since, ...]
    publisher: tuple[Since, ...] = ()
    target: str = ""
    emergency: bool = False
    reviews: tuple[Signed, ...] = ()
    adopted: tuple[Adopted, ...] = ()

    @property
    def everything_since(self) -> tuple[tuple[str, Since], ...]:
        """What became known later against anything that the line rests on: what it is, and what is said."""
        records = (
            *(*self.submits, *self.runs, *self.approvals, *self.waivers),
            *(self.request, *self.reviews),
        )
        own = [(f"{self.kind} line {self.number}", s) for s in self.since]
        own += [(f"publisher of bundle {self.bundle.name}", s) for s in self.publisher]
        return (*own, *((f"{r.type} by {r.principal}", s) for r in records for s in r.since))

    @property
    def said_since(self) -> tuple[str, ...]:
        """The same in sentences; what is said of several records of one person alike is one sentence."""
        found = Counter((of, s.kind, s.revoked_by, s.reason) for of, s in self.everything_since)
        return tuple(
            f"{of if n == 1 else f'{of} ({n} records)'}: {'its key' if kind == 'key' else 'it'} was revoked by "
            f"{by}: {reason}"
            for (of, kind, by, reason), n in found.items()
        )


def past_line(found: Sequenced, record: Record, known: Mapping[str, Sequenced]) -> PastLine:
    """A line with the records that it names.

    Args:
        found: the line in its place.
        record: the line, verified.
        known: the agent's records by their id.
    """
    said: dict[str, Any] = record.predicate
    bundle, change = said["bundles"][0], said["change"]
    subject = record.statement.digest_of
    return PastLine(
        number=said["seq"] + 1,
        digest=digest_of(record.envelope.rstrip(b"\n")),
        entry=found.entry.seq,
        kind=record.type,
        agent=record.agent,
        environment=said["environment"],
        at=said["now"],
        intent=Digest(str(subject(INTENT_SUBJECT))),
        binding=Digest(str(subject(BINDING_SUBJECT))),
        bound=said["binding"],
        change=Change(change["verdict"], tuple((i["verdict"], i["path"], i["what"]) for i in change["items"])),
        bundle=BundleRef(bundle["name"], bundle["revision"], bundle["digest"]),
        assurance=said["decision"]["assurance"],
        gate=record.principal,
        submits=_signed("submit", said["submits"], known),
        runs=_signed("evidence", said["evidence"], known),
        approvals=_signed("approval", [a["id"] for a in said["approvals"]], known),
        waivers=_signed("waiver", said["waivers"], known),
        request=_signed("request", [said["request"]], known)[0],
        since=found.since,
        target=said.get("target_line", ""),
        emergency=said.get("emergency", False),
        reviews=_reviews(found, record, known),
        adopted=adopted_in(record),
    )


def _reviews(found: Sequenced, record: Record, known: Mapping[str, Sequenced]) -> tuple[Signed, ...]:
    """Who reviewed an emergency, as far as the records go."""
    counted = tuple(heads.Sequenced(s.record, s.entry.seq) for s in known.values() if s.record)
    line = heads.head_of(heads.Sequenced(record, found.entry.seq))
    history = History(counted, (), 0)
    ids = [r.id for r in reviews_of(history, line)] if is_emergency(line) else []
    return _signed("review", ids, known)


def by_id(records: Iterable[Sequenced]) -> dict[str, Sequenced]:
    """Records by their id."""
    return {r.entry.record_id: r for r in records}


def _signed(kind: str, ids: Sequence[str], known: Mapping[str, Sequenced]) -> tuple[Signed, ...]:
    """Records by their ids, in the order of the ledger."""
    found = (_one(kind, Digest(i), known.get(i)) for i in ids)
    return tuple(sorted(found, key=lambda r: (r.entry, r.id)))


def _one(kind: str, record_id: Digest, found: Sequenced | None) -> Signed:
    record = found.record if found else None
    if found is None or record is None:
        return Signed(kind, record_id, -1, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, ())
    said: dict[str, Any] = record.predicate
    about = ""
    if kind == "evidence":
        counts = said["counts"]
        about = f"{said['question']} ({said['method']}) {counts['pass']}/{counts['n']}"
    elif kind == "waiver":
        about = f"{said['rule']['id']}: {said['reason']}"
    return Signed(
        kind,
        record_id,
        found.entry.seq,
        record.principal,
        record.role,
        said["signed_at"],
        said.get("expires", ""),
        about,
        found.since,
    )
