"""From click's arguments to the workflows' world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bspec_opa.cli.options import flags
from bspec_opa.cli.output import Output, open_output

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.workflow.checkout.world import World


def open_world(runtime: Runtime, start: Path, options: dict[str, Any], *, quiet: bool) -> tuple[World, Output]:
    """Environment, time and flags of this run, and how its results are printed.

    Args:
        runtime: the process's world.
        start: a file or directory of the project.
        options: click's arguments; the flags are taken out of them.
        quiet: whether results are printed at all.
    """
    from bspec_opa.workflow.checkout.world import World

    pin = options.pop("trust_pin", None)
    given = flags(options)
    output = open_output(runtime, start, given, quiet=quiet)
    world = World(environ=runtime.environ, now=runtime.clock(), flags=given, pin=pin, clock=runtime.clock)
    return world, output
