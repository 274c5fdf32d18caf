"""What the log of an OPA complains about, as it may be quoted: its JSON lines, and what came before it logged."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUOTED = 300
_LOUD = ("error", "fatal", "panic")
_WORDS = ("msg", "err", "error")
_NOTICE = re.compile(r"Flag --|[0-9]+ errors occurred:$")


def complaint(lines: Iterable[str]) -> str:
    """The first line that says what is wrong, shortened and in printable ASCII; empty if none does."""
    for line in lines:
        words = _plain(line)
        if words:
            return ascii(words[:MAX_QUOTED])[1:-1]
    return ""


def is_about_the_bundle(line: str) -> bool:
    """Whether OPA says that it can't use a bundle; it goes on trying, but a file doesn't get better."""
    entry = _entry(line)
    return entry is not None and (entry.get("level"), entry.get("plugin")) == ("error", "bundle")


def _plain(line: str) -> str:
    entry = _entry(line)
    if entry is None:
        return "" if _NOTICE.match(line) else line.strip()
    if entry.get("level") not in _LOUD:
        return ""
    return ": ".join(str(entry[w]) for w in _WORDS if w in entry)


def _entry(line: str) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
