"""Reasons why a signed bundle isn't accepted. Each is one that an operator reacts to differently."""

from bspec_opa.foundation.errors import ExitCode, Reason

UNSIGNED = Reason(
    "bundle.unsigned",
    ExitCode.TRUST,
    "the bundle carries no signature, and one of a publisher's key is demanded",
    "sign it with bundle sign, or get the signed bundle from its publisher",
)
SIGNATURE_FORM = Reason(
    "bundle.signature-form",
    ExitCode.TRUST,
    "the bundle's .signatures.json has another form than OPA writes, or asks for what is never believed",
    "sign it again with bundle sign or opa sign: one token, ES256 or RS256, SHA-256, no plugin",
)
UNKNOWN_PUBLISHER = Reason(
    "bundle.unknown-publisher",
    ExitCode.TRUST,
    "the bundle is signed under the id of a key that is not known here",
    "sign it with a key that is, or have the trust root name the publisher's key",
)
BAD_BUNDLE_SIGNATURE = Reason(
    "bundle.bad-signature",
    ExitCode.TRUST,
    "the signature is not the publisher's",
    "don't use the bundle: get it from its publisher again",
)
SIGNED_FILES = Reason(
    "bundle.signed-files",
    ExitCode.TRUST,
    "the files are not the ones that were signed: one is changed, missing, added or named twice",
    "don't use the bundle: it was changed after it was signed",
)
SIGNATURE_SCOPE = Reason(
    "bundle.signature-scope",
    ExitCode.TRUST,
    "the bundle was signed for another scope",
    "give the scope that it was signed for (--scope), or sign it for the one that the trust root has",
)
UNSEQUENCED = Reason(
    "bundle.unsequenced",
    ExitCode.TRUST,
    "the signature does not say which sequence the bundle has, or when it was signed",
    "sign it with bundle sign --sequence, or give opa sign the claims bspec_sequence and iat",
)
BELOW_MINIMUM = Reason(
    "bundle.below-minimum",
    ExitCode.TRUST,
    "the bundle is older than the least sequence that is accepted",
    "use a newer bundle",
)
STALE = Reason(
    "bundle.stale",
    ExitCode.TRUST,
    "the bundle was signed too long ago, or its signature has expired",
    "use a newer bundle, or have its publisher sign this one again under the next sequence",
)
FROM_THE_FUTURE = Reason(
    "bundle.from-the-future",
    ExitCode.TRUST,
    "the bundle claims to have been signed in the future, or to hold only from then on",
    "check the clocks of this machine and of the publisher's",
)
DELTA = Reason(
    "bundle.delta",
    ExitCode.TRUST,
    "a delta bundle: a patch of data that OPA applies without a signature, under the revision of another bundle",
    "build and sign whole bundles; a decision is taken on one whole bundle or on none",
)
FOREIGN_ARCHIVE = Reason(
    "bundle.foreign-archive",
    ExitCode.TRUST,
    "an archive holds what no bundle needs: links, devices, odd or repeated names, bytes after its end",
    "pack it again with opa build",
)
NOT_REPRODUCED = Reason(
    "bundle.not-reproduced",
    ExitCode.TRUST,
    "compiling the bundle's own Rego gives something else than the bundle holds",
    "don't use the bundle: build it from the policies",
)
SIGNING_KEY = Reason(
    "bundle.signing-key",
    ExitCode.USAGE,
    "a key can't sign bundles",
    "make one with key generate --publisher, or give an RSA key of 2048 bits or more",
)
CANT_SIGN = Reason(
    "bundle.cant-sign",
    ExitCode.INVALID,
    "the signatures that are to be attached are not over this bundle's files",
    "sign exactly this bundle: opa sign --bundle BUNDLE",
)
