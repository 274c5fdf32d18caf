from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as s
from hypothesis import given
from hypothesis import strategies as st
from publishers import NOW, SHIPPED, key, listed, members, packed, publisher, signatures, token, unsigned_token

from bspec_opa.bundle.layout import SIGNATURES
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.signing.token import read_signature
from bspec_opa.bundle.signing.verify import verified
from bspec_opa.foundation.errors import TrustError

FILES = members(SHIPPED.read_bytes())
GOOD: dict[str, Any] = {"files": listed(FILES), "keyid": "key-one", "iat": NOW, "bspec_sequence": 7}


def one(**changed: Any) -> bytes:
    return signatures({**GOOD, **changed})


def without(member: str) -> bytes:
    return signatures({k: v for k, v in GOOD.items() if k != member})


def entry(**changed: Any) -> bytes:
    return one(files=[{**GOOD["files"][0], **changed}, *GOOD["files"][1:]])


def document(value: Any) -> bytes:
    return json.dumps(value).encode()


def headed(**header: Any) -> bytes:
    return document({"signatures": [token(GOOD, header=header)]})


def by_secret(secret: bytes) -> bytes:
    """HS256 with the public key as the secret, as a library that believes the header would take it (CVE-2022-29217)."""
    head, body, _ = unsigned_token({"alg": "HS256", "typ": "JWT", "kid": "key-one"}, GOOD).split(".")
    mac = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return document({"signatures": [f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"]})


FORMS: dict[str, tuple[str, bytes, str]] = {
    "no object": ("A28", document([]), "must have signatures and nothing else"),
    "nothing in it": ("A28", document({}), "must have signatures and nothing else"),
    "something besides": ("A29", document({"signatures": [token(GOOD)], "keys": {}}), "must have signatures and nothing"),
    "no token": ("A28", document({"signatures": []}), "has 0 tokens"),
    "two tokens": ("A29", document({"signatures": [token(GOOD), token(GOOD)]}), "has 2 tokens"),
    "a plugin": ("A29", signatures(GOOD, plugin="always_true"), "names a plugin"),
    "plugins": ("A29", signatures(GOOD, plugin=["_default"]), "names a plugin"),
    "a token twice by duplicate key": ("A33", b'{"signatures": [], "signatures": ["' + token(GOOD).encode() + b'"]}', "can't be read"),
    "MD5": ("A29", entry(algorithm="MD5"), "hashes a file with 'MD5'"),
    "SHA-1": ("A29", entry(algorithm="SHA-1"), "hashes a file with 'SHA-1'"),
    "SHA-512": ("A29", entry(algorithm="SHA-512"), "hashes a file with 'SHA-512'"),
    "a file twice": ("A29", one(files=[*GOOD["files"], GOOD["files"][0]]), "twice"),
    "a file with more": ("A29", entry(exclude=True), "in another form"),
    "a file without name": ("A29", entry(name=None), "in another form"),
    "a short hash": ("A29", entry(hash="00"), "no SHA-256"),
    "an upper-case hash": ("A29", entry(hash="A" * 64), "no SHA-256"),
    "no files": ("A29", one(files=[]), "lists no files"),
    "files of another kind": ("A29", one(files={}), "lists no files"),
    "none": ("A30", document({"signatures": [unsigned_token({"alg": "none"}, GOOD)]}), "signed with 'none'"),
    "None": ("A30", document({"signatures": [unsigned_token({"alg": "None"}, GOOD, b"x")]}), "signed with 'None'"),
    "no algorithm": ("A30", document({"signatures": [unsigned_token({}, GOOD, b"x")]}), "signed with 'None'"),
    "HS256": ("A30", by_secret(b"secret"), "signed with 'HS256'"),
    "ES384": ("A30", document({"signatures": [unsigned_token({"alg": "ES384"}, GOOD, b"x")]}), "signed with 'ES384'"),
    "an unknown critical header": ("A30", headed(crit=["x"], x=1), "a header that nobody here understands"),
    "a critical header that is known": ("A30", headed(crit=["alg"]), "a header that nobody here understands: 'crit'"),
    "a payload elsewhere": ("A30", document({"signatures": [unsigned_token({"alg": "ES256", "b64": False}, GOOD, b"x")]}), "'b64'"),
    "a key in the header": ("A30", headed(jwk={}), "'jwk'"),
    "another type": ("A30", headed(typ="JWS"), "no JSON Web Token"),
    "no signature": ("A30", document({"signatures": [token(GOOD).rpartition(".")[0] + "."]}), "no JSON Web Token"),
    "two parts": ("A30", document({"signatures": [token(GOOD).rpartition(".")[0]]}), "three parts"),
    "five parts": ("A30", document({"signatures": [token(GOOD) + ".a.b"]}), "three parts"),
    "no base64": ("A30", document({"signatures": ["a!.b.c"]}), "three parts"),
    "base64 of nothing": ("A30", document({"signatures": ["AAAAA.b.c"]}), "no base64url"),
    "a header that is no object": ("A30", document({"signatures": [unsigned_token([], GOOD, b"x")]}), "no object"),  # type: ignore[arg-type]
    "two keys' ids": ("A30", one(keyid="key-two"), "names two keys"),
    "a key id that is no text": ("A30", one(keyid=7), "a keyid that is no text"),
    "a scope that is no text": ("A29", one(scope=["acme"]), "a scope that is no text"),
    "a sequence of 0": ("A31", one(bspec_sequence=0), "a bspec_sequence that is no whole number from 1"),
    "a true sequence": ("A31", one(bspec_sequence=True), "a bspec_sequence that is no whole number"),
    "a sequence as text": ("A31", one(bspec_sequence="7"), "a bspec_sequence that is no whole number"),
    "a null sequence": ("A31", one(bspec_sequence=None), "a bspec_sequence that is no whole number"),
    "a fraction of a sequence": ("A31", one(bspec_sequence=7.5), "can't be read"),
    "a moment in the year 10000": ("A31", one(iat=253_402_300_800), "iat that is no whole number"),
    "a negative moment": ("A31", one(iat=-1), "iat that is no whole number"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("data", "message"), [pytest.param(d, m, id=n, marks=pytest.mark.attack(a)) for n, (a, d, m) in FORMS.items()]
)
def test_another_form_than_opas(data: bytes, message: str) -> None:
    """Refused as soon as the bundle is read, whoever would accept it."""
    for read in (
        lambda: read_signature(data),
        lambda: verified(FILES | {SIGNATURES: data}, [publisher()], NOW),
        lambda: read_bundle(packed(FILES | {SIGNATURES: data}), "x"),
    ):
        with pytest.raises(TrustError) as error:
            read()
        assert error.value.code == "bundle.signature-form"
        assert message in error.value.problems[0].message


@pytest.mark.attack("A30")
def test_the_public_key_as_a_secret() -> None:
    pem = key().native.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), key().public.spki):
        with pytest.raises(TrustError, match="signed with 'HS256'"):
            verified(FILES | {SIGNATURES: by_secret(secret)}, [publisher()], NOW)


def test_what_is_read() -> None:
    found = read_signature(one(scope="acme"))
    said = (found.algorithm, found.key_id, found.scope, found.sequence, found.issued_unix)
    assert said == ("ES256", "key-one", "acme", 7, NOW)
    assert found.files == {f["name"]: f["hash"] for f in GOOD["files"]}


@pytest.mark.parametrize("plugin", ["", "_default"])
def test_opas_own_way_is_no_plugin(plugin: str) -> None:
    assert read_signature(signatures(GOOD, plugin=plugin)).sequence == 7


@pytest.mark.parametrize(("member", "field"), [("bspec_sequence", "sequence"), ("iat", "issued_unix")])
def test_what_opa_itself_does_not_say_is_not_made_up(member: str, field: str) -> None:
    assert getattr(read_signature(without(member)), field) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
CLAIMS = st.fixed_dictionaries({}, optional=dict.fromkeys(("keyid", "scope", "iat", "bspec_sequence", "x"), JSON))


@given(st.binary(max_size=60) | JSON.map(lambda v: document({"signatures": v})) | JSON.map(document))
def test_anything_else_is_refused_with_its_reason(data: bytes) -> None:
    with pytest.raises(TrustError) as error:
        read_signature(data)
    assert error.value.code == "bundle.signature-form"


@given(JSON, CLAIMS, JSON | st.just(GOOD["files"]))
def test_a_token_over_anything(kid: Any, claims: Any, files: Any) -> None:
    """Read or refused with a reason, never anything else; what is read has the types that it promises."""
    token_of_it = unsigned_token({"alg": "ES256", "kid": kid}, {**claims, "files": files}, b"x")
    try:
        found = read_signature(document({"signatures": [token_of_it]}))
    except TrustError as e:
        assert e.code == "bundle.signature-form"  # noqa: PT017 - one of two outcomes
    else:
        assert isinstance(found.key_id + found.scope, str)
        assert found.sequence is None or found.sequence >= 1
        assert found.issued_unix is None or found.issued_unix >= 0
        assert found.files
