"""The bounds: small worlds, each with everything enabled that it is about, searched to the last state.

A start is reached by the model's own steps from the empty ledger, so that it is no invention. Names of bounds say what
may happen in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from model.protocol import steps
from model.state import NOTHING, PRODUCTION, STAGING, Left, Run, State
from model.surroundings import around

if TYPE_CHECKING:
    from model.protocol import Protocol


def order(environment: str, candidate: str, target: int = NOTHING) -> Run:
    """What a run is asked for: ``A1`` is intent A with its binding 1."""
    return Run(environment=environment, intent=candidate[0], binding=int(candidate[1:]), target=target)


class Bounds(NamedTuple):
    """One small world.

    ``orders`` are what runs may be asked for and people sign for. ``evidence`` is how many runs of an evaluation there
    may be of one thing. ``bundled``: people sign everything at once. ``insider``: authors approve, too. ``revocable``
    are the kinds of entries that may be revoked. ``begin`` are words of the steps that lead to the start.
    """

    name: str
    orders: tuple[Run, ...]
    left: Left
    begin: tuple[str, ...] = ()
    prepared: tuple[Run, ...] = ()
    evidence: int = 1
    bundled: bool = True
    insider: bool = False
    revocable: frozenset[str] = frozenset({"approval"})

    def start(self, protocol: Protocol) -> State:
        """The first state."""
        generous = Left(runs=9, signatures=9, rejects=1, thefts=2)
        setting = self._replace(orders=self.prepared or self.orders, bundled=True, evidence=1)
        state = State(left=generous)
        for words in self.begin:
            state = _settled(protocol, state, setting) if words == "finish" else _done(protocol, state, setting, words)
        return state._replace(left=self.left)


def _done(protocol: Protocol, state: State, bounds: Bounds, words: str) -> State:
    found = [s for label, s in around(protocol, state, bounds) if words in label]
    if len(found) != 1:
        raise AssertionError(f"{words}: {[label for label, _ in around(protocol, state, bounds)]}")
    return found[0]


def _settled(protocol: Protocol, state: State, bounds: Bounds) -> State:
    while found := [s for _, s in steps(protocol, state)]:
        state = found[0]
    return state


A, B, A2, X = order(STAGING, "A1"), order(STAGING, "B1"), order(STAGING, "A2"), order(STAGING, "X1")
LIVE_A, LIVE_B, LIVE_A2 = order(PRODUCTION, "A1"), order(PRODUCTION, "B1"), order(PRODUCTION, "A2")
BACK_A = order(STAGING, "A1", 4)
"""Back to the first line of all, of a ledger that begins with what was signed for it."""
URGENT_A = BACK_A._replace(emergency=True)


def promoted(candidate: str, environment: str) -> tuple[str, ...]:
    """Sign for it, promote it and let the run finish."""
    return f"signed for {environment} {candidate}", f"promote {candidate} to {environment} starts", "finish"


BACK_LIVE_A, BACK_LIVE_B = order(PRODUCTION, "A1", 7), order(PRODUCTION, "B1", 16)
URGENT_LIVE_A = BACK_LIVE_A._replace(emergency=True)
"""The same in production where first A1 went there and then B1, which nobody had signed for when it was tried first."""

ANYTHING = frozenset({"submit", "evidence", "approval", "request", "promotion", "rollback"})

SMALL: tuple[Bounds, ...] = (
    # One run, and whoever signs does so one paper at a time; an author approves his own; a root may come at any moment.
    Bounds("papers", (A,), Left(runs=1, crashes=1, signatures=6, roots=1), bundled=False, insider=True),
    # The inbox is at an attacker's mercy, and what he deletes he can put back.
    Bounds("inbox", (A,), Left(runs=2, rejects=1, thefts=1), begin=("signed for staging A1",)),
    # Two runs want the same; a reject and a revocation may be sequenced between any two of their steps.
    Bounds(
        "race",
        (A,),
        Left(runs=2, crashes=1, rejects=1, revocations=1, roots=1),
        begin=("signed for staging A1",),
    ),
    # Two runs want different things on the same base.
    Bounds("rivals", (A, B), Left(runs=3, crashes=1), begin=("signed for staging A1", "signed for staging B1")),
    # The head of staging moves while production is decided; evidence is added; the catalog resolves to something else.
    Bounds(
        "onward",
        (LIVE_A2, B),
        Left(runs=2, crashes=1, signatures=1),
        begin=(*promoted("A1", STAGING), "signed for production A1", "signed for staging B1"),
        prepared=(A, B, LIVE_A),
        evidence=2,
    ),
    # Lines are there, and the lock is deleted, put back old, or left behind by a crash; a tail may be planted.
    Bounds(
        "lock",
        (A, B),
        Left(runs=2, crashes=2, lock_edits=2, tails=1),
        begin=(*promoted("A1", STAGING), "signed for staging B1"),
    ),
    # Back and forth between two lines that bind the same as earlier ones.
    Bounds(
        "back",
        (A, B, BACK_A),
        Left(runs=2, signatures=1, crashes=1),
        begin=(*promoted("A1", STAGING), *promoted("B1", STAGING)),
        prepared=(A, B),
    ),
    # A line is revoked, and what it was made of must not make it once more.
    Bounds(
        "revoked",
        (A,),
        Left(runs=2, signatures=1, revocations=1),
        begin=promoted("A1", STAGING),
        revocable=ANYTHING,
    ),
    # A reject is kept back until the base has moved, and what it rejects is signed once more on the new one.
    Bounds(
        "objection",
        (B,),
        Left(runs=2, crashes=1, signatures=1, thefts=1),
        begin=(
            *("signed for staging B1", "rejects B for staging", "deletes the reject"),
            *(*promoted("A1", STAGING), "puts the reject"),
        ),
        prepared=(A, B),
    ),
    # The line that a rollback wants is revoked.
    Bounds(
        "target",
        (BACK_A,),
        Left(runs=1, signatures=1, revocations=1),
        begin=(*promoted("A1", STAGING), *promoted("B1", STAGING)),
        prepared=(A, B),
        revocable=ANYTHING,
    ),
    # The line of staging that production is promoted from is revoked.
    Bounds(
        "withdrawn",
        (LIVE_A,),
        Left(runs=1, crashes=1, signatures=1, revocations=1),
        begin=(*promoted("A1", STAGING), "signed for production A1"),
        prepared=(A, LIVE_A),
        revocable=ANYTHING,
    ),
    # Staging leaves what production was signed for, and comes back to it by another line.
    Bounds(
        "source",
        (LIVE_A, BACK_A),
        Left(runs=2, signatures=1, crashes=1),
        begin=(*promoted("A1", STAGING), "signed for production A1", *promoted("B1", STAGING)),
        prepared=(A, B, LIVE_A),
    ),
    # Staging went back to a line, production is promoted from there, and that line is revoked.
    Bounds(
        "fallen",
        (LIVE_A,),
        Left(runs=1, crashes=1, revocations=1),
        begin=(
            *(*promoted("A1", STAGING), *promoted("B1", STAGING), "signed to roll back staging to A1"),
            *("roll back staging to line 4 starts", "finish", "signed for production A1"),
        ),
        prepared=(A, B, BACK_A, LIVE_A),
        revocable=ANYTHING,
    ),
    # The same people sign for promoting something and for going back to it, and what they signed last is revoked.
    Bounds(
        "instead",
        (A, BACK_A),
        Left(runs=1, crashes=1, revocations=1),
        begin=(
            *(*promoted("A1", STAGING), *promoted("B1", STAGING)),
            *("signed for staging A1", "signed to roll back staging to A1"),
        ),
        prepared=(A, B, BACK_A),
    ),
    # Staging went back in an emergency, which somebody has to review before anything ordinary, who may have taken part.
    Bounds(
        "reviewed",
        (B, URGENT_A),
        Left(runs=2, crashes=1, signatures=1),
        begin=(
            *(*promoted("A1", STAGING), *promoted("B1", STAGING), "signed to roll back staging in an emergency to A1"),
            *("roll back staging to line 4 in an emergency starts", "finish", "signed for staging B1"),
        ),
        prepared=(A, B, URGENT_A),
        insider=True,
    ),
    # Going back is signed for in an emergency, and tried as if it were none; or the other way round.
    Bounds(
        "urgent",
        (BACK_A, URGENT_A),
        Left(runs=2, crashes=1, signatures=1),
        begin=(*promoted("A1", STAGING), *promoted("B1", STAGING)),
        prepared=(A, B),
    ),
    # Everybody signs for an intent that is none.
    Bounds("invalid", (X,), Left(runs=2, crashes=1, signatures=1)),
)
MORE = {
    "papers": Left(runs=1, crashes=1, signatures=6, rejects=1, roots=1),
    "inbox": Left(runs=2, crashes=1, rejects=1, thefts=2),
    "race": Left(runs=3, crashes=1, rejects=1, revocations=1, roots=1, lock_edits=1),
    "rivals": Left(runs=3, crashes=2, signatures=1, rejects=1),
    "onward": Left(runs=3, crashes=1, signatures=2),
    "lock": Left(runs=3, crashes=2, signatures=1, lock_edits=2, tails=1),
    "back": Left(runs=3, crashes=1, signatures=2),
    "revoked": Left(runs=3, crashes=1, signatures=1, revocations=1, roots=1),
    "objection": Left(runs=3, crashes=1, signatures=2, thefts=1),
    "target": Left(runs=2, crashes=1, signatures=1, revocations=1),
    "withdrawn": Left(runs=2, crashes=1, signatures=1, revocations=2),
    "source": Left(runs=3, crashes=1, signatures=2),
    "fallen": Left(runs=2, crashes=1, signatures=1, revocations=1),
    "reviewed": Left(runs=3, crashes=1, signatures=2),
    "urgent": Left(runs=3, crashes=1, signatures=2),
    "instead": Left(runs=3, crashes=1, revocations=1),
    "invalid": Left(runs=3, crashes=2, signatures=1),
}
LARGE = tuple(b._replace(left=MORE[b.name]) for b in SMALL)
"""The same worlds with more disturbances, for the long tests."""
