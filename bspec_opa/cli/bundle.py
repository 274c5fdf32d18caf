"""``bspec-opa bundle``: policies and data to an OPA bundle, and what is in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.groups import NamedGroup
from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.group("bundle", cls=NamedGroup)
def command() -> None:
    """Build, inspect and export policy bundles.

    \b
    bspec-opa bundle inspect
    bspec-opa bundle export default -o bspec.tar.gz
    bspec-opa bundle build policies -o bundles/acme.tar.gz --data acme/data.json
    """


@command.command("build", short_help="Check policies and build a deterministic OPA bundle.")
@click.argument("policies", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--output", "-o", "target", required=True, type=click.Path(path_type=Path), help="NAME.tar.gz to write.")
@click.option("--data", type=click.Path(path_type=Path), help="The organisation's data.json.")
@click.option("--reuse-wasm", metavar="BUNDLE", help="Repack this bundle with other --data; needs no OPA.")
@output_options
@click.pass_obj
def build(
    runtime: Runtime,
    policies: Path | None,
    target: Path,
    data: Path | None,
    reuse_wasm: str | None,
    output_format: str | None,
    quiet: bool,
) -> None:
    """Check POLICIES and build a deterministic OPA bundle with its policy.wasm and index.

    The result runs in any OPA and in the embedded engine. Building needs the exact OPA version; repacking other
    data under the same rules needs none.

    \b
    bspec-opa bundle build policies -o bundles/acme.tar.gz --data acme/data.json
    bspec-opa bundle build --reuse-wasm default -o acme.tar.gz --data acme/data.json
    """
    from bspec_opa.report.bundle import built_json, built_text
    from bspec_opa.workflow.bundling import build_policy, repack_policy

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    if reuse_wasm is not None and data is not None:
        policy = repack_policy(reuse_wasm, data, target)
    elif policies is not None and reuse_wasm is None:
        policy = build_policy(policies, data, target, runtime.environ)
    else:
        raise click.UsageError("give POLICIES, or --reuse-wasm with --data")
    output.show(lambda style: built_text(policy, target, style), lambda: built_json(policy, target))


@command.command("inspect")
@click.argument("bundle", required=False)
@output_options
@click.pass_obj
def inspect(runtime: Runtime, bundle: str | None, output_format: str | None, quiet: bool) -> None:
    """Show what a BUNDLE is: digests, rules, environments, files. Without BUNDLE: the shipped default.

    \b
    bspec-opa bundle inspect
    bspec-opa bundle inspect bundles/acme.tar.gz --format json
    """
    from bspec_opa.report.bundle import described_json, described_text
    from bspec_opa.workflow.checkout.deciding import read_policy

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    policy = read_policy(bundle or "default")
    output.show(lambda style: described_text(policy, style), lambda: described_json(policy))


@command.command("export")
@click.argument("bundle", required=False)
@click.option("--output", "-o", "target", required=True, type=click.Path(path_type=Path), help="NAME.tar.gz to write.")
@output_options
@click.pass_obj
def export(runtime: Runtime, bundle: str | None, target: Path, output_format: str | None, quiet: bool) -> None:
    """Write a BUNDLE to a file that an OPA server can load. Without BUNDLE: the shipped default.

    The bytes are the bundle's own, so revision and digest stay what the trust root accepts. An OPA that has loaded
    it under the name bspec can be asked with --opa-url.

    \b
    bspec-opa bundle export default -o bspec.tar.gz
    opa run --server --set bundles.bspec.resource=file://$PWD/bspec.tar.gz
    """
    from bspec_opa.report.bundle import exported_json, exported_text
    from bspec_opa.workflow.bundling import export_policy

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    policy = export_policy(bundle or "default", target)
    output.show(lambda style: exported_text(policy, target, style), lambda: exported_json(policy, target))
