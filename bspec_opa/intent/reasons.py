"""Reasons why an intent is refused."""

from bspec_opa.foundation.errors import ExitCode, Reason


def _reason(name: str, summary: str, remedy: str) -> Reason:
    return Reason(f"intent.{name}", ExitCode.INVALID, summary, remedy)


UNSUPPORTED_SCHEMA = _reason(
    "unsupported-schema", "the schema that an intent declares is not known here", "write schema: behavior.intent/v1"
)
UNKNOWN_FIELD = _reason(
    "unknown-field",
    "a member that the schema doesn't have",
    "correct the name, or begin it with x- if it is your own; a misspelt limit would limit nothing",
)
MISSING_FIELD = _reason("missing-field", "a member that the schema requires is missing", "add it")
WRONG_TYPE = _reason(
    "wrong-type",
    "a value is of another JSON type than the schema requires, or null",
    "write a value of the type that the message names; quote text that looks like a number",
)
UNKNOWN_VALUE = _reason("unknown-value", "a value is none of the known words", "use one of the words of the message")
BAD_FORM = _reason("bad-form", "text has another form or length than its field requires", "write it as the hint says")
OUT_OF_BOUNDS = _reason(
    "out-of-bounds",
    "a number is too small or too large, or a list or map has too few items",
    "stay within the bounds that the message names",
)
BLANK_TEXT = _reason("blank-text", "a text that people decide on holds only spaces", "say what is meant")
DUPLICATE_ID = _reason(
    "duplicate-id",
    "two entries have the same id; those of scope.in and scope.out share one list of ids",
    "give each its own id",
)
DUPLICATE_VALUE = _reason("duplicate-value", "a set holds the same value twice", "keep one")
ANY_NOT_ALONE = _reason("any-not-alone", 'a list holds "*" and other names', 'write "*" alone or the names alone')
DANGLING_SERVES = _reason(
    "dangling-serves", "a tool serves a scope id that scope.in doesn't have", "name an id of scope.in"
)
ROUTING = _reason(
    "routing",
    "the roles of the model classes contradict the routing",
    "single-model has one primary class and no other; fallback has one primary and at least one fallback; "
    "heterogeneous has at least one primary",
)
NETWORK = _reason(
    "network", "hosts go with egress allowlist, and only with it", "set egress to allowlist or change the hosts"
)
RANGE_SYNTAX = _reason(
    "range-syntax",
    "a version range has another form",
    "write comma-joined comparators >= > <= < with one to three numbers, or == and one release",
)
RANGE_EMPTY = _reason("range-empty", "no release satisfies a version range", "correct the bounds")
RESERVED_ENVIRONMENT = _reason(
    "reserved-environment",
    "an environment has a name with another meaning: none, all, or one that begins with x-",
    "give it another name",
)
EVIDENCE_THRESHOLD = _reason(
    "evidence-threshold",
    "an evidence requirement has no threshold or two",
    "write either min_pass_bp or max_asr_bp",
)
EVIDENCE_QUESTION = _reason(
    "evidence-question",
    "an environment demands no evidence for one of the three questions (6.9)",
    "demand evidence for boundary, privilege and constraint",
)
UNSATISFIABLE = _reason(
    "unsatisfiable",
    "nothing can ever fulfil a requirement: a perfect rate with a confidence bound, or a duration of nothing",
    "lower the threshold or the confidence, or lengthen the duration",
)
FREEZE = _reason("freeze", "a freeze ends before it begins, or names no existing time", "correct the times")
OVERLAY_WIDENS = _reason(
    "overlay-widens",
    "the constraints of one environment allow more than the general ones",
    "narrow the overlay, or widen the general constraints, which is an expansion",
)
