"""Seeded bugs: the protocol with one mistake each. The search has to find every one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from model.protocol import Protocol, head_of, moved, revoked
from model.state import CHECKPOINT, DECIDE, DENIAL, GENESIS, LINES, NOTHING, REVOCATION, ROLLBACK, Record, Run

if TYPE_CHECKING:
    from model.state import Ledger, State


DENIED = Record(DENIAL)


class NoCompare(Protocol):
    """Appends whatever has been appended since."""

    def is_unmoved(self, state: State, run: Run) -> bool:
        return self.is_same_root(state, run)


class Overwrites(Protocol):
    """Writes at the place that it read, over what another run has put there."""

    def append(self, state: State, number: int) -> State:
        run = state.runs[number]
        ledger = (*state.ledger[: run.tree], *run.drafts)
        return moved(state._replace(ledger=ledger, begun=True), number, run._replace(step=CHECKPOINT))


class NoStoreLock(Protocol):
    """Appends while another run has appended and not signed yet, and signs for both."""

    def is_held(self, state: State, number: int) -> bool:
        return False

    def append(self, state: State, number: int) -> State:
        run = state.runs[number]
        if not self.is_unmoved(state, run):
            return self.again(state, number)
        return moved(
            state._replace(ledger=(*state.ledger, *run.drafts), begun=True), number, run._replace(step=CHECKPOINT)
        )


class OnlySize(Protocol):
    """Takes the new size where the compare failed, and appends what it had decided before."""

    def again(self, state: State, number: int) -> State:
        run = state.runs[number]
        if not run.sequenced or run.step == DECIDE:
            return super().again(state, number)
        drafts = tuple(d._replace(tree=state.covered) for d in run.drafts)
        return moved(state, number, run._replace(tree=state.covered, root=state.root, drafts=drafts))


class RootAtStart(Protocol):
    """Reads the trust root when it starts, and never again."""

    def is_same_root(self, state: State, run: Run) -> bool:
        return True


class RevocationsAtStart(Protocol):
    """Looks for revocations when it starts; deciding again, it still has the old ones."""

    def begin(self, state: State, number: int, order: Run) -> State | None:
        return super().begin(state, number, order if order.tries else order._replace(since=state.covered))

    def judge(self, state: State, tree: Ledger, run: Run) -> Record:
        known = tuple(
            r if i < run.since or r.kind != REVOCATION else r._replace(target=NOTHING) for i, r in enumerate(tree)
        )
        return super().judge(state, known, run)


class LockFirst(Protocol):
    """Writes the lock, then appends."""

    def append(self, state: State, number: int) -> State:
        run = state.runs[number]
        lines = tuple(d for d in run.drafts if d.kind in LINES)
        return super().append(state._replace(lock=(*state.lock, *lines)), number)


class LockBeforeCheckpoint(Protocol):
    """Takes an entry for recorded before the checkpoint covers it."""

    def append(self, state: State, number: int) -> State:
        after = super().append(state, number)
        won = after.runs[number].step == CHECKPOINT and after.runs[number].sequenced
        return after._replace(lock=self.completed(after.lock, after.ledger) or after.lock) if won else after


class BaseIsBinding(Protocol):
    """Compares what the base binds, not which line it is (attack A90)."""

    def same_base(self, tree: Ledger, signed: int, base: int) -> bool:
        if GENESIS in {signed, base}:
            return signed == base
        return (tree[signed].intent, tree[signed].binding) == (tree[base].intent, tree[base].binding)


class SignsTheTail(Protocol):
    """Repairs by signing a checkpoint over whatever it finds (attack A81)."""

    def begin(self, state: State, number: int, order: Run) -> State | None:
        if state.has_tail and not self.is_held(state, number):
            state = state._replace(covered=len(state.ledger))
        return super().begin(state, number, order)


class CompletesAnything(Protocol):
    """Completes whatever comes after the checkpoint, without holding it against what was signed (attack A81)."""

    def may_complete(self, state: State) -> bool:
        return True


class NeverBegins(Protocol):
    """Writes the log and puts nothing down before: nobody can tell afterwards whose the tail is."""

    def append(self, state: State, number: int) -> State:
        return super().append(state, number)._replace(begun=False)


class Resolves(Protocol):
    """Production binds what resolves now, not what staging had (attack A82)."""

    def carried(self, tree: Ledger, source: int, run: Run) -> int:
        return run.binding


class AnySource(Protocol):
    """An approval for production counts whichever line of staging it was given for."""

    def same_source(self, signed: int, source: int) -> bool:
        return True


class AnyTarget(Protocol):
    """An approval for a rollback counts for another target, and for a promotion."""

    def is_about(self, tree: Ledger, record: Record, wanted: Record) -> bool:
        return self.same_base(tree, record.base, wanted.base)


class InboxCounts(Protocol):
    """Decides on the inbox as if it were recorded."""

    def begin(self, state: State, number: int, order: Run) -> State | None:
        after = super().begin(state, number, order)
        if after is None:
            return None
        return moved(after, number, after.runs[number]._replace(step=DECIDE, sequenced=True))

    def judge(self, state: State, tree: Ledger, run: Run) -> Record:
        return super().judge(state, (*tree, *run.drafts), run)._replace(tree=len(tree))


class HeadFromLock(Protocol):
    """Believes the lock file about what is current (attack A77)."""

    def base(self, state: State, tree: Ledger, run: Run) -> int:
        ours = [r for r in state.lock if r.environment == run.environment]
        return tree.index(ours[-1]) if ours and ours[-1] in tree else GENESIS


class NeverCompletes(Protocol):
    """Writes its own line only: what a crash left out stays out (attack A48)."""

    def decide(self, state: State, number: int) -> State:
        return super().decide(state, number)._replace(lock=state.lock)

    def write_lock(self, state: State, number: int) -> State:
        last = state.runs[number].drafts[0]
        lines = tuple(r for r in state.tree if r.kind in LINES)
        fits = lines[: len(state.lock) + 1] == (*state.lock, last)
        return moved(state._replace(lock=(*state.lock, last)) if fits else state, number, Run())


class HeadFallsBack(Protocol):
    """A line that is revoked uncovers the one before it, and with it the approvals that were given for that base."""

    def base(self, state: State, tree: Ledger, run: Run) -> int:
        gone = revoked(tree, run.root)
        return head_of(tuple(DENIED if i in gone else r for i, r in enumerate(tree)), run.environment)


class RevokedSource(Protocol):
    """Builds production on a line of staging that was revoked."""

    def source(self, tree: Ledger, gone: frozenset[int], environment: str) -> int:
        return head_of(tree, environment)


class AuthorApproves(Protocol):
    """Whoever has a key may approve."""

    def may_approve(self, approval: Record) -> bool:
        return True


class RejectExpires(Protocol):
    """A reject counts for its base only, so that another promotion in between lifts it."""

    def objects(self, record: Record, wanted: Record) -> bool:
        return super().objects(record, wanted) and record.base == wanted.base


class AnyEvidence(Protocol):
    """An approval for production counts although evidence came after it."""

    def has_seen(self, approval: Record, wanted: Record) -> bool:
        return True


class RevokedTarget(Protocol):
    """Goes back to a line that was revoked."""

    def may_go_back(self, tree: Ledger, gone: frozenset[int], run: Run) -> bool:
        return super().may_go_back(tree, frozenset(), run)


class RestsOnRevoked(Protocol):
    """Goes back to a line that rests on what was revoked."""

    def rests_on(self, tree: Ledger, number: int) -> frozenset[int]:
        return frozenset({number})


class RollbackOutlives(Protocol):
    """Builds on a rollback although the line that it went back to was revoked."""

    def source(self, tree: Ledger, gone: frozenset[int], environment: str) -> int:
        return super().source(tree, frozenset(i for i in gone if tree[i].kind != ROLLBACK), environment)


class RevokedUncovers(Protocol):
    """A revoked approval uncovers the one whose place it had taken."""

    def counted(self, tree: Ledger, root: tuple[int, ...], wanted: Record) -> tuple[int, ...] | None:
        named = {r.target for r in tree if r.kind == REVOCATION}
        without = tuple(DENIED if i in named or r.kind == REVOCATION else r for i, r in enumerate(tree))
        return super().counted(without, root, wanted)


class NeverReviewed(Protocol):
    """Goes on after an emergency that nobody has looked at."""

    def may_follow(self, tree: Ledger, root: tuple[int, ...], wanted: Record) -> bool:
        return True


class OwnReview(Protocol):
    """Whoever approved an emergency may review it."""

    def took_part(self, tree: Ledger, line: Record) -> frozenset[str]:
        return frozenset()


class AnyUrgency(Protocol):
    """What was signed for something ordinary counts in an emergency, and the other way round."""

    def same_urgency(self, signed: Record, wanted: Record) -> bool:
        return True


class NotValidated(Protocol):
    """Takes an intent that no strict reader would."""

    def is_valid(self, intent: str) -> bool:
        return True


class TriesForEver(Protocol):
    """Waits for what it lost, instead of reading again."""

    def again(self, state: State, number: int) -> State:
        return state


class Seeded(NamedTuple):
    """A bug, the small world in which it shows, and what it breaks after how many steps at the earliest."""

    bug: type[Protocol]
    bounds: str
    breaks: str
    steps: int


SEEDED = (
    Seeded(NoCompare, "race", "converges", 7),
    Seeded(Overwrites, "race", "nothing_lost", 4),
    Seeded(NoStoreLock, "race", "one_tail", 4),
    Seeded(OnlySize, "inbox", "converges", 9),
    Seeded(OnlySize, "rivals", "converges", 12),
    Seeded(RootAtStart, "race", "under_the_newest_root", 7),
    Seeded(RevocationsAtStart, "race", "nothing_void", 10),
    Seeded(LockFirst, "rivals", "lock_in_ledger", 6),
    Seeded(LockBeforeCheckpoint, "rivals", "lock_in_ledger", 6),
    Seeded(BaseIsBinding, "back", "requested, approvals_recorded, spent_once", 13),
    Seeded(
        SignsTheTail,
        "lock",
        "submitted, evidence_present, requested, decided_on_its_tree, approvals_recorded, signed_by_gate",
        2,
    ),
    Seeded(
        CompletesAnything,
        "lock",
        "submitted, evidence_present, requested, decided_on_its_tree, approvals_recorded, signed_by_gate",
        3,
    ),
    Seeded(NeverBegins, "race", "converges", 2),
    Seeded(Resolves, "onward", "carried_from_source", 8),
    Seeded(AnySource, "source", "requested, approvals_recorded", 13),
    Seeded(AnyTarget, "back", "requested, approvals_recorded", 8),
    Seeded(InboxCounts, "race", "submitted, evidence_present, requested, approvals_recorded", 5),
    Seeded(HeadFromLock, "lock", "spent_once, base_is_head", 8),
    Seeded(NeverCompletes, "lock", "converges", 1),
    Seeded(HeadFallsBack, "revoked", "spent_once, base_is_head", 6),
    Seeded(RevokedSource, "withdrawn", "carried_from_source", 8),
    Seeded(AuthorApproves, "papers", "approvals_recorded", 11),
    Seeded(RejectExpires, "objection", "not_rejected", 8),
    Seeded(AnyEvidence, "onward", "approved_on_all_evidence", 8),
    Seeded(RevokedTarget, "target", "carried_from_target", 9),
    Seeded(RestsOnRevoked, "target", "carried_from_target", 9),
    Seeded(RollbackOutlives, "fallen", "carried_from_source", 8),
    Seeded(RevokedUncovers, "instead", "nothing_void", 11),
    Seeded(NeverReviewed, "reviewed", "emergencies_reviewed", 7),
    Seeded(OwnReview, "reviewed", "emergencies_reviewed", 8),
    Seeded(AnyUrgency, "urgent", "requested, approvals_recorded", 8),
    Seeded(NotValidated, "invalid", "intent_valid", 8),
    Seeded(TriesForEver, "rivals", "converges", 2),
)
