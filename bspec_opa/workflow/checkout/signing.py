"""Making records: common fields, subjects, one signature, and a check that the record will count."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT, Record, verify_record
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, sign_envelope
from bspec_opa.trust.statement import Subject, record_statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.anchor import Anchor

NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes records of one agent under one trust root at one moment."""

    anchor: Anchor
    agent: str
    now: int

    def make(self, kind: str, subjects: Iterable[Subject], own: JsonObject, signer: Signer) -> Record:
        """A signed record.

        It is verified at once, as the gate will: whoever holds a key that does not count learns it here.

        Args:
            kind: the record's type.
            subjects: what it is about.
            own: the predicate's members beyond the common ones.
            signer: whose key signs.

        Raises:
            TrustError: the key may not sign this.
        """
        root = self.anchor.root
        predicate: JsonObject = {
            "domain": root.domain,
            "agent": self.agent,
            "action": kind,
            "nonce": secrets.token_hex(NONCE_BYTES),
            "signed_at": format_time(self.now),
            "trust_root": {"version": root.version, "digest": root.digest},
            **own,
        }
        statement = record_statement(kind, subjects, predicate)
        envelope = sign_envelope(statement.payload(), IN_TOTO_PAYLOAD_TYPE, [signer])
        return verify_record(envelope.to_bytes(), f"the new {kind}", self.anchor.roots, self.now)


def promotion_subjects(intent: Digest, binding: Digest) -> tuple[Subject, Subject]:
    """What submits, approvals and requests are about."""
    return Subject(INTENT_SUBJECT, intent), Subject(BINDING_SUBJECT, binding)
