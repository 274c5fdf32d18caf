"""Which witnesses have cosigned a checkpoint, and whether that is enough and lately enough. Pure.

Every comparison is against one clock, and each cosignature is a word of another clock. One that is older than the
trust root allows doesn't count, so an old ledger can't be passed off for long (attacks A53, A55). One from the future
doesn't count either: where so many are that the rest is too few, this machine's clock is wrong, or has been set back
to let an old ledger look fresh (attack A17). A single witness with a wrong clock, or a hostile one, can neither allow
nor deny anything while enough others agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time, shown_age
from bspec_opa.ledger.witness.cosignature import cosigned_at
from bspec_opa.ledger.witness.reasons import CLOCK, UNWITNESSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.foundation.errors import BspecError
    from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature
    from bspec_opa.trust.witnesses import Witness, Witnesses

HINT = "run bspec-opa ledger cosign --witness URL, once for each witness"


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A valid cosignature.

    Attributes:
        witness: whose.
        at: when, in POSIX seconds.
        signature: the line.
    """

    witness: Witness
    at: int
    signature: NoteSignature


def cosignatures(checkpoint: Checkpoint, witnesses: Iterable[Witness]) -> tuple[Cosigned, ...]:
    """The newest valid cosignature of each of these witnesses; lines of others say nothing."""
    found: list[Cosigned] = []
    for witness in witnesses:
        times = [(at, s) for s in checkpoint.signatures if (at := cosigned_at(checkpoint, s, witness)) is not None]
        if times:
            found.append(Cosigned(witness, *max(times, key=lambda t: t[0])))
    return tuple(found)


def shortfall(
    checkpoint: Checkpoint | None, demand: Witnesses, members: Sequence[Witness], now: int
) -> BspecError | None:
    """Why a checkpoint is not witnessed as it must be; None if it is.

    Args:
        checkpoint: the ledger's head; None if it has none.
        demand: what the trust root asks for.
        members: its witnesses whose keys are not revoked.
        now: Unix seconds.
    """
    found = cosignatures(checkpoint, members) if checkpoint else ()
    ahead = [c for c in found if c.at > now + demand.skew_s]
    fresh = [c for c in found if now - demand.max_age_s <= c.at <= now + demand.skew_s]
    if len(fresh) >= demand.threshold:
        return None
    if len(fresh) + len(ahead) >= demand.threshold:
        newest = max(ahead, key=lambda c: c.at)
        return CLOCK.error(
            f"it is {format_time(now)} here, and {newest.witness.name} has cosigned at {format_time(newest.at)}",
            hint="set the clock",
        )
    return UNWITNESSED.error(_too_few(checkpoint, demand, found, len(fresh), now), hint=HINT)


def _too_few(checkpoint: Checkpoint | None, demand: Witnesses, found: Sequence[Cosigned], fresh: int, now: int) -> str:
    size = checkpoint.size if checkpoint else 0
    text = f"{fresh} of {demand.threshold} witnesses have cosigned the ledger at {size} entries"
    stale = [c for c in found if c.at < now - demand.max_age_s]
    if not stale:
        return text
    newest = max(stale, key=lambda c: c.at)
    age = f"{newest.witness.name} at {format_time(newest.at)}"
    return f"{text} within {shown_age(demand.max_age_s)}; the last was {age}"
