"""What is asked of a project or of an evidence pack alike."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.workflow.audit.opening import Opening

PACK = click.option(
    "--pack",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Ask an evidence pack, verified first, and not a project.",
)


def place_of(directory: Path, pack: Path | None, options: Mapping[str, Any]) -> tuple[Path, Opening]:
    """Where the record is, and how it is read and verified there.

    Raises:
        click.UsageError: a pack is named and a project or a part of one, too.
    """
    from bspec_opa.workflow.audit.opening import open_record

    if pack is None:
        return directory, open_record
    places = [value for name, value in options.items() if name not in {"trust_pin", "output_format"}]
    if directory != Path() or any(places):
        raise click.UsageError("--pack is read by itself: leave --project and all places out")
    from bspec_opa.report.audit.pack import pages
    from bspec_opa.workflow.audit.packing import open_pack

    return pack, partial(open_pack, pages=pages)
