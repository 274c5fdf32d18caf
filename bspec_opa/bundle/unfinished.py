"""Words that say that a rule is not finished: a build takes it, and never without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from bspec_opa.bundle.read import Bundle

_WORD = re.compile(r"\b(?:TODO|FIXME|XXX)\b")


def unfinished(bundle: Bundle, sources: Collection[str] = ()) -> list[str]:
    """One sentence for each thing that is left to do, in the order of the index.

    Args:
        bundle: what was built; METADATA or Rego of a rule may still say TODO, FIXME or XXX.
        sources: names of the author's own files, which a bundle does not hold all of: a rule may lack its test.
    """
    found = []
    for rule in bundle.index.rules:
        text = bundle.files[rule.path].decode("utf-8")
        lines = [str(n) for n, line in enumerate(text.splitlines(), 1) if _WORD.search(line)]
        if lines:
            where = f"line {lines[0]}" if len(lines) == 1 else f"lines {', '.join(lines)}"
            found.append(f"{rule.id} is not finished: its source says TODO in {where}")
        if rule.path in sources and f"{rule.path.removesuffix('.rego')}_test.rego" not in sources:
            found.append(f"{rule.id} has no test beside it: nothing shows that it denies")
    return found
