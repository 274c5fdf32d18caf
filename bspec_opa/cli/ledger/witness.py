"""``bspec-opa ledger witness``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import NamedPath, output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.output import Output
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.ledger.witness.log import Event
    from bspec_opa.workflow.witness.serving import Witnessing

FILE = NamedPath(path_type=Path)


@click.command("witness", short_help="Be a witness of ledgers' heads.")
@click.option("--name", required=True, metavar="NAME", help="This witness's name, as trust roots write it.")
@click.option("--key", required=True, metavar="KEY", help="Its Ed25519 key: a file, file:PATH or envvar:NAME.")
@click.option("--state", required=True, type=FILE, metavar="DIR", help="What it remembers; never put back an old copy.")
@click.option("--begin", is_flag=True, help="Make the empty state of a new witness, and end.")
@click.option("--log", "logs", multiple=True, metavar="ORIGIN=FILE", help="Witness this ledger: origin=public key.")
@click.option("--listen", default="127.0.0.1:8383", metavar="HOST:PORT", show_default=True, help="For the gates.")
@click.option("--tls-cert", type=FILE, metavar="FILE", help="The server's certificate, PEM; read again when renewed.")
@click.option("--tls-key", type=FILE, metavar="FILE", help="Its key, PEM without a passphrase.")
@click.option("--client-ca", type=FILE, metavar="FILE", help="Clients have to show a certificate of this authority.")
@click.option("--token-file", type=FILE, metavar="FILE", help="Bearer tokens, one a line; clients have to show one.")
@click.option(
    "--max-connections", type=click.IntRange(8, 100_000), default=256, show_default=True, help="Connections at once."
)
@output_options
@click.pass_obj
def command(runtime: Runtime, /, begin: bool, output_format: str | None, quiet: bool, **given: Any) -> None:
    """Be a witness (C2SP tlog-witness) until told to stop (SIGTERM or Ctrl-C): POST /add-checkpoint.

    It cosigns a checkpoint only if its ledger has signed it and it is shown to go on from the one that was cosigned
    before; that one is on the disk before a cosignature leaves. One process a state. Run it where those who can write
    the ledger have no access.

    \b
    bspec-opa ledger witness --name w1.example --key w1.pem --state state --begin
    bspec-opa ledger witness --name w1.example --key w1.pem --state state \\
      --log acme.example/bspec=ledger.pub.pem
    """
    from bspec_opa.workflow.witness.serving import Wanted, begin_witness, serve_witness

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    wanted = Wanted(**given)
    if begin:
        _started(output, begin_witness(wanted, runtime.environ))
        return
    serve_witness(
        wanted,
        runtime.environ,
        started=lambda found: _started(output, found),
        log=lambda event: _log(output, event),
        clock=runtime.clock,
    )


def _started(output: Output, found: Witnessing) -> None:
    from bspec_opa.report.record.witness import witnessing_json, witnessing_text

    output.show(lambda style: witnessing_text(found, style), lambda: witnessing_json(found))
    output.runtime.flush()


def _log(output: Output, event: Event) -> None:
    from bspec_opa.report.record.witness import event_json, event_text

    output.runtime.err.write(event_json(event) if output.json else event_text(event))
    output.runtime.err.flush()
