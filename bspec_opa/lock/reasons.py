"""Reasons that the lock raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

RESTORE = (
    "restore behavior.lock from version control, or move it away and promote again, which copies it from the ledger"
)
BAD_LINE = Reason(
    "lock.bad-line",
    ExitCode.TRUST,
    "a lock line is no signed promotion or rollback in its one form",
    RESTORE,
)
BROKEN_CHAIN = Reason(
    "lock.broken-chain",
    ExitCode.TRUST,
    "a lock line does not follow the lines before it: number, previous digest, agent or base",
    f"{RESTORE}; lines are only ever appended",
)
WRONG_SOURCE = Reason(
    "lock.wrong-source",
    ExitCode.TRUST,
    "a lock line does not carry the binding of the source or target line that it names",
    "restore behavior.lock; if the line is genuine, find out how it was promoted",
)
WRONG_ARTIFACTS = Reason(
    "lock.wrong-artifacts",
    ExitCode.TRUST,
    "the artifacts that a lock line names are not those of its binding",
    "restore behavior.lock; if the line is genuine, find out how it was promoted",
)
NOT_IN_LEDGER = Reason(
    "lock.not-in-ledger",
    ExitCode.TRUST,
    "behavior.lock holds a line that the ledger doesn't, or in another order",
    "remove the line if nobody promoted it; the ledger decides",
)
CHANGED = Reason(
    "lock.changed",
    ExitCode.STORE,
    "behavior.lock was changed by somebody else while it was extended; the file is as they left it",
    "run it again: the ledger has the line and the lock is completed from it",
)
BUSY = Reason(
    "lock.busy",
    ExitCode.STORE,
    "another process holds behavior.lock longer than the wait allows",
    "run it again when the other process has ended",
)
