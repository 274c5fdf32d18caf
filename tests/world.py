"""A small, complete trust world for tests: keys, a signed trust root, and signed records of every type.

    world = World()
    data = world.submit()                              # bytes of a DSSE envelope, by alice
    data = world.approval(role="security")             # by sam, for staging
    data = world.evidence(counts={...}, by="eve")
    record = world.verify(data)                        # bspec_opa.trust.authority.Record

Who there is (keys are derived from the names, so ids are the same in every run):

========  =======================  ============================================================
name      group                    may
========  =======================  ============================================================
alice     team:support             submit ``billing-support`` (an owner); has a second key, alice-2
bob       team:support             submit too; also holds role environment-admin
eve       team:quality             sign evidence (evaluator)
dana      team:platform            approve as environment-admin
sam       team:security            approve as security; sign waivers (waiver-approver)
rita      team:risk                approve as risk-owner; review emergencies (reviewer)
pat       team:platform            request promotions (promoter)
gate      gate                     sign promotions, rollbacks and denials (key purpose gate)
ledger    (no principal)           sign checkpoints (key purpose ledger)
root-1,2  (no principal)           sign the trust root, threshold 2
mallory   (not in the root)        nothing
========  =======================  ============================================================

Environments: ``staging``; ``production`` from staging. Agents: ``billing-support`` (owner team:support) and
``other-agent`` (owner rita). Each environment accepts one bundle, ``World.BUNDLE``.

Every record has a valid predicate by default; any member can be given by name (``environment="production"``), the
common ones, too. ``intent``, ``binding_digest``, ``surface`` are subject digests, ``by`` the signer, ``at`` the Unix second
of ``signed_at`` (default: ``World.NOW``). ``sign`` signs whatever it is given, valid or not. ``refused(code)`` is
a context manager that demands an error with this reason code.
"""

from __future__ import annotations

import copy
import hashlib
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import ZERO_DIGEST, Digest, digest_json, digest_of
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import format_time, parse_time
from bspec_opa.trust.authority import Record, verify_record
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, TRUST_ROOT_PAYLOAD_TYPE, sign_envelope
from bspec_opa.trust.keys import PrivateKey
from bspec_opa.trust.root import AcceptedBundle, TrustRoot
from bspec_opa.trust.statement import Subject, record_statement
from bspec_opa.trust.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

DAY = 86_400
SIGNERS = {
    "submit": "alice",
    "evidence": "eve",
    "request": "pat",
    "waiver": "sam",
    "review": "rita",
    "promotion": "gate",
    "rollback": "gate",
    "denial": "gate",
    "revocation": "pat",
    "retirement": "pat",
}
ENDINGS: dict[str, JsonObject] = {
    "revocation": {"environment": "staging", "type": "approval", "mode": "retired", "reason": "in error"},
    "retirement": {"environment": "staging", "reason": "replaced"},
}
APPROVERS = {"environment-admin": "dana", "security": "sam", "risk-owner": "rita"}


