"""The signed tree head: a C2SP ``tlog-checkpoint``, which is a signed note with Ed25519 signatures.

Three lines (origin, decimal size, base64 root), an empty line, and one ``— name base64(key hash, signature)`` line
a signature. The key hash is the first four bytes of ``sha256(name, LF, 0x01, key)``. No extension lines; signatures
of others (cosigners, see ``witness/cosignature.py``) may stand beside the ledger's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from bspec_opa.foundation.digest import PREFIX
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.limits import INTEGER_LIMIT, KIB
from bspec_opa.ledger.merkle import HASH_SIZE
from bspec_opa.ledger.reasons import BAD_CHECKPOINT, CHECKPOINT_SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.revocation import TreeHead

MAX_CHECKPOINT_BYTES = 16 * KIB
ED25519 = "ed25519"
_SIGNATURE_TYPE = b"\x01"
_KEY_HASH_SIZE = 4
_RAW_KEY_SIZE = 32
MAX_SIGNATURES = 16
_DASH = "\u2014"
_NAME = re.compile(r"[!-*,-~]{1,200}\Z")  # visible ASCII without "+", which separates parts of a key string
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,14})\Z")


class Signer(Protocol):
    """What signs a checkpoint: the ledger key, wherever it lives."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies."""
        ...

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature."""
        ...


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line.

    Attributes:
        name: the signer's name; the ledger's own is its origin.
        key_hash: four bytes that tell which key, a hint only.
        signature: the signature's bytes.
    """

    name: str
    key_hash: bytes
    signature: bytes

    def line(self) -> str:
        """The line without its LF."""
        return f"{_DASH} {self.name} {base64.b64encode(self.key_hash + self.signature).decode()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the ledger's name, how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes
    signatures: tuple[NoteSignature, ...] = ()

    @property
    def text(self) -> bytes:
        """The signed part."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()

    def to_bytes(self) -> bytes:
        """The whole note."""
        return self.text + b"\n" + "".join(s.line() + "\n" for s in self.signatures).encode()

    def verify(
        self,
        origin: str,
        keys: Iterable[PublicKey],
        name: str,
        former: Iterable[tuple[PublicKey, TreeHead]] = (),
    ) -> None:
        """Require this origin and the signature of one of the ledger's keys, over the exact text.

        A former key vouches for one tree head only: the last one before it was revoked.

        Raises:
            TrustError: another origin, or none of the keys has signed.
        """
        if self.origin != origin:
            raise BAD_CHECKPOINT.error(f"is of the ledger {self.origin}, not {origin}", at=Location(name))
        head = (self.size, PREFIX + self.root.hex())
        able = [*keys, *(key for key, last in former if (last.tree_size, last.root_hash) == head)]
        if not self.signed_by_any(able):
            raise CHECKPOINT_SIGNATURE.error(
                "no ledger key of the trust root has signed it", hint="restore the ledger", at=Location(name)
            )

    def signed_by_any(self, keys: Iterable[PublicKey]) -> bool:
        """Whether one of these keys has signed it as the ledger's own."""
        return any(self._signed_by(key) for key in keys if key.algorithm == ED25519)

    def is_own(self, signature: NoteSignature, keys: Iterable[PublicKey]) -> bool:
        """Whether a line in the ledger's name is of one of these keys, and right."""
        hints = ((k, key_hash(self.origin, k)) for k in keys if k.algorithm == ED25519)
        return any(h == signature.key_hash and k.verify(signature.signature, self.text) for k, h in hints)

    def _signed_by(self, key: PublicKey) -> bool:
        return any(s.name == self.origin and self.is_own(s, (key,)) for s in self.signatures)


def key_hash(name: str, key: PublicKey, kind: bytes = _SIGNATURE_TYPE) -> bytes:
    """The four bytes by which a note names a key of a signature type."""
    return hashlib.sha256(name.encode() + b"\n" + kind + raw_key(key)).digest()[:_KEY_HASH_SIZE]


def raw_key(key: PublicKey) -> bytes:
    """The 32 bytes of an Ed25519 key; they are the last ones of its SPKI (RFC 8410)."""
    return key.spki[-_RAW_KEY_SIZE:]


