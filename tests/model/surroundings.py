"""What happens around the gate: people who sign, other jobs, an attacker without keys, crashes, an operator's repair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.protocol import head_of, is_writing, moved, revoked, shown
from model.state import (
    APPROVAL,
    AUTHOR,
    EVIDENCE,
    IDLE,
    LINES,
    NO_SOURCE,
    NOBODY,
    NOTHING,
    OUTSIDER,
    PROMOTION,
    REJECT,
    REQUEST,
    REVIEW,
    REVIEWER,
    REVOCATION,
    ROLLBACK,
    SOURCE_OF,
    SUBMIT,
    Record,
    Run,
    State,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.bounds import Bounds
    from model.protocol import Protocol


def around(protocol: Protocol, state: State, bounds: Bounds) -> Iterator[tuple[str, State]]:
    """Everything that may happen next besides the steps of the runs."""
    yield from _starts(protocol, state, bounds)
    yield from _crashes(state)
    yield from _repair(state)
    yield from _signatures(protocol, state, bounds)
    yield from _reviews(state, bounds)
    yield from _other_jobs(state)
    yield from _revocations(state, bounds)
    yield from _thefts(state)
    yield from _lock_edits(state)
    yield from _tails(state, bounds)


def _spend(state: State, name: str) -> State | None:
    """One disturbance less."""
    left = getattr(state.left, name)
    return state._replace(left=state.left._replace(**{name: left - 1})) if left else None


def _starts(protocol: Protocol, state: State, bounds: Bounds) -> Iterator[tuple[str, State]]:
    number = next((i for i, r in enumerate(state.runs) if r.step == IDLE), None)
    if number is None or (spent := _spend(state, "runs")) is None:
        return
    for order in bounds.orders:
        begun = protocol.begin(spent, number, order)
        if begun is not None:
            yield f"a run to {name_of(order)} starts and reads {state.covered} entries", begun
        elif not state.has_tail:
            yield f"a run to {name_of(order)} is refused", spent


def name_of(order: Run) -> str:
    """An order in words."""
    back = f"roll back {order.environment} to line {order.target}" if order.target != NOTHING else ""
    back += " in an emergency" if order.emergency else ""
    return back or f"promote {order.intent}{order.binding} to {order.environment}"


def _crashes(state: State) -> Iterator[tuple[str, State]]:
    for number, run in enumerate(state.runs):
        if run.step != IDLE and (spent := _spend(state, "crashes")) is not None:
            yield f"the run to {name_of(run)} is killed before it would {run.step}", moved(spent, number, Run())


def _repair(state: State) -> Iterator[tuple[str, State]]:
    """What a killed run has begun is completed; what nobody has begun is moved aside, and nobody signs it."""
    if not state.has_tail or is_writing(state):
        return
    if state.begun:
        yield "the operator has the tail completed", state.completed
    else:
        yield "the operator moves the tail aside", state._replace(ledger=state.tree)


# People


def _signatures(protocol: Protocol, state: State, bounds: Bounds) -> Iterator[tuple[str, State]]:
    spent = _spend(state, "signatures")
    if spent is None and not state.left.rejects:
        return
    for wanted in {w: None for order in bounds.orders if (w := _promotable(protocol, state, order))}:
        if spent is not None:
            for records in papers(wanted, bounds, state):
                new = frozenset(records) - state.signed
                if new:
                    kinds = ", ".join(sorted({f"{r.kind} by the {r.by}" for r in new}))
                    yield f"signed {_what(wanted)}{wanted.binding}: {kinds}", _filed(spent, new)
        reject = _record(REJECT, wanted, REVIEWER)
        if state.left.rejects and reject not in state.signed and not wanted.emergency:
            less = state._replace(left=state.left._replace(rejects=state.left.rejects - 1))
            what = _what(wanted) if wanted.kind == ROLLBACK else f"{wanted.intent} for {wanted.environment}"
            yield f"the reviewer rejects {what}", _filed(less, frozenset({reject}))


def _what(wanted: Record) -> str:
    back = f"to roll back {wanted.environment}{' in an emergency' if wanted.emergency else ''} to {wanted.intent}"
    return back if wanted.kind == ROLLBACK else f"for {wanted.environment} {wanted.intent}"


def _filed(state: State, records: frozenset[Record]) -> State:
    return state._replace(inbox=state.inbox | records, signed=state.signed | records)


def _promotable(protocol: Protocol, state: State, order: Run) -> Record | None:
    """What people would sign for now; the inbox's evidence is shown to approvers too."""
    tree = state.tree
    base = head_of(tree, order.environment)
    wanted = protocol.wanted(state, tree, order._replace(root=state.root, tree=len(tree)))
    if wanted.kind == "unbound" or not protocol.has_source(tree, wanted):
        return None
    fresh = tuple(sorted(state.inbox - set(tree)))
    seen = shown((*tree, *fresh), revoked(tree, state.root), wanted.intent, wanted.binding)
    return wanted._replace(base=base, evidence=seen)


