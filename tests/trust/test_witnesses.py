"""What a trust root may say about witnesses; roots that say nothing are what they were."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from world import World, digest, key_entry, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_json
from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.reasons import UNREADABLE
from bspec_opa.trust import author
from bspec_opa.trust.author import build_root, sign_root
from bspec_opa.trust.keys import PrivateKey
from bspec_opa.trust.root import AcceptedBundle, parse_root
from bspec_opa.trust.walk import walk
from bspec_opa.trust.witnesses import Witness, Witnesses

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.root import TrustRoot

EXAMPLE = textwrap.dedent(str(author.__doc__).partition("::\n\n")[2].partition("\n\nWhat a key")[0]) + "\n"
FILE = EXAMPLE + textwrap.dedent(str(author.__doc__).rpartition("::\n\n")[2])
W1, W2 = (Witness(f"w{n}.example/witness", key_of(f"w{n}").public) for n in (1, 2))


def read_public_key(path: str) -> bytes:
    """keys/NAME.pub is the public key of NAME; p256 is none that can cosign."""
    name = path.removeprefix("keys/").removesuffix(".pub")
    if name == "missing":
        raise UNREADABLE.error("can't be read")
    return (
        PrivateKey(ec.derive_private_key(5, ec.SECP256R1())).public.pem if name == "p256" else key_of(name).public.pem
    )


def build(text: str = EXAMPLE) -> JsonObject:
    bundle = AcceptedBundle("default", "r1", digest("default"))
    other = AcceptedBundle("acme", "r7", digest("acme"))
    return build_root(
        load_yaml(text.encode(), "trust.yaml"),
        read_public_key=read_public_key,
        resolve_bundle=lambda reference: bundle if reference.kind == "shipped" else other,
        issued=World.ISSUED,
    )


def walked(payload: JsonObject) -> TrustRoot:
    signers = [key_of("root-1"), key_of("root-2")]
    return walk(digest_json(payload), [sign_root(payload, signers).to_bytes()])[-1]


def test_the_example_demands_two_of_two() -> None:
    payload: Any = build(FILE)
    assert payload["witnesses"] == {
        "threshold": 2,
        "max_age_s": 86_400,
        "skew_s": 300,
        "members": [{"name": w.name, "key": w.key.keyid} for w in (W1, W2)],
    }
    assert [k["purpose"] for k in payload["keys"]].count("witness") == 2
    root = walked(payload)
    assert root.witnesses == Witnesses(2, 86_400, 300, (W1, W2))
    assert root.cosigners() == (W1, W2)


def test_a_root_without_witnesses_is_the_same_as_before_there_were_any() -> None:
    payload = build()
    assert "witnesses" not in payload
    root = walked(payload)
    assert (root.witnesses, root.cosigners(), root.payload) == (None, (), canonical_bytes(payload))


def test_a_revoked_witness_does_not_count() -> None:
    text = FILE.replace("threshold: 2\n  max", "threshold: 1\n  max").replace(
        "revoked:\n", "revoked:\n  - {key: keys/w1.pub, reason: sold}\n"
    )
    assert walked(build(text)).cosigners() == (W2,)


WRONG: dict[str, tuple[str, str, str]] = {
    "a threshold of none": ("threshold: 2\n  max", "threshold: 0\n  max", "witnesses.threshold must be 1 to 15"),
    "a threshold above the members": (
        "threshold: 2\n  max",
        "threshold: 3\n  max",
        "threshold 3 is above the 2 witnesses whose keys are not revoked",
    ),
    "no age": ("  max_age_s: 86400\n", "", 'witnesses lacks "max_age_s"'),
    "no time at all": ("max_age_s: 86400", "max_age_s: 59", "witnesses.max_age_s must be 60 to"),
    "a skew of days": ("max_age_s: 86400", "max_age_s: 86400\n  skew_s: 86401", "witnesses.skew_s must be 0 to 86400"),
    "a name twice": ("w2.example/witness", "w1.example/witness", '"w1.example/witness" is there twice'),
    "a key twice": ("keys/w2.pub", "keys/w1.pub", "is used twice"),
    "the ledger's key": ("keys/w2.pub", "keys/ledger.pub", "this key is a ledger key already"),
    "somebody's key": ("keys/w2.pub", "keys/alice.pub", "this key is a record key already"),
    "a key of another kind": ("keys/w2.pub", "keys/p256.pub", "a witness key must be Ed25519"),
    "no key": ("keys/w2.pub", "keys/missing.pub", "key: can't be read"),
    "a name with a plus": ("w2.example/witness", "w2+example", "has another form"),
    "misspelt": ("max_age_s: 86400", "max_age: 86400", 'did you mean "max_age_s"?'),
}


@pytest.mark.attack("A09")
@pytest.mark.attack("A11")
@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_with_its_line(case: str) -> None:
    old, new, expected = WRONG[case]
    assert FILE.count(old) == 1
    with pytest.raises(BspecError) as raised:
        build(FILE.replace(old, new))
    problems = raised.value.problems
    assert any(expected in f"{p.message} {p.hint}" for p in problems), [str(p) for p in problems]
    lines = {p.location.line for p in problems if p.location is not None}
    assert lines
    assert min(cast("set[int]", lines)) > len(EXAMPLE.splitlines())


def payload_with(change: Callable[[Any], object]) -> bytes:
    payload: Any = World().root_payload()
    payload["keys"] += [key_entry(n, "witness") for n in ("w1", "w2")]
    members = [{"name": n, "key": key_of(n).keyid} for n in ("w1", "w2")]
    payload["witnesses"] = {"threshold": 1, "max_age_s": 3600, "skew_s": 0, "members": members}
    change(payload)
    return canonical_bytes(payload)


def p256(payload: Any) -> None:
    import base64

    public = PrivateKey(ec.derive_private_key(5, ec.SECP256R1())).public
    text = base64.b64encode(public.spki).decode()
    payload["keys"].append({"id": public.keyid, "alg": public.algorithm, "public": text, "purpose": "witness"})


SIGNED: dict[str, tuple[str, Callable[[Any], object]]] = {
    "null": ("trust.bad-root", lambda p: p.update(witnesses=None)),
    "empty": ("trust.bad-root", lambda p: p.update(witnesses={})),
    "no members": ("trust.bad-root", lambda p: p["witnesses"].update(members=[])),
    "sixteen": ("trust.bad-root", lambda p: p["witnesses"].update(members=p["witnesses"]["members"] * 8)),
    "threshold true": ("trust.bad-threshold", lambda p: p["witnesses"].update(threshold=True)),
    "threshold too high": ("trust.bad-threshold", lambda p: p["witnesses"].update(threshold=3)),
    "all revoked": (
        "trust.bad-threshold",
        lambda p: p["revoked"].extend({"kind": "key", "id": key_of(n).keyid, "reason": "lost"} for n in ("w1", "w2")),
    ),
    "unknown key": ("trust.bad-root", lambda p: p["witnesses"]["members"][0].update(key="0" * 64)),
    "another purpose": (
        "trust.bad-root",
        lambda p: p["witnesses"]["members"][0].update(key=key_of("ledger").keyid),
    ),
    "a person's": ("trust.bad-root", lambda p: p["principals"][0].update(keys=[key_of("w1").keyid])),
    "of P-256": ("trust.bad-key", p256),
    "more members": ("trust.bad-root", lambda p: p["witnesses"].update(more=1)),
}


def test_the_payload_without_a_change_is_a_root() -> None:
    assert parse_root(payload_with(lambda _: None), "root", authenticated=False).witnesses is not None


@pytest.mark.parametrize("case", SIGNED)
def test_signed_roots_that_contradict_themselves_are_refused(case: str) -> None:
    code, change = SIGNED[case]
    with refused(code):
        parse_root(payload_with(change), "root", authenticated=False)
