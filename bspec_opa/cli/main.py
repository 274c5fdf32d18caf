"""The ``bspec-opa`` program: verbs are loaded when they are asked for; errors become exit codes in one table."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from bspec_opa import __version__
from bspec_opa.cli import failing
from bspec_opa.cli.groups import LazyGroup
from bspec_opa.cli.output import FORM_WANTED
from bspec_opa.cli.runtime import OutputFailedError, Runtime, tolerate
from bspec_opa.cli.streams import Tolerant, closed_streams, settle
from bspec_opa.foundation.errors import BspecError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

OBJECTS_OF_ONE_COMMAND = 100_000
"""Containers made before the first search for garbage; a batch of thousands of intents reaches it."""

# In the order in which a newcomer meets them.
VERBS = (
    "init",
    "validate",
    "check",
    "evaluate",
    "explain",
    "resolve",
    "submit",
    "attest",
    "waive",
    "waivers",
    "approve",
    "request",
    "record",
    "promote",
    "rollback",
    "review",
    "adopt",
    "revoke",
    "retire",
    "show",
    "verify",
    "history",
    "audit",
    "report",
    "normalize",
    "key",
    "trust",
    "policy",
    "bundle",
    "ledger",
    "doctor",
)


# Full, or nobody reads any more.
_NO_OUTPUT = frozenset({errno.ENOSPC, errno.EPIPE})


class VerbGroup(LazyGroup):
    """All verbs; ``validate`` does not pay for ``verify``."""

    package = "bspec_opa.cli"
    names = VERBS

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; what it refuses is printed in the form that it has found to be wanted."""
        try:
            return super().invoke(ctx)
        except BspecError as e:
            form = ctx.meta.get(FORM_WANTED)
            if form is None:
                raise
            return failing.report(e, ctx.obj, form)


@click.group(
    cls=VerbGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\nExit codes, the same for every command:\n" + failing.exit_codes(),
)
@click.version_option(__version__, prog_name="bspec-opa")
def cli() -> None:
    """The promotion gate for AI agents.

    A behavior.intent says what an agent may do; policies in Rego decide whether it may enter an environment; a
    signed behavior.lock binds the approved intent to exact artifacts.

    \b
    First minute:  bspec-opa evaluate behavior.intent --env staging
    From nothing:  bspec-opa init my-agent --trial-keys
    """


def main(arguments: Sequence[str], runtime: Runtime | None = None) -> int:
    """Run one command and return its exit code; nothing else in the package decides a code."""
    world = runtime or Runtime()
    try:
        code = _run(arguments, world)
        world.flush()
    except OutputFailedError as e:
        return failing.unwritable(e, world)
    except (KeyboardInterrupt, click.Abort):
        return failing.interrupted(world)
    return code


def _run(arguments: Sequence[str], world: Runtime) -> int:
    try:
        result: Any = cli.main(args=list(arguments), prog_name="bspec-opa", standalone_mode=False, obj=world)
    except (click.Abort, OutputFailedError):
        raise
    except OSError as e:
        # click prints help by itself; a fault of a file that somebody named is a reason of ours long before this.
        if e.errno in _NO_OUTPUT and e.filename is None:
            raise OutputFailedError from e
        return failing.failed(e, world, failing.wanted_form(arguments, world.environ))
    except Exception as e:  # noqa: BLE001 - the outermost frame: a bug must still exit with its code
        return failing.failed(e, world, failing.wanted_form(arguments, world.environ))
    return int(result or 0)


def run() -> None:
    """The console script."""
    # One command builds some ten thousand objects that live until it ends: looking for garbage would find none.
    gc.set_threshold(OBJECTS_OF_ONE_COMMAND)
    # No other package's plugin takes part in reading an intent; so none is looked for, either.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    closed = closed_streams()
    tolerate(sys.stdout)
    tolerate(sys.stderr)
    err = cast("TextIO", Tolerant(sys.stderr))
    if sys.stdout.fileno() in closed:
        err.write("standard output is closed, so nobody would see the result; send it to a file or to /dev/null\n")
        sys.exit(int(ExitCode.USAGE))
    code = main(sys.argv[1:], Runtime(err=err))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said, and what is left to do is over at once
    settle(sys.stderr)
    gc.freeze()  # nor does the interpreter look for it again, several times, as it ends
    sys.exit(code)


if __name__ == "__main__":
    run()
