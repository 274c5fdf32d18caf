"""Reasons of the verbs about the life of a lock: waived, revoked, retired, adopted."""

from bspec_opa.foundation.errors import ExitCode, Reason

WITHDRAWN = Reason(
    "record.revoked",
    ExitCode.TRUST,
    "a record of the ledger is revoked by a later one",
    "sign a new one, if it is right",
)
NOT_REVOCABLE = Reason(
    "revoke.not-revocable",
    ExitCode.TRUST,
    "a revocation names something that can't be revoked, or not what it says",
    "what only the trust root can revoke is revoked with bspec-opa trust revoke",
)
NO_TARGET = Reason(
    "revoke.no-such-record",
    ExitCode.USAGE,
    "neither the ledger nor the inbox has what is to be revoked",
    "name a lock line's digest, a record's id or entry:N; history and show print them",
)
IS_KEY = Reason(
    "revoke.is-a-key",
    ExitCode.USAGE,
    "a key is revoked in the trust root, not in the ledger",
    "run bspec-opa trust revoke, and let the root keys sign",
)
ALREADY = Reason(
    "revoke.already",
    ExitCode.USAGE,
    "what is to be revoked or retired is so already",
    "nothing is left to do; history says by whom and why",
)
LINE_REVOKED = Reason(
    "verify.revoked",
    ExitCode.TRUST,
    "the current line of an environment was revoked: what it binds must not run",
    "stop the deployment; promote again, or roll back",
)
AGENT_RETIRED = Reason(
    "verify.retired",
    ExitCode.TRUST,
    "the agent was retired in an environment: nothing of it must run there",
    "stop the deployment",
)
RETIRED = Reason(
    "promotion.retired",
    ExitCode.DENIED,
    "the agent was retired in the environment, which is final",
    "give the agent that takes its place an id of its own",
)
ADOPTION_FORBIDDEN = Reason(
    "adopt.not-permitted",
    ExitCode.DENIED,
    "the trust root does not permit adopting this agent in this environment now",
    "promote it through the environments before, or have the root keys permit it",
)
ADOPTION_LATE = Reason(
    "adopt.has-a-line",
    ExitCode.DENIED,
    "only an agent without any line in the environment can be adopted there",
    "promote it",
)
ADOPTION_QUORUM = Reason(
    "adopt.quorum",
    ExitCode.PENDING,
    "fewer people than the trust root asks for have approved an adoption",
    "let them run bspec-opa approve --adopt in the role that the trust root names",
)
NO_EMERGENCIES = Reason(
    "rollback.no-emergencies",
    ExitCode.DENIED,
    "the organisation has no quorum for emergencies in that environment: no signature for one would ever count",
    "sign an ordinary rollback, without --emergency, or have emergency set in the organisation's data; docs/checks.md",
)
NOTHING_TO_WAIVE = Reason(
    "waive.no-such-finding",
    ExitCode.INVALID,
    "a waiver was to name a finding that the rule does not raise now, a warning, or a rule that did not run",
    "name findings as bspec-opa evaluate shows them; the message lists them",
)
BAD_TERM = Reason(
    "waive.bad-term",
    ExitCode.USAGE,
    "a waiver needs one end: a moment or a duration",
    "give either --expires or --valid-for",
)
