"""``bspec-opa validate``: structure, schema and consistency; no engine, no network."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.many import handled
from bspec_opa.cli.options import JOBS, NamedPath, output_options
from bspec_opa.cli.output import plain_output
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bspec_opa.cli.output import Output
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.report.validation import FileResult

    Item = tuple[Path, BspecError | None]


@click.command("validate", short_help="Check the structure of intents.")
@click.argument("files", nargs=-1, required=True, type=NamedPath(path_type=Path))
@JOBS
@output_options
@click.pass_obj
def command(runtime: Runtime, files: tuple[Path, ...], jobs: int | None, output_format: str | None, quiet: bool) -> int:
    """Check the structure of intents and print every problem.

    Of a directory, every *.intent file in it is checked, in whatever depth.

    \b
    bspec-opa validate behavior.intent
    bspec-opa validate agents/ --format jsonl
    """
    from bspec_opa.report.validation import exit_code_of
    from bspec_opa.workflow.checkout.finding import find_intents

    output = plain_output(runtime, files[0] if len(files) == 1 else Path(), output_format, quiet=quiet)
    items = find_intents(files)
    results: list[FileResult] = []
    with handled(checking, items, output, jobs=jobs, doing="validating") as found:
        for (file, _), one in zip(items, found, strict=True):
            result = _result(file, one) if isinstance(one, BspecError) else one
            results.append(result)
            _tell(output, result)
    _finish(output, results)
    return int(exit_code_of(results))


def _tell(output: Output, result: FileResult) -> None:
    """What can be told of a file before the last one is checked."""
    from bspec_opa.report.validation import validation_json, validation_line
    from bspec_opa.report.writing.printable import printable, printable_lines, render_json

    if output.json:
        if output.lines and not output.quiet:
            output.runtime.write(render_json(validation_json([result]), one_line=True))
        return
    for problem in result.problems:
        output.runtime.err.write(printable(f"{problem} [{problem.reason.code}]") + "\n")
    if not output.quiet:
        output.runtime.write(printable_lines(validation_line(result, output.style)))


def _finish(output: Output, results: Sequence[FileResult]) -> None:
    from bspec_opa.report.validation import validation_json, validation_summary

    if not output.lines:
        output.show(lambda style: validation_summary(results, style), lambda: validation_json(results))


@contextmanager
def checking() -> Iterator[Callable[[Item], FileResult]]:
    """What one process does with each file."""
    yield _check


def _check(item: Item) -> FileResult:
    from bspec_opa.report.validation import FileResult
    from bspec_opa.workflow.checkout.intents import open_intent

    file, error = item
    if error is not None:
        return _result(file, error)
    try:
        loaded = open_intent(file)
    except BspecError as e:
        return _result(file, e)
    metadata = loaded.intent.metadata
    return FileResult(str(file), f"{metadata.id} {metadata.version}", loaded.digest, ())


def _result(file: Path, error: BspecError) -> FileResult:
    from bspec_opa.report.validation import FileResult

    return FileResult(str(file), "", "", error.problems)
