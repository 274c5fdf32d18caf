"""Text differences of prompts and contracts, shown to an approver beside the view."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.workflow.checkout.texts import TextChange

_MAX_LINES = 400


def differences_text(changes: Iterable[TextChange]) -> str:
    """Unified differences; a text that is not at hand is said to be missing, never left out."""
    lines: list[str] = []
    for change in changes:
        lines.append(f"text of {change.subject}")
        if change.known:
            lines += [f"  {line}" for line in _difference(change)]
        else:
            lines.append("  not at hand here: only the digests in the view say that it changed")
    return "".join(f"{line}\n" for line in lines)


def _difference(change: TextChange) -> list[str]:
    before, after = (t.splitlines() for t in (change.before, change.after))
    found = list(difflib.unified_diff(before, after, "current", "new", lineterm=""))
    shown = [printable(line) for line in found[:_MAX_LINES]]
    rest = len(found) - len(shown)
    return [*shown, f"… and {rest} more lines"] if rest else shown
