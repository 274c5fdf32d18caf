"""Reasons that the gate itself raises or records."""

from bspec_opa.foundation.errors import ExitCode, Reason

INPUT_SHAPE = Reason(
    "gate.input-shape",
    ExitCode.INTERNAL,
    "the assembled OPA input does not fit its own closed schema",
    "report it as a bug; nothing was asked and nothing was written",
)
UNUSABLE = Reason(
    "gate.unusable-answer",
    ExitCode.ENGINE,
    "the engine's answer is not exactly a decision: shape, status words, nonce or contract",
    "check which bundle and which OPA the engine runs",
)
RULE_SET = Reason(
    "gate.rule-set",
    ExitCode.ENGINE,
    "the answer reports other rules than those that must run",
    "load the bundle that the gate has into the sidecar",
)
CONTRADICTION = Reason(
    "gate.contradiction",
    ExitCode.ENGINE,
    "a rule's status contradicts its own findings, or something was waived that may not be",
    "treat the engine as compromised or broken",
)
STALE_REVISION = Reason(
    "gate.stale-revision",
    ExitCode.TRUST,
    "the decision was taken by another bundle revision or other data",
    "load the accepted bundle into the engine",
)
FLOOR_SUBMIT = Reason(
    "floor.no-submit",
    ExitCode.DENIED,
    "no valid submit of exactly this intent and binding",
    "let an author run bspec-opa submit",
)
FLOOR_APPROVAL = Reason(
    "floor.no-independent-approval",
    ExitCode.DENIED,
    "no valid approval by somebody who is not an author",
    "ask somebody else to run bspec-opa approve",
)
FLOOR_EVIDENCE = Reason(
    "floor.no-evidence",
    ExitCode.DENIED,
    "one of the three questions of evaluation evidence is not answered sufficiently",
    "let an evaluator run bspec-opa attest",
)
FLOOR_REJECT = Reason(
    "floor.open-reject",
    ExitCode.DENIED,
    "somebody rejected this promotion and has not approved it since",
    "settle it with the person who rejected",
)
FLOOR_SOURCE = Reason(
    "floor.no-source",
    ExitCode.DENIED,
    "the source environment has no current line with the identical binding",
    "promote to the source environment first",
)
FLOOR_MANDATORY = Reason(
    "floor.mandatory-rule",
    ExitCode.DENIED,
    "a rule that the trust root makes mandatory did not run",
    "use a bundle that holds and selects the rule",
)
FLOOR_REQUEST = Reason(
    "floor.no-request",
    ExitCode.DENIED,
    "no valid request of a promoter for exactly this promotion",
    "let a promoter run bspec-opa request",
)
FLOOR_TARGET = Reason(
    "floor.no-target",
    ExitCode.DENIED,
    "a rollback is not to exactly what a recorded line of its environment holds",
    "name a line that bspec-opa history prints, and change nothing",
)
FLOOR_REVIEW = Reason(
    "floor.no-review",
    ExitCode.DENIED,
    "an emergency rollback was not reviewed by somebody who neither requested nor approved it",
    "let such a reviewer run bspec-opa review",
)
