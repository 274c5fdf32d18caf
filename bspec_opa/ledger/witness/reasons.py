"""Reasons that witnessing raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

UNWITNESSED = Reason(
    "witness.unwitnessed",
    ExitCode.TRUST,
    "too few witnesses of the trust root have cosigned the ledger's head lately",
    "run bspec-opa ledger cosign --witness URL, once for each witness",
)
CLOCK = Reason(
    "witness.clock",
    ExitCode.TRUST,
    "cosignatures lie in the future of this machine's clock: it is behind, or the witnesses' clocks are ahead",
    "set the clock",
)
NAME_WITNESSES = "name them under witnesses in trust.yaml, then bspec-opa trust renew trust.yaml --key …"
NO_WITNESSES = Reason(
    "witness.none-known",
    ExitCode.TRUST,
    "the trust root names no witnesses, so no cosignature would count",
    NAME_WITNESSES,
)
NOTHING_TO_COSIGN = Reason(
    "witness.no-checkpoint",
    ExitCode.INVALID,
    "the ledger has no checkpoint yet that could be cosigned",
    "promote or record first",
)
BAD_REQUEST = Reason(
    "witness.bad-request",
    ExitCode.INVALID,
    "what was sent to a witness is not an add-checkpoint request",
    "send old size, proof, an empty line and the checkpoint, as C2SP tlog-witness says",
)
BAD_ANSWER = Reason(
    "witness.bad-answer",
    ExitCode.TRUST,
    "a witness gave an answer that the protocol does not know, or a cosignature that does not count",
    "look at the witness's log; compare its key with the one in the trust root",
)
UNREACHABLE = Reason(
    "witness.unreachable",
    ExitCode.STORE,
    "a witness could not be reached in time",
    "see whether it runs, and run bspec-opa ledger cosign again",
)
OTHER_HISTORY = Reason(
    "witness.other-history",
    ExitCode.TRUST,
    "a witness has seen more of this ledger, or another history of it: it was rolled back or forked",
    "find out which history is genuine and restore it; never go on with both",
)
REFUSED = Reason(
    "witness.refused",
    ExitCode.TRUST,
    "a witness does not know this ledger or its key, or does not let us in",
    "ask whoever runs the witness to give it --log ORIGIN=FILE with the ledger's key, or a token",
)
BAD_SETTINGS = Reason(
    "witness.bad-settings",
    ExitCode.USAGE,
    "a witness's URL, authority, token file, name or log is not written as it must be",
    "see docs/witness.md for the form of each",
)
STATE_MISSING = Reason(
    "witness.no-state",
    ExitCode.USAGE,
    "a witness has no state: it would cosign a history that it should refuse",
    "restore the state; for a new witness run it once with --begin",
)
STATE_DAMAGED = Reason(
    "witness.bad-state",
    ExitCode.TRUST,
    "a witness's state is damaged, of another witness, or open to others",
    "restore the newest state of this witness; if there is none, make a new witness with a new key",
)
STATE_CHANGED = Reason(
    "witness.state-changed",
    ExitCode.TRUST,
    "a witness's state is not what it wrote, or older than what it has signed: somebody put back an old copy",
    "restore the newest state of this witness; if there is none, make a new witness with a new key",
)
STATE_BUSY = Reason(
    "witness.state-busy",
    ExitCode.STORE,
    "another process holds a witness's state",
    "run one process for each witness",
)
