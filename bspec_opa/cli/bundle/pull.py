"""``bspec-opa bundle pull``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.bundle.way import way_of, way_options
from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("pull", short_help="Get a bundle from a registry or an image layout.")
@click.argument("source")
@click.option("--output", "-o", "target", required=True, type=click.Path(path_type=Path), help="NAME.tar.gz to write.")
@way_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, source: str, target: Path, output_format: str | None, quiet: bool, **way: Any) -> None:
    """Write the bundle at SOURCE to a file, byte for byte as it was pushed.

    SOURCE is HOST/REPOSITORY:TAG, HOST/REPOSITORY@sha256:…, both (the tag must still name this digest), or
    oci:DIRECTORY:TAG. Every digest on the way is checked, and the bundle is read before anything is written. Whether
    it is accepted says the trust root, as always.

    \b
    bspec-opa bundle pull registry.example/acme/bspec:v7 -o bundles/acme.tar.gz
    bspec-opa bundle pull oci:images:v7 -o bundles/acme.tar.gz
    """
    from bspec_opa.report.bundles.registry import pulled_json, pulled_text
    from bspec_opa.workflow.bundles.distributing import pull_bundle

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    stored, reference = pull_bundle(source, target, way_of(way))
    output.show(
        lambda style: pulled_text(stored, reference, target, style), lambda: pulled_json(stored, reference, target)
    )
