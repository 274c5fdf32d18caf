"""``bspec-opa validate``: structure, schema and consistency; no engine, no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output
from bspec_opa.foundation.errors import ExitCode, worst

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.report.validation import FileResult


@click.command("validate")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@output_options
@click.pass_obj
def command(runtime: Runtime, files: tuple[Path, ...], output_format: str | None, quiet: bool) -> int:
    """Check the structure of one or more intents and print every problem.

    \b
    bspec-opa validate behavior.intent
    bspec-opa validate agents/*/behavior.intent --format json
    """
    from bspec_opa.report.printable import printable
    from bspec_opa.report.validation import validation_json, validation_text

    output = plain_output(runtime, files[0], output_format, quiet=quiet)
    results = [_check(path) for path in files]
    if not output.json:
        for problem in (p for r in results for p in r.problems):
            runtime.err.write(printable(f"{problem} [{problem.reason.code}]") + "\n")
    output.show(lambda style: validation_text(results, style), lambda: validation_json(results))
    return int(worst(p.reason.exit_code for r in results for p in r.problems) if not _valid(results) else ExitCode.OK)


def _valid(results: list[FileResult]) -> bool:
    return all(not r.problems for r in results)


def _check(path: Path) -> FileResult:
    from bspec_opa.foundation.errors import BspecError
    from bspec_opa.report.validation import FileResult
    from bspec_opa.workflow.checkout.intents import open_intent

    try:
        loaded = open_intent(path)
    except BspecError as e:
        return FileResult(str(path), "", "", e.problems)
    metadata = loaded.intent.metadata
    return FileResult(str(path), f"{metadata.id} {metadata.version}", loaded.digest, ())
