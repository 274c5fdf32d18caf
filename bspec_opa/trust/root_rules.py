"""What a trust root's payload must be: its closed schema, and the relations that a schema can't say.

Used twice: to refuse a root that was signed, and to point at the line of the ``trust.yaml`` that would make one.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.closed_schema import (
    DIGEST,
    HEX64,
    IDENTIFIER,
    PRINCIPAL,
    TIME,
    array,
    enum,
    integer,
    obj,
    string,
    violations,
)
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.foundation.times import parse_time
from bspec_opa.trust.adoption import ADOPTION, adoption_faults
from bspec_opa.trust.currency.demand import HEAD, HEAD_PURPOSE, head_faults, head_keys
from bspec_opa.trust.keys import ALGORITHMS, PublicKey, public_key_from_spki
from bspec_opa.trust.predicates import ASSURANCES, ORIGIN
from bspec_opa.trust.publisher_rules import POLICY, publisher_faults
from bspec_opa.trust.reasons import BAD_KEY, BAD_ROOT, BAD_THRESHOLD, DUPLICATE_KEY
from bspec_opa.trust.revocation import REVOCATION, revocation_faults
from bspec_opa.trust.witnesses import WITNESSES, witness_faults, witness_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import Reason

ROOT_SCHEMA_ID = "bspec.trust-root/v1"
PURPOSES = ("root", "record", "gate", "ledger", "witness", HEAD_PURPOSE)
RESERVED_ENVIRONMENTS = frozenset(("none", "all"))
GATE_ROLE = "gate"
ANY = "*"

SCOPE = array(string(pattern=r"^(?:[*]|[a-z0-9][a-z0-9._-]*)$", maximum=200), minimum=1, maximum=1000)

ROOT_SCHEMA: JsonObject = obj(
    {"witnesses": WITNESSES, "head": HEAD},
    schema=enum(ROOT_SCHEMA_ID),
    domain=IDENTIFIER,
    version=integer(1),
    previous_digest=DIGEST,
    issued=TIME,
    expires=TIME,
    root=obj(keys=array(HEX64, minimum=1, maximum=64), threshold=integer(1, 64)),
    keys=array(
        obj(id=HEX64, alg=enum(*ALGORITHMS), public=string(maximum=400), purpose=enum(*PURPOSES)), maximum=10_000
    ),
    principals=array(obj(id=PRINCIPAL, group=PRINCIPAL, keys=array(HEX64, minimum=1, maximum=64)), maximum=10_000),
    grants=array(obj(principal=PRINCIPAL, role=IDENTIFIER, agents=SCOPE, environments=SCOPE), maximum=100_000),
    agents=array(obj(id=IDENTIFIER, owners=array(PRINCIPAL, minimum=1, maximum=100)), maximum=10_000),
    environments=array(
        obj(
            {"adoption": ADOPTION},
            id=IDENTIFIER,
            from_=string(pattern="^(?:[a-z0-9][a-z0-9._-]*)?$", maximum=200),
            assurance=enum(*ASSURANCES),
            mandatory_rules=array(IDENTIFIER, maximum=1000),
        ),
        minimum=1,
        maximum=100,
    ),
    policies=array(POLICY, maximum=100),
    publishers=array(obj(id=IDENTIFIER, keys=array(HEX64)), maximum=100),
    ledger=obj(origin=ORIGIN, keys=array(HEX64, minimum=1, maximum=16)),
    revoked=array(REVOCATION, maximum=10_000),
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a payload.

    Attributes:
        pointer: JSON Pointer into the payload.
        reason: what a signed root with this fault is refused with.
        message: for people.
    """

    pointer: str
    reason: Reason
    message: str


def root_faults(payload: JsonValue) -> list[Fault]:
    """Everything that keeps a payload from being a trust root; relations only once the shape is right."""
    shape = [_shape_fault(v.pointer, v.message) for v in violations(ROOT_SCHEMA, payload)]
    if shape:
        return shape
    root = cast("JsonObject", payload)
    adoption = ((p, BAD_ROOT, m) for p, m in adoption_faults(root))
    others = (*publisher_faults(root), *witness_faults(root), *head_faults(root), *adoption)
    return [*(fault for rule in _RULES for fault in rule(root)), *(Fault(*found) for found in others)]


def _shape_fault(pointer: str, message: str) -> Fault:
    threshold = "threshold" in pointer or '"threshold"' in message
    return Fault(pointer, BAD_THRESHOLD if threshold else BAD_ROOT, message)


