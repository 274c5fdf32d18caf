"""``bspec-opa bundle verify``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import NamedPath, output_options
from bspec_opa.cli.output import plain_output
from bspec_opa.foundation.limits import UNLIMITED

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("verify", short_help="Verify a bundle's signature; any OPA's bundle.")
@click.argument("bundle", type=NamedPath(path_type=Path))
@click.option(
    "--key", "keys", multiple=True, required=True, type=NamedPath(path_type=Path), help="A public key; once for each."
)
@click.option("--key-id", metavar="ID", help="What the signature must call the key [anything].")
@click.option("--scope", metavar="SCOPE", help="What it must have been signed for [nothing].")
@click.option("--minimum-sequence", type=click.IntRange(1, UNLIMITED), default=1, metavar="N", help="At least this.")
@click.option("--max-age", metavar="DURATION", help="Not signed longer ago: P90D or PT12H.")
@click.option("--rebuild", "again", is_flag=True, help="Compile its Rego with the real OPA and compare byte for byte.")
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    bundle: Path,
    keys: tuple[Path, ...],
    key_id: str | None,
    scope: str | None,
    minimum_sequence: int,
    max_age: str | None,
    again: bool,
    output_format: str | None,
    quiet: bool,
) -> None:
    """Verify BUNDLE's signature against public keys: whose it is, and that no file is changed, missing or added.

    It takes the bundle of any OPA, read in memory, nothing extracted. What may decide is for the trust root to say.

    \b
    bspec-opa bundle verify acme-12.tar.gz --key keys/publisher.pub.pem
    bspec-opa bundle verify acme-12.tar.gz --key old.pub.pem --key new.pub.pem \\
      --max-age P90D --rebuild
    """
    from bspec_opa.foundation.times import parse_duration
    from bspec_opa.report.bundles.signing import verified_json, verified_text
    from bspec_opa.workflow.bundles.signing import Demand, rebuild, verify_signed

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    age = parse_duration(max_age) if max_age is not None else 0
    demand = Demand(keys, key_id or "", scope or "", minimum_sequence, age)
    signed = verify_signed(bundle, demand, runtime.clock())
    if again:
        signed = replace(signed, rebuilt=rebuild(signed.bundle, runtime.environ, str(bundle)))
    output.show(lambda style: verified_text(signed, style), lambda: verified_json(signed))
