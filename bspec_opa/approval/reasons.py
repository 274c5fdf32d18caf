"""Reasons of the approval room: why a waiver does not count."""

from bspec_opa.foundation.errors import ExitCode, Reason

WAIVER_RULE = Reason(
    "waiver.rule-changed",
    ExitCode.TRUST,
    "a waiver was given for another source of its rule than the bundle has, or for a rule that it lacks",
    "look at the rule again and have a new waiver signed, or none",
)
WAIVER_REFUSED = Reason(
    "waiver.not-waivable",
    ExitCode.TRUST,
    "a waiver names a rule whose METADATA says waivable: false",
    "change the agent so that the rule no longer denies",
)
WAIVER_OWN = Reason(
    "waiver.own",
    ExitCode.TRUST,
    "whoever signed a waiver asked for it, or is an author of the change, or nobody known asked for it",
    "let somebody else who holds the role waiver-approver sign it, and name the principal who asks",
)
WAIVER_LONG = Reason(
    "waiver.too-long",
    ExitCode.TRUST,
    "a waiver runs longer than the organisation's data allows",
    "let it end earlier; waivers.max_days in the organisation's data is the bound",
)
WAIVER_RENEWAL = Reason(
    "waiver.renewal",
    ExitCode.TRUST,
    "a waiver prolongs an earlier one without naming it, or was renewed too often",
    "name the earlier waiver with --renews; after waivers.max_renewals the finding has to be mended",
)
