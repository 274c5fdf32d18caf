"""``bspec-opa bundle push``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.bundle.way import way_of, way_options
from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("push", short_help="Store a bundle in a registry or an image layout.")
@click.argument("bundle")
@click.argument("target")
@way_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, bundle: str, target: str, output_format: str | None, quiet: bool, **way: Any) -> None:
    """Store a BUNDLE at TARGET, from where OPA's service of type oci loads it.

    TARGET is HOST/REPOSITORY:TAG in a registry, or oci:DIRECTORY:TAG for an OCI image layout. The bundle is read and
    checked before. The manifest depends on the bundle alone: the same bundle has the same digest everywhere.

    \b
    bspec-opa bundle push bundles/acme.tar.gz registry.example/acme/bspec:v7 \\
      --credentials config.json
    bspec-opa bundle push default oci:images:v7
    """
    from bspec_opa.report.bundles.registry import pushed_json, pushed_text
    from bspec_opa.workflow.bundles.distributing import push_bundle

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    stored, reference = push_bundle(bundle, target, way_of(way))
    output.show(lambda style: pushed_text(stored, reference, style), lambda: pushed_json(stored, reference))
