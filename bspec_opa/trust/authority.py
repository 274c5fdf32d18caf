"""Who may sign what: from received bytes to a record that counts, or a reason why it doesn't.

Identity comes only from the key that signed, looked up in the trust root; nothing that the body says about its
signer is read (attack A13). The role that may sign follows from the record's type.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.digest import digest_json
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.times import parse_time
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, parse_envelope, require_payload_type, verify_signature
from bspec_opa.trust.predicates import check_predicate
from bspec_opa.trust.reasons import (
    BAD_MOMENT,
    FOREIGN_DOMAIN,
    FOREIGN_ROOT,
    FOREIGN_SCOPE,
    NO_ROOT,
    NOT_OWNER,
    REVOKED,
    ROLE_NOT_GRANTED,
    SIGNATURE_COUNT,
    UNKNOWN_KEY,
    WRONG_PURPOSE,
    WRONG_SUBJECTS,
)
from bspec_opa.trust.root_rules import GATE_ROLE
from bspec_opa.trust.statement import parse_statement, record_of
from bspec_opa.trust.withdrawal import (
    AGENT_SUBJECT,
    COMPROMISED_MODE,
    RECORD_SUBJECT,
    RETIREMENT,
    REVOCATION,
    scope_digest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.dsse import Envelope
    from bspec_opa.trust.root import Principal, TrustRoot
    from bspec_opa.trust.statement import Statement

INTENT_SUBJECT = "behavior.intent"
BINDING_SUBJECT = "binding"
SURFACE_SUBJECT = "surface"
ARTIFACT_PREFIX = "artifact:"

ROLE_OF: Mapping[str, str] = MappingProxyType(
    {
        "submit": "author",
        "evidence": "evaluator",
        "request": "promoter",
        "waiver": "waiver-approver",
        "review": "reviewer",
        "promotion": GATE_ROLE,
        "rollback": GATE_ROLE,
        "denial": GATE_ROLE,
        REVOCATION: "revoker",
        RETIREMENT: "retirer",
    }
)
"""Record to the role that signs it; an approval names its own."""

RESERVED_ROLES = frozenset(ROLE_OF.values())
"""Roles that can't approve (attack A14)."""

SUBJECTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        record: frozenset((SURFACE_SUBJECT if record == "evidence" else INTENT_SUBJECT, BINDING_SUBJECT))
        for record in (
            *("submit", "evidence", "approval", "waiver", "request", "review"),
            *("promotion", "rollback", "denial"),
        )
    }
    | {REVOCATION: frozenset((RECORD_SUBJECT,)), RETIREMENT: frozenset((AGENT_SUBJECT,))}
)
"""Record to the names of its subjects; a lock line has its artifacts besides."""

_CLOCKS = "check the clocks of both machines"
_REGISTER = "register it in the trust root, or sign for one that is"
_LINES = frozenset(("promotion", "rollback"))


@dataclass(frozen=True, slots=True)
class Record:
    """A record that verified: signed by this principal, in this role, over exactly these bytes.

    Attributes:
        id: digest of the payload.
        type: such as ``approval``.
        envelope: the received bytes.
        statement: subjects and predicate.
        principal: whose key signed, from the trust root.
        group: that principal's team.
        keyid: the key.
        role: the role that it was signed in.
        signed_unix: when it says that it was signed.
    """

    id: Digest
    type: str
    envelope: bytes
    statement: Statement
    principal: str
    group: str
    keyid: str
    role: str
    signed_unix: int

    @property
    def predicate(self) -> JsonObject:
        """What the record says."""
        return self.statement.predicate

    @property
    def agent(self) -> str:
        """The agent that it is about."""
        return str(self.predicate["agent"])

    @property
    def environment(self) -> str | None:
        """The environment that it is about; a submit has none, nor has the revocation of one."""
        return _environment_of(self.predicate)


def _environment_of(predicate: JsonObject) -> str | None:
    return str(predicate.get("environment", "")) or None


