"""Reasons about recorded decisions and inputs."""

from bspec_opa.foundation.errors import ExitCode, Reason

BAD_INPUT = Reason(
    "recorded.bad-input",
    ExitCode.INVALID,
    "the file is no policy input (bspec.input/v1)",
    "write it again with bspec-opa normalize INTENT --env ENV",
)
NO_DECISION = Reason(
    "recorded.no-decision",
    ExitCode.USAGE,
    "the ledger holds no decision of that number or digest",
    "name an entry that is a promotion or a denial",
)
NO_LEDGER = Reason(
    "recorded.no-ledger",
    ExitCode.USAGE,
    "there is no ledger to look a decision up in",
    "run it in the project, or name the ledger's directory",
)
NOT_REPRODUCED = Reason(
    "recorded.not-reproduced",
    ExitCode.TRUST,
    "deciding a recorded input again gives another outcome than was recorded",
    "run bspec-opa verify; treat the gate's key as compromised",
)
