"""Words that say that a rule is not finished: a build takes it, and never without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bspec_opa.bundle.read import Bundle

_WORD = re.compile(r"\b(?:TODO|FIXME|XXX)\b")


def unfinished(bundle: Bundle) -> list[str]:
    """One sentence for each rule whose METADATA or Rego still says TODO, FIXME or XXX, in the order of the index."""
    found = []
    for rule in bundle.index.rules:
        text = bundle.files[rule.path].decode("utf-8", "replace")
        lines = [str(n) for n, line in enumerate(text.splitlines(), 1) if _WORD.search(line)]
        if lines:
            where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(lines)}"
            found.append(f"{rule.id} is not finished: its source says TODO in {where}")
    return found