def decode_key(entry: JsonObject) -> PublicKey:
    """The key of an entry of ``keys``.

    Raises:
        TrustError: its base64, encoding or algorithm is wrong.
    """
    text = str(entry["public"])
    try:
        der = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        der = b""
    if base64.b64encode(der).decode("ascii") != text:
        raise BAD_KEY.error("is not padded standard base64", hint="take the key from key show")
    return public_key_from_spki(str(entry["alg"]), der)


def _objects(payload: JsonObject, member: str) -> list[JsonObject]:
    return cast("list[JsonObject]", payload[member])


def _strings(item: JsonObject, member: str) -> list[str]:
    return cast("list[str]", item[member])


def _part(payload: JsonObject, member: str) -> JsonObject:
    return cast("JsonObject", payload[member])


def _times(root: JsonObject) -> Iterator[Fault]:
    moments = []
    for member in ("issued", "expires"):
        try:
            moments.append(parse_time(str(root[member])))
        except BspecError as e:
            yield Fault(f"/{member}", BAD_ROOT, e.problems[0].message)
    if len(moments) == 2 and moments[0] >= moments[1]:  # noqa: PLR2004 - both could be read
        yield Fault("/expires", BAD_ROOT, "must lie after issued")


def _unique(root: JsonObject) -> Iterator[Fault]:
    for member in ("principals", "agents", "environments"):
        yield from _repeated(f"/{member}", (str(i["id"]) for i in _objects(root, member)), BAD_ROOT)
    yield from _repeated("/policies", (str(i["environment"]) for i in _objects(root, "policies")), BAD_ROOT)
    yield from _repeated("/revoked", (str(i["id"]) for i in _objects(root, "revoked")), BAD_ROOT)
    for n, policy in enumerate(_objects(root, "policies")):
        bundles = cast("list[JsonObject]", policy["bundles"])
        yield from _repeated(f"/policies/{n}/bundles", (str(b["digest"]) for b in bundles), BAD_ROOT)


def _repeated(pointer: str, names: Iterable[str], reason: Reason) -> Iterator[Fault]:
    seen: set[str] = set()
    for n, name in enumerate(names):
        if name in seen:
            yield Fault(f"{pointer}/{n}", reason, f'"{name}" is there twice')
        seen.add(name)


def _key_entries(root: JsonObject) -> Iterator[Fault]:
    """Each entry holds the key that its id says (attack A09)."""
    yield from _repeated("/keys", (str(k["id"]) for k in _objects(root, "keys")), DUPLICATE_KEY)
    for n, entry in enumerate(_objects(root, "keys")):
        try:
            key = decode_key(entry)
        except BspecError as e:
            yield Fault(f"/keys/{n}/public", BAD_KEY, e.problems[0].message)
            continue
        if key.keyid != entry["id"]:
            yield Fault(f"/keys/{n}/id", DUPLICATE_KEY, "is not the SHA-256 of the key: one key could have two ids")
        if entry["purpose"] in {"ledger", "witness"} and key.algorithm != "ed25519":
            message = f"a {entry['purpose']} key must be Ed25519: checkpoints have no other kind"
            yield Fault(f"/keys/{n}/alg", BAD_KEY, message)


def _key_uses(root: JsonObject) -> Iterator[Fault]:
    """Keys are used for the one thing they are for, and belong to one principal."""
    purpose = {str(k["id"]): str(k["purpose"]) for k in _objects(root, "keys")}
    uses = witness_keys(root) + head_keys(root)
    uses += [(f"/root/keys/{n}", k, ("root",)) for n, k in enumerate(_strings(_part(root, "root"), "keys"))]
    uses += [(f"/ledger/keys/{n}", k, ("ledger",)) for n, k in enumerate(_strings(_part(root, "ledger"), "keys"))]
    personal = [
        (f"/principals/{n}/keys/{m}", k, ("record", "gate", "root"))
        for n, principal in enumerate(_objects(root, "principals"))
        for m, k in enumerate(_strings(principal, "keys"))
    ]
    for pointer, keyid, allowed in uses + personal:
        if keyid not in purpose:
            yield Fault(pointer, BAD_ROOT, f"key {keyid[:12]} is not in keys")
        elif purpose[keyid] not in allowed:
            yield Fault(pointer, BAD_ROOT, f"key {keyid[:12]} has purpose {purpose[keyid]}; a key has one purpose")
    for group in (uses, personal):
        counts = Counter(keyid for _, keyid, _ in group)
        yield from (Fault(p, DUPLICATE_KEY, f"key {k[:12]} is used twice") for p, k, _ in group if counts[k] > 1)


