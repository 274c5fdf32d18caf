"""``bspec-opa bundle build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import flags, foundation_options, output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("build", short_help="Check policies and build a deterministic OPA bundle.")
@click.argument("policies", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--output", "-o", "target", required=True, type=click.Path(path_type=Path), help="NAME.tar.gz to write.")
@click.option("--data", type=click.Path(path_type=Path), help="The organisation's data.json.")
@click.option("--reuse-wasm", metavar="BUNDLE", help="Repack this bundle with other --data; needs no OPA.")
@click.option("--allow-unfinished", is_flag=True, help="Also build rules without a test or with TODO; names each.")
@foundation_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    policies: Path | None,
    target: Path,
    data: Path | None,
    reuse_wasm: str | None,
    allow_unfinished: bool,
    output_format: str | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Check POLICIES and build a deterministic OPA bundle with its policy.wasm and index.

    Without POLICIES it takes the project's: policy.path, else policies. A folder without bspec/bspec.rego is a pack:
    it is built on top of its base, whose revision is pinned. The result runs in any OPA and in the embedded engine.
    Building needs the exact OPA version; repacking other data under the same rules needs none.

    A rule without a test beside it, or with TODO in its METADATA, is refused. --allow-unfinished builds it, for a
    trial, and names it in the output.

    \b
    bspec-opa bundle build policies -o bundles/acme.tar.gz --data acme/data.json
    bspec-opa bundle build --reuse-wasm default -o acme.tar.gz \\
      --data acme/data.json
    """
    from bspec_opa.report.bundles.bundle import built_json, built_text
    from bspec_opa.workflow.authors.policies import has_policies
    from bspec_opa.workflow.bundles.bundling import build_policy, left_to_do, repack_policy

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    if reuse_wasm is not None and allow_unfinished:
        raise click.UsageError("--allow-unfinished is about POLICIES; --reuse-wasm keeps the rules of a bundle")
    if reuse_wasm is not None and data is not None:
        policy, notes = repack_policy(reuse_wasm, data, target), []
    elif reuse_wasm is None and (policies is not None or has_policies(runtime.environ)):
        policy = build_policy(policies, data, target, runtime.environ, flags(given), unfinished=allow_unfinished)
        notes = left_to_do(policy, policies, runtime.environ, flags(given))
    else:
        raise click.UsageError("give POLICIES, or --reuse-wasm with --data")
    output.show(lambda style: built_text(policy, target, notes, style), lambda: built_json(policy, target, notes))
