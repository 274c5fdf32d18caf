"""What a witness does with a request, as C2SP ``tlog-witness`` says it. Pure: no IO, no clock, no key that signs."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError
from bspec_opa.ledger.checkpoint import Checkpoint
from bspec_opa.ledger.merkle import EMPTY_ROOT, verify_consistency
from bspec_opa.ledger.witness.cosignature import cosigned_at
from bspec_opa.ledger.witness.reasons import STATE_CHANGED
from bspec_opa.ledger.witness.request import parse_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.ledger.witness.request import AddCheckpoint
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.witnesses import Witness


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer; of a 200, what is to be kept and then cosigned.

    Attributes:
        status: of the answer.
        checkpoint: what may be cosigned; None if nothing may be.
        size: what a 409 tells: the size that was cosigned last.
        misbehaviour: what the log itself, by its own valid signature, has done wrong; "" for anything else.
        unproven: what the proof does not show. The log may have signed another history, or whoever sent its
            checkpoint sent a wrong proof: that is not signed; "" for anything else.
        origin: the log, if it is one of ours.
    """

    status: HTTPStatus
    checkpoint: Checkpoint | None = None
    size: int = 0
    misbehaviour: str = ""
    unproven: str = ""
    origin: str = ""


def judge(
    body: bytes, logs: Mapping[str, Sequence[PublicKey]], known: Mapping[str, Checkpoint], witness: Witness
) -> Judgement:
    """Whether a checkpoint may be cosigned.

    Args:
        body: of the request.
        logs: the keys of each log that is witnessed, by its origin.
        known: the checkpoint that was cosigned last, by its origin.
        witness: this one.

    Raises:
        TrustError: the request proves that this witness has forgotten what it signed; it must sign no more.
    """
    try:
        request = parse_request(body)
    except BspecError:
        return Judgement(HTTPStatus.BAD_REQUEST)
    new = request.checkpoint
    keys = logs.get(new.origin)
    if keys is None:
        return Judgement(HTTPStatus.NOT_FOUND)
    try:
        new.verify(new.origin, keys, "request")
    except BspecError:
        return Judgement(HTTPStatus.FORBIDDEN, origin=new.origin)
    if request.old > new.size:
        return Judgement(HTTPStatus.BAD_REQUEST, origin=new.origin)
    last = known.get(new.origin, Checkpoint(new.origin, 0, EMPTY_ROOT))
    _require_memory(new, last, witness)
    return _compared(request, last)


def _compared(request: AddCheckpoint, last: Checkpoint) -> Judgement:
    new = request.checkpoint
    if request.old != last.size:
        return Judgement(HTTPStatus.CONFLICT, size=last.size, origin=new.origin)
    if new.size == last.size and new.root != last.root:
        fork = f"two histories of {new.size} entries"
        return Judgement(HTTPStatus.CONFLICT, size=last.size, misbehaviour=fork, origin=new.origin)
    if not verify_consistency(last.size, new.size, request.proof, last.root, new.root):
        fault = f"{new.size} entries that are not shown to go on from the {last.size} before"
        return Judgement(HTTPStatus.UNPROCESSABLE_ENTITY, unproven=fault, origin=new.origin)
    return Judgement(HTTPStatus.OK, new, origin=new.origin)


def _require_memory(new: Checkpoint, last: Checkpoint, witness: Witness) -> None:
    """Refuse to go on if the checkpoint bears our own cosignature on more than we remember.

    What we sign we have written down before; so an older state was put back.
    """
    ours = any(cosigned_at(new, s, witness) is not None for s in new.signatures)
    if ours and (new.size > last.size or (new.size == last.size and new.root != last.root)):
        raise STATE_CHANGED.error(
            f"this witness has cosigned {new.size} entries of {new.origin} and remembers {last.size}",
            hint="restore the newest state of this witness",
        )
