"""Reasons that ``explain`` raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

UNKNOWN_RULE = Reason(
    "explain.unknown-rule",
    ExitCode.USAGE,
    "the bundle that decided has no rule of that id or code",
    "use the nearest name, or leave the rule out",
)
RULE_NOT_RUN = Reason(
    "explain.rule-not-run",
    ExitCode.USAGE,
    "the rule is in the bundle and took no part in this decision",
    "name the environment that it is for with --env, or another rule",
)
ENVIRONMENT_GIVEN = Reason(
    "explain.environment-given",
    ExitCode.USAGE,
    "an input or a recorded decision says itself which environment it is for",
    "leave --env out",
)
