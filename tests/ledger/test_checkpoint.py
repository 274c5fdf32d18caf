from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.foundation.errors import TrustError
from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature, key_hash, parse_checkpoint, sign_checkpoint
from bspec_opa.ledger.merkle import EMPTY_ROOT
from bspec_opa.trust.keys import PrivateKey, public_key_of

if TYPE_CHECKING:
    from bspec_opa.trust.keys import PublicKey

ORIGIN = "ledger.example/acme"
ROOT64 = base64.b64encode(EMPTY_ROOT).decode()
SIGNATURE = base64.b64encode(b"abcd" + b"s" * 64).decode()
GOOD = f"{ORIGIN}\n7\n{ROOT64}\n\n\u2014 {ORIGIN} {SIGNATURE}\n"

# Verifier keys as published: "name+hash+base64(0x01, key)" (golang.org/x/mod/sumdb/note, sum.golang.org).
PUBLISHED = [
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
]
QUOTE = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
QUOTE_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def published(text: str) -> tuple[str, bytes, PublicKey]:
    name, hint, rest = text.split("+", 2)
    return name, bytes.fromhex(hint), public_key_of(Ed25519PublicKey.from_public_bytes(base64.b64decode(rest)[1:]))


@pytest.mark.parametrize("text", PUBLISHED)
def test_key_hash_is_the_published_one(text: str) -> None:
    name, hint, key = published(text)
    assert key_hash(name, key) == hint


def test_a_published_signature_is_the_key_hash_and_ed25519_over_the_text() -> None:
    _, hint, key = published(PUBLISHED[0])
    value = base64.b64decode(QUOTE_SIGNATURE)
    assert value[:4] == hint
    assert key.verify(value[4:], QUOTE)


def test_a_signed_checkpoint_has_exactly_the_form_of_a_note(ledger_key: PrivateKey) -> None:
    checkpoint = sign_checkpoint(ORIGIN, 12, EMPTY_ROOT, ledger_key)
    data = checkpoint.to_bytes()
    text, _, signature = data.partition(b"\n\n")
    assert text + b"\n" == f"{ORIGIN}\n12\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".encode() == checkpoint.text
    dash, name, value = signature.decode().removesuffix("\n").split(" ")
    assert (dash, name) == ("\u2014", ORIGIN)
    assert base64.b64decode(value)[:4] == key_hash(ORIGIN, ledger_key.public)
    assert ledger_key.public.verify(base64.b64decode(value)[4:], checkpoint.text)
    assert parse_checkpoint(data, "checkpoint") == checkpoint
    checkpoint.verify(ORIGIN, [ledger_key.public], "checkpoint")


@given(
    origin=st.from_regex(r"[a-z0-9./-]{1,40}", fullmatch=True),
    size=st.integers(0, 10**15 - 1),
    root=st.binary(min_size=32, max_size=32),
    signatures=st.lists(
        st.builds(
            NoteSignature,
            st.from_regex(r"[a-z0-9./-]{1,20}", fullmatch=True),
            st.binary(min_size=4, max_size=4),
            st.binary(min_size=1, max_size=80),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_parsing_gives_back_what_was_written(
    origin: str, size: int, root: bytes, signatures: list[NoteSignature]
) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(signatures))
    assert parse_checkpoint(checkpoint.to_bytes(), "checkpoint") == checkpoint


@pytest.mark.attack("A02")
@given(data=st.data())
def test_no_other_bytes_verify(ledger_key: PrivateKey, data: st.DataObject) -> None:
    good = sign_checkpoint(ORIGIN, 12, EMPTY_ROOT, ledger_key).to_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != good[place]))
    with pytest.raises(TrustError) as caught:
        parse_checkpoint(good[:place] + bytes([byte]) + good[place + 1 :], "c").verify(ORIGIN, [ledger_key.public], "c")
    assert caught.value.code in {"ledger.bad-checkpoint", "ledger.checkpoint-signature"}


