"""``bspec-opa bundle serve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import NamedPath, output_options
from bspec_opa.cli.output import plain_output
from bspec_opa.foundation.limits import UNLIMITED

if TYPE_CHECKING:
    from bspec_opa.bundle.serving.log import Event
    from bspec_opa.cli.output import Output
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.workflow.bundles.serving import Serving

FILE = NamedPath(path_type=Path)


@click.command("serve", short_help="Serve bundles to OPA sidecars; new files are switched to at once.")
@click.argument("bundles", nargs=-1, metavar="[NAME=FILE]...")
@click.option("--dir", "directory", type=FILE, help="Serve DIR/acme/production.tar.gz as acme/production, and so on.")
@click.option("--listen", default="127.0.0.1:8282", metavar="HOST:PORT", show_default=True, help="For sidecars.")
@click.option("--diagnostic-listen", metavar="HOST:PORT", help="Health and metrics alone, without TLS and tokens.")
@click.option("--tls-cert", type=FILE, metavar="FILE", help="The server's certificate, PEM; read again when renewed.")
@click.option("--tls-key", type=FILE, metavar="FILE", help="Its key, PEM without a passphrase.")
@click.option("--client-ca", type=FILE, metavar="FILE", help="Clients have to show a certificate of this authority.")
@click.option("--token-file", type=FILE, metavar="FILE", help="Bearer tokens, one a line; clients have to show one.")
@click.option(
    "--interval-s", type=click.FloatRange(0.05, 3600), default=1.0, show_default=True, help="Seconds between looks."
)
@click.option(
    "--max-wait-s", type=click.IntRange(1, 3600), default=300, show_default=True, help="Seconds of a long poll."
)
@click.option(
    "--max-connections", type=click.IntRange(8, 100_000), default=1024, show_default=True, help="Connections at once."
)
@click.option("--require-key", type=FILE, multiple=True, metavar="FILE", help="Serve only what this public key signed.")
@click.option("--scope", metavar="SCOPE", help="With --require-key: what it must have been signed for [nothing].")
@click.option(
    "--minimum-sequence",
    type=click.IntRange(1, UNLIMITED),
    default=1,
    metavar="N",
    help="With --require-key: at least.",
)
@click.option("--state", type=FILE, metavar="FILE", help="With --require-key: remember sequences here, for restarts.")
@output_options
@click.pass_obj
def command(
    runtime: Runtime, /, bundles: tuple[str, ...], output_format: str | None, quiet: bool, **given: Any
) -> None:
    """Serve bundles to OPA sidecars at /bundles/NAME until it is told to stop (SIGTERM or Ctrl-C).

    Files are watched. A new one is checked as a whole and only then served; one that is damaged, cut off or no policy
    bundle is refused with a line on standard error, and the one before stays. Replace files by renaming.

    With --require-key, which may be given again during a rotation, a bundle has to carry the signature of one of these
    publishers, over exactly its files. It is never older than what was served under its name before: of two bundles
    the one with the higher signed sequence stays. With --state that holds across restarts, too.

    \b
    bspec-opa bundle serve acme/production=bundles/acme.tar.gz
    bspec-opa bundle serve --dir bundles --listen 0.0.0.0:8282 \\
      --tls-cert tls.pem --tls-key tls.key --token-file tokens
    bspec-opa bundle serve --dir bundles --require-key old.pub.pem \\
      --require-key new.pub.pem --state served.json
    """
    from bspec_opa.workflow.bundles.serving import Wanted, serve_bundles

    asks = given["scope"] is not None or given["minimum_sequence"] > 1 or given["state"] is not None
    if asks and not given["require_key"]:
        raise click.UsageError("--scope, --minimum-sequence and --state are about signatures: give --require-key")
    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    wanted = Wanted(bundles=bundles, **given)
    serve_bundles(
        wanted,
        started=lambda serving: _started(output, serving),
        log=lambda event: _log(output, event),
        clock=runtime.clock,
    )


def _started(output: Output, serving: Serving) -> None:
    from bspec_opa.report.bundles.serving import serving_json, serving_text

    output.show(lambda style: serving_text(serving, style), lambda: serving_json(serving))
    output.runtime.flush()


def _log(output: Output, event: Event) -> None:
    from bspec_opa.report.bundles.serving import event_json, event_text

    output.runtime.err.write(event_json(event) if output.json else event_text(event))
    output.runtime.err.flush()