def papers(wanted: Record, bounds: Bounds, state: State) -> Iterator[list[Record]]:
    """What may be signed in one go: everything where bundled, otherwise one thing after the other."""
    about = Record("", "", wanted.intent, wanted.binding)
    submit = about._replace(kind=SUBMIT, by=AUTHOR)
    evidence = [about._replace(kind=EVIDENCE, by="evaluator", serial=i) for i in range(bounds.evidence)]
    first = wanted._replace(evidence=wanted.evidence or (0,)) if bounds.bundled else wanted
    approval, request = _record(APPROVAL, first, REVIEWER), _record(REQUEST, wanted._replace(evidence=()), "promoter")
    if bounds.bundled:
        has_evidence = bool(wanted.evidence)
        yield [submit, *(() if has_evidence else evidence[:1]), approval, request]
        if has_evidence:
            yield from ([e] for e in evidence[1:])
        return
    yield from ([r] for r in (submit, *evidence, approval, request))
    if bounds.insider:
        yield [_record(APPROVAL, wanted, AUTHOR)]


def _record(kind: str, wanted: Record, by: str) -> Record:
    """About exactly this; only approvals say which evidence was shown, and only where that matters."""
    evidence = wanted.evidence if kind == APPROVAL and SOURCE_OF[wanted.environment] else ()
    source = wanted.source if kind != REJECT else NO_SOURCE
    place = (wanted.intent, wanted.binding, wanted.base, source, wanted.target)
    return Record(kind, wanted.environment, *place, by, evidence, emergency=wanted.emergency)


def _reviews(state: State, bounds: Bounds) -> Iterator[tuple[str, State]]:
    spent = _spend(state, "signatures")
    if spent is None:
        return
    for number, line in enumerate(state.tree):
        for by in (OUTSIDER, REVIEWER) if bounds.insider else (OUTSIDER,):
            review = Record(REVIEW, line.environment, line.intent, line.binding, target=number, by=by)
            if line.kind in LINES and line.emergency and review not in state.signed:
                what = f"the emergency in {line.environment} of entry {number} is reviewed by the {by}"
                yield what, _filed(spent, frozenset({review}))


def _other_jobs(state: State) -> Iterator[tuple[str, State]]:
    """Another job sequences what matters to a decision that may be under way."""
    late = {r for r in state.inbox if r.kind == REJECT or (r.kind == EVIDENCE and r.serial)}
    if not late or not may_append(state):
        return
    for record in sorted(late - set(state.ledger)):
        grown = (*state.ledger, record)
        yield f"another job sequences the {record.kind}", state._replace(ledger=grown).completed


def may_append(state: State) -> bool:
    """Whether another writer gets through: no run is writing, and a tail, if there is one, was begun."""
    return not is_writing(state) and (state.begun or not state.has_tail)


def _revocations(state: State, bounds: Bounds) -> Iterator[tuple[str, State]]:
    if not state.left.revocations and not state.left.roots:
        return
    gone = revoked(state.tree, state.root)
    standing = [i for i, r in enumerate(state.tree) if r.kind in bounds.revocable and i not in gone]
    for number in standing:
        what = f"the {state.tree[number].kind} of entry {number}"
        if (spent := _spend(state, "revocations")) is not None and may_append(state):
            grown = (*state.ledger, Record(REVOCATION, target=number, by=REVIEWER))
            yield f"{what} is revoked in the ledger", spent._replace(ledger=grown).completed
        if state.tree[number].kind not in LINES and (spent := _spend(state, "roots")) is not None:
            yield f"a newer trust root revokes {what}", spent._replace(root=(*state.root, number))


# An attacker without keys, who can write the repository


def _thefts(state: State) -> Iterator[tuple[str, State]]:
    if (spent := _spend(state, "thefts")) is None:
        return
    known = set(state.tree)
    for record in sorted(state.signed - known):
        what = f"the {record.kind} about {record.environment} {record.intent}{record.binding}"
        if record in state.inbox:
            yield f"an attacker deletes {what} from the inbox", spent._replace(inbox=state.inbox - {record})
        else:
            yield f"an attacker puts {what} back into the inbox", spent._replace(inbox=state.inbox | {record})


def _lock_edits(state: State) -> Iterator[tuple[str, State]]:
    if (spent := _spend(state, "lock_edits")) is None:
        return
    lines = tuple(r for r in state.tree if r.kind in LINES)
    for length in range(len(lines)):
        if lines[:length] != state.lock:
            how = f"restores a lock of {length} lines" if length else "deletes the lock"
            yield f"an attacker {how}", spent._replace(lock=lines[:length])


def _tails(state: State, bounds: Bounds) -> Iterator[tuple[str, State]]:
    """A line that nobody signed, after what the checkpoint covers."""
    if state.has_tail or (spent := _spend(state, "tails")) is None:
        return
    for order in bounds.orders:
        if order.target == NOTHING:
            base = head_of(state.tree, order.environment)
            line = Record(PROMOTION, order.environment, order.intent, order.binding, base, by=NOBODY)
            yield "an attacker writes a line after the checkpoint", spent._replace(ledger=(*state.ledger, line))
            return
