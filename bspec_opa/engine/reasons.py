"""Reasons of the engines: no usable answer is a denial, never an allowance."""

from bspec_opa.foundation.errors import ExitCode, Reason

UNSENDABLE = Reason(
    "engine.unsendable",
    ExitCode.ENGINE,
    "a request or a bundle's data can't be put to an engine: floats, huge integers, lone surrogates, deep nesting",
    "send what the input schema allows; validate says where it is broken",
)
UNDEFINED = Reason(
    "engine.undefined",
    ExitCode.ENGINE,
    "the policy decided nothing: no result, or an empty one",
    "check that the bundle has the decision, its data and the environment; normalize and opa eval show it",
)
BAD_REPLY = Reason(
    "engine.bad-reply",
    ExitCode.ENGINE,
    "what the engine answered is not strict JSON of the known form",
    "check that the URL is an OPA's and that nothing on the way rewrites replies",
)
TOO_LARGE = Reason(
    "engine.reply-too-large",
    ExitCode.ENGINE,
    "the engine's answer is over the size limit",
    "look for a rule that lists far too much",
)
TIMEOUT = Reason(
    "engine.timeout",
    ExitCode.ENGINE,
    "no whole answer within the total deadline",
    "check the engine's load, or raise engine.deadline_s",
)
CLOSED = Reason(
    "engine.closed",
    ExitCode.ENGINE,
    "an engine was asked after it had been closed, or in a forked child",
    "open one engine in each process; start worker processes with spawn",
)
DISAGREEMENT = Reason(
    "engine.disagreement",
    ExitCode.ENGINE,
    "the sidecar and the embedded engine decided differently on the same request",
    "treat the sidecar as compromised or misconfigured until its bundle and version are explained",
)
WORKER_DIED = Reason(
    "engine.worker-died",
    ExitCode.ENGINE,
    "the process that handled one of many items was killed or broke down",
    "look for a lack of memory; run the command for this item alone, or with fewer jobs",
)

BAD_MODULE = Reason(
    "engine.bad-module",
    ExitCode.ENGINE,
    "a policy.wasm is no module that the embedded engine runs",
    "build the bundle with bundle build and the OPA version that it names",
)
COSTLY_MODULE = Reason(
    "engine.costly-module",
    ExitCode.ENGINE,
    "a policy.wasm is too large, or can't be compiled within the bounds of time and memory",
    "don't use the bundle if it isn't yours; else split rules with very many definitions",
)
HOST_BUILTIN = Reason(
    "engine.host-builtin",
    ExitCode.ENGINE,
    "a policy.wasm needs functions of its host, which are never given",
    "use only the builtins that bundle build allows",
)
FUEL = Reason(
    "engine.out-of-fuel",
    ExitCode.ENGINE,
    "a policy computed longer than it may",
    "look for nested iteration over large lists; opa eval --profile names the slowest lines",
)
MEMORY = Reason(
    "engine.out-of-memory",
    ExitCode.ENGINE,
    "a policy, its data or its input need more memory than they may",
    "make the organisation's data or the rule's intermediate collections smaller",
)
TRAP = Reason(
    "engine.trap",
    ExitCode.ENGINE,
    "a policy.wasm stopped in the middle",
    "report the bundle; the same request under opa eval shows the rule",
)

BAD_URL = Reason(
    "engine.bad-url",
    ExitCode.USAGE,
    "an engine URL is not http(s)://host[:port] or unix:///path",
    "write the URL without user, path, query and escapes; credentials go into files",
)
BAD_PATH = Reason(
    "engine.bad-path",
    ExitCode.USAGE,
    "a decision path or bundle name has another form than a rule's",
    "write it like bspec/gate/decision",
)
BAD_CREDENTIALS = Reason(
    "engine.bad-credentials",
    ExitCode.USAGE,
    "a CA, client certificate, key or token file can't be used, or would be sent in the clear",
    "check the files named by engine.ca, engine.cert, engine.key and engine.token_file",
)
UNREACHABLE = Reason(
    "engine.unreachable",
    ExitCode.ENGINE,
    "the engine can't be reached, or the connection broke",
    "start OPA, or correct engine.url; another engine is never used in its place",
)
TLS = Reason(
    "engine.untrusted-server",
    ExitCode.ENGINE,
    "no TLS there, or it failed: unknown authority, another host, not valid now, or ours is missing or refused",
    "check engine.ca, engine.cert and the host name in engine.url",
)
BAD_STATUS = Reason(
    "engine.bad-status",
    ExitCode.ENGINE,
    "the engine answered with another HTTP status than 200; redirects are not followed",
    "look at OPA's own log for this request",
)
WARNING = Reason(
    "engine.warning",
    ExitCode.ENGINE,
    "OPA's reply carries a warning, such as a missing input",
    "check that nothing on the way rewrites requests",
)
STALE_BUNDLE = Reason(
    "engine.stale-bundle",
    ExitCode.TRUST,
    "the server decides on another policy revision than the accepted one",
    "bundle export writes the accepted bundle for the server to load; or have the trust root accept the new one",
)
BAD_PROVENANCE = Reason(
    "engine.bad-provenance",
    ExitCode.ENGINE,
    "the reply doesn't say, or not unmistakably, which bundle decided",
    "load exactly one bundle under the name engine.bundle_name",
)

NO_OPA = Reason(
    "engine.no-opa",
    ExitCode.ENGINE,
    "the OPA program is not found or doesn't run",
    "run make opa, or put opa on PATH",
)
OPA_VERSION = Reason(
    "engine.opa-version",
    ExitCode.ENGINE,
    "the OPA program found is of another version than the one that bundles are built with",
    "run make opa",
)
NO_PRIVATE_PLACE = Reason(
    "engine.no-private-directory",
    ExitCode.ENGINE,
    "no directory is fit to hold a private socket: others could replace it, or its path is too long",
    "set XDG_RUNTIME_DIR to a directory of yours, of mode 0700 and with a short plain path",
)
NOT_STARTED = Reason(
    "engine.not-started",
    ExitCode.ENGINE,
    "the managed OPA did not start, refused its bundle, or was not ready in time",
    "read what OPA says; opa run --server with the same bundle shows more",
)
ENDED = Reason(
    "engine.ended",
    ExitCode.ENGINE,
    "the managed OPA ended before it was told to",
    "look for who ended it, such as the system when memory ran out, and run the command again",
)