def sign_checkpoint(origin: str, size: int, root: bytes, signer: Signer) -> Checkpoint:
    """A checkpoint with the ledger's signature, verified before it is handed out.

    Raises:
        TrustError: the origin is no name, the key is not Ed25519, or its signature does not verify.
    """
    if not _NAME.match(origin):
        raise BAD_CHECKPOINT.error(f"{origin[:60]!r} is no origin", hint="use visible ASCII without spaces or +")
    if signer.public.algorithm != ED25519:
        raise CHECKPOINT_SIGNATURE.error("a ledger key must be Ed25519", hint="name an Ed25519 key in the trust root")
    unsigned = Checkpoint(origin, size, root)
    note = NoteSignature(origin, key_hash(origin, signer.public), signer.sign(unsigned.text))
    checkpoint = Checkpoint(origin, size, root, (note,))
    checkpoint.verify(origin, [signer.public], "checkpoint")
    return checkpoint


def signers(keys: Iterable[PublicKey], former: Iterable[tuple[PublicKey, TreeHead]]) -> tuple[PublicKey, ...]:
    """Every key that may have signed a head: the ledger's, and those that it had before."""
    return (*keys, *(key for key, _ in former))


def merged(checkpoint: Checkpoint, more: Iterable[NoteSignature], keys: Iterable[PublicKey]) -> Checkpoint:
    """A checkpoint with more signatures; a newer one of a signer takes the place of the one before.

    The ledger's own come first: whoever can write may add lines in its name, so only those of its keys are kept, one of
    each. Where there are too many, those of others that came first go; where they are too long, the longest of others
    do. So what is made can always be read.

    Args:
        checkpoint: verified.
        more: signatures that were verified.
        keys: of the ledger, former ones included.
    """
    added = {(s.name, s.key_hash): s for s in more}
    kept = [s for s in checkpoint.signatures if (s.name, s.key_hash) not in added]
    able = tuple(keys)
    own = {s.key_hash: s for s in kept if s.name == checkpoint.origin and checkpoint.is_own(s, able)}.values()
    others = [s for s in kept if s.name != checkpoint.origin]
    room = max(0, MAX_SIGNATURES - len(own) - len(added))
    others = others[len(others) - room :] if len(others) > room else others
    made = replace(checkpoint, signatures=(*own, *others, *added.values()))
    while others and len(made.to_bytes()) > MAX_CHECKPOINT_BYTES:
        others.remove(max(others, key=lambda s: len(s.line())))
        made = replace(made, signatures=(*own, *others, *added.values()))
    return made


def parse_checkpoint(data: bytes, name: str) -> Checkpoint:
    """A checkpoint from exactly its bytes; signatures are not verified yet.

    Raises:
        TrustError: any deviation from the form.
    """
    try:
        checkpoint = _parse(data.decode())
    except (ValueError, binascii.Error) as e:
        why = "is not UTF-8" if isinstance(e, UnicodeDecodeError) else str(e)
        raise BAD_CHECKPOINT.error(f"no checkpoint: {why}", hint="restore the ledger", at=Location(name)) from e
    return checkpoint


def _parse(note: str) -> Checkpoint:
    text, separator, tail = note.partition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise ValueError("text and signatures must be parted by an empty line and end with a line break")
    lines, signatures = text.split("\n"), tail[:-1].split("\n")
    if len(lines) != 3:  # noqa: PLR2004 - origin, size, root
        raise ValueError("needs exactly origin, size and root")
    if len(signatures) > MAX_SIGNATURES:
        raise ValueError("too many signatures")
    origin, size, root = lines
    if not _NAME.match(origin):
        raise ValueError("the origin has another form")
    if not _SIZE.match(size) or int(size) >= INTEGER_LIMIT:
        raise ValueError("the size has another form")
    return Checkpoint(origin, int(size), _base64(root, HASH_SIZE), tuple(parse_signature(s) for s in signatures))


def parse_signature(line: str) -> NoteSignature:
    """One signature line without its LF.

    Raises:
        ValueError: another form.
    """
    dash, _, rest = line.partition(" ")
    name, _, value = rest.partition(" ")
    if dash != _DASH or not _NAME.match(name):
        raise ValueError("a signature line has another form")
    decoded = _base64(value, None)
    if len(decoded) <= _KEY_HASH_SIZE:
        raise ValueError("a signature is too short")
    return NoteSignature(name, decoded[:_KEY_HASH_SIZE], decoded[_KEY_HASH_SIZE:])


def _base64(text: str, size: int | None) -> bytes:
    """Strict base64: decoding and encoding gives the same text."""
    value = base64.b64decode(text, validate=True)
    if base64.b64encode(value).decode() != text or (size is not None and len(value) != size):
        raise ValueError("base64 has another form or length")
    return value
