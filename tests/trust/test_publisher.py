from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from publishers import key
from world import World

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.foundation.errors import BspecError, TrustError
from bspec_opa.trust.author import build_root
from bspec_opa.trust.publisher import Publisher, publisher_key_from_pem, publisher_key_from_spki, publisher_key_of
from bspec_opa.trust.root import AcceptedBundle, parse_root

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.root import TrustRoot

FILE = """\
schema: bspec.trust/v1
domain: acme
valid: P365D
root: {threshold: 1, keys: [root]}
ledger: {origin: acme, keys: [ledger]}
principals: [{id: alice, keys: [alice]}]
agents: [{id: a, owners: [alice]}]
environments: [{id: staging}, {id: production, from: staging}]
policies:
  - bundles: [{shipped: default}]
  - environments: [production]
    publishers:
      - {name: security, key: one, key_id: acme-2026, scope: acme, minimum_sequence: 12, max_age: P90D}
      - {name: security, key: RS256}
revoked: []
"""
PEOPLE = {
    n: ed25519.Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i, n in enumerate(("root", "ledger", "alice"))
}


def pem(public: Any) -> bytes:
    return public.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)  # type: ignore[no-any-return]


def read_public_key(name: str) -> bytes:
    if name in PEOPLE:
        return pem(PEOPLE[name].public_key())
    return pem(key(name, "RS256" if name == "RS256" else "ES256").native.public_key())


def build(text: str = FILE) -> JsonObject:
    listed = AcceptedBundle("default", "r1", "sha256:" + "0" * 64)  # type: ignore[arg-type]
    document = load_yaml(text.encode(), "trust.yaml")
    return build_root(document, read_public_key=read_public_key, resolve_bundle=lambda _: listed, issued=World.ISSUED)


def parsed(payload: JsonObject) -> TrustRoot:
    return parse_root(canonical_bytes(payload), "root", authenticated=False)


def test_publishers_of_a_trust_file() -> None:
    """Two keys of one publisher; what is left out has a neutral value, and the key's SHA-256 for its id."""
    root = parsed(build())
    rsa_key = key("RS256", "RS256").public
    first = Publisher("security", publisher_key_of(key().native.public_key(), "acme-2026"), "acme", 12, 90 * 86_400)
    second = Publisher("security", publisher_key_of(key("RS256", "RS256").native.public_key()), "", 1, 0)
    assert root.publishers_of("production") == (first, second)
    assert second.key.id == second.key.fingerprint == rsa_key.fingerprint
    assert root.publishers_of("staging") == ()
    assert [b.name for b in root.accepted_bundles("production")] == ["default"]


def test_a_root_without_publishers_is_what_it_was() -> None:
    text = FILE[: FILE.index("  - environments: [production]")] + "revoked: []\n"
    assert {tuple(sorted(p)) for p in build(text)["policies"]} == {("bundles", "environment")}  # type: ignore[union-attr, arg-type]


def test_publishers_alone_are_enough() -> None:
    root = parsed(build(FILE.replace("  - bundles: [{shipped: default}]\n", "")))
    assert root.accepted_bundles("production") == ()
    assert len(root.publishers_of("production")) == 2


@pytest.mark.parametrize("revoked", ["one", "RS256"])
def test_a_revoked_key_is_no_publishers(revoked: str) -> None:
    root = parsed(build(FILE.replace("revoked: []", f"revoked: [{{key: {revoked}, reason: lost}}]")))
    assert len(root.publishers_of("production")) == 1
    assert len(root.publishers["production"]) == 2


