"""``bspec-opa bundle inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("inspect")
@click.argument("bundle", required=False)
@output_options
@click.pass_obj
def command(runtime: Runtime, bundle: str | None, output_format: str | None, quiet: bool) -> None:
    """Show what a BUNDLE is: digests, rules, environments, files. Without BUNDLE: the shipped default.

    \b
    bspec-opa bundle inspect
    bspec-opa bundle inspect bundles/acme.tar.gz --format json
    """
    from bspec_opa.report.bundles.bundle import described_json, described_text
    from bspec_opa.workflow.checkout.deciding import read_policy

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    policy = read_policy(bundle or "default")
    output.show(lambda style: described_text(policy, style), lambda: described_json(policy))