def _threshold(root: JsonObject) -> Iterator[Fault]:
    """The threshold can be met by distinct owners of keys that aren't revoked (attack A11)."""
    owner = {k: str(p["id"]) for p in _objects(root, "principals") for k in _strings(p, "keys")}
    revoked = {str(r["id"]) for r in _objects(root, "revoked")}
    usable = {owner.get(k, k) for k in _strings(_part(root, "root"), "keys") if k not in revoked}
    threshold = cast("int", _part(root, "root")["threshold"])
    if threshold > len(usable):
        message = f"threshold {threshold} is above the {len(usable)} distinct owners of root keys"
        yield Fault("/root/threshold", BAD_THRESHOLD, message)


def _groups(root: JsonObject) -> Iterator[Fault]:
    ids = {str(p["id"]) for p in _objects(root, "principals")}
    for n, principal in enumerate(_objects(root, "principals")):
        if principal["group"] in ids - {str(principal["id"])}:
            message = f'group "{principal["group"]}" is the name of another principal'
            yield Fault(f"/principals/{n}/group", BAD_ROOT, message)


def _references(root: JsonObject) -> Iterator[Fault]:
    """Every name that is used is declared."""
    principals = {str(p["id"]) for p in _objects(root, "principals")}
    groups = {str(p["group"]) for p in _objects(root, "principals")}
    agents = {str(a["id"]) for a in _objects(root, "agents")}
    environments = {str(e["id"]) for e in _objects(root, "environments")}
    for n, grant in enumerate(_objects(root, "grants")):
        at = f"/grants/{n}"
        yield from _known(f"{at}/principal", [str(grant["principal"])], principals, "principal")
        yield from _scope(f"{at}/agents", _strings(grant, "agents"), agents, "agent")
        yield from _scope(f"{at}/environments", _strings(grant, "environments"), environments, "environment")
    for n, agent in enumerate(_objects(root, "agents")):
        yield from _known(f"/agents/{n}/owners", _strings(agent, "owners"), principals | groups, "principal or group")
    for n, policy in enumerate(_objects(root, "policies")):
        yield from _known(f"/policies/{n}/environment", [str(policy["environment"])], environments, "environment")


def _known(pointer: str, names: list[str], known: set[str], what: str) -> Iterator[Fault]:
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            yield Fault(pointer, BAD_ROOT, f'unknown {what} "{name}"' + (f"; {hint}" if hint else ""))


def _scope(pointer: str, names: list[str], known: set[str], what: str) -> Iterator[Fault]:
    if ANY not in names:
        yield from _known(pointer, names, known, what)
    elif len(names) > 1:
        yield Fault(pointer, BAD_ROOT, '"*" means all and stands alone')


def _environments(root: JsonObject) -> Iterator[Fault]:
    source = {str(e["id"]): str(e["from"]) for e in _objects(root, "environments")}
    for n, environment in enumerate(_objects(root, "environments")):
        at, name, from_ = f"/environments/{n}", str(environment["id"]), str(environment["from"])
        if name in RESERVED_ENVIRONMENTS:
            yield Fault(f"{at}/id", BAD_ROOT, f'"{name}" can\'t be an environment: the word has a meaning')
        if from_ and from_ not in source:
            yield from _known(f"{at}/from", [from_], set(source), "environment")
        elif _returns(name, source):
            yield Fault(f"{at}/from", BAD_ROOT, f'"{name}" comes from itself in a circle')


def _returns(start: str, source: dict[str, str]) -> bool:
    """Whether following ``from`` leads back to the start."""
    at = source[start]
    for _ in source:
        if at == start:
            return True
        at = source.get(at, "")
    return False


def _lists(root: JsonObject) -> Iterator[Fault]:
    if root["publishers"]:
        yield Fault("/publishers", BAD_ROOT, "publishers have no meaning in this version and must be empty")
    for pointer, message in revocation_faults(_objects(root, "revoked")):
        yield Fault(pointer, BAD_ROOT, message)


_RULES = (
    _times,
    _unique,
    _key_entries,
    _key_uses,
    _threshold,
    _groups,
    _references,
    _environments,
    _lists,
)
