"""Reasons of the evidence room."""

from bspec_opa.foundation.errors import ExitCode, Reason

BAD_RESULT = Reason(
    "evidence.bad-result",
    ExitCode.INVALID,
    "an evaluation result has another shape than bspec.evaluation-result/v1",
    "see bspec.evaluation-result/v1 in docs/reference.md; what init wrote is a template that a run has to fill in",
)
BAD_COUNTS = Reason(
    "evidence.bad-counts",
    ExitCode.INVALID,
    "the counts of an evaluation are zero or don't add up",
    "report every case once: n = pass + fail + error + skip, and at least one case",
)
BAD_PROBES = Reason(
    "evidence.bad-probes",
    ExitCode.INVALID,
    "a probe names no entry of scope.out, names one twice, or contradicts the counts",
    "report each probed entry of the intent's scope.out once, and a failed probe as a failed case",
)
BAD_TIMES = Reason(
    "evidence.bad-times",
    ExitCode.INVALID,
    "an evaluation ends before it starts, or lies in the future",
    "check the clock of the machine that ran the evaluation",
)
BAD_LOG = Reason(
    "evidence.bad-log",
    ExitCode.INVALID,
    "the raw log of an evaluation is not named by one relative path or one digest",
    "give the log's path beside the result, or its sha256 digest",
)
TOO_MANY_CASES = Reason(
    "evidence.too-many-cases",
    ExitCode.INVALID,
    "the pooled runs of one question and method hold more cases than bounds are computed for",
    "start afresh with a new binding or surface; runs are never left out",
)
TOO_MANY_RUNS = Reason(
    "evidence.too-many-runs",
    ExitCode.INVALID,
    "there are more runs of one question and method than are pooled",
    "start afresh with a new binding or surface; runs are never left out",
)
