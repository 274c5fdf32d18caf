"""The promotion invariant (paper 6.8), clause by clause, and what its durability rests on.

Nothing here is shared with the gate's way of deciding (:mod:`model.protocol`): every property reads the ledger anew, in
its own words. A property of a line is asked once, about the ledger before it; the others about every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from model.state import GATE, GENESIS, LINES, NOTHING, SOURCE_OF, VALID_INTENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from model.state import Ledger, Record, State


class LineAt(NamedTuple):
    """A line in its place: ``before`` is the ledger that it was appended to, ``void`` what was revoked by then."""

    line: Record
    before: Ledger
    void: frozenset[int]

    def named(self, kind: str) -> list[Record]:
        """The entries of a kind that it says it counted."""
        return [self.before[i] for i in self.line.counted if i < len(self.before) and self.before[i].kind == kind]

    def head(self, environment: str) -> int:
        """The last line of an environment."""
        return max(
            (
                i
                for i in range(len(self.before))
                if self.before[i].kind in LINES and self.before[i].environment == environment
            ),
            default=GENESIS,
        )


# 6.8, clause 1: the intent has passed validation.


def intent_valid(at: LineAt) -> bool:
    """No line promotes an intent that a strict reader refuses."""
    return at.line.intent in VALID_INTENTS


# 6.8, clause 2: the promotion rules of the target environment are satisfied.


def submitted(at: LineAt) -> bool:
    """Somebody submitted exactly this intent and binding."""
    return any(_same_subjects(at, r) for r in at.named("submit"))


def evidence_present(at: LineAt) -> bool:
    """Evidence about exactly this is counted, and none that stands is left out."""
    about = {
        i
        for i, r in enumerate(at.before)
        if r.kind == "evidence" and _same_subjects(at, r) and i not in at.void
    }  # fmt: skip
    return bool(about) and about <= set(at.line.counted)


def not_rejected(at: LineAt) -> bool:
    """Nobody has rejected this intent, or anything of the same kind, promotion or rollback, on this base."""
    going_back = at.line.target != NOTHING
    return not any(
        r.kind == "reject"
        and r.environment == at.line.environment
        and (r.intent == at.line.intent or (r.base == at.line.base and (r.target != NOTHING) == going_back))
        and i not in at.void
        for i, r in enumerate(at.before)
    )


def requested(at: LineAt) -> bool:
    """A promoter asked for exactly this: base, source and target."""
    return any(_same_subjects(at, r) and _same_place(at, r) for r in at.named("request"))


def decided_on_its_tree(at: LineAt) -> bool:
    """Nothing came between what was decided on and the line."""
    return at.line.tree == len(at.before)


# 6.8, clause 3: all required approvals are durably recorded.


def approvals_recorded(at: LineAt) -> bool:
    """Whoever approved exactly this is no author of it, and it stood in the ledger before the line."""
    return any(
        _same_subjects(at, r)
        and _same_place(at, r)
        and r.by not in _authors(at)
        and r.environment == at.line.environment
        for r in at.named("approval")
    )


def approved_on_all_evidence(at: LineAt) -> bool:
    """Where there is a source, the approver had seen all of the evidence."""
    seen = tuple(sorted(r.serial for r in at.named("evidence")))
    return not SOURCE_OF[at.line.environment] or any(r.evidence == seen for r in at.named("approval"))


def nothing_void(at: LineAt) -> bool:
    """Nothing that it counted was revoked when it was appended."""
    return not at.void & set(at.line.counted)


def spent_once(at: LineAt) -> bool:
    """No approval or request serves two lines."""
    used = {i for r in at.before if r.kind in LINES for i in r.counted}
    return not any(at.before[i].kind in {"approval", "request"} for i in used & set(at.line.counted))


# 6.8, clause 4: a lock is generated from the approved intent and binds it to identities.


def signed_by_gate(at: LineAt) -> bool:
    """Only the gate makes lines."""
    return at.line.by == GATE


def base_is_head(at: LineAt) -> bool:
    """It replaces the line that was current: no fork, one winner for each base."""
    return at.line.base == at.head(at.line.environment)


def carried_from_source(at: LineAt) -> bool:
    """Production has the identities of the staging line that was current then, and stood (paper 6.6)."""
    line, environment = at.line, SOURCE_OF[at.line.environment]
    if not environment or line.target != NOTHING:
        return True
    source = at.head(environment)
    if source == GENESIS or line.source != source or source in at.void:
        return False
    return (at.before[source].intent, at.before[source].binding) == (line.intent, line.binding)


def carried_from_target(at: LineAt) -> bool:
    """A rollback goes back to a standing line of the same environment, unchanged (paper 6.7).

    Nor was anything revoked that this rests on, back to the promotion that first brought it here.
    """
    if at.line.target == NOTHING:
        return True
    if not 0 <= at.line.target < len(at.before) or at.line.target in at.void:
        return False
    target = origin = at.before[at.line.target]
    if at.void & set(target.counted):
        return False
    while origin.target != NOTHING:
        origin = at.before[origin.target]
        if at.void & set(origin.counted):
            return False
    return target.kind in LINES and (target.environment, target.intent, target.binding) == (
        at.line.environment, at.line.intent, at.line.binding,
    )  # fmt: skip


def emergencies_reviewed(at: LineAt) -> bool:
    """Before anything ordinary, somebody who signed for none of it has reviewed each emergency since the last such."""
    for number in reversed(range(len(at.before))):
        line = at.before[number]
        if line.kind not in LINES or line.environment != at.line.environment:
            continue
        if at.line.emergency or not line.emergency:
            return True
        signed = [r for r in at.before if r.kind in {"approval", "request"} and r.environment == line.environment]
        involved = {r.by for r in signed if (r.base, r.target) == (line.base, line.target)}
        if not any(r.by not in involved for r in at.named("review") if r.target == number):
            return False
    return True


# What the record rests on


def nothing_lost(before: State, after: State) -> bool:
    """What a checkpoint covered stays where it is."""
    return after.ledger[: before.covered] == before.tree and after.covered >= before.covered


def lock_in_ledger(_: State, after: State) -> bool:
    """Every line of the lock on disk is in the ledger, under a checkpoint, in that order."""
    lines = tuple(r for r in after.tree if r.kind in LINES)
    return after.lock == lines[: len(after.lock)]


def under_the_newest_root(before: State, after: State) -> bool:
    """A run appends its line under the trust root that is the newest at that moment."""
    new = after.ledger[len(before.ledger) :]
    ours = any(r.step == "checkpoint" for r in after.runs)
    return not ours or all(r.root == len(after.root) for r in new if r.kind in LINES)


def one_tail(_: State, after: State) -> bool:
    """At most one run has appended and not signed yet."""
    return sum(r.step == "checkpoint" for r in after.runs) <= 1


def _same_subjects(at: LineAt, record: Record) -> bool:
    return (record.intent, record.binding) == (at.line.intent, at.line.binding)


def _same_place(at: LineAt, record: Record) -> bool:
    line = at.line
    return (*record[4:7], record.emergency) == (*line[4:7], line.emergency)


def _authors(at: LineAt) -> set[str]:
    return {r.by for r in at.before if r.kind == "submit" and _same_subjects(at, r)}


OF_LINES: dict[str, tuple[Callable[[LineAt], bool], ...]] = {
    "1": (intent_valid,),
    "2": (submitted, evidence_present, not_rejected, requested, decided_on_its_tree),
    "3": (approvals_recorded, approved_on_all_evidence, nothing_void, spent_once),
    "4": (signed_by_gate, base_is_head, carried_from_source, carried_from_target, emergencies_reviewed),
}
"""Clause of 6.8 to the properties that say it."""
OF_STEPS: tuple[Callable[[State, State], bool], ...] = (nothing_lost, lock_in_ledger, one_tail, under_the_newest_root)


def _void(before: Ledger, root: tuple[int, ...]) -> frozenset[int]:
    """What was revoked by then; with a line every rollback to it, with an approval or request what it had replaced."""
    named = [r.target for r in before if r.kind == "revocation"]
    void = {*named, *root}
    for number in named:
        if (signed := before[number]).kind in {"approval", "request"}:
            void |= {i for i in range(number) if before[i][:5] == signed[:5] and before[i].by == signed.by}
    while fallen := {i for i, r in enumerate(before) if r.kind == "rollback" and r.target in void and i not in void}:
        void |= fallen
    return frozenset(void)


def broken(before: State, after: State) -> Iterator[str]:
    """The names of the properties that a step breaks."""
    for holds in OF_STEPS:
        if not holds(before, after):
            yield holds.__name__
    if after.covered != before.covered:
        for number in range(before.covered, after.covered):
            yield from _broken_by_line(after, number)


def _broken_by_line(state: State, number: int) -> Iterator[str]:
    line, before = state.ledger[number], state.ledger[:number]
    if line.kind not in LINES:
        return
    at = LineAt(line, before, _void(before, state.root[: line.root]))
    for properties in OF_LINES.values():
        for holds in properties:
            if not holds(at):
                yield holds.__name__
