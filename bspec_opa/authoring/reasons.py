"""Reasons that the tools for authors of policies raise."""

from bspec_opa.foundation.errors import ExitCode, Reason

PLACE = Reason(
    "authoring.bad-place",
    ExitCode.USAGE,
    "a new rule's place or name can't be one",
    "write global/<collection>/<rule> or promotion/<all or environment>/<rule>, names in lower case with underscores",
)
TAKEN = Reason(
    "authoring.already-there",
    ExitCode.USAGE,
    "there is a rule, a file or a code of that name already; nothing is overwritten",
    "take another name, or edit the rule that is there",
)
NO_TESTS = Reason(
    "authoring.no-tests",
    ExitCode.INVALID,
    "a rule has no test, or no test ran at all: nothing is proven",
    "write tests named test_... into <rule>_test.rego beside the rule; policy new writes the first one",
)
STAND_IN = Reason(
    "authoring.stand-in",
    ExitCode.INVALID,
    "a rule is tested with something else in place of a library, a rule or a function of OPA: no bundle holds that",
    "replace parts of input and of data.bspec.org in tests, nothing else; a helper that does it counts as little",
)
NO_CASES = Reason(
    "authoring.no-cases",
    ExitCode.INVALID,
    "a test with cases ran none of them",
    "fill its table: OPA counts a table without cases as passed",
)
BUILTIN_FAILED = Reason(
    "authoring.builtin-failed",
    ExitCode.INVALID,
    "a builtin failed while the tests ran; OPA makes that undefined, and a negated test passes",
    "correct the arguments at the place that is named",
)
INPUT_SHAPE = Reason(
    "authoring.input-shape",
    ExitCode.INVALID,
    "a test passes on an input of another shape than any rule ever sees: it proves nothing",
    "start from testing.allowed and replace parts of it: with input.intent.tools as [...]",
)
RUN_PATTERN = Reason(
    "authoring.bad-run-pattern",
    ExitCode.USAGE,
    "--run is no regular expression that OPA takes",
    "write it as RE2 does, such as no_shell or test_fail.*",
)
BENCH_INPUT = Reason(
    "authoring.bad-bench-input",
    ExitCode.INVALID,
    "an input for policy bench can't be used: no file, no JSON, or another shape than bspec.input/v1",
    "give what normalize INTENT --env ENV prints, a file or a directory of such files",
)
