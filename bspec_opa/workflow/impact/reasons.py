"""Reasons that ``policy impact`` raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

NO_INPUT = Reason(
    "impact.no-input",
    ExitCode.INVALID,
    "there is no recorded input to compare the bundles on: nothing compared is not nothing changed",
    "name inputs (normalize --env writes them), or run it in a project with a ledger",
)
"""Nothing compared must never look like no impact."""
