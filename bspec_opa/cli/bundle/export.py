"""``bspec-opa bundle export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("export")
@click.argument("bundle", required=False)
@click.option("--output", "-o", "target", required=True, type=click.Path(path_type=Path), help="NAME.tar.gz to write.")
@output_options
@click.pass_obj
def command(runtime: Runtime, bundle: str | None, target: Path, output_format: str | None, quiet: bool) -> None:
    """Write a BUNDLE to a file that an OPA server can load. Without BUNDLE: the shipped default.

    The bytes are the bundle's own, so revision and digest stay what the trust root accepts. An OPA that has loaded
    it under the name bspec can be asked with --opa-url.

    \b
    bspec-opa bundle export default -o bspec.tar.gz
    opa run --server --set bundles.bspec.resource=file://$PWD/bspec.tar.gz
    """
    from bspec_opa.report.bundles.bundle import exported_json, exported_text
    from bspec_opa.workflow.bundles.bundling import export_policy

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    policy = export_policy(bundle or "default", target)
    output.show(lambda style: exported_text(policy, target, style), lambda: exported_json(policy, target))