REFUSED = {
    "neither": ("  - bundles: [{shipped: default}]", "  - environments: [staging]", 10, "names neither bundles nor publishers"),
    "an unknown member": ("minimum_sequence", "minimum_sequense", 13, 'did you mean "minimum_sequence"?'),
    "a minimum of 0": ("minimum_sequence: 12", "minimum_sequence: 0", 13, "must be 1 to"),
    "a minimum that is no number": ("minimum_sequence: 12", 'minimum_sequence: "12"', 13, "must be an integer"),
    "an age of another form": ("P90D", "90 days", 13, "is not a duration"),
    "a key id with a space": ("acme-2026", '"acme 2026"', 13, "has another form"),
    "a scope with a line break": ("scope: acme", 'scope: "a\\nb"', 13, "has another form"),
    "no name": ("name: security, key: RS256", "key: RS256", 14, 'lacks "name"'),
    "an Ed25519 key": ("key: one", "key: alice", 13, "is no key that can sign bundles"),
    "one key twice": ("key: RS256", "key: one", 14, "this key is there twice"),
    "one id twice": ("key: RS256", "key: RS256, key_id: acme-2026", 14, '"acme-2026" names two keys'),
    "a person's key": ("keys: [alice]", "keys: [one]", 13, "this key has another purpose already"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_problems_are_told_with_their_line(name: str) -> None:
    old, new, line, message = REFUSED[name]
    assert FILE.count(old) == 1
    with pytest.raises(BspecError) as error:
        build(FILE.replace(old, new))
    told = [(p.location.line, str(p)) for p in error.value.problems if p.location]
    assert error.value.code == "trust.bad-trust-file"
    assert any(at == line and message in text for at, text in told), told


def entry(payload: Any) -> Any:
    return payload["policies"][1]["publishers"][0]


SPOILT: dict[str, tuple[Callable[[Any], object], str]] = {
    "base64 of another form": (lambda p: entry(p)["key"].update(public=entry(p)["key"]["public"] + "="), "trust.bad-key"),
    "no key at all": (lambda p: entry(p)["key"].update(public="AAAA"), "trust.bad-key"),
    "another algorithm": (lambda p: entry(p)["key"].update(alg="RS256"), "trust.bad-key"),
    "an unknown algorithm": (lambda p: entry(p)["key"].update(alg="HS256"), "trust.bad-root"),
    "no publisher at all": (lambda p: p["policies"][1].update(publishers=[]), "trust.bad-root"),
    "neither": (lambda p: p["policies"][0].update(bundles=[]), "trust.bad-root"),
    "without its age": (lambda p: entry(p).pop("max_age_s"), "trust.bad-root"),
    "publishers at the top": (lambda p: p.update(publishers=[{"id": "x", "keys": []}]), "trust.bad-root"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_signed_root_that_says_so_is_refused(name: str) -> None:
    spoil, code = SPOILT[name]
    payload = build()
    spoil(payload)
    with pytest.raises(TrustError) as error:
        parsed(payload)
    assert error.value.code == code


def test_weak_and_odd_keys() -> None:
    small = rsa.generate_private_key(public_exponent=65_537, key_size=1024).public_key()  # noqa: S505 - refused
    odd = rsa.generate_private_key(public_exponent=3, key_size=2048).public_key()
    curve = ec.generate_private_key(ec.SECP384R1()).public_key()
    for public in (small, odd, curve, PEOPLE["alice"].public_key()):
        with pytest.raises(TrustError) as error:
            publisher_key_from_pem(pem(public))
        assert error.value.code == "trust.bad-key"
    for text in (b"", b"-----BEGIN PUBLIC KEY-----", b"-----BEGIN PRIVATE KEY-----"):
        with pytest.raises(TrustError):
            publisher_key_from_pem(text)


def test_one_encoding_of_a_key() -> None:
    """A compressed point is the same key under another id (attack A09)."""
    native = key().native.public_key()
    assert isinstance(native, ec.EllipticCurvePublicKey)
    point = native.public_bytes(s.Encoding.X962, s.PublicFormat.CompressedPoint)
    full = native.public_bytes(s.Encoding.X962, s.PublicFormat.UncompressedPoint)
    der = key().public.spki
    head = der[: -len(full) - 1]
    other = bytes([0x30, 0x39]) + head[2:-1] + bytes([len(point) + 1]) + b"\x00" + point
    assert base64.b64encode(der)
    with pytest.raises(TrustError, match="canonical encoding"):
        publisher_key_from_spki("ES256", other, "x")
