"""Reasons that the workflows raise."""

from bspec_opa.foundation.errors import ExitCode, Reason

CONFIG_SYNTAX = Reason(
    "config.syntax", ExitCode.USAGE, "bspec-opa.toml is no valid TOML", "correct the line that is named"
)
CONFIG_UNKNOWN = Reason(
    "config.unknown-key",
    ExitCode.USAGE,
    "the configuration or a BSPEC_OPA_ variable names a key that does not exist",
    "use the nearest name, or remove the key",
)
CONFIG_VALUE = Reason(
    "config.bad-value", ExitCode.USAGE, "a configuration value has the wrong type or form", "correct the value"
)
CONFIG_PIN = Reason(
    "config.pin-in-checkout",
    ExitCode.USAGE,
    "bspec-opa.toml holds a trust pin, which must never come from the checkout",
    "give --trust-pin or BSPEC_OPA_TRUST_PIN instead",
)
PIN_MISSING = Reason(
    "trust.no-pin",
    ExitCode.TRUST,
    "no trust pin was given, and this command decides or verifies",
    "give --trust-pin or BSPEC_OPA_TRUST_PIN; bspec-opa trust init printed it",
)
PIN_FORM = Reason(
    "trust.bad-pin", ExitCode.USAGE, "the trust pin is no digest", "copy the pin whole: sha256: and 64 digits"
)
ENVIRONMENT_UNDECLARED = Reason(
    "promotion.undeclared-environment",
    ExitCode.INVALID,
    "the intent declares no promotion rules for the environment",
    "add the block to promotion",
)
ASSURANCE = Reason(
    "engine.assurance",
    ExitCode.ENGINE,
    "the environment demands cross-checked decisions and only one engine is configured",
    "configure engine.url, or engine managed, so that an OPA and the embedded engine both decide",
)
KEY_MISSING = Reason(
    "signing.no-key",
    ExitCode.USAGE,
    "no key was given for this signature",
    "give --key, or set signing.<role> in bspec-opa.toml",
)
BAD_PASSPHRASE = Reason(
    "signing.bad-passphrase",
    ExitCode.USAGE,
    "the passphrase is not UTF-8 or is too long",
    "use at most 1023 bytes of UTF-8",
)
BINDING_MISSING = Reason(
    "promotion.no-binding",
    ExitCode.INVALID,
    "there is no binding to sign or promote",
    "run bspec-opa resolve, or promote to the source environment first",
)
BINDING_DIFFERS = Reason(
    "promotion.binding-differs",
    ExitCode.INVALID,
    "the binding is not what the catalogs and the component files give",
    "run bspec-opa resolve again",
)
SOURCE_CHANGED = Reason(
    "promotion.not-the-source",
    ExitCode.INVALID,
    "the intent is not the one that the source environment's line binds",
    "promote this intent to the source environment first",
)
NO_LOCK = Reason("lock.missing", ExitCode.INVALID, "there is no behavior.lock", "promote first, or name the file")
NOT_IN_LEDGER = Reason(
    "verify.not-in-ledger",
    ExitCode.TRUST,
    "a lock line is not in the ledger",
    "restore the ledger or the lock from where they are kept",
)
NOT_IN_LOCK = Reason(
    "verify.not-in-lock",
    ExitCode.TRUST,
    "the ledger holds a promotion that the lock lacks",
    "run bspec-opa promote again, which completes the lock from the ledger",
)
FACTS_DIFFER = Reason(
    "verify.facts-differ",
    ExitCode.TRUST,
    "the facts rebuilt from the ledger are not those that the line was decided on",
    "treat the gate's key as compromised",
)
REPLAY_DIFFERS = Reason(
    "verify.replay-differs",
    ExitCode.TRUST,
    "replaying the decision gives another outcome than the line records",
    "treat the gate's key as compromised",
)
DEPLOYED_DIFFERS = Reason(
    "verify.deployed-differs",
    ExitCode.TRUST,
    "what is deployed is not what the lock binds",
    "deploy what the lock names",
)
DEPLOYED_SUPERSEDED = Reason(
    "verify.deployed-superseded",
    ExitCode.TRUST,
    "what is deployed was approved once, and another line is current in that environment since",
    "deploy the current line",
)
NO_LINE = Reason(
    "lock.no-line-there",
    ExitCode.INVALID,
    "the lock has no line for the environment that was named",
    "promote to it, or name an environment that the lock has a line for",
)
MOVED = Reason(
    "promotion.moved",
    ExitCode.STORE,
    "the ledger kept moving while the promotion was decided",
    "run it again",
)
CATALOG_MISSING = Reason(
    "promotion.no-catalog",
    ExitCode.INVALID,
    "there is no catalog to resolve the intent against",
    "write .bspec/catalogs/<name>.yaml, or name a catalog with --catalog",
)
ROOT_EXISTS = Reason(
    "trust.root-exists",
    ExitCode.USAGE,
    "there is a trust root already, and a second version 1 would be another anchor",
    "run bspec-opa trust renew, or start in another directory",
)
TOO_FEW_ROOT_KEYS = Reason(
    "trust.too-few-root-keys",
    ExitCode.TRUST,
    "fewer root keys sign than the threshold asks for",
    "give --key once for each root key",
)
BAD_DEPLOYED = Reason(
    "verify.bad-deployed",
    ExitCode.INVALID,
    "the deployed file is no bspec.deployed/v1 document",
    "bspec-opa show LOCK --deployed ENV prints one; its schema is docs/schemas/deployed.v1.json",
)
OTHER_AGENT = Reason(
    "verify.other-agent",
    ExitCode.TRUST,
    "the lock beside an intent is another agent's",
    "name the lock of this agent, or give each agent a directory of its own",
)
WRONG_KIND = Reason(
    "history.wrong-kind",
    ExitCode.TRUST,
    "a ledger entry holds a record of another type than it says",
    "find out who wrote it; it does not count",
)
SPENT = Reason(
    "history.spent",
    ExitCode.TRUST,
    "an approval or request was used by a line that has been revoked",
    "sign a new one",
)
WEAK_ASSURANCE = Reason(
    "verify.weak-assurance",
    ExitCode.TRUST,
    "a line's decision was worth less than its environment demanded, or its engines don't give what it claims",
    "promote again with the engines that the environment demands",
)
NEWER_ROOT = Reason(
    "promotion.newer-root",
    ExitCode.STORE,
    "a newer trust root appeared while the promotion was decided",
    "run it again: it decides anew under that root",
)
NO_INTENT = Reason(
    "intent.none-found",
    ExitCode.INVALID,
    "a directory that was named holds no intent, in whatever depth",
    "name a directory with *.intent files; hidden directories and links to directories are not looked into",
)
LOG_UNWRITABLE = Reason(
    "decision-log.unwritable",
    ExitCode.STORE,
    "a decision could not be logged, so it was not taken",
    "check free space and permissions of decision_log.file, or unset it",
)
LOG_MASK = Reason(
    "decision-log.no-mask",
    ExitCode.INVALID,
    "decisions are to be logged, and the bundle does not say what a log may hold",
    "build the bundle with log_mask in the organisation's data; an empty list hides nothing",
)
NO_DECISION = Reason(
    "report.no-decision",
    ExitCode.INVALID,
    "there is no decision to report on",
    "name a decision written by evaluate --format json, an intent with --env, a lock, or a project's directory",
)
NO_CONTROLS = Reason(
    "report.no-controls",
    ExitCode.INVALID,
    "the organisation's data maps no control, or none of the framework that was asked for",
    "write controls into the organisation's data and build the bundle again",
)
UNKNOWN_BUNDLE = Reason(
    "report.unknown-bundle",
    ExitCode.INVALID,
    "the bundle that decided is neither configured nor among the ledger's objects",
    "give the bundle with --bundle",
)
LOG_UNSENT = Reason(
    "decision-log.unsent",
    ExitCode.STORE,
    "a decision could not be sent to the collector, so it was not taken",
    "look at the collector, or log to decision_log.file and let something else send it",
)
LOG_SETTINGS = Reason(
    "decision-log.bad-settings",
    ExitCode.USAGE,
    "the collector's URL, authorities or token can't be used",
    "correct what is named",
)
BAD_LAST_GOOD = Reason(
    "trust.bad-last-good",
    ExitCode.USAGE,
    "the last good tree head of a revocation is not one of the ledger",
    "give SIZE:ROOT of a checkpoint that you trust, SIZE for the present ledger's, or none",
)
RETIRED_IN_USE = Reason(
    "trust.retired-in-use",
    ExitCode.TRUST,
    "a key signed something after the place in the ledger from which a new version retires it",
    "let it sign nothing more, and draft the retirement again",
)
NO_RESTART = Reason(
    "trust.no-restart",
    ExitCode.USAGE,
    "there is no compromised ledger key whose last good tree the ledger has to go back to",
    "trust verify lists what is revoked; a ledger that verifies needs no restart",
)
ROLLBACK_PLACE = Reason(
    "rollback.no-place",
    ExitCode.USAGE,
    "where the agent's intent is said to lie is neither an intent nor a lock: a lock would be begun anew there",
    "name the agent's intent (of rollback: --intent); where it is lost, an empty file in its place does",
)
ROLLBACK_UNKNOWN = Reason(
    "rollback.unknown-line",
    ExitCode.USAGE,
    "what is named is no line, or not one line, that was ever current in that environment",
    "name a line as bspec-opa history prints it: its digest, at least 12 digits of it, or entry:N",
)
ROLLBACK_TARGET = Reason(
    "rollback.line-does-not-count",
    ExitCode.TRUST,
    "the line to go back to was revoked, or rests on what was",
    "go back to another line, or promote",
)
ROLLBACK_CURRENT = Reason(
    "rollback.current-line",
    ExitCode.USAGE,
    "the line to go back to is the current one",
    "name an earlier line; bspec-opa history lists them",
)
NO_EMERGENCY = Reason(
    "review.no-emergency",
    ExitCode.USAGE,
    "only an emergency rollback is reviewed",
    "bspec-opa history marks those that wait for a review",
)
REVIEW_INVOLVED = Reason(
    "review.involved",
    ExitCode.TRUST,
    "whoever requested or approved an emergency can't review it",
    "let somebody else review it",
)
