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
    ExitCode.USAGE,
    "neither the trust root nor the ledger knows the agent",
    "use the nearest name; an agent is named by its id, not by its file",
)
UNKNOWN_ENVIRONMENT = Reason(
    "audit.unknown-environment",
    ExitCode.USAGE,
    "no version of the trust root declares the environment",
    "use the nearest name",
)
BAD_MOMENT = Reason(
    "audit.bad-moment",
    ExitCode.USAGE,
    "the moment to look at is no time and no ledger entry, or lies in the future",
    "write a time such as 2026-05-01T00:00:00Z, or the number of an entry",
)