def verify_record(
    data: bytes, name: str, roots: Sequence[TrustRoot], now: int, *, seq: int | None = None, named: bool = True
) -> Record:
    """Verify one record against the newest of the roots.

    For a record of the past give the roots that were known then (``roots[:version]``, as walked) and the moment of
    then; that the last one is current is for the caller to demand.

    Args:
        data: the exact bytes of the file or line.
        name: what errors call it.
        roots: the walked chain; the last one decides who may sign, any of them may be named by the record.
        now: Unix seconds; a record from the future doesn't count.
        seq: the ledger entry that holds it: a key may be revoked from a later place on only.
        named: whether a revocation of the record by its name is looked at here, not by the caller.

    Raises:
        TrustError: with the reason why it doesn't count.
    """
    if not roots:
        raise NO_ROOT.error("no trust root to verify against", hint="give the pin and .bspec/trust", at=Location(name))
    root = roots[-1]
    envelope = parse_envelope(data, name)
    require_payload_type(envelope, IN_TOTO_PAYLOAD_TYPE, name)
    principal = _signer(envelope, root, name, seq)
    statement = parse_statement(envelope.payload, name)
    record = record_of(statement, name)
    check_predicate(record, statement.predicate, name)
    _require_subjects(record, statement, name)
    _require_scope(statement.predicate, root, name)
    signed_unix = _require_moment(statement.predicate, roots, now, name)
    role = _require_role(record, statement.predicate, principal, root, name)
    keyid = envelope.signatures[0].keyid
    _require_purpose(record, keyid, root, name)
    if named:
        _require_not_revoked(root, "record", envelope.digest, name)
    return Record(envelope.digest, record, data, statement, principal.id, principal.group, keyid, role, signed_unix)


def require_not_revoked(
    record: Record, root: TrustRoot, name: str, *, seq: int | None = None, own: bool = True
) -> None:
    """Demand that a root revokes neither the record nor its key; for records verified against an older root.

    Args:
        record: verified before.
        root: whose revocations hold.
        name: what errors call it.
        seq: the ledger entry that holds it.
        own: whether the record itself is looked at, too.

    Raises:
        TrustError: it is revoked.
    """
    _require_not_revoked(root, "key", record.keyid, name, seq)
    if own:
        _require_not_revoked(root, "record", record.id, name)


def _signer(envelope: Envelope, root: TrustRoot, name: str, seq: int | None) -> Principal:
    """Whose key signed, once its signature verified over the received bytes."""
    at = Location(name)
    if len(envelope.signatures) != 1:
        message = f"carries {len(envelope.signatures)} signatures; a record has one"
        raise SIGNATURE_COUNT.error(message, hint="sign one record a person", at=at)
    signature = envelope.signatures[0]
    key, principal = root.keys.get(signature.keyid), root.principal_of(signature.keyid)
    if key is None:
        message = f"is signed by key {signature.keyid[:12]}, which trust root version {root.version} doesn't know"
        raise UNKNOWN_KEY.error(message, hint="sign with a registered key, or register this one", at=at)
    if principal is None:
        message = f"is signed by key {signature.keyid[:12]}, a {key.purpose} key that belongs to no principal"
        raise WRONG_PURPOSE.error(message, hint="sign with a key of your own", at=at)
    _require_not_revoked(root, "key", signature.keyid, name, seq)
    verify_signature(envelope, signature, key.public, name)
    return principal


def _require_not_revoked(root: TrustRoot, kind: str, identifier: str, name: str, seq: int | None = None) -> None:
    revocation = root.revocation(kind, identifier, seq)
    if revocation is not None:
        since = f" ({revocation.since})" if revocation.mode else ""
        message = (
            f"{kind} {identifier[:20]} is revoked by trust root version {root.version}{since}: {revocation.reason}"
        )
        raise REVOKED.error(message, hint="sign again with a valid key", at=Location(name))


def _require_subjects(record: str, statement: Statement, name: str) -> None:
    """Exactly the subjects of the type; a lock line has artifacts besides and carries what it calls its binding."""
    names = {s.name for s in statement.subjects}
    if record in _LINES:
        names = {n for n in names if not n.startswith(ARTIFACT_PREFIX)}
    if names != SUBJECTS[record]:
        wanted = " and ".join(sorted(SUBJECTS[record]))
        message = f"{record} is about {', '.join(sorted(names)) or 'nothing'}, not about {wanted}"
        raise WRONG_SUBJECTS.error(message, hint="sign the record again with this tool", at=Location(name))
    if record in _LINES and digest_json(statement.predicate["binding"]) != statement.digest_of(BINDING_SUBJECT):
        message = f"{record} carries another binding than its subject"
        raise WRONG_SUBJECTS.error(message, hint="get the original line", at=Location(name))
    if record == RETIREMENT and scope_digest(statement.predicate) != statement.digest_of(AGENT_SUBJECT):
        message = "retirement is about another agent or environment than it names"
        raise WRONG_SUBJECTS.error(message, hint="sign it again with this tool", at=Location(name))