BAD = {
    "empty": "",
    "no signatures": f"{ORIGIN}\n7\n{ROOT64}\n",
    "no signature line": f"{ORIGIN}\n7\n{ROOT64}\n\n",
    "no last line break": GOOD[:-1],
    "more after it": GOOD + "\n",
    "extension line": GOOD.replace("\n\n", "\nmore\n\n"),
    "no root": f"{ORIGIN}\n7\n\n\u2014 {ORIGIN} {SIGNATURE}\n",
    "windows line breaks": GOOD.replace("\n", "\r\n"),
    "leading zero": GOOD.replace("\n7\n", "\n07\n"),
    "negative size": GOOD.replace("\n7\n", "\n-7\n"),
    "size of other digits": GOOD.replace("\n7\n", "\n\u0667\n"),
    "endless size": GOOD.replace("\n7\n", "\n" + "7" * 16 + "\n"),
    "origin with space": GOOD.replace(ORIGIN, "a b"),
    "origin with plus": GOOD.replace(ORIGIN, "a+b"),
    "no origin": GOOD.replace(ORIGIN, ""),
    "short root": GOOD.replace(ROOT64, base64.b64encode(b"short").decode()),
    "loose base64": GOOD.replace(ROOT64, ROOT64[:-2] + "V="),
    "no base64": GOOD.replace(ROOT64, "?" * 44),
    "hyphen for a dash": GOOD.replace("\u2014", "-"),
    "short signature": GOOD.replace(SIGNATURE, base64.b64encode(b"abcd").decode()),
    "too many signatures": GOOD + f"\u2014 {ORIGIN} {SIGNATURE}\n" * 16,
}


@pytest.mark.parametrize("case", BAD)
def test_any_deviation_is_refused(case: str) -> None:
    with pytest.raises(TrustError) as caught:
        parse_checkpoint(BAD[case].encode(), "checkpoint")
    assert caught.value.code == "ledger.bad-checkpoint"
    assert str(caught.value).startswith("checkpoint: ")


def test_what_is_no_utf8_is_refused() -> None:
    with pytest.raises(TrustError, match="is not UTF-8") as caught:
        parse_checkpoint(b"\xff" + GOOD.encode(), "checkpoint")
    assert caught.value.code == "ledger.bad-checkpoint"


def test_cosignatures_may_stand_beside_the_ledgers_own(ledger_key: PrivateKey, other_key: PrivateKey) -> None:
    own = sign_checkpoint(ORIGIN, 1, EMPTY_ROOT, ledger_key)
    witness = NoteSignature("witness.example", b"wwww", b"cosignature")
    for order in ((witness, *own.signatures), (*own.signatures, witness)):
        both = parse_checkpoint(Checkpoint(ORIGIN, 1, EMPTY_ROOT, order).to_bytes(), "c")
        both.verify(ORIGIN, [other_key.public, ledger_key.public], "c")


def test_a_genuine_signature_under_another_name_does_not_count(ledger_key: PrivateKey) -> None:
    own = sign_checkpoint(ORIGIN, 1, EMPTY_ROOT, ledger_key).signatures[0]
    renamed = NoteSignature("witness.example", own.key_hash, own.signature)
    with pytest.raises(TrustError) as caught:
        Checkpoint(ORIGIN, 1, EMPTY_ROOT, (renamed,)).verify(ORIGIN, [ledger_key.public], "c")
    assert caught.value.code == "ledger.checkpoint-signature"


def test_without_keys_nothing_verifies(ledger_key: PrivateKey) -> None:
    with pytest.raises(TrustError) as caught:
        sign_checkpoint(ORIGIN, 1, EMPTY_ROOT, ledger_key).verify(ORIGIN, [], "c")
    assert caught.value.code == "ledger.checkpoint-signature"


def test_only_ed25519_signs_and_counts() -> None:
    ecdsa = PrivateKey(generate_private_key(SECP256R1()))
    with pytest.raises(TrustError) as caught:
        sign_checkpoint(ORIGIN, 1, EMPTY_ROOT, ecdsa)
    assert caught.value.code == "ledger.checkpoint-signature"
    unsigned = Checkpoint(ORIGIN, 1, EMPTY_ROOT)
    note = NoteSignature(ORIGIN, key_hash(ORIGIN, ecdsa.public), ecdsa.sign(unsigned.text))
    with pytest.raises(TrustError):
        Checkpoint(ORIGIN, 1, EMPTY_ROOT, (note,)).verify(ORIGIN, [ecdsa.public], "c")


def test_an_origin_that_is_no_name_is_not_signed(ledger_key: PrivateKey) -> None:
    with pytest.raises(TrustError) as caught:
        sign_checkpoint("two\nlines", 1, EMPTY_ROOT, ledger_key)
    assert caught.value.code == "ledger.bad-checkpoint"