@cache
def key_of(name: str) -> PrivateKey:
    """The Ed25519 key that belongs to a name, always the same."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return PrivateKey(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


@contextmanager
def refused(code: str) -> Iterator[pytest.ExceptionInfo[BspecError]]:
    """The block is refused with exactly this reason code first: ``with refused("trust.bad-signature") as e:``."""
    with pytest.raises(BspecError) as raised:
        yield raised
    assert raised.value.code == code, f"{raised.value.code}: {raised.value}"


def digest(text: str) -> Digest:
    """Some digest, the same for the same text."""
    return digest_of(text.encode())


class World:
    """See the module's docstring."""

    NOW: ClassVar[int] = parse_time("2026-06-01T12:00:00Z")
    ISSUED: ClassVar[int] = parse_time("2026-05-01T00:00:00Z")
    EXPIRES: ClassVar[int] = parse_time("2027-05-01T00:00:00Z")
    DOMAIN: ClassVar[str] = "acme"
    AGENT: ClassVar[str] = "billing-support"
    ORIGIN: ClassVar[str] = "acme.example/bspec"
    INTENT: ClassVar[Digest] = digest("intent")
    SURFACE: ClassVar[Digest] = digest("surface")
    BINDING_DOCUMENT: ClassVar[JsonObject] = {"models": [], "tools": [], "components": []}
    BINDING: ClassVar[Digest] = digest_json(BINDING_DOCUMENT)
    BUNDLE: ClassVar[AcceptedBundle] = AcceptedBundle("default", str(digest("revision")), digest("bundle"))

    def __init__(self) -> None:
        self.payloads: list[JsonObject] = []
        self.root_files: list[bytes] = []
        self.roots: tuple[TrustRoot, ...] = ()
        self._nonce = 0
        self.add_root(self.root_payload())

    # The trust root

    @property
    def root(self) -> TrustRoot:
        """The newest version."""
        return self.roots[-1]

    @property
    def pin(self) -> Digest:
        """The digest of version 1."""
        return digest_json(self.payloads[0])

    def root_payload(self) -> JsonObject:
        """A fresh payload of version 1, to be changed by the caller or not."""
        purposes = dict.fromkeys(("alice", "alice-2", "bob", "eve", "dana", "sam", "rita", "pat"), "record")
        purposes |= {"gate": "gate", "ledger": "ledger", "root-1": "root", "root-2": "root"}
        return {
            "schema": "bspec.trust-root/v1",
            "domain": self.DOMAIN,
            "version": 1,
            "previous_digest": ZERO_DIGEST,
            "issued": format_time(self.ISSUED),
            "expires": format_time(self.EXPIRES),
            "root": {"keys": [key_of("root-1").keyid, key_of("root-2").keyid], "threshold": 2},
            "keys": [key_entry(name, purpose) for name, purpose in purposes.items()],
            "principals": [
                _principal("alice", "team:support", "alice", "alice-2"),
                _principal("bob", "team:support", "bob"),
                _principal("eve", "team:quality", "eve"),
                _principal("dana", "team:platform", "dana"),
                _principal("sam", "team:security", "sam"),
                _principal("rita", "team:risk", "rita"),
                _principal("pat", "team:platform", "pat"),
                _principal("gate", "gate", "gate"),
            ],
            "grants": [
                grant("alice", "author"),
                grant("bob", "author"),
                grant("bob", "environment-admin"),
                grant("eve", "evaluator"),
                grant("dana", "environment-admin"),
                grant("sam", "security"),
                grant("sam", "waiver-approver"),
                grant("rita", "reviewer"),
                grant("rita", "risk-owner"),
                grant("pat", "promoter"),
                grant("pat", "revoker"),
                grant("pat", "retirer"),
                grant("gate", "gate"),
            ],
            "agents": [
                {"id": self.AGENT, "owners": ["team:support"]},
                {"id": "other-agent", "owners": ["rita"]},
            ],
            "environments": [
                {"id": "staging", "from": "", "assurance": "measured", "mandatory_rules": []},
                {"id": "production", "from": "staging", "assurance": "measured", "mandatory_rules": []},
            ],
            "policies": [{"environment": e, "bundles": [bundle_entry(self.BUNDLE)]} for e in ("staging", "production")],
            "publishers": [],
            "ledger": {"origin": self.ORIGIN, "keys": [key_of("ledger").keyid]},
            "revoked": [],
        }

    def add_root(self, payload: JsonObject, signers: Sequence[str] = ("root-1", "root-2")) -> TrustRoot:
        """Sign and walk one more version."""
        self.payloads.append(payload)
        self.root_files.append(self.sign_root(payload, signers))
        self.roots = walk(self.pin, self.root_files)
        return self.root

    def next_root(self, change: Callable[[Any], object] = lambda _: None) -> TrustRoot:
        """One more version: the newest with this change made to its payload."""
        return self.add_root(self.next_payload(change))

    def next_payload(self, change: Callable[[Any], object] = lambda _: None) -> JsonObject:
        """The payload that ``next_root`` would sign."""
        payload = copy.deepcopy(self.payloads[-1])
        payload["version"] = len(self.payloads) + 1
        payload["previous_digest"] = digest_json(self.payloads[-1])
        change(payload)
        return payload

    def sign_root(self, payload: JsonObject, signers: Sequence[str] = ("root-1", "root-2")) -> bytes:
        """The file of a root version; nothing is checked."""
        keys = [key_of(s) for s in signers]
        return sign_envelope(canonical_bytes(payload), TRUST_ROOT_PAYLOAD_TYPE, keys).to_bytes()

    def set_policy(self, bundle: AcceptedBundle) -> TrustRoot:
        """One more root version in which each environment accepts this bundle only."""

        def change(payload: JsonObject) -> None:
            payload["policies"] = [
                {"environment": e.id, "bundles": [bundle_entry(bundle)]} for e in self.root.environments
            ]

        return self.next_root(change)

    # Records

    def verify(self, data: bytes, *, now: int | None = None) -> Record:
        """Verify a record against the newest root."""
        return verify_record(data, "record", self.roots, self.NOW if now is None else now)

    def common(self, record: str, at: int | None = None) -> JsonObject:
        """The common members of a predicate, with a fresh nonce."""
        self._nonce += 1
        return {
            "domain": self.DOMAIN,
            "agent": self.AGENT,
            "action": record,
            "nonce": f"{self._nonce:032x}",
            "signed_at": format_time(self.NOW if at is None else at),
            "trust_root": {"version": self.root.version, "digest": self.root.digest},
        }

    def predicate(
        self, record: str, changes: JsonObject | None = None, *, at: int | None = None, **members: JsonValue
    ) -> JsonObject:
        """A valid predicate of a record type, with these members changed."""
        predicate = self.common(record, at) | self._own(record, self.NOW if at is None else at)
        return predicate | (changes or {}) | members

    def sign(
        self, record: str, predicate: JsonObject, subjects: Sequence[Subject], *, by: str | Sequence[str]
    ) -> bytes:
        """Sign any predicate over any subjects; nothing is checked."""
        keys = [key_of(by)] if isinstance(by, str) else [key_of(b) for b in by]
        payload = record_statement(record, subjects, predicate).payload()
        return sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, keys).to_bytes()

    def subjects(
        self,
        record: str,
        *,
        intent: Digest = INTENT,
        binding: Digest = BINDING,
        surface: Digest = SURFACE,
    ) -> list[Subject]:
        """The subjects of a record type."""
        if record == "revocation":
            return [Subject("record", digest("revoked"))]
        if record == "retirement":
            scope: JsonObject = {"domain": self.DOMAIN, "agent": self.AGENT, "environment": "staging"}
            return [Subject("agent", digest_json(scope))]
        first = Subject("surface", surface) if record == "evidence" else Subject("behavior.intent", intent)
        return [first, Subject("binding", binding)]

    def record(
        self,
        record: str,
        *,
        by: str = "",
        at: int | None = None,
        intent: Digest = INTENT,
        binding_digest: Digest = BINDING,
        surface: Digest = SURFACE,
        **changes: JsonValue,
    ) -> bytes:
        """A signed record of any type; ``changes`` are members of its predicate."""
        predicate = self.predicate(record, changes, at=at)
        subjects = self.subjects(record, intent=intent, binding=binding_digest, surface=surface)
        signer = by or SIGNERS.get(record) or APPROVERS[str(predicate["role"])]
        return self.sign(record, predicate, subjects, by=signer)

    def submit(self, **arguments: object) -> bytes:
        """See :meth:`record`; by alice."""
        return self.record("submit", **arguments)  # type: ignore[arg-type]  # passed through

    def evidence(self, **arguments: object) -> bytes:
        """See :meth:`record`; by eve, 200 of 200 boundary cases."""
        return self.record("evidence", **arguments)  # type: ignore[arg-type]  # passed through

    def approval(self, **arguments: object) -> bytes:
        """See :meth:`record`; by the one who holds the role (default environment-admin: dana)."""
        return self.record("approval", **arguments)  # type: ignore[arg-type]  # passed through

    def waiver(self, **arguments: object) -> bytes:
        """See :meth:`record`; by sam."""
        return self.record("waiver", **arguments)  # type: ignore[arg-type]  # passed through

    def request(self, **arguments: object) -> bytes:
        """See :meth:`record`; by pat."""
        return self.record("request", **arguments)  # type: ignore[arg-type]  # passed through

    def promotion(self, **arguments: object) -> bytes:
        """See :meth:`record`; by the gate."""
        return self.record("promotion", **arguments)  # type: ignore[arg-type]  # passed through

    def _own(self, record: str, at: int) -> JsonObject:
        """The members of a type beyond the common ones."""
        where: JsonObject = {"environment": "staging", "base": "genesis", "source": "none"}
        later = format_time(at + 7 * DAY)
        if record == "submit":
            return {
                "version": "1.0.0",
                "surface_digest": self.SURFACE,
                "schema_digest": digest("schema"),
                "catalog": {"digest": digest("catalog")},
                "components": [{"id": "system-prompt", "digest": digest("prompt")}],
                "supersedes": [],
            }
        if record == "evidence":
            return self._evidence(at)
        if record == "approval":
            return where | {
                "decision": "approve",
                "role": "environment-admin",
                "change_digest": digest("change"),
                "view": digest("view"),
                "evidence": [],
                "waivers": [],
                "expires": later,
                "reason": "",
            }
        if record == "waiver":
            return {
                "environment": "staging",
                "base": "genesis",
                "rule": {"id": "global.tools.unbounded_range", "digest": digest("rule")},
                "findings": [{"path": "/tools/0/version", "msg": "any release"}],
                "reason": "the vendor pins it",
                "requester": "alice",
                "expires": later,
                "renewal": [],
            }
        others: dict[str, JsonObject] = {
            "request": where | {"emergency": False, "reason": "first release", "expires": later},
            "review": {"environment": "staging", "line": digest("line"), "reason": "looked at it, and it was right"},
        }
        if record in ENDINGS:
            return dict(ENDINGS[record])
        return others.get(record) or where | self._decided(record, at)

    def _evidence(self, at: int) -> JsonObject:
        return {
            "environment": "staging",
            "question": "boundary",
            "method": "functional",
            "counts": {"n": 200, "pass": 200, "fail": 0, "error": 0, "skip": 0},
            "probes": [{"scope_out_id": "refunds", "cases": 20, "passed": 20}],
            "observed_tools": ["billing_read_api/list_invoices"],
            "dataset": {"name": "billing cases", "digest": digest("dataset")},
            "harness": {"name": "pytest", "version": "9", "digest": digest("harness")},
            "raw_log": {"digest": digest("log")},
            "started": format_time(at - 3600),
            "finished": format_time(at),
        }

    def _decided(self, record: str, at: int) -> JsonObject:
        decision: JsonObject = {
            "engines": [
                {
                    "kind": "embedded",
                    "version": "40.0",
                    "bundle_digest": self.BUNDLE.digest,
                    "revision": self.BUNDLE.revision,
                    "provenance": "measured",
                }
            ],
            "assurance": "measured",
            "rules": [{"id": "promotion.all.submitted", "status": "pass"}],
        }
        decided: JsonObject = {
            "input_digest": digest("input"),
            "now": format_time(at),
            "decision": decision,
            "bundles": [bundle_entry(self.BUNDLE)],
            "decided_on": {"origin": self.ORIGIN, "tree_size": 4, "root_hash": digest("tree")},
        }
        if record == "denial":
            return decided | {"decision": decision | {"exit_code": 4}}
        line = decided | {
            "kind": record,
            "seq": 1,
            "previous": ZERO_DIGEST,
            "surface_digest": self.SURFACE,
            "schema": "behavior.intent/v1",
            "schema_digest": digest("schema"),
            "binding": self.BINDING_DOCUMENT,
            "change": {"verdict": "initial", "digest": digest("change"), "items": []},
            "submits": [digest("submit")],
            "approvals": [{"id": digest("approval"), "principal": "dana", "role": "environment-admin"}],
            "evidence": [digest("evidence")],
            "waivers": [],
            "reviews": [],
            "rejected": [],
            "request": digest("request"),
            "view": digest("view"),
            "adopted": [],
        }
        back: JsonObject = {"target_line": digest("line"), "emergency": False, "requester": "pat"}
        return line | back if record == "rollback" else line


def key_entry(name: str, purpose: str) -> JsonObject:
    """An item of a root's ``keys``."""
    import base64

    public = key_of(name).public
    text = base64.b64encode(public.spki).decode()
    return {"id": public.keyid, "alg": public.algorithm, "public": text, "purpose": purpose}


def _principal(name: str, group: str, *keys: str) -> JsonObject:
    ids: list[JsonValue] = [key_of(k).keyid for k in keys]
    return {"id": name, "group": group, "keys": ids}


def grant(
    principal: str, role: str, agents: Sequence[str] = ("*",), environments: Sequence[str] = ("*",)
) -> JsonObject:
    """An item of a root's ``grants``."""
    return {"principal": principal, "role": role, "agents": [*agents], "environments": [*environments]}


def bundle_entry(bundle: AcceptedBundle) -> JsonObject:
    """A bundle as records and roots name it."""
    return {"name": bundle.name, "revision": bundle.revision, "digest": bundle.digest}
