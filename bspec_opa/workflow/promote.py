"""The promotion, in the order of the protocol: sequence, decide on a tree, sign, append, write the lock.

The line is signed for the ledger at size n and appended only if the ledger still has size n. Whatever fails before
the append leaves everything as it was; a crash after it is repaired by the next run, which copies the line from
the ledger into the lock and signs nothing that it found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, StoreError, TrustError
from bspec_opa.foundation.limits import REDECIDE_LIMIT
from bspec_opa.gate.request import without_nonce
from bspec_opa.ledger.reasons import RACE_LOST, ROOT_ROLLED_BACK
from bspec_opa.lock.chain import next_place
from bspec_opa.lock.line import artifact_subjects, line_subjects
from bspec_opa.lock.reasons import CHANGED
from bspec_opa.trust.currency.statement import require_head_key
from bspec_opa.workflow.checkout.accepting import remember_accepted, require_accepted
from bspec_opa.workflow.checkout.memory import remember_current
from bspec_opa.workflow.checkout.place import open_store, read_ledger
from bspec_opa.workflow.checkout.project import lock_beside
from bspec_opa.workflow.checkout.reviewed import keep_entries
from bspec_opa.workflow.checkout.session import reopen, require_same_root, reread
from bspec_opa.workflow.checkout.signing import Maker, promotion_subjects
from bspec_opa.workflow.checkout.texts import keep_components
from bspec_opa.workflow.completing import complete_known, complete_own
from bspec_opa.workflow.currency.demanding import require_session_current
from bspec_opa.workflow.currency.stating import refresh_head
from bspec_opa.workflow.evaluate import decide, situation_of
from bspec_opa.workflow.facts.adopting import require_quorum
from bspec_opa.workflow.facts.ending import named
from bspec_opa.workflow.facts.lines import denial_predicate, line_kind, line_predicate, lock_of
from bspec_opa.workflow.reasons import MOVED, NEWER_ROOT
from bspec_opa.workflow.sequence import canonical_intent, sequence
from bspec_opa.workflow.verifying.verify import Evidence, verify_head
from bspec_opa.workflow.witness.cosigning import require_line_witnessed, try_witnessing, witnessed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.root import Environment
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.facts.evaluation import Evaluation
    from bspec_opa.workflow.facts.situation import Situation


# What was decided on is not what is there any more: decide again. A lock that another run has just completed, too; and
# a newer trust root that another run has remembered. Where the root itself was put back, reading it again says so.
_MOVED = frozenset({RACE_LOST.code, NEWER_ROOT.code, CHANGED.code, ROOT_ROLLED_BACK.code})


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys with one purpose each, even where one job holds all: lines are the gate's, checkpoints the ledger's.

    With a head key the head statement is made anew after the promotion; without one that is for somebody else to do.
    """

    gate: Signer
    ledger: Signer
    head: Signer | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a promotion came to.

    Attributes:
        evaluation: the decision; ``None`` if exactly this was current already.
        line: digest of the line that is current now, if the promotion was allowed or current already.
        entry: the ledger entry of the line or of the denial, if one was written.
        lock: the lock's file.
        sequenced: ids of the records that this run sequenced.
        restored: how many lines the lock lacked and got from the ledger, besides the one that is new.
        head: the head statement that was made anew, if one was.
        notes: what could not be done besides.
    """

    evaluation: Evaluation | None
    line: Digest | None
    entry: int | None
    lock: Path
    sequenced: tuple[Digest, ...]
    restored: int = 0
    head: Path | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """What runs of an agent that is adopted, and what demands that it is exactly what would be bound.

    Attributes:
        document: in its canonical form; its digest stands in the line.
        require_bound: raises what differs.
    """

    document: bytes
    require_bound: Callable[[Situation], None]


def promote(session: Session, environment_name: str, keys: Keys, running: Running | None = None) -> Outcome:
    """Promote an intent into an environment, or go back to the session's line; or record why not.

    Args:
        session: the intent in its project.
        environment_name: where to.
        keys: the gate's and the ledger's.
        running: of an agent that is adopted, what runs.

    Raises:
        BspecError: nothing was decided; see the exit codes.
    """
    environment = session.environment(environment_name)
    if keys.head is not None:
        require_head_key(keys.head, session.anchor.root)
    require_accepted(session.policy, session.anchor, environment.id, session.world)
    remember_accepted(session.policy, session.anchor, environment.id, session.world)
    added: tuple[Digest, ...] = ()
    for _ in range(REDECIDE_LIMIT):
        try:
            # What may be old is not remembered: a head statement tells.
            shown = require_session_current(session, environment.id)
            # Before anything is appended: a machine that can't remember must not find that out afterwards.
            session = witnessed(_remembered(session), keys.ledger)
            sequencing = sequence(session, keys.ledger)
            added += tuple(r.id for r in sequencing.added)
            sequencing.require_whole()
            require_same_root(session)
            session = reread(session, sequencing.ledger)
            outcome = _once(session, session.environment(environment_name), keys, running)
        except (StoreError, TrustError) as e:
            if e.code not in _MOVED:
                raise
            session = reopen(session)
            continue
        notes = (*shown.notes, *_in_force(session, added))
        return _restated(replace(outcome, sequenced=added, notes=notes), session, keys)
    raise MOVED.error("the ledger kept moving while this was decided", hint="run it again")


def _in_force(session: Session, added: Collection[Digest]) -> Iterator[str]:
    """What this run withdrew by recording it."""
    for one in session.history.withdrawals.in_order():
        if one.record.id in added:
            yield f"IN FORCE FROM NOW ON: {named(session.history, one)}, by {one.record.principal}: {one.reason}"


def _restated(outcome: Outcome, session: Session, keys: Keys) -> Outcome:
    """With the head statement made anew. The promotion stands, and so does the statement before: it has not expired."""
    if keys.head is None:
        return outcome
    try:
        made = refresh_head(session, keys.head)
    except BspecError as e:
        note = f"the head statement was not made anew: {e.problems[0].message}"
        return replace(outcome, notes=(*outcome.notes, note))
    return replace(outcome, head=made.file)


def _remembered(session: Session) -> Session:
    """The session on a ledger that this machine remembers now; another process may have gone on since it was opened."""
    read = partial(read_ledger, session.project, session.anchor)
    ledger = remember_current(session.anchor, session.ledger, read, session.world.environ)
    return session if ledger is session.ledger else reread(session, ledger)


def _once(session: Session, environment: Environment, keys: Keys, running: Running | None) -> Outcome:
    situation = situation_of(session, environment, with_inbox=False, adopting=running is not None)
    lock = lock_beside(session.file)
    # Proven first: a line that the records do not bear out is not copied into the lock either.
    _require_proven(session, situation)
    restored = complete_known(lock, session)
    if situation.is_current and situation.head is not None:
        return Outcome(None, situation.head.line, situation.head.seq, lock, (), restored)
    if running is not None:
        running.require_bound(situation)
    evaluation = decide(session, situation)
    if situation.binding is None:
        return Outcome(evaluation, None, None, lock, (), restored)
    maker = Maker(session.anchor, session.agent, session.world.now)
    if running is not None and evaluation.decision.allowed:
        require_quorum(situation)
    if not evaluation.decision.allowed:
        denial = _denial(session, situation, evaluation, maker, keys)
        entry = _append(session, denial, keys)
        try_witnessing(session)
        return Outcome(evaluation, None, entry, lock, (), restored)
    if running is not None:
        situation = replace(situation, deployed=session.objects.put(running.document))
    line = _line(session, situation, evaluation, maker, keys)
    entry = _append(session, line, keys)
    require_line_witnessed(session, entry)
    complete_own(lock, session)
    return Outcome(evaluation, digest_of(line.envelope.rstrip(b"\n")), entry, lock, (), restored)


def _require_proven(session: Session, situation: Situation) -> None:
    """The current lines here and in the source follow from the ledger's records, or nothing is built on them.

    For a rollback, the line that it goes back to and the promotion that first brought that here.

    Otherwise a stolen gate's key could lower the bar of the next genuine promotion by an invented line to compare
    with (attack A76). A line that does not hold has to be revoked by the trust root.
    """
    given = situation.given
    built_on = [situation.head, given.source_head]
    if given.rollback:
        built_on += [h for h in (given.rollback.target, given.rollback.origin) if h not in built_on]
    ledger, world = session.ledger, session.world
    evidence = Evidence(session.anchor.roots, ledger, session.objects, world.environ, world.now)
    for head in built_on:
        if head is not None:
            verify_head(head, session.history, evidence)


def _keep_objects(session: Session, evaluation: Evaluation) -> None:
    """What a later verification rebuilds the facts from, and replays the decision on."""
    objects = session.objects
    objects.put(canonical_intent(session))
    objects.put(canonical_bytes(without_nonce(evaluation.request)))
    objects.put(session.policy.tar)


def _line(session: Session, situation: Situation, evaluation: Evaluation, maker: Maker, keys: Keys) -> Record:
    assert situation.binding is not None  # noqa: S101 - the caller looked
    _keep_objects(session, evaluation)
    if not session.rollback:  # what is redeployed was kept when it was promoted, and the catalogs have gone on since
        keep_entries(session.project, session.loaded, situation.binding, session.objects)
        keep_components(session.project, situation.binding, session.objects)
    place = next_place(lock_of(session.history), evaluation.environment)
    own = line_predicate(situation, evaluation, session.ledger.head(), place)
    artifacts = artifact_subjects(situation.binding)
    subjects = line_subjects(situation.given.loaded.digest, situation.binding.to_json(), artifacts)
    return maker.make(line_kind(situation), subjects, own, keys.gate)


def _denial(session: Session, situation: Situation, evaluation: Evaluation, maker: Maker, keys: Keys) -> Record:
    assert situation.binding is not None  # noqa: S101 - the caller looked
    _keep_objects(session, evaluation)
    own = denial_predicate(situation, evaluation, session.ledger.head())
    subjects = promotion_subjects(situation.given.loaded.digest, situation.binding.digest)
    return maker.make("denial", subjects, own, keys.gate)


def _append(session: Session, record: Record, keys: Keys) -> int:
    """Append by compare-and-set on the tree that was decided on; returns the entry's number.

    Raises:
        StoreError: somebody else appended, or a newer trust root is there now: decide again (attack A88).
    """
    require_same_root(session)
    entries = session.ledger.draft(session.world.now, [(record.type, record.envelope)])
    store = open_store(session.project, session.anchor)
    ledger = session.ledger.followed_by(entries, store.append(session.ledger.tip, entries, keys.ledger))
    remember_current(session.anchor, ledger, store.read, session.world.environ)
    return entries[0].seq
