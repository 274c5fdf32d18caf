"""Reasons why it is not shown what is current."""

from bspec_opa.foundation.errors import ExitCode, Reason

_AGAIN = "fetch the newest head statement, or have whoever holds the head key run bspec-opa ledger head"
_OLD = "restore the newest ledger, lock and trust root; find out who put old ones back"

NO_HEAD = Reason(
    "head.missing",
    ExitCode.TRUST,
    "the trust root demands a fresh statement of the ledger's head here, and there is none",
    _AGAIN,
)
BAD_HEAD = Reason(
    "head.bad-statement",
    ExitCode.TRUST,
    "a file is no head statement of this version",
    "use the file exactly as ledger head wrote it",
)
HEAD_KEY = Reason(
    "head.wrong-key",
    ExitCode.TRUST,
    "a head statement is not signed by exactly one valid head key of the trust root",
    "sign it with a key that stands under head in trust.yaml and is not revoked",
)
HEAD_OTHER = Reason(
    "head.other",
    ExitCode.TRUST,
    "a head statement is of another ledger or domain, or says other things than the trust root that it names",
    "give the statement of this project's ledger",
)
HEAD_EXPIRED = Reason(
    "head.expired",
    ExitCode.TRUST,
    "the head statement has expired: nothing shows that what is here is current",
    _AGAIN,
)
HEAD_NOT_YET = Reason(
    "head.not-yet-valid",
    ExitCode.TRUST,
    "the head statement is of the future: this machine's clock is behind, or that of who signed it is ahead",
    "set the clock",
)
HEAD_LIFETIME = Reason(
    "head.lifetime",
    ExitCode.TRUST,
    "a head statement is made to hold for longer than the trust root allows, or for no time at all",
    "make it with bspec-opa ledger head, which asks for no more than is allowed",
)
OLDER_HEAD = Reason(
    "head.older",
    ExitCode.TRUST,
    "a newer head statement was seen here before: an old one was put back",
    _AGAIN,
)
OLDER_LEDGER = Reason(
    "head.older-ledger",
    ExitCode.TRUST,
    "the ledger is older than the head statement: an old copy was put back",
    _OLD,
)
FORKED_LEDGER = Reason(
    "head.forked-ledger",
    ExitCode.TRUST,
    "the ledger does not go on from the tree of the head statement",
    "find out which history is genuine; never go on with both",
)
OLDER_ROOT = Reason(
    "head.older-root",
    ExitCode.TRUST,
    "the trust root is older than the one of the head statement, or another of the same version",
    _OLD,
)
OTHER_LINES = Reason(
    "head.other-lines",
    ExitCode.TRUST,
    "the head statement names other current lines than its own ledger has",
    "treat the head key as compromised, or find out which of the two programs is wrong",
)
NO_HEAD_KEYS = Reason(
    "head.none-known",
    ExitCode.TRUST,
    "the trust root names no head keys, so no head statement would count",
    "name them under head in trust.yaml, then bspec-opa trust renew trust.yaml --key …",
)
UNREMEMBERED = Reason(
    "head.nothing-remembered",
    ExitCode.TRUST,
    "this machine has never seen the ledger, so it could not tell an old one, and must not vouch for it",
    "run it where the ledger was seen before; for the first statement of all, or after looking at the ledger, --begin",
)