def _require_scope(predicate: JsonObject, root: TrustRoot, name: str) -> None:
    """Domain, agent and environment are this root's (attack A77)."""
    at = Location(name)
    if predicate["domain"] != root.domain:
        message = f"belongs to domain {predicate['domain']}, not {root.domain}"
        raise FOREIGN_DOMAIN.error(message, hint="sign it under this project's trust root", at=at)
    agent, environment = str(predicate["agent"]), _environment_of(predicate)
    if not root.knows_agent(agent):
        message = f'names agent "{agent}", which is not in the trust root'
        raise FOREIGN_SCOPE.error(message, hint=_REGISTER, at=at)
    if environment is not None and not root.knows_environment(environment):
        message = f'names environment "{environment}", which is not in the trust root'
        raise FOREIGN_SCOPE.error(message, hint=_REGISTER, at=at)


def _require_moment(predicate: JsonObject, roots: Sequence[TrustRoot], now: int, name: str) -> int:
    """Signed under one of the walked roots, not before it was issued and not in the future (attack A16)."""
    at = Location(name)
    reference = cast("JsonObject", predicate["trust_root"])
    named = next((r for r in roots if (r.version, r.digest) == (reference["version"], reference["digest"])), None)
    if named is None:
        message = f"was signed under trust root version {reference['version']}, which isn't in this chain"
        raise FOREIGN_ROOT.error(message, hint="fetch the newer versions of the root, or sign again", at=at)
    signed_unix = parse_time(str(predicate["signed_at"]))
    if signed_unix > now or signed_unix < named.issued_unix:
        when = "in the future" if signed_unix > now else "before its trust root was issued"
        raise BAD_MOMENT.error(f"claims to be signed {when}, at {predicate['signed_at']}", hint=_CLOCKS, at=at)
    return signed_unix


def _require_role(record: str, predicate: JsonObject, principal: Principal, root: TrustRoot, name: str) -> str:
    """The role that follows from the type, granted for this agent and environment (attack A14)."""
    at = Location(name)
    role = ROLE_OF.get(record) or str(predicate["role"])
    agent, environment = str(predicate["agent"]), _environment_of(predicate)
    if record == "approval" and role in RESERVED_ROLES:
        raise ROLE_NOT_GRANTED.error(f"role {role} can't approve", hint="approve in an approver's role", at=at)
    reaching = record == REVOCATION and (environment is None or predicate["mode"] == COMPROMISED_MODE)
    # What it voids may be anywhere, so whoever revokes has to be entitled everywhere.
    places = [e.id for e in root.environments] if reaching else [environment]
    environment = next((e for e in places if role not in root.roles_of(principal.id, agent, e)), environment)
    if role not in root.roles_of(principal.id, agent, environment):
        where = f"{agent} in {environment}" if environment else agent
        message = f"{principal.id} doesn't hold role {role} for {where}"
        raise ROLE_NOT_GRANTED.error(message, hint="ask somebody who does, or have it granted", at=at)
    if record == "submit" and not root.owns(principal.id, agent):
        message = f"{principal.id} submits {agent}, which belongs to {', '.join(root.agent(agent).owners)}"
        raise NOT_OWNER.error(message, hint="let an owner submit", at=at)
    return role


def _require_purpose(record: str, keyid: str, root: TrustRoot, name: str) -> None:
    """People's keys sign records, the gate's keys sign what the gate says (attack A14)."""
    purpose, wanted = root.keys[keyid].purpose, "gate" if ROLE_OF.get(record) == GATE_ROLE else "record"
    if purpose != wanted:
        message = f"{record} is signed by a {purpose} key; it takes a {wanted} key"
        raise WRONG_PURPOSE.error(message, hint="sign with the key for this purpose", at=Location(name))
