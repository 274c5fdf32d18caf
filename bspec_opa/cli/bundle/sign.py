"""``bspec-opa bundle sign``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import NamedPath, output_options
from bspec_opa.cli.output import plain_output
from bspec_opa.foundation.limits import UNLIMITED

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("sign", short_help="Sign a bundle as OPA does, with a sequence.")
@click.argument("bundle", type=NamedPath(path_type=str))
@click.option("--key", type=NamedPath(path_type=Path), help="The publisher's private key: PEM, P-256 or RSA.")
@click.option("--key-id", metavar="ID", help="What OPA calls the key [its SHA-256].")
@click.option("--scope", metavar="SCOPE", help="What the signature is for [nothing].")
@click.option(
    "--sequence", type=click.IntRange(1, UNLIMITED), metavar="N", help="Higher than that of any bundle before."
)
@click.option("--signatures", type=NamedPath(path_type=Path), help="Attach this .signatures.json of opa sign.")
@click.option("--output", "-o", "target", required=True, type=NamedPath(path_type=Path), help="NAME.tar.gz to write.")
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    bundle: str,
    key: Path | None,
    key_id: str | None,
    scope: str | None,
    sequence: int | None,
    signatures: Path | None,
    target: Path,
    output_format: str | None,
    quiet: bool,
) -> None:
    """Sign BUNDLE with OPA's own signature, which any OPA verifies, and a signed sequence, which says what is older.

    Revision and data stay what they are; the digest of the archive changes. With --signatures somebody else's
    signature is attached, one that opa sign made over the very same bundle.

    \b
    bspec-opa bundle sign acme.tar.gz --key keys/publisher.pem \\
      --key-id acme-2026 --sequence 12 -o acme-12.tar.gz
    bspec-opa bundle sign acme.tar.gz --signatures .signatures.json \\
      -o acme-12.tar.gz
    """
    from bspec_opa.bundle.signing.token import Claims
    from bspec_opa.report.bundles.signing import signed_json, signed_text
    from bspec_opa.workflow.bundles.signing import attach_signatures, sign_policy

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    attached = signatures is not None
    if signatures is not None and not any((key, key_id, scope, sequence)):
        policy = attach_signatures(bundle, signatures, target)
    elif key is not None and sequence is not None and signatures is None:
        claims = Claims(sequence, runtime.clock(), _word("--scope", scope))
        policy = sign_policy(bundle, key, target, runtime.environ, key_id=_word("--key-id", key_id), claims=claims)
    else:
        raise click.UsageError("give --key with --sequence, or --signatures alone")
    output.show(
        lambda style: signed_text(policy, target, style, attached=attached),
        lambda: signed_json(policy, target, attached=attached),
    )


def _word(flag: str, value: str | None) -> str:
    """A name as a trust root can hold it; an empty one is a variable that somebody forgot to set."""
    from bspec_opa.foundation.closed_schema import violations
    from bspec_opa.trust.publisher_rules import KEY_ID

    if value is not None and violations(KEY_ID, value):
        raise click.UsageError(f"{flag} takes letters, digits and . _ : + / @ - without spaces, 200 at most")
    return value or ""
