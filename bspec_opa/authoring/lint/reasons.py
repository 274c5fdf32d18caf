"""Reasons that ``policy lint`` raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

RULES_INVALID = Reason(
    "lint.rules-invalid",
    ExitCode.INVALID,
    "a lint rule written in Rego is none: misspelt package, no report, an unknown path of the input, or no rule at all",
    "see docs/lint.md for the form of a lint rule",
)
RULE_TEST = Reason(
    "lint.rule-test",
    ExitCode.INVALID,
    "a test of a lint rule fails, is none, or stands in another package than its rule's with _test",
    "correct the lint rule or its test; docs/lint.md has the form",
)
RULE_FAILED = Reason(
    "lint.rule-failed",
    ExitCode.INVALID,
    "a lint rule written in Rego failed, or reported something that is no finding",
    "correct the lint rule; what it would have found is not known",
)
UNKNOWN_RULE = Reason(
    "lint.unknown-rule",
    ExitCode.USAGE,
    "a lint rule is named that is not there, or that can't be left out",
    "name a rule of severity warning; docs/lint.md lists them",
)
CHANGED = Reason(
    "lint.changed-meanwhile",
    ExitCode.STORE,
    "a file was changed while it was being mended; nothing was written",
    "run it again",
)
