"""Prints results: text or JSON, to standard output; everything else goes to standard error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from bspec_opa.report.writing.printable import printable_lines, render_json
from bspec_opa.report.writing.style import Style
from bspec_opa.workflow.checkout.project import find_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.checkout.config import Value

FORM_WANTED = "bspec_opa.form"
"""Where a command leaves in click's context what form it prints, so that its failure is printed in the same."""
TEXT, JSON, JSON_LINES = "text", "json", "jsonl"


@dataclass(frozen=True, slots=True)
class Output:
    """How a verb's result is printed."""

    runtime: Runtime
    form: str
    quiet: bool

    @property
    def json(self) -> bool:
        """Whether machines read it."""
        return self.form != TEXT

    @property
    def lines(self) -> bool:
        """Whether it is JSON Lines."""
        return self.form == JSON_LINES

    @property
    def style(self) -> Style:
        """Whether text is coloured."""
        return Style(self.runtime.colour())

    def show(self, text: Callable[[Style], str], document: Callable[[], JsonObject]) -> None:
        """Print one of the two forms; the other one is never made."""
        if self.quiet:
            return
        if self.json:
            self.runtime.write(render_json(document(), one_line=self.lines))
        else:
            self.runtime.write(printable_lines(text(self.style)))

    def aside(self, text: str) -> None:
        """What a person should see besides the result."""
        if not self.quiet:
            self.runtime.err.write(printable_lines(text))


def open_output(runtime: Runtime, start: Path, flags: Mapping[str, Value | None], *, quiet: bool) -> Output:
    """How results are printed: ``--format``, else ``output.format`` of the environment or the project.

    Args:
        runtime: where to.
        start: a file or directory of the project.
        flags: configuration keys given on the command line.
        quiet: whether results are printed at all.

    Raises:
        UsageError: the configuration is wrong.
    """
    config = find_project(start, runtime.environ, flags).config
    form = config.text("output.format") or TEXT
    click.get_current_context().meta[FORM_WANTED] = form
    return Output(runtime, form, quiet)


def plain_output(runtime: Runtime, start: Path, output_format: str | None, *, quiet: bool) -> Output:
    """The same for a verb that takes nothing else from the configuration."""
    return open_output(runtime, start, {"output.format": output_format}, quiet=quiet)
