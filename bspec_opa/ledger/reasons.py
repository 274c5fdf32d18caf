"""Reasons that the ledger raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

BAD_ENTRY = Reason(
    "ledger.bad-entry",
    ExitCode.TRUST,
    "a ledger line is not the entry that belongs there: form, number, time or record",
    "restore the ledger from a copy that verifies",
)
DUPLICATE_RECORD = Reason(
    "ledger.duplicate-record",
    ExitCode.TRUST,
    "a record is in the ledger twice, so that an old one could pass for a newer one",
    "record each file once; restore the ledger from a copy that verifies",
)
BAD_CHECKPOINT = Reason(
    "ledger.bad-checkpoint",
    ExitCode.TRUST,
    "the checkpoint is not exactly a C2SP checkpoint of this ledger",
    "restore the ledger from a copy that verifies",
)
CHECKPOINT_SIGNATURE = Reason(
    "ledger.checkpoint-signature",
    ExitCode.TRUST,
    "no ledger key of the trust root has signed the checkpoint",
    "sign with the ledger key that the trust root names, or restore the ledger",
)
NO_CHECKPOINT = Reason(
    "ledger.no-checkpoint",
    ExitCode.TRUST,
    "there is a log and no checkpoint that covers it",
    "restore the checkpoint that belongs to the log",
)
NO_LEDGER = Reason(
    "ledger.none",
    ExitCode.USAGE,
    "there is no ledger where one was named",
    "name the ledger's directory, an export or a database; promote and record begin one",
)
TRUNCATED = Reason(
    "ledger.truncated",
    ExitCode.TRUST,
    "the log holds fewer entries than its checkpoint covers",
    "restore the missing entries from a copy that verifies",
)
ALTERED = Reason(
    "ledger.altered",
    ExitCode.TRUST,
    "the entries do not give the root that the checkpoint signs: a row was changed",
    "restore the ledger from a copy that verifies",
)
NODES_ALTERED = Reason(
    "ledger.nodes-altered",
    ExitCode.TRUST,
    "the stored Merkle nodes do not give the root that the checkpoint signs",
    "bspec-opa ledger verify says whether the entries do; restore the ledger from a copy that verifies",
)
UNCHECKPOINTED_TAIL = Reason(
    "ledger.uncheckpointed-tail",
    ExitCode.TRUST,
    "the log goes on after the entries that its checkpoint covers, and no gate has begun that: somebody added them",
    "look at the named entry; bspec-opa doctor --repair-ledger moves the tail aside without signing it",
)
BAD_BEGUN = Reason(
    "ledger.bad-begun",
    ExitCode.TRUST,
    "the file of an append that was begun is not what the gate leaves when it is killed",
    "find out who wrote it; bspec-opa doctor --repair-ledger moves it aside, and what came into the log with it",
)
CLOCK_BEHIND = Reason(
    "ledger.clock-behind",
    ExitCode.TRUST,
    "the clock is behind the ledger's last entry",
    "set the clock; if the last entry lies in the future, wait or ask who wrote it",
)
ROLLED_BACK = Reason(
    "ledger.rolled-back",
    ExitCode.TRUST,
    "the ledger is smaller than one that was seen before: an old copy was restored",
    "restore the newest copy",
)
FORKED = Reason(
    "ledger.forked",
    ExitCode.TRUST,
    "the ledger's history differs from the one that was seen before",
    "find out which history is genuine; never go on with both",
)
ROOT_ROLLED_BACK = Reason(
    "ledger.root-rolled-back",
    ExitCode.TRUST,
    "the trust root is older than one that was seen before, or another of the same version",
    "restore the newest trust root",
)
MEMORY_DAMAGED = Reason(
    "ledger.memory-damaged",
    ExitCode.TRUST,
    "the state directory can't be relied on: damaged, or others may write it",
    "make it private (chmod 700); if its file is damaged, find out why before removing it",
)
OLDER_BUNDLE = Reason(
    "ledger.older-bundle",
    ExitCode.TRUST,
    "a bundle of this publisher with a higher sequence was used here before",
    "use the newer bundle; to go back to older rules, sign them under a new sequence",
)
SEQUENCE_REUSED = Reason(
    "ledger.sequence-reused",
    ExitCode.TRUST,
    "two different bundles were signed under one sequence",
    "sign each bundle under a sequence of its own",
)
OBJECT_ALTERED = Reason(
    "ledger.object-altered",
    ExitCode.TRUST,
    "a stored object does not have the digest that names it",
    "restore it from a copy",
)
OBJECT_MISSING = Reason(
    "ledger.object-missing",
    ExitCode.TRUST,
    "an object that the ledger names is not stored",
    "restore the objects directory from a copy",
)
RACE_LOST = Reason(
    "ledger.race-lost",
    ExitCode.STORE,
    "somebody else appended to the ledger in the meantime; nothing was recorded",
    "run it again: it decides anew on what is there now",
)
BUSY = Reason(
    "ledger.busy",
    ExitCode.STORE,
    "another process holds the ledger longer than the wait allows; nothing was recorded",
    "run it again when the other process has ended",
)
UNWRITABLE = Reason(
    "ledger.unwritable",
    ExitCode.STORE,
    "the ledger could not be written",
    "check free space and permissions, then run it again",
)
TOO_LARGE = Reason(
    "ledger.too-large",
    ExitCode.STORE,
    "the ledger, one entry, or what one append brings is over the size limit of a ledger",
    "use smaller records, or another store",
)
