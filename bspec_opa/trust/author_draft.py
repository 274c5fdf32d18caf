"""A trust root in the making: the keys met so far, where each part came from, and what is wrong."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import BspecError, Problem
from bspec_opa.foundation.times import format_time, parse_duration
from bspec_opa.trust.adoption import DEFAULT_COUNT
from bspec_opa.trust.currency.demand import DEFAULT_LIFETIME_S, EVERYWHERE, HEAD_PURPOSE
from bspec_opa.trust.currency.demand import DEFAULT_SKEW_S as HEAD_SKEW_S
from bspec_opa.trust.keys import public_key_from_pem
from bspec_opa.trust.publisher import publisher_key_from_pem
from bspec_opa.trust.reasons import BAD_TRUST_FILE
from bspec_opa.trust.revocation import MEMBERS
from bspec_opa.trust.root_rules import ANY, GATE_ROLE, ROOT_SCHEMA_ID, root_faults
from bspec_opa.trust.witnesses import DEFAULT_SKEW_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.root import AcceptedBundle, TrustRoot

KEYID_DIGITS = 64


@dataclass(frozen=True, slots=True)
class BundleReference:
    """How ``trust.yaml`` names a bundle: ``shipped`` by name, or a file by ``path``."""

    kind: str
    value: str


@dataclass(slots=True)
class Draft:
    """A payload in the making: the keys met so far, where each part came from, and what is wrong."""

    document: Document
    read_public_key: Callable[[str], bytes]
    resolve_bundle: Callable[[BundleReference], AcceptedBundle]
    problems: list[Problem] = field(default_factory=list)
    keys: dict[str, JsonObject] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=lambda: {"/expires": "/valid"})

    def payload(self, issued: int, previous: TrustRoot | None) -> JsonObject:
        """The whole payload; ``problems`` says whether it can be used."""
        file = cast("JsonObject", self.document.value)
        root, ledger = cast("JsonObject", file["root"]), cast("JsonObject", file["ledger"])
        root_keys = self._keys(root, "/root/keys", "root")
        ledger_keys = self._keys(ledger, "/ledger/keys", "ledger")
        principals, grants = self._principals()
        witnesses = self._witnesses() | self._head()
        environments = [self._environment(e) for e in _items(file, "environments")]
        revoked = [self._revoked(r, f"/revoked/{n}") for n, r in enumerate(_items(file, "revoked"))]
        return {
            "schema": ROOT_SCHEMA_ID,
            "domain": file["domain"],
            "version": previous.version + 1 if previous else 1,
            "previous_digest": previous.digest if previous else ZERO_DIGEST,
            "issued": format_time(issued),
            "expires": format_time(issued + self._validity()),
            "root": {"keys": root_keys, "threshold": root["threshold"]},
            "principals": principals,
            "grants": grants,
            "agents": [{"id": a["id"], "owners": a["owners"]} for a in _items(file, "agents")],
            "environments": environments,
            "policies": self._policies([str(e["id"]) for e in _items(file, "environments")]),
            "publishers": [],
            "ledger": {"origin": ledger["origin"], "keys": ledger_keys},
            "revoked": revoked,
            "keys": list(self.keys.values()),
            **witnesses,
        }

    def check(self, payload: JsonObject, previous: TrustRoot | None) -> None:
        """Find what a root may not say, at the lines that say it."""
        for fault in root_faults(payload):
            self._problem(fault.message, self._origin(fault.pointer))
        if previous is not None and payload["domain"] != previous.domain:
            self._problem(f'the domain of the present root is "{previous.domain}" and stays', "/domain")

    def _problem(self, message: str, pointer: str) -> None:
        self.problems.append(BAD_TRUST_FILE.problem(message, at=self.document.locate(pointer)))

    def _origin(self, pointer: str) -> str:
        """Where in the file a place of the payload comes from: the longest part of it that is noted."""
        at = pointer
        while at and at not in self.origins:
            at = at.rpartition("/")[0]
        return self.origins[at] + pointer[len(at) :] if at else pointer

    def _validity(self) -> int:
        return self._duration(str(cast("JsonObject", self.document.value)["valid"]), "/valid")

    def _duration(self, text: str, pointer: str) -> int:
        try:
            return parse_duration(text)
        except BspecError as e:
            self._problem(str(e), pointer)
            return 1

    def _keys(self, holder: JsonObject, pointer: str, purpose: str) -> list[JsonValue]:
        texts = cast("list[str]", holder["keys"])
        found = [self._key(text, f"{pointer}/{n}", purpose) for n, text in enumerate(texts)]
        return [keyid for keyid in found if keyid is not None]

    def _public(self, text: str, pointer: str) -> PublicKey | None:
        """The key of a path or of PEM text; its text never appears in a problem (attack A71)."""
        try:
            return public_key_from_pem(self._pem(text))
        except BspecError as e:
            self._problem(f"key: {e.problems[0].message}", pointer)
            return None

    def _fingerprint(self, text: str, pointer: str) -> str | None:
        """The id of a person's or a publisher's key."""
        try:
            return publisher_key_from_pem(self._pem(text)).fingerprint
        except BspecError:
            public = self._public(text, pointer)
            return public.keyid if public else None

    def _pem(self, text: str) -> bytes:
        return text.encode() if "-----BEGIN" in text else self.read_public_key(text)

    def _key(self, text: str, pointer: str, purpose: str) -> str | None:
        """The id of a key; its entry is made at its first place."""
        public = self._public(text, pointer)
        if public is None:
            return None
        known = self.keys.get(public.keyid)
        if known is None:
            self.origins[f"/keys/{len(self.keys)}"] = pointer
            encoded = base64.b64encode(public.spki).decode("ascii")
            entry: JsonObject = {"id": public.keyid, "alg": public.algorithm, "public": encoded, "purpose": purpose}
            self.keys[public.keyid] = entry
        elif known["purpose"] != purpose and not (known["purpose"] == "root" and purpose == "record"):
            self._problem(f"this key is a {known['purpose']} key already; a key has one purpose", pointer)
        return public.keyid

    def _principals(self) -> tuple[list[JsonValue], list[JsonValue]]:
        """Gates and people, and what they are granted."""
        file = cast("JsonObject", self.document.value)
        principals: list[JsonValue] = []
        grants: list[JsonValue] = []
        for member, purpose in (("gates", "gate"), ("principals", "record")):
            for n, item in enumerate(_items(file, member)):
                at = f"/{member}/{n}"
                self.origins[f"/principals/{len(principals)}"] = at
                keys = self._keys(item, f"{at}/keys", purpose)
                principals.append({"id": item["id"], "group": item.get("group", item["id"]), "keys": keys})
                roles = _items(item, "roles") if member == "principals" else [item | {"role": GATE_ROLE}]
                for m, role in enumerate(roles):
                    self.origins[f"/grants/{len(grants)}"] = f"{at}/roles/{m}" if member == "principals" else at
                    grants.append(_grant(str(item["id"]), role))
        return principals, grants

    def _witnesses(self) -> JsonObject:
        """The member ``witnesses``; nothing, where the file demands none."""
        found = cast("JsonObject | None", cast("JsonObject", self.document.value).get("witnesses"))
        if found is None:
            return {}
        members: list[JsonValue] = []
        for n, item in enumerate(_items(found, "members")):
            key = self._key(str(item["key"]), f"/witnesses/members/{n}/key", "witness")
            members.append({"name": item["name"], "key": key})
        return {"witnesses": {"skew_s": DEFAULT_SKEW_S, **found, "members": members}}

    def _head(self) -> JsonObject:
        """The member ``head``; nothing, where the file demands none."""
        found = cast("JsonObject | None", cast("JsonObject", self.document.value).get("head"))
        if found is None:
            return {}
        everywhere: list[JsonValue] = [EVERYWHERE]
        defaults: JsonObject = {
            "max_lifetime_s": DEFAULT_LIFETIME_S,
            "skew_s": HEAD_SKEW_S,
            "environments": everywhere,
        }
        return {"head": {**defaults, **found, "keys": self._keys(found, "/head/keys", HEAD_PURPOSE)}}

    def _environment(self, item: JsonObject) -> JsonValue:
        defaults: JsonObject = {"from": "", "assurance": "measured", "mandatory_rules": []}
        if "adoption" in item:
            adoption: JsonObject = {"count": DEFAULT_COUNT, "agents": ["*"], **cast("JsonObject", item["adoption"])}
            return defaults | item | {"adoption": adoption}
        return defaults | item

    def _policies(self, environments: list[str]) -> list[JsonValue]:
        """Bundles and publishers by environment, in the order of the file."""
        file = cast("JsonObject", self.document.value)
        found: dict[str, dict[str, list[JsonValue]]] = {}
        for n, item in enumerate(_items(file, "policies")):
            at = f"/policies/{n}"
            if not item.keys() & {"bundles", "publishers"}:
                self._problem("names neither bundles nor publishers", at)
            bundles = [self._bundle(b, f"{at}/bundles/{m}") for m, b in enumerate(_items(item, "bundles"))]
            publishers = [self._publisher(p, f"{at}/publishers/{m}") for m, p in enumerate(_items(item, "publishers"))]
            for environment in cast("list[str]", item.get("environments", environments)):
                accepted = found.setdefault(environment, {"bundles": [], "publishers": []})
                target = f"/policies/{list(found).index(environment)}"
                self.origins.setdefault(target, at)
                for member, items in (("bundles", bundles), ("publishers", publishers)):
                    for m, value in enumerate(items):
                        self.origins[f"{target}/{member}/{len(accepted[member])}"] = f"{at}/{member}/{m}"
                        accepted[member].append(value)
        return [_policy(environment, accepted) for environment, accepted in found.items()]

    def _publisher(self, item: JsonObject, pointer: str) -> JsonValue:
        """A publisher's entry; its key is called by its fingerprint unless ``key_id`` says otherwise."""
        try:
            key = publisher_key_from_pem(self._pem(str(item["key"])), str(item.get("key_id", "")))
        except BspecError as e:
            self._problem(f"key: {e.problems[0].message}", f"{pointer}/key")
            return None
        return {
            "name": item["name"],
            "key": {"id": key.id, "alg": key.algorithm, "public": base64.b64encode(key.spki).decode("ascii")},
            "scope": item.get("scope", ""),
            "minimum_sequence": item.get("minimum_sequence", 1),
            "max_age_s": self._duration(str(item["max_age"]), f"{pointer}/max_age") if "max_age" in item else 0,
        }

    def _bundle(self, item: JsonObject, pointer: str) -> JsonValue:
        if len(item) != 1:
            self._problem("a bundle is named by shipped or by path, one of them", pointer)
            return None
        kind, value = next(iter(item.items()))
        try:
            bundle = self.resolve_bundle(BundleReference(kind, str(value)))
        except BspecError as e:
            self._problem(f"bundle: {e.problems[0].message}", pointer)
            return None
        return {"name": bundle.name, "revision": bundle.revision, "digest": bundle.digest}

    def _revoked(self, item: JsonObject, pointer: str) -> JsonValue:
        if ("key" in item) == ("record" in item):
            self._problem("a revocation names a key or a record, one of them", pointer)
            return None
        kind = "key" if "key" in item else "record"
        identifier: JsonValue = item[kind]
        if kind == "key" and len(str(identifier)) != KEYID_DIGITS:
            identifier = self._fingerprint(str(identifier), f"{pointer}/key")
        since = {m: item[m] for m in MEMBERS if m in item}
        return {"kind": kind, "id": identifier, "reason": item["reason"]} | since


def _items(value: JsonObject, member: str) -> list[JsonObject]:
    """The items of a list that may be left out."""
    return cast("list[JsonObject]", value.get(member, []))


def _policy(environment: str, accepted: dict[str, list[JsonValue]]) -> JsonValue:
    """An environment's entry; without publishers it has the form from before there were any."""
    policy: JsonObject = {"environment": environment, "bundles": accepted["bundles"]}
    return policy | {"publishers": accepted["publishers"]} if accepted["publishers"] else policy


def _grant(principal: str, role: JsonObject) -> JsonValue:
    everywhere: list[JsonValue] = [ANY]
    return {
        "principal": principal,
        "role": role["role"],
        "agents": role.get("agents", everywhere),
        "environments": role.get("environments", everywhere),
    }
