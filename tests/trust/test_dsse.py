from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World, key_of, refused

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import TrustError
from bspec_opa.foundation.limits import MAX_RECORD_BYTES
from bspec_opa.trust.dsse import (
    IN_TOTO_PAYLOAD_TYPE,
    MAX_SIGNATURES,
    TRUST_ROOT_PAYLOAD_TYPE,
    Envelope,
    Signature,
    add_signatures,
    pae,
    parse_envelope,
    require_payload_type,
    sign_envelope,
    verify_signature,
)

if TYPE_CHECKING:
    from collections.abc import Callable


WORLD = World()


def envelope(*names: str, payload: bytes = b'{"a":1}') -> Envelope:
    return sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of(n) for n in names])


def changed(change: Callable[[Any], object]) -> bytes:
    value = json.loads(envelope("alice", "bob").to_bytes())
    change(value)
    return canonical_bytes(value) + b"\n"


def test_pre_authentication_encoding_is_the_specifications() -> None:
    # the example of https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("", b"") == b"DSSEv1 0  0 "
    assert pae("\u00e9", b"\0") == b"DSSEv1 2 \xc3\xa9 1 \0"


def test_envelope_survives_its_bytes() -> None:
    signed = envelope("alice", "bob")
    data = signed.to_bytes()
    assert data.endswith(b"}\n")
    assert parse_envelope(data, "e") == signed
    assert signed.digest == digest_of(b'{"a":1}')
    assert [s.keyid for s in signed.signatures] == sorted(key_of(n).keyid for n in ("alice", "bob"))


def test_signatures_verify_over_type_and_payload() -> None:
    signed = envelope("alice")
    verify_signature(signed, signed.signatures[0], key_of("alice").public, "e")
    for other in (
        Envelope(TRUST_ROOT_PAYLOAD_TYPE, signed.payload, signed.signatures),
        Envelope(signed.payload_type, signed.payload + b" ", signed.signatures),
    ):
        with refused("trust.bad-signature"):
            verify_signature(other, signed.signatures[0], key_of("alice").public, "e")


def test_signature_counts_for_its_own_key_id_only() -> None:
    signed = envelope("alice")
    with refused("trust.bad-signature"):
        verify_signature(signed, Signature(key_of("bob").keyid, signed.signatures[0].sig), key_of("alice").public, "e")


def test_adding_a_signature_keeps_the_others_and_the_payload() -> None:
    one = envelope("alice")
    both = add_signatures(one, [key_of("bob")])
    assert both == envelope("alice", "bob")
    assert add_signatures(both, [key_of("bob")]) == both


def test_payload_types_are_not_exchanged() -> None:
    require_payload_type(envelope("alice"), IN_TOTO_PAYLOAD_TYPE, "e")
    with refused("trust.wrong-type"):
        require_payload_type(envelope("alice"), TRUST_ROOT_PAYLOAD_TYPE, "e")


REFUSED: dict[str, Callable[[Any], object]] = {
    "no signatures": lambda e: e.update(signatures=[]),
    "signatures missing": lambda e: e.pop("signatures"),
    "signatures null": lambda e: e.update(signatures=None),
    "signatures an object": lambda e: e.update(signatures={"0": {}}),
    "signature empty": lambda e: e["signatures"][0].update(sig=""),
    "payload missing": lambda e: e.pop("payload"),
    "payload a number": lambda e: e.update(payload=1),
    "payload not base64": lambda e: e.update(payload="!!!!"),
    "payload url-safe base64": lambda e: e.update(payload="-_-_"),
    "payload without padding": lambda e: e.update(payload="eyJhIjoxfQ"),
    "payload padded too much": lambda e: e.update(payload="eyJhIjox===="),
    "payload with loose bits": lambda e: e.update(payload="eyJhIjoxfR=="),
    "payload with a line feed": lambda e: e.update(payload="eyJh\nIjoxfQ=="),
    "payload padded in the middle": lambda e: e.update(payload="eyI=eyI="),
    "unknown member": lambda e: e.update(extra=1),
    "unknown member of a signature": lambda e: e["signatures"][0].update(cert=""),
    "snake-case twin": lambda e: e.update(payload_type="x"),
    "type of another form": lambda e: e.update(payloadType="in toto"),
    "key id in capitals": lambda e: e["signatures"][0].update(keyid="A" * 64),
    "key id empty": lambda e: e["signatures"][0].update(keyid=""),
    "same signature twice": lambda e: e["signatures"].append(e["signatures"][0]),
    "same bytes under another key": lambda e: e["signatures"][0].update(sig=e["signatures"][1]["sig"]),
    "too many signatures": lambda e: e.update(
        signatures=[
            {"keyid": f"{n:064x}", "sig": base64.b64encode(b"%064d" % n).decode()} for n in range(MAX_SIGNATURES + 1)
        ]
    ),
}


