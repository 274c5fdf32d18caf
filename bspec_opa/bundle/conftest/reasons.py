"""Reasons that policies of conftest's form are refused for."""

from bspec_opa.foundation.errors import ExitCode, Reason

NO_POLICIES = Reason(
    "conftest.no-policies",
    ExitCode.INVALID,
    "a directory of conftest policies holds no Rego file, or no rule that would be asked",
    "name the directory with the .rego files that define deny, warn or violation",
)
NO_NAMESPACE = Reason(
    "conftest.no-namespace",
    ExitCode.INVALID,
    "a namespace that was asked for has no deny, warn or violation rule",
    "use the package name of the policies, without data",
)
RULE_FORM = Reason(
    "conftest.rule-form",
    ExitCode.INVALID,
    "a rule could never deny: it is a boolean, a single value or a function, or it is asked under another name",
    "write: deny contains msg if {...}",
)
NEVER_ASKED = Reason(
    "conftest.never-asked",
    ExitCode.INVALID,
    "a rule is named nearly like deny, warn, violation or exception, and nothing uses it",
    "name it deny, warn or violation, or deny_name and so on with letters and digits",
)
UNKNOWN_DATA = Reason(
    "conftest.unknown-data",
    ExitCode.INVALID,
    "a policy reads data that is not there; it would be undefined, and the rule quiet",
    "name the data's file or directory with --conftest-data",
)
LINK = Reason(
    "conftest.link",
    ExitCode.INVALID,
    "a link lies among conftest policies or their data; what it leads to would be left out",
    "put the file itself there",
)
EVALUATION = Reason(
    "conftest.evaluation-failed",
    ExitCode.ENGINE,
    "a conftest policy fails on an intent: a builtin's error, two values for one rule",
    "correct the policy; conftest would take the failure for a pass",
)
BAD_RESULT = Reason(
    "conftest.bad-result",
    ExitCode.ENGINE,
    "a conftest rule gives something that is no message",
    'give strings, or objects with a "msg" that is not empty',
)
