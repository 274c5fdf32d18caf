"""Obtaining cosignatures on a ledger's head, and demanding them.

A promotion is decided on the tree that it found, which must be witnessed then, and writes its lock when the tree that
holds its line is witnessed, too. So an old or a forked ledger is refused before anything is decided, and no lock
leaves a gate whose ledger the witnesses don't know. What a promotion itself appends in between needs no witness to be
relied on: it was appended by compare-and-set to the tree that was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, TrustError, error_of
from bspec_opa.foundation.limits import REDECIDE_LIMIT
from bspec_opa.ledger.checkpoint import merged, sign_checkpoint
from bspec_opa.ledger.merkle import EMPTY_ROOT
from bspec_opa.ledger.reasons import RACE_LOST
from bspec_opa.ledger.witness.quorum import HINT, Cosigned, cosignatures, shortfall
from bspec_opa.ledger.witness.reasons import (
    BAD_SETTINGS,
    CLOCK,
    NAME_WITNESSES,
    NO_WITNESSES,
    NOTHING_TO_COSIGN,
    OTHER_HISTORY,
    UNWITNESSED,
)
from bspec_opa.workflow.checkout.place import authentic_ledger, open_store, read_ledger
from bspec_opa.workflow.checkout.project import find_project

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Checkpoint, Signer
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.trust.witnesses import Witnesses
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.witness.asking import Answer

URLS = "witness.urls"
_SAYS = "mend what each witness says, and run it again"
_CONFIGURE = "set BSPEC_OPA_WITNESS_URLS, so that promote asks the witnesses itself"


@dataclass(frozen=True, slots=True)
class Cosigning:
    """A head that enough witnesses have cosigned.

    Attributes:
        ledger: as it is now.
        demand: what the trust root asks for.
        found: every valid cosignature of a known witness on its head.
        answers: what became of each one that was asked.
    """

    ledger: LedgerState
    demand: Witnesses
    found: tuple[Cosigned, ...]
    answers: tuple[Answer, ...]


def require_witnessed(root: TrustRoot, ledger: LedgerState, now: int) -> None:
    """Demand what the trust root demands of a ledger's head, offline.

    Raises:
        TrustError: too few witnesses have cosigned it lately, or the clock is wrong.
    """
    missing = _missing(root, ledger.checkpoint, now)
    if missing is not None:
        raise missing


def cosign_ledger(directory: Path, world: World) -> Cosigning:
    """Ask the configured witnesses, and put their cosignatures beside the ledger's own signature.

    Raises:
        TrustError: no pin, the root names no witnesses, or too few of those that were asked cosign; what they did sign
            is kept.
        InvalidInputError: the ledger has no checkpoint.
        UsageError: no witness's URL, or one that can't be used.
        StoreError: the ledger is busy or keeps moving, or too few witnesses can be reached.
    """
    project = find_project(directory, world.environ, world.flags)
    opened = authentic_ledger(project, world)
    anchor, ledger, world = opened.anchor, opened.ledger, opened.world
    demand = anchor.root.witnesses
    if demand is None:
        raise NO_WITNESSES.error("the trust root names no witnesses", hint=NAME_WITNESSES)
    if not project.config.texts(URLS):
        hint = "give --witness URL, or set witness.urls in bspec-opa.toml or BSPEC_OPA_WITNESS_URLS"
        raise BAD_SETTINGS.error("no witness is named", hint=hint)
    if ledger.checkpoint is None:
        raise NOTHING_TO_COSIGN.error("the ledger has no checkpoint yet", hint="promote or record first")
    ledger, answers = _obtain(project, anchor, ledger, world)
    _require(anchor.root, ledger.checkpoint, answers, _now(world))
    if len(_timely(answers)) < min(demand.threshold, len(answers)):
        # What was signed before suffices still. Whoever wants new ones must learn that they don't come.
        raise error_of(a.problem for a in answers if a.problem is not None)
    found = cosignatures(ledger.checkpoint, anchor.root.cosigners()) if ledger.checkpoint else ()
    return Cosigning(ledger, demand, found, answers)


def witnessed(session: Session, signer: Signer | None = None) -> Session:
    """The session on a ledger that is witnessed as its trust root demands.

    Where witnesses are configured they are asked, whatever has been cosigned already: an old copy may bear
    cosignatures that are young enough, and only who remembers more can tell.

    Args:
        session: the opened one.
        signer: the ledger's key, for the head of a ledger that nobody has written yet: whoever has removed the whole
            ledger must not begin a new history. None where the ledger is known to have a head.

    Raises:
        TrustError: it is not witnessed; nothing was recorded.
    """
    root, ledger, world = session.anchor.root, session.ledger, session.world
    if root.witnesses is None:
        return session
    now = _now(world)
    head = ledger.checkpoint
    if head is None and signer is not None:
        head = sign_checkpoint(ledger.origin, 0, EMPTY_ROOT, signer)
    if not session.project.config.texts(URLS):
        _require(root, head, (), now, hint=HINT if ledger.checkpoint else _CONFIGURE)
        return session
    seen, answers = _obtain(session.project, session.anchor, _bearing(ledger, head), world)
    _require(root, seen.checkpoint, answers, _now(world))
    if ledger.checkpoint is None and seen.size == 0:
        return session
    from bspec_opa.workflow.checkout.session import reread  # what only cosigns knows no intents

    return reread(session, seen)


def require_line_witnessed(session: Session, entry: int) -> None:
    """Demand that the ledger as it is after a promotion's line was appended is witnessed, before its lock is written.

    Raises:
        TrustError: it is not. The line is recorded; promoting again writes the lock.
    """
    if session.anchor.root.witnesses is None:
        return
    try:
        witnessed(_reopened(session))
    except TrustError as e:
        message = f"the line is ledger entry {entry}, and no lock was written: {e.problems[0].message}"
        hint = f"{HINT}; then promote again"
        raise error_of([UNWITNESSED.problem(message, hint=hint), *e.problems[1:]]) from e


def try_witnessing(session: Session) -> None:
    """Have the ledger witnessed after a denial or records were appended, where that is possible: they stand anyway."""
    if session.anchor.root.witnesses is None or not session.project.config.texts(URLS):
        return
    try:
        now = _reopened(session)
        if now.ledger.checkpoint is not None:
            witnessed(now)
    except BspecError:
        return  # Whoever relies on the ledger next says so.


def try_cosigning(project: Project, anchor: Anchor, world: World) -> None:
    """As :func:`try_witnessing`, for what knows no intents."""
    if anchor.root.witnesses is None or not project.config.texts(URLS):
        return
    try:
        ledger = read_ledger(project, anchor)
        if ledger.checkpoint is not None:
            _obtain(project, anchor, ledger, world)
    except BspecError:
        return


def _reopened(session: Session) -> Session:
    from bspec_opa.workflow.checkout.session import reread

    return reread(session, open_store(session.project, session.anchor).read())


def _missing(root: TrustRoot, head: Checkpoint | None, now: int) -> BspecError | None:
    if root.witnesses is None:
        return None
    return shortfall(head, root.witnesses, root.cosigners(), now)


def _require(
    root: TrustRoot, head: Checkpoint | None, answers: tuple[Answer, ...], now: int, hint: str = _SAYS
) -> None:
    """Demand enough cosignatures, and that no witness knows another history, whatever the others say.

    Those that have just answered also tell the time. Where fewer of them than needed agree with this machine's clock
    and one does not, what looks fresh by this clock is not believed (attack A17).
    """
    missing = _missing(root, head, now)
    told = [a.problem for a in answers if a.problem is not None]
    if missing is not None:
        first = replace(missing.problems[0], hint=hint) if missing.code == UNWITNESSED.code else missing.problems[0]
        raise error_of([first, *told])
    conflicts = [p for p in told if p.reason.code == OTHER_HISTORY.code]
    if conflicts:
        raise error_of(conflicts)
    clocks = [p for p in told if p.reason.code == CLOCK.code]
    if clocks and root.witnesses is not None and len(_timely(answers)) < root.witnesses.threshold:
        raise error_of(clocks)


def _timely(answers: tuple[Answer, ...]) -> set[str]:
    """Who has cosigned just now."""
    return {c.witness.name for a in answers for c in a.cosigned}


def _obtain(
    project: Project, anchor: Anchor, ledger: LedgerState, world: World
) -> tuple[LedgerState, tuple[Answer, ...]]:
    """The ledger with what its witnesses have cosigned, and what each of them said.

    Another process may append meanwhile: then its head is cosigned, and no newer head is ever lost.

    Raises:
        StoreError: it keeps moving.
    """
    from bspec_opa.workflow.witness.asking import Head, ask_all

    assert anchor.root.witnesses is not None  # noqa: S101 - the callers looked
    members, skew_s = anchor.root.cosigners(), anchor.root.witnesses.skew_s
    for _ in range(REDECIDE_LIMIT):
        assert ledger.checkpoint is not None  # noqa: S101 - the callers looked
        head = Head(ledger.checkpoint, ledger.consistency, members, skew_s)
        answers = ask_all(project.config, head, partial(_now, world))
        kept = _kept(project, anchor, ledger, answers)
        if kept is not None and not any(a.knows for a in answers):
            return kept, answers
        again = read_ledger(project, anchor)
        if kept is not None and again.size <= ledger.size:
            return kept, answers
        ledger = again
    raise RACE_LOST.error("the ledger kept moving while witnesses were asked", hint="run it again")


def _kept(project: Project, anchor: Anchor, ledger: LedgerState, answers: tuple[Answer, ...]) -> LedgerState | None:
    """The ledger with the new cosignatures beside its head; None if it has gone on since."""
    lines = [c.signature for a in answers for c in a.cosigned]
    head = ledger.checkpoint
    if not lines or head is None:
        return ledger
    store = open_store(project, anchor)
    if ledger.size == 0 and store.read().checkpoint is None:
        # Nobody has written it yet: there is no file to put them into, and the next append replaces the head anyway.
        own = [anchor.root.keys[k].public for k in anchor.root.ledger.keys]
        return _bearing(ledger, merged(head, lines, own))
    endorsed = store.endorse(head, lines)
    return None if endorsed is None else _bearing(ledger, endorsed)


def _bearing(ledger: LedgerState, head: Checkpoint | None) -> LedgerState:
    """The same ledger with the same head, and more signatures on it."""
    return replace(ledger, tip=replace(ledger.tip, checkpoint=head))


def _now(world: World) -> int:
    return max(world.now, world.clock()) if world.clock else world.now
