"""``bspec-opa key``: signing keys as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.groups import NamedGroup
from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.output import Output
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.trust.keys import PublicKey

PASSPHRASE = "BSPEC_OPA_PASSPHRASE"  # noqa: S105 - the variable's name
_PUBLIC_SUFFIX = ".pub.pem"


@click.group("key", cls=NamedGroup)
def command() -> None:
    """Make and show signing keys.

    \b
    bspec-opa key generate keys/author.pem
    bspec-opa key show keys/author.pem
    """


@command.command("generate", short_help="Make a signing key.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--passphrase", is_flag=True, help=f"Encrypt the key with the passphrase in {PASSPHRASE}.")
@click.option("--publisher", is_flag=True, help="An ECDSA P-256 key (ES256), to sign bundles with.")
@output_options
@click.pass_obj
def generate(
    runtime: Runtime, file: Path, passphrase: bool, publisher: bool, output_format: str | None, quiet: bool
) -> None:
    """Make an Ed25519 key: FILE (PKCS#8 PEM, mode 0600) and its public half beside it.

    \b
    bspec-opa key generate keys/author.pem
    bspec-opa key generate keys/publisher.pem --publisher
    """
    from bspec_opa.workflow.checkout.keys import generate_key

    output = plain_output(runtime, file, output_format, quiet=quiet)
    secret = _passphrase(runtime) if passphrase else None
    public, public_file = generate_key(file, secret, "ecdsa-p256-sha256" if publisher else "ed25519")
    _show(output, public, public_file)


@command.command("show", short_help="Print the id of a key.")
@click.argument("file", type=click.Path(path_type=Path))
@output_options
@click.pass_obj
def show(runtime: Runtime, file: Path, output_format: str | None, quiet: bool) -> None:
    """Print a key's id; FILE is a private key or a public one.

    \b
    bspec-opa key show keys/author.pub.pem
    """
    from bspec_opa.workflow.checkout.keys import read_public_key

    output = plain_output(runtime, file, output_format, quiet=quiet)
    public = read_public_key(file, runtime.environ.get(PASSPHRASE))
    _show(output, public, file)


def _passphrase(runtime: Runtime) -> bytes:
    from bspec_opa.workflow.checkout.keys import passphrase_bytes

    found = passphrase_bytes(runtime.environ.get(PASSPHRASE))
    if found is None:
        raise click.UsageError(f"--passphrase needs the variable {PASSPHRASE}")
    return found


def _show(output: Output, public: PublicKey, file: Path) -> None:
    from bspec_opa.report.trust.key import key_json, key_text

    output.show(lambda _: key_text(public, file), lambda: key_json(public, file))
