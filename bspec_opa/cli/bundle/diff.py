"""``bspec-opa bundle diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import NamedPath, output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("diff", short_help="Show what changed between two bundles.")
@click.argument("older", type=NamedPath(path_type=str))
@click.argument("newer", type=NamedPath(path_type=str))
@output_options
@click.pass_obj
def command(runtime: Runtime, older: str, newer: str, output_format: str | None, quiet: bool) -> None:
    """Show what changed from the bundle OLDER to NEWER: rules, METADATA, libraries, data, sequence.

    It exits 0 whether something changed or not. What the change does to agents is for evaluate to say.

    \b
    bspec-opa bundle diff default acme.tar.gz
    bspec-opa bundle diff acme-11.tar.gz acme-12.tar.gz --format json
    """
    from bspec_opa.bundle.compare import compare
    from bspec_opa.report.bundles.signing import diff_json, diff_text
    from bspec_opa.workflow.checkout.deciding import read_policy

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    found = compare(read_policy(older).bundle, read_policy(newer).bundle)
    output.show(lambda style: diff_text(found, style), lambda: diff_json(found))
