"""Decisions that a ledger holds: its promotions and its denials, each with the exact input and bundle."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.archive import compress
from bspec_opa.foundation.digest import Digest, digest_of, is_digest
from bspec_opa.trust.statement import parse_statement
from bspec_opa.workflow.checkout.deciding import policy_of
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.facts.past import verify_line
from bspec_opa.workflow.recorded.inputs import read_input
from bspec_opa.workflow.recorded.reasons import NO_DECISION, NO_LEDGER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.ledger.objects import ObjectStore
    from bspec_opa.trust.root import Environment, TrustRoot
    from bspec_opa.workflow.checkout.deciding import Policy

PREFIX = "entry:"
DENIAL = "denial"
KINDS = frozenset({*LINE_TYPES, DENIAL})
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision of the ledger.

    Attributes:
        entry: its number.
        kind: promotion, rollback or denial.
        predicate: what the record says; of a verified ledger, whether or not its signature was looked at again.
    """

    entry: int
    kind: str
    predicate: dict[str, Any]

    @property
    def name(self) -> str:
        """What messages call it, and what ``explain`` takes."""
        return f"{PREFIX}{self.entry}"

    def request(self, objects: ObjectStore) -> JsonObject:
        """The exact input that it was taken on.

        Raises:
            TrustError: it is missing or altered.
            InvalidInputError: it is of another contract than this version reads.
        """
        return read_input(objects.get(self.predicate["input_digest"]), f"objects/{self.predicate['input_digest']}")

    def policy(self, objects: ObjectStore) -> Policy:
        """The exact bundle that it was taken with.

        Raises:
            TrustError: it is missing or altered, or no bundle that this version reads.
        """
        bundle = self.predicate["bundles"][0]
        return policy_of(compress(objects.get(bundle["digest"])), f"{bundle['name']}.tar.gz")

    def statuses(self) -> dict[str, str]:
        """Rule id to status, as it was recorded."""
        return {r["id"]: r["status"] for r in self.predicate["decision"]["rules"]}

    def environment(self, roots: Sequence[TrustRoot]) -> Environment:
        """Where it was about, as the trust root of that time declares it."""
        version = self.predicate["trust_root"]["version"]
        root = next((r for r in roots if r.version == version), roots[-1])
        return root.environment(self.predicate["environment"])


def names_a_record(text: str) -> bool:
    """Whether a decision of the ledger is named, and no file."""
    return text.startswith(PREFIX) or is_digest(text)


def decision_of(entry: Entry) -> Recorded:
    """What an entry of one of :data:`KINDS` records; its schema was checked when it was appended."""
    statement = parse_statement(base64.b64decode(cast("str", entry.body["payload"])))
    return Recorded(entry.seq, entry.kind, cast("dict[str, Any]", statement.predicate))


def decisions_in(ledger: LedgerState) -> list[Recorded]:
    """Every decision of a ledger, oldest first."""
    return [decision_of(e) for e in ledger.entries if e.kind in KINDS]


def find_decision(wanted: str, ledger: LedgerState, roots: Sequence[TrustRoot], now: int) -> Recorded:
    """The decision of an entry's number, a record's id or a line's digest, verified.

    Raises:
        UsageError: there is no such decision; those that there are get named.
        TrustError: the record does not verify.
    """
    if not ledger.entries:
        raise NO_LEDGER.error("there is no ledger here", hint="run it in the project, or give --ledger-path")
    entry = next((e for e in ledger.entries if _is_meant(e, wanted)), None)
    if entry is None or entry.kind not in KINDS:
        kind = f"{wanted} is of the kind {entry.kind}, no decision" if entry else f"there is no decision {wanted[:80]}"
        raise NO_DECISION.error(kind, hint=_known(ledger))
    # What was revoked by its name since stays explainable, as it does where the ledger revokes it.
    verify_line(entry.record_bytes(), f"ledger entry {entry.seq}", roots, now, entry, named=False)
    return decision_of(entry)


def _is_meant(entry: Entry, wanted: str) -> bool:
    if wanted.startswith(PREFIX):
        return wanted == f"{PREFIX}{entry.seq}"
    return Digest(wanted) in {entry.record_id, digest_of(entry.record_bytes().rstrip(b"\n"))}


def _known(ledger: LedgerState) -> str:
    names = [f"{PREFIX}{e.seq}" for e in ledger.entries if e.kind in KINDS]
    if not names:
        return "the ledger holds no decision yet"
    more = "… " if len(names) > _MOST_NAMED else ""
    return f"its decisions: {more}{', '.join(names[-_MOST_NAMED:])}"
