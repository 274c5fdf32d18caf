"""A trust root for people and as ``bspec.trust-state/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time, shown_age
from bspec_opa.ledger.witness.cosignature import verifier_key
from bspec_opa.report.decision.text import next_lines
from bspec_opa.report.writing.printable import printable
from bspec_opa.trust.quorum import holders
from bspec_opa.trust.root_rules import ANY

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.report.writing.style import Style
    from bspec_opa.trust.publisher import Publisher
    from bspec_opa.trust.revocation import Revocation
    from bspec_opa.trust.root import TrustRoot


def root_text(word: str, root: TrustRoot, pin: Digest, file: Path, style: Style) -> str:
    """The root on one screen, the pin last: it is what has to be carried elsewhere."""
    lines = [
        f"{style.mark(word, 'bold')}  trust root of {root.domain}, version {root.version}",
        f"  valid     {format_time(root.issued_unix)} to {format_time(root.expires_unix)}",
        f"  file      {printable(str(file))}",
        f"  ledger    {root.ledger.origin}",
        f"  root      {root.root_threshold} of {', '.join(h.owner for h in holders(root))}",
    ]
    lines += _witnesses(root) + _head(root)
    lines += [f"  agent     {a.id}  owned by {', '.join(a.owners)}" for a in root.agents]
    for environment in root.environments:
        origin = f" from {environment.from_}" if environment.from_ else ""
        bundles = ", ".join(f"{b.name} {b.digest[:19]}…" for b in root.accepted_bundles(environment.id))
        lines.append(f"  into      {environment.id}{origin}  {environment.assurance}; bundle {bundles or 'none'}")
        if environment.adoption is not None:
            lines.append(f"            {environment.adoption.said}")
        lines += [f"            or signed by {_publisher(root, p)}" for p in root.publishers.get(environment.id, ())]
    for principal in root.principals:
        roles = sorted({g.role for g in root.grants if g.principal == principal.id})
        lines.append(f"  principal {principal.id} ({principal.group})  {', '.join(roles)}")
    lines += [f"  revoked   {r.kind} {r.id[:19]}…  {_since(r)}{printable(r.reason)}" for r in root.revoked]
    return "\n".join([*lines, *_pin(root, pin)]) + "\n"


def _since(revocation: Revocation) -> str:
    return f"{revocation.since}: " if revocation.mode else ""


def _witnesses(root: TrustRoot) -> list[str]:
    """Who must cosign the ledger's head; nothing where nobody must."""
    if root.witnesses is None:
        return []
    known = set(root.cosigners())
    names = ", ".join(w.name if w in known else f"{w.name} REVOKED" for w in root.witnesses.members)
    age = shown_age(root.witnesses.max_age_s)
    return [f"  witnesses {root.witnesses.threshold} of {names}, at most {age} ago"]


def _witnesses_json(root: TrustRoot) -> JsonObject:
    if root.witnesses is None:
        return {"threshold": 0, "max_age_s": 0, "skew_s": 0, "members": []}
    known = set(root.cosigners())
    return {
        "threshold": root.witnesses.threshold,
        "max_age_s": root.witnesses.max_age_s,
        "skew_s": root.witnesses.skew_s,
        "members": [
            {"name": w.name, "vkey": verifier_key(w), "revoked": w not in known} for w in root.witnesses.members
        ],
    }


def _head(root: TrustRoot) -> list[str]:
    """Where a fresh head statement is demanded; nothing where nowhere."""
    if root.currency is None:
        return []
    known = set(root.head_keys())
    keys = ", ".join(f"key {k.keyid[:12]}{'' if k in known else ' REVOKED'}" for k in root.currency.keys)
    where = "everywhere" if root.currency.environments == (ANY,) else f"in {', '.join(root.currency.environments)}"
    return [f"  head      demanded {where}, signed by {keys}, at most {shown_age(root.currency.max_lifetime_s)} ago"]


def _head_json(root: TrustRoot) -> JsonObject:
    if root.currency is None:
        return {"environments": [], "max_lifetime_s": 0, "skew_s": 0, "keys": []}
    known = set(root.head_keys())
    return {
        "environments": [*root.currency.environments],
        "max_lifetime_s": root.currency.max_lifetime_s,
        "skew_s": root.currency.skew_s,
        "keys": [{"keyid": k.keyid, "revoked": k not in known} for k in root.currency.keys],
    }


def _publisher(root: TrustRoot, publisher: Publisher) -> str:
    """A publisher's key and what its bundles must satisfy."""
    parts = [f"{publisher.name}, {publisher.key.algorithm} key {publisher.key.id[:40]}"]
    parts += [f"scope {publisher.scope}"] if publisher.scope else []
    parts += [f"sequence {publisher.minimum_sequence} or higher"] if publisher.minimum_sequence > 1 else []
    parts += [f"at most {shown_age(publisher.max_age_s)} old"] if publisher.max_age_s else []
    parts += ["REVOKED"] if root.revocation("key", publisher.key.fingerprint) else []
    return ", ".join(parts)


def _pin(root: TrustRoot, pin: Digest) -> list[str]:
    """The pin; of a root that was not walked from one it is only what the file says of itself."""
    if root.authenticated:
        return [f"  pin       {pin}", *next_lines([f"export BSPEC_OPA_TRUST_PIN={pin}"])]
    return [
        f"  version 1 {pin}",
        "  note      compare this digest with the pin that you were given; do not take the pin from here",
    ]


def root_json(root: TrustRoot, pin: Digest, file: Path) -> JsonObject:
    """The root's identity."""
    return {
        "schema": "bspec.trust-state/v1",
        "exit_code": 0,
        "domain": root.domain,
        "version": root.version,
        "digest": root.digest,
        "pin": pin,
        "authenticated": root.authenticated,
        "issued": format_time(root.issued_unix),
        "expires": format_time(root.expires_unix),
        "file": str(file),
        "environments": [
            {
                "id": e.id,
                "from": e.from_,
                "assurance": e.assurance,
                "mandatory_rules": [*e.mandatory_rules],
                "adoption": e.adoption.said if e.adoption else "",
            }
            for e in root.environments
        ],
        "publishers": [
            _publisher_json(root, e.id, p) for e in root.environments for p in root.publishers.get(e.id, ())
        ],
        "witnesses": _witnesses_json(root),
        "head": _head_json(root),
    }


def _publisher_json(root: TrustRoot, environment: str, publisher: Publisher) -> JsonObject:
    key = publisher.key
    return {
        "environment": environment,
        "name": publisher.name,
        "key_id": key.id,
        "algorithm": key.algorithm,
        "fingerprint": key.fingerprint,
        "scope": publisher.scope,
        "minimum_sequence": publisher.minimum_sequence,
        "max_age_s": publisher.max_age_s,
        "revoked": root.revocation("key", key.fingerprint) is not None,
    }
