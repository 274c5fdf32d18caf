"""Cosignatures on a checkpoint: C2SP ``tlog-cosignature``, ``cosignature/v1`` with Ed25519.

A cosignature is a signature line of the note. Its key hash is made with the type byte ``0x04``, and its signature is
eight bytes of time (big-endian POSIX seconds) and 64 bytes of Ed25519 over ``cosignature/v1``, ``time <seconds>`` and
the checkpoint's text. It says: at that time, this was the largest tree of this log that the witness had seen, and it
goes on from every one that it had seen before.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from bspec_opa.ledger.checkpoint import ED25519, NoteSignature, key_hash, raw_key
from bspec_opa.ledger.witness.reasons import BAD_SETTINGS

if TYPE_CHECKING:
    from bspec_opa.ledger.checkpoint import Checkpoint, Signer
    from bspec_opa.trust.witnesses import Witness

COSIGNATURE_TYPE = b"\x04"
_TIME_SIZE = 8
_SIZE = _TIME_SIZE + 64
_TIME_LIMIT = 2**63


def cosigned_message(checkpoint: Checkpoint, at: int) -> bytes:
    """What a witness signs.

    Args:
        checkpoint: the tree head.
        at: POSIX seconds.
    """
    return f"cosignature/v1\ntime {at}\n".encode() + checkpoint.text


def sign_cosignature(checkpoint: Checkpoint, name: str, signer: Signer, at: int) -> NoteSignature:
    """A witness's signature line.

    Raises:
        UsageError: the key is not Ed25519.
    """
    if signer.public.algorithm != ED25519:
        raise BAD_SETTINGS.error("a witness's key must be Ed25519", hint="make one with bspec-opa key generate")
    value = at.to_bytes(_TIME_SIZE, "big") + signer.sign(cosigned_message(checkpoint, at))
    return NoteSignature(name, key_hash(name, signer.public, COSIGNATURE_TYPE), value)


def cosigned_at(checkpoint: Checkpoint, signature: NoteSignature, witness: Witness) -> int | None:
    """When a witness has cosigned, in POSIX seconds; None if this is no valid cosignature of this witness."""
    if signature.name != witness.name or len(signature.signature) != _SIZE:
        return None
    if signature.key_hash != key_hash(witness.name, witness.key, COSIGNATURE_TYPE):
        return None
    at = int.from_bytes(signature.signature[:_TIME_SIZE], "big")
    valid = witness.key.verify(signature.signature[_TIME_SIZE:], cosigned_message(checkpoint, at))
    return at if valid and at < _TIME_LIMIT else None


def verifier_key(witness: Witness) -> str:
    """The witness as other programs are told of it: a C2SP ``vkey``, name, key hash and key."""
    hint = key_hash(witness.name, witness.key, COSIGNATURE_TYPE).hex()
    return f"{witness.name}+{hint}+{base64.b64encode(COSIGNATURE_TYPE + raw_key(witness.key)).decode()}"
