"""Reasons of the trust room: keys, envelopes, statements, the trust root, and who may sign what."""

from bspec_opa.foundation.errors import ExitCode, Reason

# Keys and signers
BAD_KEY = Reason(
    "trust.bad-key",
    ExitCode.TRUST,
    "a key is damaged, of another algorithm, or not in the one accepted encoding",
    "use an Ed25519 or ECDSA P-256 key: PKCS#8 PEM when private, SubjectPublicKeyInfo PEM when public",
)
KEY_EXPOSED = Reason(
    "trust.key-exposed",
    ExitCode.TRUST,
    "a private key file can be read by others than its owner",
    "chmod 600 the file; replace the key if somebody may have read it",
)
KEY_PASSPHRASE = Reason(
    "trust.key-passphrase",
    ExitCode.TRUST,
    "the passphrase of a private key is missing, wrong or not needed",
    "give the passphrase that the key was encrypted with, and none for a key that isn't",
)
BAD_SIGNER_URI = Reason(
    "trust.bad-signer-uri",
    ExitCode.USAGE,
    "a signer is named in a way that isn't understood",
    "write file:PATH, envvar:NAME, or hsm:, awskms:, gcpkms:, azurekms: or hv: with its public key's file behind a #",
)
SIGNER_FAILED = Reason(
    "trust.signer-failed",
    ExitCode.TRUST,
    "an external signer could not be opened or gave no valid signature",
    "check its extra package, its credentials and that the public key is the one it signs with",
)

# Envelopes and statements
BAD_ENVELOPE = Reason(
    "trust.bad-envelope",
    ExitCode.TRUST,
    "bytes are not a DSSE envelope in its one canonical form",
    "use the file exactly as the tool wrote it; a reformatted or merged one has to be signed again",
)
BAD_STATEMENT = Reason(
    "trust.bad-statement",
    ExitCode.TRUST,
    "a signed payload is not an in-toto Statement v1 in its canonical form",
    "sign the record again with this tool",
)
WRONG_TYPE = Reason(
    "trust.wrong-type",
    ExitCode.TRUST,
    "a signed document is of another type than it is used for",
    "give the record that is asked for; one type never stands in for another",
)
BAD_PREDICATE = Reason(
    "trust.bad-predicate",
    ExitCode.TRUST,
    "a record's content doesn't fit its type",
    "sign the record again with this tool",
)
WRONG_SUBJECTS = Reason(
    "trust.wrong-subjects",
    ExitCode.TRUST,
    "a record is about other artifacts than it must be",
    "sign a record for the intent and binding that are promoted",
)
BAD_SIGNATURE = Reason(
    "trust.bad-signature",
    ExitCode.TRUST,
    "a signature does not verify over the received bytes",
    "the file was changed or damaged after it was signed; get the original or sign again",
)
SIGNATURE_COUNT = Reason(
    "trust.signature-count",
    ExitCode.TRUST,
    "a personal record doesn't carry exactly one signature",
    "one person signs one record; others sign their own",
)

