"""Near names for misspelt ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


MAX_SHOWN = 30
"""Known names that are listed; a fleet has hundreds."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that the given one most likely means, if any is near."""
    import difflib

    found = difflib.get_close_matches(name[:200], list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint: the near name, or the known ones when none is near."""
    names = sorted(set(known))
    near = nearest(name, names)
    if near is not None:
        return f'did you mean "{near}"?'
    more = f", … ({len(names)} in all)" if len(names) > MAX_SHOWN else ""
    return "known: " + ", ".join(names[:MAX_SHOWN]) + more if names else ""
