"""C2SP tlog-cosignature: published values, and an independent implementation of a few lines."""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from witnesses import EXAMPLE
from world import key_of, refused

from bspec_opa.ledger.checkpoint import NoteSignature, key_hash, parse_checkpoint, sign_checkpoint
from bspec_opa.ledger.merkle import leaf_hash
from bspec_opa.ledger.witness.cosignature import COSIGNATURE_TYPE, cosigned_at, sign_cosignature, verifier_key
from bspec_opa.trust.keys import PrivateKey, public_key_of
from bspec_opa.trust.witnesses import Witness

AT = 1_679_315_147
W1 = Witness("witness.example/w1", key_of("w1").public)
HEAD = sign_checkpoint("acme.example/bspec", 12, leaf_hash(b"x"), key_of("ledger"))

# A verifier key of a running witness, of type 0x04, as transparency-dev/formats has it in its tests.
PUBLISHED = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
# Of the same repository: a signature's base64, made at 1727964367.
TIMED = "ZGhGuQAAAABm/qTPeyKXD+R2rzyQsxPiP8mXum7qq/iF0u4vanlqJyocWODBt97w9uL+8qT7S5gxEHWWOworDcFiEBYJXORmnFBOBA=="


def other_implementation(seed: bytes, name: str, text: bytes, at: int) -> str:
    """A cosignature line, written from the specification alone."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes_raw()
    hint = hashlib.sha256(name.encode() + b"\n\x04" + public).digest()[:4]
    signed = private.sign(b"cosignature/v1\ntime %d\n" % at + text)
    return f"\u2014 {name} " + base64.b64encode(hint + struct.pack(">Q", at) + signed).decode()


def test_the_key_hash_and_verifier_key_are_the_published_ones() -> None:
    name, hint, rest = PUBLISHED.split("+", 2)
    key = public_key_of(Ed25519PublicKey.from_public_bytes(base64.b64decode(rest)[1:]))
    assert key_hash(name, key, COSIGNATURE_TYPE).hex() == hint
    assert verifier_key(Witness(name, key)) == PUBLISHED


def test_the_example_of_the_specification_has_our_form() -> None:
    checkpoint = parse_checkpoint(EXAMPLE.encode(), "example")
    assert checkpoint.to_bytes() == EXAMPLE.encode()
    value = checkpoint.signatures[1].signature
    assert (int.from_bytes(value[:8], "big"), len(value)) == (AT, 72)
    assert int.from_bytes(base64.b64decode(TIMED)[4:12], "big") == 1_727_964_367


def test_a_cosignature_is_what_the_other_implementation_makes() -> None:
    seed = hashlib.sha256(b"w1").digest()
    line = sign_cosignature(HEAD, W1.name, key_of("w1"), AT)
    assert line.line() == other_implementation(seed, W1.name, HEAD.text, AT)
    assert cosigned_at(HEAD, line, W1) == AT


def test_a_cosignature_counts_for_exactly_its_text_name_key_and_time() -> None:
    line = sign_cosignature(HEAD, W1.name, key_of("w1"), AT)
    other_key = Witness(W1.name, key_of("w2").public)
    other_name = Witness("witness.example/w2", W1.key)
    assert cosigned_at(replace(HEAD, size=13), line, W1) is None
    assert cosigned_at(replace(HEAD, root=leaf_hash(b"y")), line, W1) is None
    assert cosigned_at(replace(HEAD, origin="other"), line, W1) is None
    assert cosigned_at(HEAD, line, other_key) is None
    assert cosigned_at(HEAD, line, other_name) is None
    # The signed message of version 1 doesn't say the name; the key hash does.
    assert cosigned_at(HEAD, replace(line, name=other_name.name), other_name) is None
    later = (AT + 1).to_bytes(8, "big") + line.signature[8:]
    assert cosigned_at(HEAD, replace(line, signature=later), W1) is None


@pytest.mark.attack("A02")
@pytest.mark.parametrize("position", range(0, 72, 5))
def test_any_flipped_byte_ends_it(position: int) -> None:
    line = sign_cosignature(HEAD, W1.name, key_of("w1"), AT)
    changed = bytearray(line.signature)
    changed[position] ^= 1
    assert cosigned_at(HEAD, replace(line, signature=bytes(changed)), W1) is None


@pytest.mark.parametrize("size", [1, 64, 71, 73])
def test_other_lengths_are_none(size: int) -> None:
    hint = key_hash(W1.name, W1.key, COSIGNATURE_TYPE)
    assert cosigned_at(HEAD, NoteSignature(W1.name, hint, bytes(size)), W1) is None


def test_times_beyond_what_the_specification_allows_do_not_count() -> None:
    assert cosigned_at(HEAD, sign_cosignature(HEAD, W1.name, key_of("w1"), 2**63 - 1), W1) == 2**63 - 1
    assert cosigned_at(HEAD, sign_cosignature(HEAD, W1.name, key_of("w1"), 2**63), W1) is None


def test_the_ledgers_own_signature_is_no_cosignature() -> None:
    """Nor the other way round: the type is in the key hash and the header in what is signed."""
    ledger = Witness(HEAD.origin, key_of("ledger").public)
    assert cosigned_at(HEAD, HEAD.signatures[0], ledger) is None
    note = replace(HEAD, signatures=(sign_cosignature(HEAD, HEAD.origin, key_of("ledger"), AT),))
    with refused("ledger.checkpoint-signature"):
        note.verify(HEAD.origin, [key_of("ledger").public], "note")


def test_only_ed25519_can_cosign() -> None:
    with refused("witness.bad-settings"):
        sign_cosignature(HEAD, W1.name, PrivateKey(derive_private_key(7, SECP256R1())), AT)