# The trust root
NO_ROOT = Reason(
    "trust.no-root",
    ExitCode.TRUST,
    "there is no trust root to walk",
    "put the versions at .bspec/trust/<N>.root.json, beginning with 1",
)
BAD_ROOT = Reason(
    "trust.bad-root",
    ExitCode.TRUST,
    "a trust root doesn't fit its schema or contradicts itself",
    "write it with trust init from trust.yaml, and let the root keys sign again",
)
BAD_THRESHOLD = Reason(
    "trust.bad-threshold",
    ExitCode.TRUST,
    "the threshold of a trust root can't be met by distinct owners of its keys, or asks for nobody",
    "choose a threshold from 1 to the number of people who hold root keys",
)
DUPLICATE_KEY = Reason(
    "trust.duplicate-key",
    ExitCode.TRUST,
    "one key stands in two places, or under an id that isn't its own",
    "give every principal, the gate and the ledger keys of their own",
)
PIN_MISMATCH = Reason(
    "trust.pin-mismatch",
    ExitCode.TRUST,
    "version 1 of the trust root is not the one that is pinned",
    "somebody replaced the root, or the pin belongs to another project; compare with the one you were given",
)
BROKEN_CHAIN = Reason(
    "trust.broken-chain",
    ExitCode.TRUST,
    "a version of the trust root doesn't continue the one before it",
    "restore the missing version; a root is only ever followed by the next one",
)
ROOT_SIGNATURES = Reason(
    "trust.root-signatures",
    ExitCode.TRUST,
    "a version of the trust root isn't signed by enough root keys of its predecessor and its own",
    "give --key once for each root key that the threshold asks for",
)
NOT_NEEDED = Reason(
    "trust.signature-not-needed",
    ExitCode.USAGE,
    "a signature on a new version of the trust root would change nothing",
    "see with trust verify or trust sign who still has to sign",
)
OTHER_DRAFT = Reason(
    "trust.other-draft",
    ExitCode.INVALID,
    "a copy that signatures are to be taken from is of another draft",
    "everybody signs copies of one file, whose digest trust rotate printed",
)
BAD_CHANGE = Reason(
    "trust.bad-change",
    ExitCode.USAGE,
    "a change of the trust root can't be made as it was asked for",
    "name keys by their public PEM file or their first digits, and people by their id; trust show lists them",
)
ROOT_EXPIRED = Reason(
    "trust.root-expired",
    ExitCode.TRUST,
    "the trust root has expired",
    "run trust renew and let the root keys sign the new version",
)
ROOT_NOT_YET_VALID = Reason(
    "trust.root-not-yet-valid",
    ExitCode.TRUST,
    "the trust root was issued after the present time",
    "check this machine's clock",
)
BAD_TRUST_FILE = Reason(
    "trust.bad-trust-file",
    ExitCode.INVALID,
    "trust.yaml is wrong",
    "docs/reference.md has a complete example",
)
UNKNOWN_ENVIRONMENT = Reason(
    "trust.unknown-environment",
    ExitCode.INVALID,
    "the trust root doesn't know an environment",
    "use an environment of the trust root, or add it there",
)
UNKNOWN_AGENT = Reason(
    "trust.unknown-agent",
    ExitCode.INVALID,
    "the trust root doesn't know an agent",
    "check metadata.id, or add the agent and its owners under agents in trust.yaml, then bspec-opa trust renew",
)

# Who may sign what
UNKNOWN_KEY = Reason(
    "trust.unknown-key",
    ExitCode.TRUST,
    "a record is signed by a key that the trust root gives to nobody",
    "sign with a registered key, or register this one",
)
WRONG_PURPOSE = Reason(
    "trust.wrong-purpose",
    ExitCode.TRUST,
    "a key signed something that it isn't for",
    "people sign records, the gate signs lock lines, the ledger key checkpoints: each with its own key",
)
REVOKED = Reason(
    "trust.revoked",
    ExitCode.TRUST,
    "the trust root revokes this key or record",
    "sign again with a key that is still valid",
)
ROLE_NOT_GRANTED = Reason(
    "trust.role-not-granted",
    ExitCode.TRUST,
    "the signer doesn't hold the role for this agent and environment",
    "ask somebody who does, or have the role granted in the trust root",
)
NOT_OWNER = Reason(
    "trust.not-owner",
    ExitCode.TRUST,
    "somebody submitted an agent that belongs to others",
    "let an owner submit, or add the owner in the trust root",
)
FOREIGN_DOMAIN = Reason(
    "trust.foreign-domain",
    ExitCode.TRUST,
    "a record belongs to another trust domain",
    "sign it under this project's trust root",
)
FOREIGN_ROOT = Reason(
    "trust.foreign-root",
    ExitCode.TRUST,
    "a record was signed under a trust root that isn't in the chain",
    "fetch the newer versions of the root, or sign again",
)
FOREIGN_SCOPE = Reason(
    "trust.foreign-scope",
    ExitCode.TRUST,
    "a record names an agent or environment that the trust root doesn't know",
    "sign it for a registered agent and environment",
)
BAD_MOMENT = Reason(
    "trust.bad-moment",
    ExitCode.TRUST,
    "a record claims to be signed in the future or before its trust root was issued",
    "check the clocks of both machines, then sign again",
)