@pytest.mark.attack("A01")
@pytest.mark.attack("A10")
@pytest.mark.attack("A34")
@pytest.mark.parametrize("name", REFUSED)
def test_envelope_that_is_not_closed_and_canonical_is_refused(name: str) -> None:
    with refused("trust.bad-envelope") as e:
        parse_envelope(changed(REFUSED[name]), "file.json")
    assert str(e.value).startswith("file.json: ")
    assert isinstance(e.value, TrustError)


GOOD = envelope("alice").to_bytes()
OTHER_FORMS = {
    "empty": b"",
    "no line feed": GOOD[:-1],
    "two line feeds": GOOD + b"\n",
    "carriage return": GOOD[:-1] + b"\r\n",
    "leading space": b" " + GOOD,
    "space inside": GOOD.replace(b":", b": ", 1),
    "indented": json.dumps(json.loads(GOOD), indent=1).encode() + b"\n",
    "another order": json.dumps(dict(reversed(json.loads(GOOD).items()))).encode() + b"\n",
    "escaped letter": GOOD.replace(b"payload", b"\\u0070ayload", 1),
    "escaped slash": GOOD.replace(b"application/", b"application\\/", 1),
    "duplicate member": GOOD.replace(b"{", b'{"payload":"",', 1),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "not UTF-8": b"\xff" + GOOD,
    "a list": b"[" + GOOD[:-1] + b"]\n",
    "a string": b'"x"\n',
    "two documents": GOOD + GOOD,
}


@pytest.mark.attack("A34")
@pytest.mark.parametrize("name", OTHER_FORMS)
def test_any_other_form_of_the_same_envelope_is_refused(name: str) -> None:
    with refused("trust.bad-envelope"):
        parse_envelope(OTHER_FORMS[name], "e")


def test_oversized_envelope_is_refused_before_it_is_parsed() -> None:
    with refused("trust.bad-envelope"):
        parse_envelope(b"x" * (MAX_RECORD_BYTES + 1), "e")


def test_large_payload_is_taken() -> None:
    payload = canonical_bytes({"text": "x" * 500_000})
    data = sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of("alice")]).to_bytes()
    assert parse_envelope(data, "e").payload == payload


@pytest.mark.attack("A02")
@given(data=st.data())
def test_any_flipped_bit_of_a_file_is_refused(data: st.DataObject) -> None:
    original = WORLD.approval()
    position = data.draw(st.integers(0, 8 * len(original) - 1))
    damaged = bytearray(original)
    damaged[position // 8] ^= 1 << (position % 8)
    with pytest.raises(TrustError):
        WORLD.verify(bytes(damaged))


@pytest.mark.attack("A02")
@given(data=st.data(), part=st.sampled_from(["payload", "type", "signature"]))
def test_any_flipped_bit_under_the_encoding_is_refused(data: st.DataObject, part: str) -> None:
    original = parse_envelope(WORLD.approval(), "e")
    kind, payload, sig = original.payload_type.encode(), original.payload, original.signatures[0].sig
    target = {"payload": payload, "type": kind, "signature": sig}[part]
    position = data.draw(st.integers(0, 8 * len(target) - 1))
    flipped = bytearray(target)
    flipped[position // 8] ^= 1 << (position % 8)
    damaged = Envelope(
        bytes(flipped).decode("latin-1") if part == "type" else original.payload_type,
        bytes(flipped) if part == "payload" else payload,
        (Signature(original.signatures[0].keyid, bytes(flipped) if part == "signature" else sig),),
    )
    with pytest.raises(TrustError):
        WORLD.verify(damaged.to_bytes())


@given(st.binary(max_size=300))
def test_rubbish_is_refused_with_our_error(data: bytes) -> None:
    with refused("trust.bad-envelope"):
        parse_envelope(data, "e")


@given(payload=st.binary(max_size=200), names=st.sets(st.sampled_from(["alice", "bob", "sam"]), min_size=1))
def test_every_envelope_survives_its_bytes(payload: bytes, names: set[str]) -> None:
    signed = sign_envelope(payload, TRUST_ROOT_PAYLOAD_TYPE, [key_of(n) for n in names])
    assert parse_envelope(signed.to_bytes(), "e") == signed
