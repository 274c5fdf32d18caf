"""Reading a trust root: from its payload to a value, and whether it holds now.

The values themselves are in ``root_values.py`` and can be imported from here.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location, error_of
from bspec_opa.foundation.times import format_time, parse_time
from bspec_opa.trust.adoption import adoption_of
from bspec_opa.trust.currency.demand import currency_of
from bspec_opa.trust.dsse import TRUST_ROOT_PAYLOAD_TYPE, parse_envelope, require_payload_type
from bspec_opa.trust.keys import PublicKey
from bspec_opa.trust.publisher_rules import checked_publisher
from bspec_opa.trust.reasons import BAD_ROOT, ROOT_EXPIRED, ROOT_NOT_YET_VALID
from bspec_opa.trust.revocation import Revocation, TreeHead, read_revocation
from bspec_opa.trust.root_rules import root_faults
from bspec_opa.trust.root_values import (
    AcceptedBundle,
    Agent,
    Environment,
    Grant,
    LedgerTrust,
    Principal,
    RootKey,
    TrustRoot,
)
from bspec_opa.trust.witnesses import witnesses_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.keys import Algorithm
    from bspec_opa.trust.publisher import Publisher

__all__ = [
    "AcceptedBundle",
    "Agent",
    "Environment",
    "Grant",
    "LedgerTrust",
    "Principal",
    "Revocation",
    "RootKey",
    "TreeHead",
    "TrustRoot",
    "parse_root",
    "read_unauthenticated",
    "require_current",
    "root_of",
]


def parse_root(payload: bytes, name: str, *, authenticated: bool) -> TrustRoot:
    """A trust root from its exact payload; who signed it is for the caller to know.

    Raises:
        TrustError: not RFC 8785, not its schema, or contradictory (attacks A09, A11, A20); all faults at once.
    """
    at = Location(name)
    try:
        value = parse_json(payload, name, text=False)
    except BspecError as e:
        raise BAD_ROOT.error(f"payload is no trust root: {e.problems[0].message}", hint="sign it again", at=at) from e
    faults = root_faults(value)
    if faults:
        raise error_of(f.reason.problem(f"{f.pointer or 'root'}: {f.message}", at=at) for f in faults)
    if canonical_bytes(value) != payload:
        raise BAD_ROOT.error("payload is not in its RFC 8785 form", hint="sign it again", at=at)
    return root_of(cast("JsonObject", value), payload, authenticated=authenticated)


def read_unauthenticated(data: bytes, name: str = "trust root") -> TrustRoot:
    """A root that nothing vouches for, for advice only: no pin, no signature is checked.

    Raises:
        TrustError: it isn't a trust root at all.
    """
    envelope = parse_envelope(data, name)
    require_payload_type(envelope, TRUST_ROOT_PAYLOAD_TYPE, name)
    return parse_root(envelope.payload, name, authenticated=False)


def require_current(root: TrustRoot, now: int) -> None:
    """Demand that a root holds at a moment: from ``issued`` inclusive to ``expires`` exclusive (attack A16).

    Raises:
        TrustError: it has expired or isn't valid yet.
    """
    if now < root.issued_unix:
        message = f"trust root version {root.version} is valid from {format_time(root.issued_unix)}"
        raise ROOT_NOT_YET_VALID.error(message, hint="check this machine's clock")
    if now >= root.expires_unix:
        message = f"trust root version {root.version} expired at {format_time(root.expires_unix)}"
        hint = "run bspec-opa trust renew and let the root keys sign the new version"
        raise ROOT_EXPIRED.error(message, hint=hint)


def root_of(value: JsonObject, payload: bytes, *, authenticated: bool) -> TrustRoot:
    """The value for a payload that was checked already."""
    root, ledger = cast("dict[str, list[str]]", value["root"]), cast("dict[str, list[str]]", value["ledger"])
    keys = {str(k["id"]): RootKey(_key(k), str(k["purpose"])) for k in _items(value, "keys")}
    return TrustRoot(
        domain=str(value["domain"]),
        version=cast("int", value["version"]),
        previous_digest=Digest(str(value["previous_digest"])),
        issued_unix=parse_time(str(value["issued"])),
        expires_unix=parse_time(str(value["expires"])),
        root_threshold=cast("int", root["threshold"]),
        root_keys=tuple(root["keys"]),
        keys=keys,
        principals=tuple(
            Principal(str(p["id"]), str(p["group"]), _texts(p["keys"])) for p in _items(value, "principals")
        ),
        grants=tuple(_grant(g) for g in _items(value, "grants")),
        agents=tuple(Agent(str(a["id"]), _texts(a["owners"])) for a in _items(value, "agents")),
        environments=tuple(_environment(e) for e in _items(value, "environments")),
        policies={str(p["environment"]): _bundles(p) for p in _items(value, "policies")},
        ledger=LedgerTrust(str(ledger["origin"]), _texts(ledger["keys"])),
        revoked=tuple(read_revocation(r) for r in _items(value, "revoked")),
        digest=digest_of(payload),
        authenticated=authenticated,
        payload=payload,
        publishers={str(p["environment"]): _publishers(p) for p in _items(value, "policies")},
        witnesses=witnesses_of(value, {k: v.public for k, v in keys.items()}),
        currency=currency_of(value, {k: v.public for k, v in keys.items()}),
    )


def _items(value: JsonObject, member: str) -> list[JsonObject]:
    return cast("list[JsonObject]", value[member])


def _texts(value: object) -> tuple[str, ...]:
    return tuple(cast("Iterable[str]", value))


def _key(value: JsonObject) -> PublicKey:
    """A key that was checked with the payload."""
    return PublicKey(str(value["id"]), cast("Algorithm", value["alg"]), base64.b64decode(str(value["public"])))


def _grant(value: JsonObject) -> Grant:
    return Grant(str(value["principal"]), str(value["role"]), _texts(value["agents"]), _texts(value["environments"]))


def _environment(value: JsonObject) -> Environment:
    rules, adoption = _texts(value["mandatory_rules"]), adoption_of(value)
    return Environment(str(value["id"]), str(value["from"]), str(value["assurance"]), rules, adoption)


def _bundles(value: JsonObject) -> tuple[AcceptedBundle, ...]:
    bundles = cast("list[dict[str, str]]", value["bundles"])
    return tuple(AcceptedBundle(b["name"], b["revision"], Digest(b["digest"])) for b in bundles)


def _publishers(value: JsonObject) -> tuple[Publisher, ...]:
    return tuple(checked_publisher(p) for p in cast("list[JsonObject]", value.get("publishers", [])))
