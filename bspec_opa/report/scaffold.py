"""A scaffold for people and as ``bspec.init/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.decision.text import next_lines
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.starting.scaffold import Scaffold

PUBLIC_SUFFIX = ".pub.pem"


def scaffold_text(made: Scaffold, style: Style) -> str:
    """Every file, then the commands that come next."""
    lines = [f"{style.mark('READY', 'bold', 'green')}  {printable(str(made.directory))}"]
    lines += [f"  wrote     {w}" for w in _listed(made.written, made.directory)]
    lines += [f"  kept      {k}" for k in _listed(made.kept, made.directory)]
    return "\n".join(lines + next_lines(made.steps)) + "\n"


def _listed(files: Sequence[Path], top: Path) -> list[str]:
    """The project's own files, then a line a directory; a public key goes without saying beside its private one."""
    named = [p for p in files if not p.name.endswith(PUBLIC_SUFFIX)]
    lines = [str(p) for p in named if p.parent == top]
    for directory in dict.fromkeys(p.parent for p in named if p.parent != top):
        names = [p.name for p in named if p.parent == directory]
        lines.append(str(directory / names[0]) if len(names) == 1 else f"{directory}/  {', '.join(names)}")
    return [printable(line) for line in lines]


def scaffold_json(made: Scaffold) -> JsonObject:
    """The same for machines."""
    return {
        "schema": "bspec.init/v1",
        "exit_code": 0,
        "directory": str(made.directory),
        "intent": str(made.intent),
        "written": [str(p) for p in made.written],
        "kept": [str(p) for p in made.kept],
        "next": [*made.steps],
    }
