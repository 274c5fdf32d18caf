"""``bspec-opa retire``: an agent ends, for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options, place_options
from bspec_opa.cli.withdrawing import signers, steps, withdrawing_options

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.cli.runtime import Runtime


@click.command("retire", short_help="End an agent in an environment, for ever.")
@click.argument("agent")
@click.option("--env", "environment", metavar="ENV", help="Only in this environment.")
@click.option("--all", "everywhere", is_flag=True, help="In every environment of the trust root.")
@withdrawing_options
@PIN
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    agent: str,
    environment: str | None,
    everywhere: bool,
    reason: str,
    directory: Path,
    quiet: bool,
    **options: Any,
) -> None:
    """Sign the end of AGENT in an environment and append it to the ledger: there is nothing of it to deploy any more.

    verify refuses its lines there, promote and evaluate say that it is retired. That is final for this id: the agent
    that takes its place needs another one. Its lock stays readable, and its history stays proven.

    \b
    bspec-opa retire billing-support --env production \\
      --reason "replaced by billing-v2"
    bspec-opa retire billing-support --all --reason "the product ends"
    """
    from bspec_opa.report.record.withdrawal import retired_json, retired_text
    from bspec_opa.workflow.life.recording import open_authentic
    from bspec_opa.workflow.life.retiring import retire

    if bool(environment) == everywhere:
        raise click.UsageError("say where: either --env ENV or --all")
    keys = {name: options.pop(name) for name in ("key", "ledger_key", "sign_only")}
    world, output = open_world(runtime, directory, options, quiet=quiet)
    opened = open_authentic(directory, world)
    done = retire(opened, agent, environment or "", reason, signers("retirer", opened, keys))
    following = steps(agent, in_force=done.ended[0].put.entry >= 0, stop=any(e.line for e in done.ended))
    output.show(lambda style: retired_text(done, following, style), lambda: retired_json(done, following))
