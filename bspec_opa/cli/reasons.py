"""Reasons that only the command line raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

USAGE = Reason(
    "cli.usage",
    ExitCode.USAGE,
    "the command line is not understood: a command, option or argument is unknown, missing or contradicts another",
    "run the command with --help",
)
OUTPUT = Reason(
    "cli.output",
    ExitCode.STORE,
    "results can't be written to standard output; what was recorded before stays recorded",
    "make room or name another target, and run it again",
)
INTERNAL = Reason(
    "cli.internal",
    ExitCode.INTERNAL,
    "a bug: something happened that no other reason describes",
    "report it with the traceback on standard error",
)
