"""``bspec-opa policy doc``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import flags, foundation_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("doc", short_help="Write a page for each rule, in Markdown or HTML.")
@click.argument("policies", required=False, metavar="[POLICIES|BUNDLE]")
@click.option(
    "--output", "-o", "target", required=True, type=click.Path(path_type=Path), help="The folder of the pages."
)
@click.option("--format", "form", type=click.Choice(["markdown", "html"]), default="markdown", help="[markdown]")
@click.option("--notes", type=click.Path(path_type=Path), metavar="DIR", help="Markdown pages whose Why is kept [-o].")
@click.option("--check", is_flag=True, help="Write nothing; exit 3 and name the pages that are stale.")
@click.option("--list", "listed", is_flag=True, help="Name every page that was written or removed.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print no result; the exit code tells.")
@foundation_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    policies: str | None,
    target: Path,
    form: str,
    notes: Path | None,
    check: bool,
    listed: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Write a page for each rule of POLICIES or a BUNDLE: METADATA, owner, source, and tests as examples.

    What a person wrote from "Why" on is kept: in Markdown in the page itself, for HTML in --notes. Pages in HTML stand
    alone and run nothing. Pages of rules that are gone are removed; other files are left alone.

    \b
    bspec-opa policy doc -o docs/rules
    bspec-opa policy doc default -o site --format html
    bspec-opa policy doc -o docs/rules --check
    """
    from bspec_opa.report.authoring.policy_doc import doc_json, doc_text
    from bspec_opa.workflow.authors.documenting import load_library, write_pages

    output = plain_output(runtime, Path(), "json" if as_json else None, quiet=quiet)
    library = load_library(policies, runtime.environ, flags(given), notes or target)
    pages = write_pages(library, target, form, check=check)
    output.show(lambda style: doc_text(pages, style, listed=listed), lambda: doc_json(pages))
