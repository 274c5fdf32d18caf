"""Reasons that ``policy doc`` raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

STALE = Reason(
    "doc.stale",
    ExitCode.INVALID,
    "a page of the policies' documentation is missing, out of date, or of a rule that is gone",
    "run policy doc without --check, and commit what it writes",
)
