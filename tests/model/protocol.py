"""The gate's side of the protocol: what each step of a run does, and how it decides.

Each step is atomic, and between two of them anything may happen. Whatever a seeded bug changes is a method of its own
(:mod:`model.bugs`).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING

from model.state import (
    APPEND,
    APPROVAL,
    AUTHOR,
    CHECKPOINT,
    DECIDE,
    DENIAL,
    EVIDENCE,
    GATE,
    GENESIS,
    IDLE,
    LINES,
    LOCK,
    NO_SOURCE,
    NOTHING,
    PROMOTION,
    REJECT,
    REQUEST,
    REVIEW,
    REVOCATION,
    ROLLBACK,
    SIGN,
    SOURCE_OF,
    SUBMIT,
    VALID_INTENTS,
    Record,
    Run,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model.state import Ledger, State

REDECIDE_LIMIT = 2
CURRENT = Record("current")
UNBOUND = Record("unbound")


@lru_cache(maxsize=4096)
def revoked(tree: Ledger, root: tuple[int, ...]) -> frozenset[int]:
    """The entries that a record of the ledger or a version of the trust root revokes, and what falls with them.

    What a newer approval or request of the same person had replaced does not come back; a rollback deploys what its
    target holds, so it falls with that.
    """
    named = {r.target for r in tree if r.kind == REVOCATION}
    gone = {*named, *root, *(i for n in named for i in range(n) if same_place(tree[i], tree[n]))}
    for number, record in enumerate(tree):
        if record.kind == ROLLBACK and record.target in gone:
            gone.add(number)
    return frozenset(gone)


def same_place(one: Record, other: Record) -> bool:
    """Whether one person signed both of the same thing on the same base: the later one takes the other's place."""
    return one.kind in {APPROVAL, REQUEST} and (
        (one.kind, one.by, one.environment, one.intent, one.binding, one.base)
        == (other.kind, other.by, other.environment, other.intent, other.binding, other.base)
    )


def head_of(tree: Ledger, environment: str) -> int:
    """The last line, or genesis. A revoked one, too: what comes next is still compared with it."""
    for number in range(len(tree) - 1, -1, -1):
        if tree[number].kind in LINES and tree[number].environment == environment:
            return number
    return GENESIS


def emergencies_since(tree: Ledger, environment: str) -> list[int]:
    """The emergencies since the last ordinary line there, the newest first."""
    lines = [i for i, r in enumerate(tree) if r.kind in LINES and r.environment == environment]
    return list(takewhile(lambda i: tree[i].emergency, reversed(lines)))


def all_lines(tree: Ledger) -> Ledger:
    """What a lock holds: every line there ever was, also those that were revoked."""
    return tuple(r for r in tree if r.kind in LINES)


def shown(tree: Ledger, gone: frozenset[int], intent: str, binding: int) -> tuple[int, ...]:
    """The serials of the evidence about this, in their order."""
    return tuple(
        sorted(
            r.serial
            for i, r in enumerate(tree)
            if r.kind == EVIDENCE and (r.intent, r.binding) == (intent, binding) and i not in gone
        )
    )


