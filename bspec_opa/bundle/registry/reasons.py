"""Reasons that pushing and pulling bundles raise."""

from bspec_opa.foundation.errors import ExitCode, Reason

BAD_REFERENCE = Reason(
    "registry.bad-reference",
    ExitCode.USAGE,
    "a place for bundles is neither an image layout nor a repository in a registry",
    "write oci:DIRECTORY:TAG, HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:…",
)
BAD_CREDENTIALS = Reason(
    "registry.bad-credentials",
    ExitCode.USAGE,
    "what proves us to a registry, or it to us, can't be used",
    "correct the file or option that is named",
)
NO_ORAS = Reason(
    "registry.no-client",
    ExitCode.USAGE,
    "the client for registries is not installed",
    "install bspec-opa[oci]",
)
PLAIN_HTTP = Reason(
    "registry.plain-http",
    ExitCode.USAGE,
    "a registry elsewhere would be spoken to without TLS",
    "leave out --plain-http, or say --insecure-registry where the way is trusted",
)
NOT_FOUND = Reason(
    "registry.not-found",
    ExitCode.INVALID,
    "there is no such tag, manifest, blob or layout",
    "look at the tags of the repository",
)
NO_BUNDLE = Reason(
    "registry.no-bundle",
    ExitCode.INVALID,
    "a manifest is of another form than a bundle's",
    "name the manifest of a bundle: one layer of type application/vnd.oci.image.layer.v1.tar+gzip",
)
TOO_LARGE = Reason(
    "registry.too-large",
    ExitCode.INVALID,
    "a manifest, blob or reply is larger than the limit",
    "bundles have at most 64 MiB",
)
DIFFERS = Reason(
    "registry.digest-differs",
    ExitCode.TRUST,
    "what is stored is not what its digest, size or annotation says",
    "don't use it; push the bundle again and find out who altered it",
)
MOVED = Reason(
    "registry.tag-moved",
    ExitCode.TRUST,
    "a tag names another manifest than the given digest",
    "find out who moved it; take the digest alone to get what was meant",
)
UNTRUSTED = Reason(
    "registry.untrusted-server",
    ExitCode.TRUST,
    "the server's certificate is not from a trusted authority, or of another host",
    "name its authority with --ca",
)
ELSEWHERE = Reason(
    "registry.sent-elsewhere",
    ExitCode.TRUST,
    "a registry sends us to a host that was not named",
    "name the host with --also-host if it is the registry's own storage or token service",
)
UNAUTHORIZED = Reason(
    "registry.unauthorized",
    ExitCode.STORE,
    "a registry refuses us",
    "give --credentials or --user with --password-file, and look at what this user may do",
)
UNREACHABLE = Reason(
    "registry.unreachable",
    ExitCode.STORE,
    "a registry can't be reached, is too slow or broke the connection",
    "check the host and port, and whether it speaks TLS",
)
BAD_REPLY = Reason(
    "registry.bad-reply",
    ExitCode.STORE,
    "a registry answered with an error, or not as registries do",
    "look at the registry's log",
)
