"""What approve, request, waive, evaluate and rollback have in common where a line is gone back to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import NamedPath
from bspec_opa.cli.records import open_signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.cli.output import Output
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.checkout.world import World

EMERGENCY = click.option("--emergency", is_flag=True, help="By the quorum for emergencies; a review has to follow.")
BESIDE = click.option(
    "--intent",
    default="behavior.intent",
    type=NamedPath(path_type=str),
    help="The agent's intent, for its place: the lock lies beside it. What it says is not used.",
    show_default=True,
)
_TO = click.option(
    "--rollback-to", metavar="LINE", help="About a rollback to this line: its digest, entry:N, or a lock file."
)


def rollback_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """That something is about a rollback, and to which line."""
    return _TO(EMERGENCY(function))


def taken(options: dict[str, Any]) -> tuple[str | None, bool]:
    """The line to go back to and whether it is an emergency; taken out of click's arguments."""
    line, emergency = options.pop("rollback_to"), options.pop("emergency")
    if emergency and line is None:
        raise click.UsageError("--emergency is for a rollback: name the line with --rollback-to")
    return line, emergency


def open_about(
    runtime: Runtime, intent: str, environment: str, options: dict[str, Any], *, quiet: bool
) -> tuple[Session, Output]:
    """A signed session about a promotion of an intent, or about a rollback where that is named."""
    line, emergency = taken(options)
    if line is None:
        return open_signed(runtime, intent, options, quiet=quiet)
    return open_back(runtime, intent, environment, line, options, emergency=emergency, quiet=quiet)


def open_judged(intent: Path, environment: str, world: World, back: tuple[str | None, bool]) -> Session:
    """A session that nothing is signed in: an intent's, or that of going back to a line as :func:`taken` gives it."""
    line, emergency = back
    if line is None:
        from bspec_opa.workflow.checkout.session import open_session

        return open_session(intent, world, need_pin=False)
    from bspec_opa.workflow.life.going_back import open_rollback

    return open_rollback(intent, world, line, environment, emergency=emergency, need_pin=False)


def open_back(
    runtime: Runtime,
    intent: str,
    environment: str,
    line: str,
    options: dict[str, Any],
    *,
    emergency: bool,
    quiet: bool,
) -> tuple[Session, Output]:
    """A signed session that goes back to a line."""
    from bspec_opa.workflow.life.going_back import open_rollback

    world, output = open_world(runtime, Path(intent), options, quiet=quiet)
    return open_rollback(Path(intent), world, line, environment, emergency=emergency), output
