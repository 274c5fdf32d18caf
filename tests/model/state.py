"""What the model's states are made of: immutable values, equal if nothing tells them apart.

They are named tuples, because a search hashes and compares millions of them, and those of a frozen dataclass cost ten
times as much.

Entries of the ledger are named by their number, as lines, approvals and requests name them by digest in the real thing.
An intent is one letter; ``X`` is one that no strict reader would take. A binding is a number.
"""

from __future__ import annotations

from typing import NamedTuple

STAGING, PRODUCTION = "staging", "production"
SOURCE_OF = {STAGING: "", PRODUCTION: STAGING}
VALID_INTENTS = frozenset("AB")

GENESIS = NO_SOURCE = NOTHING = -1
"""Instead of an entry's number: no line yet, an environment without a source, no target."""

SUBMIT, EVIDENCE, APPROVAL, REJECT, REQUEST = "submit", "evidence", "approval", "reject", "request"
PROMOTION, ROLLBACK, DENIAL, REVOCATION = "promotion", "rollback", "denial", "revocation"
REVIEW = "review"
LINES = frozenset({PROMOTION, ROLLBACK})

AUTHOR, REVIEWER, OUTSIDER, GATE, NOBODY = "author", "reviewer", "outsider", "gate", "nobody"
"""Who signed. ``outsider``: reviews emergencies and approves nothing. ``nobody``: it has no valid signature."""


class Record(NamedTuple):
    """Anything that is signed.

    ``target`` is the line that a rollback, its approval or its request goes back to, the emergency that a review is of,
    and the entry that a revocation revokes. ``evidence`` is what an approver was shown. ``counted`` are the entries that a line counted, ``tree`` and
    ``root`` the ledger and the trust root that it was decided on.
    """

    kind: str
    environment: str = ""
    intent: str = ""
    binding: int = 0
    base: int = GENESIS
    source: int = NO_SOURCE
    target: int = NOTHING
    by: str = ""
    evidence: tuple[int, ...] = ()
    serial: int = 0
    counted: tuple[int, ...] = ()
    tree: int = 0
    root: int = 0
    emergency: bool = False


Ledger = tuple[Record, ...]

IDLE, READ, DECIDE, SIGN, APPEND, CHECKPOINT, LOCK = "idle", "read", "decide", "sign", "append", "checkpoint", "lock"


class Run(NamedTuple):
    """One process of the gate: what it has been asked for, what it has read, and which step comes next.

    ``drafts`` is what it will append; in the first round the inbox's records, then the line or the denial. ``since`` is
    only for a seeded bug: what it had read at first.
    """

    step: str = IDLE
    environment: str = ""
    intent: str = ""
    binding: int = 0
    target: int = NOTHING
    emergency: bool = False
    tree: int = 0
    root: tuple[int, ...] = ()
    drafts: tuple[Record, ...] = ()
    sequenced: bool = False
    tries: int = 0
    since: int = 0


class Left(NamedTuple):
    """How often each disturbance may still happen; what bounds the model."""

    runs: int = 0
    crashes: int = 0
    signatures: int = 0
    rejects: int = 0
    revocations: int = 0
    roots: int = 0
    thefts: int = 0
    lock_edits: int = 0
    tails: int = 0


class State(NamedTuple):
    """Everything.

    ``covered`` is the size that the signed checkpoint says; what comes after it in ``ledger`` is a tail. ``begun`` says
    that the tail was put down under the ledger key's signature before it was written. ``root`` lists what the versions of the trust root revoke, one entry each. ``signed`` is every record that was ever signed: who has
    seen one can put it into the inbox again.
    """

    ledger: Ledger = ()
    covered: int = 0
    begun: bool = False
    lock: Ledger = ()
    inbox: frozenset[Record] = frozenset()
    signed: frozenset[Record] = frozenset()
    root: tuple[int, ...] = ()
    runs: tuple[Run, ...] = (Run(), Run())
    left: Left = Left()

    @property
    def tree(self) -> Ledger:
        """What counts of the ledger."""
        return self.ledger[: self.covered]

    @property
    def has_tail(self) -> bool:
        """Whether something comes after what the checkpoint covers."""
        return len(self.ledger) > self.covered

    @property
    def completed(self) -> State:
        """With the tail that a killed run has begun under its checkpoint."""
        return self._replace(covered=len(self.ledger), begun=False)


def canonical(state: State) -> State:
    """One of the states that differ only in which process is which."""
    one, other = state.runs
    return state if one <= other else state._replace(runs=(other, one))