class Protocol:
    """The protocol as it is meant; a subclass with one other method is a seeded bug."""

    # The steps of a run

    def step(self, state: State, number: int) -> State | None:
        """The next step of a run; None while another one holds the ledger."""
        run = state.runs[number]
        if run.step in {DECIDE, APPEND, LOCK} and self.is_held(state, number):
            return None
        if run.step == DECIDE:
            return self.decide(state, number)
        if run.step == SIGN:
            signed = tuple(d._replace(by=GATE) for d in run.drafts)
            return moved(state, number, run._replace(step=APPEND, drafts=signed))
        if run.step == APPEND:
            return self.append(state, number)
        if run.step == CHECKPOINT:
            return self.checkpoint(state, number)
        return self.write_lock(state, number)

    def is_held(self, state: State, number: int) -> bool:
        """Whether another run is between its append and its checkpoint: it holds the store's own lock."""
        return state.runs[1 - number].step == CHECKPOINT

    def begin(self, state: State, number: int, order: Run) -> State | None:
        """Read the ledger, the trust root and the inbox; None if the ledger can't be read as it is.

        What a killed run has begun isn't counted: the checkpoint in place is that of the ledger before it.
        """
        if state.has_tail and (not state.begun or is_writing(state)):
            return None
        if not order.tries and self.leads_nowhere(state, order):
            return None
        fresh = tuple(sorted(state.inbox - set(state.tree)))
        run = order._replace(
            step=APPEND if fresh else DECIDE,
            tree=state.covered,
            root=state.root,
            drafts=fresh,
            sequenced=not fresh,
        )
        return moved(state, number, run)

    def leads_nowhere(self, state: State, order: Run) -> bool:
        """Whether it would be a rollback to a line to which nobody can go back."""
        if order.target == NOTHING:
            return False
        return self.wanted(state, state.tree, order._replace(tree=state.covered, root=state.root)) is UNBOUND

    def again(self, state: State, number: int) -> State:
        """What was decided on is not what is there any more: a bounded number of times."""
        run = state.runs[number]
        if run.tries == REDECIDE_LIMIT:
            return moved(state, number, Run())
        return self.begin(state, number, run._replace(tries=run.tries + 1)) or moved(state, number, Run())

    def append(self, state: State, number: int) -> State:
        """By compare-and-set on the tree that was read, and under no newer trust root.

        What a killed run has begun is completed before, unless a newer root keeps the run from writing at all; what
        nobody has begun is refused.
        """
        run = state.runs[number]
        if state.has_tail and run.sequenced and not self.is_same_root(state, run):
            return self.again(state, number)
        if state.has_tail:
            if not self.may_complete(state):
                return moved(state, number, Run())
            state = state.completed
        if not self.is_unmoved(state, run):
            return self.again(state, number)
        grown = state._replace(ledger=(*state.ledger, *run.drafts), begun=True)
        return moved(grown, number, run._replace(step=CHECKPOINT))

    def may_complete(self, state: State) -> bool:
        """Whether the ledger's key has signed over the tail when it was won."""
        return state.begun

    def is_unmoved(self, state: State, run: Run) -> bool:
        return state.covered == run.tree and (not run.sequenced or self.is_same_root(state, run))

    def is_same_root(self, state: State, run: Run) -> bool:
        return state.root == run.root

    def checkpoint(self, state: State, number: int) -> State:
        """Put what was signed over what has just been won into its place."""
        run = state.runs[number]
        covered = state.completed
        if not run.sequenced:
            if not self.is_same_root(state, run):
                return self.again(covered, number)
            return moved(covered, number, run._replace(step=DECIDE, tree=len(state.ledger), drafts=(), sequenced=True))
        if run.drafts[0].kind == DENIAL:
            return moved(covered, number, Run())
        return moved(covered, number, run._replace(step=LOCK))

    def write_lock(self, state: State, number: int) -> State:
        """Complete the lock from the ledger as it is now."""
        return moved(state._replace(lock=self.completed(state.lock, state.tree) or state.lock), number, Run())

    def completed(self, lock: Ledger, tree: Ledger) -> Ledger | None:
        """The lock with the lines it lacked; None if it holds something that the ledger does not."""
        lines = all_lines(tree)
        return lines if lines[: len(lock)] == lock else None

    # Deciding

    def decide(self, state: State, number: int) -> State:
        """On the tree that was read; what the lock lacks of it is written first.

        A rollback that leads nowhere writes nothing.
        """
        run = state.runs[number]
        tree = state.ledger[: run.tree]
        lock, draft = self.completed(state.lock, tree), self.judge(state, tree, run)
        if draft == UNBOUND and run.target != NOTHING:
            return moved(state, number, Run())
        if lock is None:
            return self.again(state, number) if state.covered != run.tree else moved(state, number, Run())
        state = state._replace(lock=lock)
        if draft in {CURRENT, UNBOUND}:
            return moved(state, number, Run())
        return moved(state, number, run._replace(step=SIGN, drafts=(draft,)))

    def judge(self, state: State, tree: Ledger, run: Run) -> Record:
        """The line, a denial, or that there is nothing to do."""
        root = run.root
        wanted = self.wanted(state, tree, run)
        if wanted is UNBOUND:
            return UNBOUND
        if self.is_current(tree, root, wanted):
            return CURRENT
        found = self.counted(tree, root, wanted)
        fits = self.is_valid(wanted.intent) and self.has_source(tree, wanted) and self.may_follow(tree, root, wanted)
        if found is None or not fits:
            denied = Record(DENIAL, wanted.environment, wanted.intent, wanted.binding)
            return denied._replace(tree=len(tree), root=len(root))
        return wanted._replace(evidence=(), counted=found, tree=len(tree), root=len(root))

    def wanted(self, state: State, tree: Ledger, run: Run) -> Record:
        """What would be promoted, or gone back to: everything that a signature has to be about."""
        environment, gone = run.environment, revoked(tree, run.root)
        base = self.base(state, tree, run)
        if run.target != NOTHING:
            if run.target == base or not self.may_go_back(tree, gone, run):
                return UNBOUND
            line = tree[run.target]
            seen = shown(tree, gone, line.intent, line.binding)
            back = Record(ROLLBACK, environment, line.intent, line.binding, base, run.target, run.target)
            return back._replace(evidence=seen, emergency=run.emergency)
        source, binding = NO_SOURCE, run.binding
        if SOURCE_OF[environment]:
            source = self.source(tree, gone, SOURCE_OF[environment])
            if source == GENESIS:
                return UNBOUND
            binding = self.carried(tree, source, run)
        seen = shown(tree, gone, run.intent, binding)
        return Record(PROMOTION, environment, run.intent, binding, base, source, evidence=seen)

    def may_go_back(self, tree: Ledger, gone: frozenset[int], run: Run) -> bool:
        """To a line of the same environment that nobody has revoked, nor anything that it rests on."""
        lines = [(i, r) for i, r in enumerate(tree) if r.kind in LINES and r.environment == run.environment]
        return any(i == run.target for i, _ in lines) and not self.rests_on(tree, run.target) & gone

    def rests_on(self, tree: Ledger, number: int) -> frozenset[int]:
        """A line, what it counted, and of a rollback the same of the line that it went back to."""
        line = tree[number]
        own = frozenset((number, *line.counted))
        return own | self.rests_on(tree, line.target) if line.kind == ROLLBACK else own

    def source(self, tree: Ledger, gone: frozenset[int], environment: str) -> int:
        """The current line there, unless it is revoked: nothing is built on that."""
        head = head_of(tree, environment)
        return GENESIS if head in gone else head

    def base(self, state: State, tree: Ledger, run: Run) -> int:
        """The current line, as the ledger says."""
        return head_of(tree, run.environment)

    def carried(self, tree: Ledger, source: int, run: Run) -> int:
        """The source's binding: nothing resolves on the way to production."""
        return tree[source].binding

    def has_source(self, tree: Ledger, wanted: Record) -> bool:
        """Whether the source's line is of the same intent, where there is one."""
        return wanted.source == NO_SOURCE or tree[wanted.source].intent == wanted.intent

    def is_current(self, tree: Ledger, root: tuple[int, ...], wanted: Record) -> bool:
        """Whether exactly this is the current line already, and stands; of a rollback, whether the same is deployed."""
        if wanted.base == GENESIS or wanted.base in revoked(tree, root):
            return False
        head = tree[wanted.base]
        same = (head.intent, head.binding) == (wanted.intent, wanted.binding)
        return same and (wanted.kind == ROLLBACK or head.source == wanted.source)

    def is_valid(self, intent: str) -> bool:
        return intent in VALID_INTENTS

    def counted(self, tree: Ledger, root: tuple[int, ...], wanted: Record) -> tuple[int, ...] | None:
        """The entries that make it allowed; None if one of them is missing or somebody objects."""
        gone = revoked(tree, root)
        records = [(i, r) for i, r in enumerate(tree) if i not in gone]
        about = [(i, r) for i, r in records if (r.intent, r.binding) == (wanted.intent, wanted.binding)]
        submits = [i for i, r in about if r.kind == SUBMIT]
        evidence = [i for i, r in about if r.kind == EVIDENCE]
        ours = [(i, r) for i, r in about if r.environment == wanted.environment and self.is_about(tree, r, wanted)]
        replaced = {i for n, later in records for i, r in records if i < n and same_place(r, later)}
        approvals = [
            i
            for i, r in ours
            if r.kind == APPROVAL and i not in replaced and self.has_seen(r, wanted) and self.may_approve(r)
        ]
        requests = [i for i, r in ours if r.kind == REQUEST]
        if any(self.objects(r, wanted) for _, r in records):
            return None
        if not (submits and evidence and approvals and requests):
            return None
        reviews = [i for line in emergencies_since(tree, wanted.environment) for i in self.reviews(tree, root, line)]
        return (submits[-1], *evidence, approvals[-1], requests[-1], *reviews)

    def may_follow(self, tree: Ledger, root: tuple[int, ...], wanted: Record) -> bool:
        """Nothing ordinary follows an emergency before somebody who took no part in it has reviewed it."""
        before = emergencies_since(tree, wanted.environment)
        return wanted.emergency or all(self.reviews(tree, root, line) for line in before)

    def reviews(self, tree: Ledger, root: tuple[int, ...], line: int) -> list[int]:
        """Those of an emergency that count."""
        involved, gone = self.took_part(tree, tree[line]), revoked(tree, root)
        found = [(i, r) for i, r in enumerate(tree) if r.kind == REVIEW and r.target == line and i not in gone]
        return [i for i, r in found if r.by not in involved]

    def took_part(self, tree: Ledger, line: Record) -> frozenset[str]:
        """Whoever signed for the same, whatever became of it."""
        signed = [r for r in tree if r.kind in {APPROVAL, REQUEST}]
        place = (line.environment, line.base, line.source)
        return frozenset(r.by for r in signed if (r.environment, r.base, r.source) == place)

    def is_about(self, tree: Ledger, record: Record, wanted: Record) -> bool:
        return (
            self.same_base(tree, record.base, wanted.base)
            and self.same_source(record.source, wanted.source)
            and self.same_target(record.target, wanted.target)
            and self.same_urgency(record, wanted)
        )

    def same_base(self, tree: Ledger, signed: int, base: int) -> bool:
        """A base is a line, not what it binds."""
        return signed == base

    def same_source(self, signed: int, source: int) -> bool:
        return signed == source

    def same_target(self, signed: int, target: int) -> bool:
        return signed == target

    def same_urgency(self, signed: Record, wanted: Record) -> bool:
        """Who signed for something ordinary did not agree that fewer people are enough, nor the other way round."""
        return signed.emergency == wanted.emergency

    def has_seen(self, approval: Record, wanted: Record) -> bool:
        """Whoever approves for production has seen all of the evidence."""
        return not SOURCE_OF[wanted.environment] or approval.evidence == wanted.evidence

    def may_approve(self, approval: Record) -> bool:
        return approval.by != AUTHOR

    def objects(self, record: Record, wanted: Record) -> bool:
        """A reject of this intent, or of anything on this base: of a promotion, or of going back, as this is."""
        alike = (record.target == NOTHING) == (wanted.target == NOTHING)
        return (
            record.kind == REJECT
            and record.environment == wanted.environment
            and (record.intent == wanted.intent or (record.base == wanted.base and alike))
        )


