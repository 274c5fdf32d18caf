"""The request and the answers of C2SP ``tlog-witness``'s ``add-checkpoint``, as bytes. Pure."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import TrustError
from bspec_opa.ledger.checkpoint import MAX_CHECKPOINT_BYTES, MAX_SIGNATURES, parse_checkpoint, parse_signature
from bspec_opa.ledger.merkle import HASH_SIZE
from bspec_opa.ledger.witness.reasons import BAD_REQUEST

if TYPE_CHECKING:
    from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature

PATH = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
"""The media type of a 409's body: the tree size that the witness knows."""
MAX_PROOF = 63
MAX_REQUEST_BYTES = MAX_CHECKPOINT_BYTES + 4096
MAX_ANSWER_BYTES = MAX_CHECKPOINT_BYTES
_OLD = re.compile(r"old (0|[1-9][0-9]{0,14})\Z")
_SIZE = re.compile(r"(0|[1-9][0-9]{0,14})\n")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """What a log asks a witness to cosign.

    Attributes:
        old: the size that the log believes the witness to have cosigned last.
        proof: that the checkpoint's tree goes on from that size (RFC 6962, section 2.1.2).
        checkpoint: with the log's signature.
    """

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint

    def to_bytes(self) -> bytes:
        """The body of the request."""
        lines = [f"old {self.old}", *(base64.b64encode(h).decode() for h in self.proof), ""]
        return "".join(f"{line}\n" for line in lines).encode() + self.checkpoint.to_bytes()


def parse_request(data: bytes) -> AddCheckpoint:
    """A request from exactly its bytes; nothing in it is verified yet.

    Raises:
        InvalidInputError: another form.
    """
    head, _, note = data.partition(b"\n\n")
    try:
        old, proof = _head(head.decode("ascii"))
        return AddCheckpoint(old, proof, parse_checkpoint(note, "request"))
    except (ValueError, TrustError) as e:
        raise BAD_REQUEST.error("is no add-checkpoint request") from e


def _head(text: str) -> tuple[int, tuple[bytes, ...]]:
    old, *proof = text.split("\n")
    match = _OLD.match(old)
    if match is None or len(proof) > MAX_PROOF:
        raise ValueError("needs an old size and a proof")
    return int(match[1]), tuple(_hash(line) for line in proof)


def _hash(line: str) -> bytes:
    value = base64.b64decode(line, validate=True)
    if len(value) != HASH_SIZE or base64.b64encode(value).decode() != line:
        raise ValueError("no hash")
    return value


def parse_cosignatures(body: bytes) -> tuple[NoteSignature, ...]:
    """The signature lines of a 200's body.

    Raises:
        ValueError: another form.
    """
    lines = body.decode().split("\n")
    if len(lines) < 2 or lines.pop() or len(lines) > MAX_SIGNATURES:  # noqa: PLR2004 - a line and what follows its LF
        raise ValueError("needs one or more lines, each with its end")
    return tuple(parse_signature(line) for line in lines)


def parse_size(body: bytes) -> int:
    """The tree size of a 409's body.

    Raises:
        ValueError: another form.
    """
    match = _SIZE.fullmatch(body.decode("ascii"))
    if match is None:
        raise ValueError("needs a decimal size")
    return int(match[1])
