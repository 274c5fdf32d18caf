"""Reasons of reading the record."""

from bspec_opa.foundation.errors import ExitCode, Reason

NO_LEDGER = Reason(
    "audit.no-ledger",
    ExitCode.USAGE,
    "there is no ledger to read",
    "run it in the project, or name the ledger's directory",
)
UNKNOWN_AGENT = Reason(
    "audit.unknown-agent",
    ExitCode.INVALID,
    "neither the trust root nor the ledger knows the agent",
    "use the nearest name; an agent is named by its id, not by its file",
)
UNKNOWN_ENVIRONMENT = Reason(
    "audit.unknown-environment",
    ExitCode.INVALID,
    "no version of the trust root declares the environment",
    "use the nearest name",
)
BAD_MOMENT = Reason(
    "audit.bad-moment",
    ExitCode.USAGE,
    "the moment to look at is no time and no ledger entry, or lies in the future",
    "write a time such as 2026-05-01T00:00:00Z, or the number of an entry",
)
PACK_THERE = Reason(
    "pack.directory-in-use",
    ExitCode.USAGE,
    "the directory for the pack is there already and is not empty",
    "name a directory that does not exist yet",
)
NO_PACK = Reason(
    "pack.none",
    ExitCode.INVALID,
    "the directory holds no evidence pack, or its manifest is none",
    "name a directory that bspec-opa audit evidence-pack wrote",
)
PACK_ALTERED = Reason(
    "pack.altered",
    ExitCode.TRUST,
    "a file of a pack was altered, removed, added or exchanged since it was written",
    "ask for the pack again, and treat this one as tampered with",
)
PACK_UNPROVEN = Reason(
    "pack.not-proven",
    ExitCode.TRUST,
    "a line or a denial of the ledger does not verify, so no pack proves it",
    "treat the gate's key as compromised; bspec-opa audit --at names what else was current",
)
PACK_UNPINNED = Reason(
    "pack.not-authenticated",
    ExitCode.TRUST,
    "a pack is self-consistent, and nothing from outside of it says whose it is",
    "give --trust-pin or BSPEC_OPA_TRUST_PIN, from whoever signed the trust root and not from the pack",
)