def is_writing(state: State) -> bool:
    """Whether a run is between its append and its checkpoint; it holds the store's own lock."""
    return any(r.step == CHECKPOINT for r in state.runs)


def moved(state: State, number: int, run: Run) -> State:
    """The state with another place for one of its runs."""
    return state._replace(runs=(run, state.runs[1]) if number == 0 else (state.runs[0], run))


def steps(protocol: Protocol, state: State) -> Iterator[tuple[str, State]]:
    """What the runs may do next."""
    for number, run in enumerate(state.runs):
        if run.step != IDLE and (after := protocol.step(state, number)) is not None:
            yield said(run, after.runs[number], state, after), after


def said(run: Run, now: Run, before: State, after: State) -> str:
    """A step in words."""
    who = f"the run to {'roll back ' if run.target != NOTHING else ''}{run.environment} {run.intent}{run.binding}"
    who += " in an emergency" if run.emergency else ""
    what = ", ".join(d.kind for d in run.drafts)
    if run.step == DECIDE:
        allowed = "to allow it" if now.drafts and now.drafts[0].kind in LINES else "to deny it"
        came = {SIGN: allowed, IDLE: "to do nothing"}.get(now.step, "to read again")
        return f"{who} decides on {run.tree} entries {came}"
    if run.step == SIGN:
        return f"{who} signs the {what}"
    if run.step == APPEND and now.step == CHECKPOINT:
        return f"{who} appends entries {len(before.ledger)} to {len(after.ledger) - 1}: {what}"
    if run.step == APPEND:
        return f"{who} can't append and " + ("gives up" if now.step == IDLE else f"reads {now.tree} entries")
    return f"{who} puts the checkpoint over them in place" if run.step == CHECKPOINT else f"{who} writes the lock"
