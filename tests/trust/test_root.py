from __future__ import annotations

import base64
import copy
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from world import World, bundle_entry, digest, grant, key_entry, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import ZERO_DIGEST, digest_of
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, sign_envelope
from bspec_opa.trust.keys import PrivateKey
from bspec_opa.trust.root import (
    AcceptedBundle,
    Agent,
    Environment,
    LedgerTrust,
    Principal,
    Revocation,
    TrustRoot,
    parse_root,
    read_unauthenticated,
    require_current,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject

WORLD = World()


def parse(payload: JsonObject) -> TrustRoot:
    return parse_root(canonical_bytes(payload), "root.json", authenticated=True)


def changed(change: Callable[[Any], object]) -> JsonObject:
    payload = WORLD.root_payload()
    change(payload)
    return payload


def test_root_says_what_its_payload_says() -> None:
    payload = canonical_bytes(WORLD.root_payload())
    root = parse_root(payload, "root", authenticated=True)
    assert (root.domain, root.version, root.previous_digest) == ("acme", 1, ZERO_DIGEST)
    assert (root.issued_unix, root.expires_unix) == (World.ISSUED, World.EXPIRES)
    assert root.root_threshold == 2
    assert root.root_keys == (key_of("root-1").keyid, key_of("root-2").keyid)
    assert root.keys[key_of("gate").keyid].purpose == "gate"
    assert root.keys[key_of("alice").keyid].public == key_of("alice").public
    assert root.environments == (
        Environment("staging", "", "measured", ()),
        Environment("production", "staging", "measured", ()),
    )
    assert root.ledger == LedgerTrust(World.ORIGIN, (key_of("ledger").keyid,))
    assert root.digest == digest_of(payload)
    assert root.payload == payload
    assert root.authenticated


def test_lookups() -> None:
    root = WORLD.root
    assert root.environment("production").from_ == "staging"
    assert root.agent("other-agent") == Agent("other-agent", ("rita",))
    assert root.principal("bob") == Principal("bob", "team:support", (key_of("bob").keyid,))
    assert root.principal("nobody") is None
    assert root.principal_of(key_of("alice-2").keyid) == root.principal_of(key_of("alice").keyid)
    assert root.principal_of(key_of("ledger").keyid) is None
    assert root.roles_of("bob", "billing-support", "staging") == {"author", "environment-admin"}
    assert root.roles_of("nobody", "billing-support", None) == frozenset()
    assert root.owns("alice", "billing-support")
    assert root.owns("rita", "other-agent")
    assert not root.owns("rita", "billing-support")
    assert not root.owns("nobody", "billing-support")
    assert not root.owns("alice", "nothing")
    assert root.accepted_bundles("staging") == (World.BUNDLE,)
    assert root.accepted_bundles("nowhere") == ()
    assert root.checkpoint_keys() == (key_of("ledger").public,)
    assert root.knows_environment("staging")
    assert not root.knows_environment("stagin")
    assert root.knows_agent("other-agent")
    assert not root.knows_agent("*")


@pytest.mark.attack("A77")
def test_unknown_environment_is_refused_with_the_nearest_name() -> None:
    with refused("trust.unknown-environment") as e:
        WORLD.root.environment("prodution")
    assert e.value.exit_code == 3
    assert 'did you mean "production"?' in str(e.value)


@pytest.mark.attack("A77")
def test_unknown_agent_is_refused_with_the_nearest_name() -> None:
    with refused("trust.unknown-agent") as e:
        WORLD.root.agent("billing-suport")
    remedy = "dd it under agents in trust.yaml, then bspec-opa trust renew trust.yaml --key …"
    assert f'did you mean "billing-support"? Or a{remedy}' in str(e.value)
    with refused("trust.unknown-agent") as e:
        WORLD.root.agent("*")
    assert f"; known: billing-support, other-agent; a{remedy}" in str(e.value)


def test_grants_cover_what_they_list() -> None:
    def change(payload: Any) -> None:
        payload["grants"] += [
            grant("rita", "a", ["other-agent"], ["staging"]),
            grant("rita", "b", ["*"], ["production"]),
        ]

    root = parse(changed(change))
    assert root.roles_of("rita", "other-agent", "staging") == {"risk-owner", "reviewer", "a"}
    assert root.roles_of("rita", "other-agent", "production") == {"risk-owner", "reviewer", "b"}
    assert root.roles_of("rita", "billing-support", "staging") == {"risk-owner", "reviewer"}
    assert root.roles_of("rita", "other-agent", None) == {"risk-owner", "reviewer", "a", "b"}


def test_revoked_ledger_key_signs_no_checkpoint() -> None:
    item = {"kind": "key", "id": key_of("ledger").keyid, "reason": "old"}
    root = parse(changed(lambda p: p.update(revoked=[item])))
    assert root.checkpoint_keys() == ()
    assert root.revocation("key", key_of("ledger").keyid) == Revocation("key", key_of("ledger").keyid, "old")
    assert root.revocation("record", key_of("ledger").keyid) is None


@pytest.mark.attack("A16")
@pytest.mark.parametrize(
    ("now", "code"),
    [
        (World.ISSUED - 1, "trust.root-not-yet-valid"),
        (World.ISSUED, ""),
        (World.EXPIRES - 1, ""),
        (World.EXPIRES, "trust.root-expired"),
        (World.EXPIRES + 1, "trust.root-expired"),
    ],
)
def test_root_holds_from_issued_until_just_before_expires(now: int, code: str) -> None:
    if not code:
        require_current(WORLD.root, now)
        return
    with refused(code) as e:
        require_current(WORLD.root, now)
    assert e.value.exit_code == 7
    assert ("trust renew" in str(e.value)) == (code == "trust.root-expired")


THRESHOLDS: dict[str, Callable[[Any], object]] = {
    "zero": lambda p: p["root"].update(threshold=0),
    "true": lambda p: p["root"].update(threshold=True),
    "negative": lambda p: p["root"].update(threshold=-1),
    "missing": lambda p: p["root"].pop("threshold"),
    "null": lambda p: p["root"].update(threshold=None),
    "text": lambda p: p["root"].update(threshold="2"),
    "above the keys": lambda p: p["root"].update(threshold=3),
    "above the distinct owners": lambda p: p["principals"][1]["keys"].extend(p["root"]["keys"]),
    "above the keys that aren't revoked": lambda p: p["revoked"].append(
        {"kind": "key", "id": key_of("root-1").keyid, "reason": "lost"}
    ),
}


@pytest.mark.attack("A11")
@pytest.mark.parametrize("name", THRESHOLDS)
def test_threshold_that_nobody_or_too_few_can_meet_is_refused(name: str) -> None:
    with refused("trust.bad-threshold"):
        parse(changed(THRESHOLDS[name]))


def duplicate_root_key(payload: Any) -> None:
    payload["root"]["keys"] = [key_of("root-1").keyid] * 2


def alias_key(payload: Any) -> None:
    """One key under two ids."""
    alias = next(k for k in payload["keys"] if k["id"] == key_of("root-1").keyid) | {"id": "0" * 64}
    payload["keys"].append(alias)
    payload["root"]["keys"] = [key_of("root-1").keyid, "0" * 64]


DUPLICATES: dict[str, Callable[[Any], object]] = {
    "one key under two ids": alias_key,
    "root key listed twice": duplicate_root_key,
    "entry twice": lambda p: p["keys"].append(p["keys"][0]),
    "key of two people": lambda p: p["principals"][1]["keys"].append(key_of("dana").keyid),
    "key twice for one person": lambda p: p["principals"][1]["keys"].append(key_of("bob").keyid),
    "ledger key twice": lambda p: p["ledger"].update(keys=[key_of("ledger").keyid] * 2),
}


@pytest.mark.attack("A09")
@pytest.mark.attack("A10")
@pytest.mark.parametrize("name", DUPLICATES)
def test_one_key_has_one_place(name: str) -> None:
    with refused("trust.duplicate-key"):
        parse(changed(DUPLICATES[name]))


def p256_ledger_key(payload: Any) -> None:
    public = PrivateKey(ec.derive_private_key(77, ec.SECP256R1())).public
    text = base64.b64encode(public.spki).decode()
    payload["keys"].append({"id": public.keyid, "alg": public.algorithm, "public": text, "purpose": "ledger"})
    payload["ledger"]["keys"] = [public.keyid]


BAD_KEYS: dict[str, Callable[[Any], object]] = {
    "not base64": lambda p: p["keys"][0].update(public="!!"),
    "not ASCII": lambda p: p["keys"][0].update(public="\u00e9\u00e9\u00e9\u00e9"),
    "without padding": lambda p: p["keys"][0].update(public=p["keys"][0]["public"].rstrip("=")),
    "empty": lambda p: p["keys"][0].update(public=""),
    "another algorithm": lambda p: p["keys"][0].update(alg="ecdsa-p256-sha256"),
    "ledger key on P-256": p256_ledger_key,
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_keys_are_what_they_say(name: str) -> None:
    with refused("trust.bad-key"):
        parse(changed(BAD_KEYS[name]))


def loop(payload: Any) -> None:
    payload["environments"][0]["from"] = "production"


REFUSED: dict[str, Callable[[Any], object]] = {
    "schema missing": lambda p: p.pop("schema"),
    "schema older": lambda p: p.update(schema="bspec.trust-root/v0"),
    "schema newer": lambda p: p.update(schema="bspec.trust-root/v2"),
    "unknown member": lambda p: p.update(extra=1),
    "version zero": lambda p: p.update(version=0),
    "version true": lambda p: p.update(version=True),
    "expired before issued": lambda p: p.update(expires=p["issued"]),
    "issued on no day": lambda p: p.update(issued="2026-02-30T00:00:00Z"),
    "no environment": lambda p: p.update(environments=[], policies=[]),
    "environment none": lambda p: p["environments"][0].update(id="none"),
    "environment all": lambda p: p["environments"][0].update(id="all"),
    "environment twice": lambda p: p["environments"].append(p["environments"][0]),
    "from unknown": lambda p: p["environments"][1].update({"from": "stagin"}),
    "from itself": lambda p: p["environments"][1].update({"from": "production"}),
    "from in a circle": loop,
    "assurance unknown": lambda p: p["environments"][0].update(assurance="believed"),
    "any agent": lambda p: p["agents"].append({"id": "*", "owners": ["alice"]}),
    "agent twice": lambda p: p["agents"].append(p["agents"][0]),
    "agent without owners": lambda p: p["agents"][0].update(owners=[]),
    "owner unknown": lambda p: p["agents"][0].update(owners=["team:suport"]),
    "principal twice": lambda p: p["principals"].append(
        {"id": "alice", "group": "x", "keys": [key_of("mallory").keyid]}
    ),
    "principal without keys": lambda p: p["principals"][0].update(keys=[]),
    "principal with an unknown key": lambda p: p["principals"][0].update(keys=[key_of("mallory").keyid]),
    "principal with the ledger key": lambda p: p["principals"][0]["keys"].append(key_of("ledger").keyid),
    "group with another's name": lambda p: p["principals"][0].update(group="bob"),
    "root key for records": lambda p: p["root"].update(keys=[key_of("root-1").keyid, key_of("alice").keyid]),
    "root key unknown": lambda p: p["root"].update(keys=[key_of("root-1").keyid, key_of("mallory").keyid]),
    "gate key for the ledger": lambda p: p["ledger"].update(keys=[key_of("gate").keyid]),
    "grant to nobody": lambda p: p["grants"].append(grant("nobody", "author")),
    "grant for an unknown agent": lambda p: p["grants"].append(grant("bob", "author", ["invented"])),
    "grant for an unknown environment": lambda p: p["grants"].append(grant("bob", "author", ["*"], ["invented"])),
    "grant for no agent": lambda p: p["grants"].append(grant("bob", "author", [])),
    "star among others": lambda p: p["grants"].append(grant("bob", "author", ["*", "billing-support"])),
    "policy for an unknown environment": lambda p: p["policies"][0].update(environment="invented"),
    "policies of one environment twice": lambda p: p["policies"].append(p["policies"][0]),
    "policy without bundles": lambda p: p["policies"][0].update(bundles=[]),
    "bundle twice": lambda p: p["policies"][0].update(bundles=[bundle_entry(World.BUNDLE)] * 2),
    "publishers": lambda p: p.update(publishers=[{"id": "acme", "keys": []}]),
    "revoked key by digest": lambda p: p["revoked"].append({"kind": "key", "id": digest("x"), "reason": "x"}),
    "revoked record by hex": lambda p: p["revoked"].append({"kind": "record", "id": "0" * 64, "reason": "x"}),
    "revoked twice": lambda p: p["revoked"].extend([{"kind": "record", "id": digest("x"), "reason": "x"}] * 2),
    "ledger without keys": lambda p: p["ledger"].update(keys=[]),
    "purpose unknown": lambda p: p["keys"][0].update(purpose="any"),
}


@pytest.mark.attack("A20")
@pytest.mark.attack("A77")
@pytest.mark.parametrize("name", REFUSED)
def test_contradictory_root_is_refused(name: str) -> None:
    with refused("trust.bad-root") as e:
        parse(changed(REFUSED[name]))
    assert str(e.value).startswith("root.json: ")
    assert e.value.exit_code == 7


def test_all_faults_are_told_at_once() -> None:
    def change(payload: Any) -> None:
        payload["publishers"] = [{"id": "acme", "keys": []}]
        payload["root"]["threshold"] = 9
        payload["agents"][0]["owners"] = ["nobody"]

    with refused("trust.bad-threshold") as e:
        parse(changed(change))
    assert [p.message.partition(":")[0] for p in e.value.problems] == [
        "/root/threshold",
        "/agents/0/owners",
        "/publishers",
    ]


ACCEPTED: dict[str, Callable[[Any], object]] = {
    "nothing changed": lambda _: None,
    "threshold of one": lambda p: p["root"].update(threshold=1),
    "no policies": lambda p: p.update(policies=[]),
    "two revisions while one replaces the other": lambda p: p["policies"][0]["bundles"].append(
        bundle_entry(AcceptedBundle("default", "2", digest("2")))
    ),
    "root key held by a person": lambda p: p["principals"][1]["keys"].append(key_of("root-1").keyid),
    "group with its own name": lambda p: (
        p["principals"][0].update(group="alice") or p["agents"][0].update(owners=["bob"])
    ),
    "long chain of environments": lambda p: p["environments"].extend(
        {
            "id": f"e{n}",
            "from": f"e{n + 1}" if n < 9 else "staging",
            "assurance": "asserted",
            "mandatory_rules": ["a.b"],
        }
        for n in range(10)
    ),
    "unused key": lambda p: p["keys"].append(key_entry("mallory", "record")),
    "revoked record": lambda p: p["revoked"].append({"kind": "record", "id": digest("x"), "reason": "wrong"}),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_makes_sense_is_taken(name: str) -> None:
    assert parse(changed(ACCEPTED[name])).version == 1


def test_environments_beside_a_circle_are_not_blamed() -> None:
    def change(payload: Any) -> None:
        payload["environments"] = [
            {"id": i, "from": f, "assurance": "measured", "mandatory_rules": []}
            for i, f in (("a", "b"), ("b", "a"), ("c", "a"))
        ]
        payload["policies"] = []

    with refused("trust.bad-root") as e:
        parse(changed(change))
    assert [p.message.partition(":")[0] for p in e.value.problems] == ["/environments/0/from", "/environments/1/from"]


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"null", b"\xff", b'{"schema":1,"schema":1}'])
def test_rubbish_is_no_root(payload: bytes) -> None:
    with pytest.raises(Exception, match="root"):
        parse_root(payload, "root", authenticated=True)


def test_payload_in_another_form_is_refused() -> None:
    payload = canonical_bytes(WORLD.root_payload())
    for other in (payload + b"\n", payload.replace(b":", b": ", 1)):
        with refused("trust.bad-root"):
            parse_root(other, "root", authenticated=True)


def test_unauthenticated_root_says_so(world: World) -> None:
    root = read_unauthenticated(world.root_files[0])
    assert not root.authenticated
    assert root.digest == world.root.digest
    assert root.environments == world.root.environments


def test_unauthenticated_root_must_still_be_a_root(world: World) -> None:
    with refused("trust.wrong-type"):
        read_unauthenticated(world.approval())
    with refused("trust.bad-envelope"):
        read_unauthenticated(b"{}\n")
    payload = canonical_bytes(world.root_payload())
    with refused("trust.wrong-type"):
        read_unauthenticated(sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of("root-1")]).to_bytes())


@given(st.data())
def test_no_part_can_be_left_out(data: st.DataObject) -> None:
    payload = copy.deepcopy(WORLD.root_payload())
    at: Any = payload
    while True:
        member = data.draw(st.sampled_from(sorted(at)) if isinstance(at, dict) else st.integers(0, len(at) - 1))
        inner = at[member]
        if isinstance(at, dict) and (not isinstance(inner, dict | list) or not inner or data.draw(st.booleans())):
            del at[member]
            break
        at = inner
        if not isinstance(at, dict | list):
            return
    with pytest.raises(Exception, match="lacks"):
        parse(payload)
