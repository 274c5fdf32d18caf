"""Reasons of the verbs about the life of a lock."""

from bspec_opa.foundation.errors import ExitCode, Reason

NOTHING_TO_WAIVE = Reason(
    "waive.no-such-finding",
    ExitCode.INVALID,
    "a waiver was to name a finding that the rule does not raise now, a warning, or a rule that did not run",
    "name findings as bspec-opa evaluate shows them; the message lists them",
)
BAD_TERM = Reason(
    "waive.bad-term",
    ExitCode.USAGE,
    "a waiver needs one end: a moment or a duration",
    "give either --expires or --valid-for",
)
