"""What a failure prints and which code it exits with: the one table."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.output import JSON, JSON_LINES, TEXT
from bspec_opa.cli.reasons import INTERNAL, OUTPUT, USAGE
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.report.writing.printable import printable, render_json
from bspec_opa.report.writing.problems import problems_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.cli.runtime import OutputFailedError, Runtime

INTERRUPTED = 130
"""128 + SIGINT, as shells say it."""
READER_GONE = 141
"""128 + SIGPIPE: whoever read the results went away."""


def report(error: BspecError, runtime: Runtime, form: str) -> int:
    """Print every problem; returns the exit code."""
    if form != TEXT:
        runtime.write(render_json(problems_json(error), one_line=form == JSON_LINES))
    else:
        for problem in error.problems:
            runtime.err.write(printable(f"{problem} [{problem.reason.code}]") + "\n")
        if len(error.problems) > 1:
            runtime.err.write(f"{len(error.problems)} errors\n")
    return int(error.exit_code)


def _usage(error: click.UsageError, runtime: Runtime, form: str) -> int:
    """A command line that is not understood."""
    path = error.ctx.command_path if error.ctx else "bspec-opa"
    message = error.format_message().replace("\n\t", " ")  # click puts each choice on a line; ours is one sentence
    problem = USAGE.error(message.removesuffix("."), hint=f"try {path} --help")
    return report(problem, runtime, form)


def failed(error: Exception, runtime: Runtime, form: str) -> int:
    """Whatever ended a command early."""
    if isinstance(error, BspecError):
        return report(error, runtime, form)
    if isinstance(error, click.UsageError):
        return _usage(error, runtime, form)
    return _unexpected(error, runtime, form)


def _unexpected(error: Exception, runtime: Runtime, form: str) -> int:
    """A bug: the traceback goes to standard error, and the code is 1."""
    import traceback

    runtime.err.write("".join(traceback.format_exception(error)))
    summary = f"{type(error).__name__}: {error}"
    return report(INTERNAL.error(summary, hint=INTERNAL.remedy), runtime, form)


def unwritable(error: OutputFailedError, runtime: Runtime) -> int:
    """Standard output is full or gone; says so where that is still possible."""
    _discard_output(runtime)
    if isinstance(error.__cause__, BrokenPipeError):
        return READER_GONE
    cause = getattr(error.__cause__, "strerror", None) or error.__cause__
    problem = OUTPUT.error(f"results can't be written: {cause}", hint=OUTPUT.remedy)
    return report(problem, runtime, TEXT)


def interrupted(runtime: Runtime) -> int:
    """Ctrl-C. Whatever was written was written whole."""
    _discard_output(runtime)
    runtime.err.write("interrupted; what was not announced was not done\n")
    return INTERRUPTED


def _discard_output(runtime: Runtime) -> None:
    """Keep the interpreter from flushing into what can't be written to when it exits."""
    if runtime.out is sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), runtime.out.fileno())


def wanted_form(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """What form is wanted, judged before or without a parsed command line: flag, variable, file, in this order.

    Only a command that gets as far as knowing its project looks for the file there; here it is the working
    directory's.
    """
    flag = _flag(arguments)
    if flag is not None:
        return _known(flag)
    from bspec_opa.workflow.checkout.project import find_project

    try:
        return _known(find_project(Path(), environ, {}).config.text("output.format"))
    except BspecError:
        return _known(environ.get("BSPEC_OPA_OUTPUT_FORMAT"))


def _known(form: str | None) -> str:
    """The form, or text where it is none that we know."""
    return form if form in {JSON, JSON_LINES} else TEXT


def _flag(arguments: Sequence[str]) -> str | None:
    """What the last ``--format`` says."""
    given = list(itertools.takewhile(lambda a: a != "--", arguments))
    found = [value for name, value in itertools.pairwise(given) if name == "--format"]
    joined = [a.partition("=")[2] for a in given if a.startswith("--format=")]
    return (found + joined)[-1] if found or joined else None


def exit_codes() -> str:
    """The table for ``--help``."""
    rows = {
        ExitCode.OK: "allowed, valid, verified",
        ExitCode.INTERNAL: "internal error: a bug",
        ExitCode.USAGE: "usage: the command line or the configuration is wrong",
        ExitCode.INVALID: "invalid input: an intent, catalog, result or other document",
        ExitCode.DENIED: "denied by policy",
        ExitCode.PENDING: "pending: something is still to be signed, and nothing else is wrong",
        ExitCode.WARNED: "allowed with warnings, and --fail-on-warn was given",
        ExitCode.TRUST: "trust failure: signature, pin, revocation, stale or altered file",
        ExitCode.ENGINE: "policy engine unavailable, or its answer not usable",
        ExitCode.STORE: "ledger or file busy or unwritable: nothing recorded, full output aside",
        INTERRUPTED: "interrupted",
        READER_GONE: "the reader of the results went away",
    }
    return "".join(f"  {int(code):>3}  {meaning}\n" for code, meaning in rows.items())
