"""Reasons that the foundation itself raises; documents have their own in ``document/reasons.py``."""

from bspec_opa.foundation.errors import ExitCode, Reason

CANONICAL = Reason(
    "foundation.not-canonical",
    ExitCode.INVALID,
    "a value has no RFC 8785 form within the limits",
    "use integers of magnitude below 10^15, valid Unicode and moderate nesting",
)
BAD_DIGEST = Reason(
    "foundation.bad-digest",
    ExitCode.INVALID,
    "a digest is not sha256: and 64 lower-case hexadecimal digits",
    "copy the digest whole",
)
BAD_TIME = Reason(
    "foundation.bad-time",
    ExitCode.INVALID,
    "a time or duration has another form",
    "write times as 2026-05-01T00:00:00Z and durations as P7D or PT12H",
)
UNREADABLE = Reason(
    "file.unreadable",
    ExitCode.INVALID,
    "a file is missing, unreadable, a link or not a regular file",
    "name an existing regular file",
)
TOO_LARGE = Reason(
    "file.too-large",
    ExitCode.INVALID,
    "a file is larger than the limit for its kind",
    "make it smaller; docs/reference.md lists the limits",
)
BAD_NAME = Reason(
    "file.bad-name",
    ExitCode.INVALID,
    "a name could leave its directory or be misread",
    "use letters, digits, dot, dash and underscore",
)
UNWRITABLE = Reason(
    "file.unwritable",
    ExitCode.STORE,
    "a file could not be written; nothing was changed",
    "check free space and permissions of the directory",
)
EXISTS = Reason(
    "file.exists",
    ExitCode.USAGE,
    "a file that would be created is already there",
    "choose another name or remove the file yourself",
)
