"""``bspec-opa normalize``: the OPA input as canonical JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import INTENT, PIN, QUIET, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("normalize", short_help="Print the input that the policies see.")
@INTENT
@click.option("--env", "environment", metavar="ENV", help="Exactly what evaluate sends for this environment.")
@click.option("--bundle", "bundle_path", metavar="FILE", help="The policy bundle [the shipped one].")
@PIN
@place_options
@click.option("--format", "output_format", type=click.Choice(["json"]), default="json", help="It is always JSON.")
@QUIET
@click.pass_obj
def command(runtime: Runtime, /, intent: str, environment: str | None, quiet: bool, **options: Any) -> None:
    """Print the OPA input (bspec.input/v1) for INTENT as canonical JSON, for opa eval -I, conftest or jq.

    Without --env the action is "check" and nothing but the intent is looked at. The nonce is 64 zeros, which a gate
    run never uses.

    \b
    bspec-opa normalize behavior.intent | opa eval -I -b bundles/default.tar.gz \\
      data.bspec.gate.decision
    bspec-opa normalize behavior.intent --env staging | jq .change
    """
    from bspec_opa.foundation.canonical import canonical_bytes
    from bspec_opa.workflow.checkout.intents import open_intent
    from bspec_opa.workflow.checkout.session import open_session
    from bspec_opa.workflow.normalize import check_request_of, evaluation_request_of

    world, _ = open_world(runtime, Path(intent), options, quiet=quiet)
    if environment is None:
        request = check_request_of(open_intent(Path(intent)), world.now)
    else:
        request = evaluation_request_of(open_session(Path(intent), world, need_pin=False), environment)
    if not quiet:
        runtime.write_bytes(canonical_bytes(request) + b"\n")
