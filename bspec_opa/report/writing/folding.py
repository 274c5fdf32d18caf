"""Lines that fit on a terminal of 80 columns: what is long goes on below, and nothing is left out."""

from __future__ import annotations

import re
from textwrap import wrap

WIDTH = 80
SHORT = 19
"""Characters of a digest that people see: the algorithm and twelve digits. JSON has all of it."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ESCAPED = re.compile(r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4})")
_LEAST = 24


def short(digest: str) -> str:
    """A digest for people, who tell it from another one by its beginning."""
    return f"{digest[:SHORT]}…"


def columns(text: str) -> int:
    """How many columns a text takes; colours take none."""
    return len(_COLOUR.sub("", text))


def fold(head: str, text: str, hanging: int, *, width: int = WIDTH) -> list[str]:
    """A label and a sentence: on one line if they fit, else broken between words.

    A text of which something had to be escaped stays on one line: whoever wrote it shall add none (attack A72).

    Args:
        head: what stands first on the first line; may be coloured.
        text: the sentence; no word of it is ever broken.
        hanging: the columns by which further lines are indented.
        width: the columns that there are.
    """
    if columns(head) + len(text) <= width or _ESCAPED.search(text):
        return [f"{head}{text}"]
    room = max(width - hanging, _LEAST)
    first = max(width - columns(head), 1)
    begins = _wrapped(text, first)[0]
    if len(begins) > first:
        return [head.rstrip(), *(f"{' ' * hanging}{part}" for part in _wrapped(text, room))]
    rest = text[len(begins) :].lstrip()
    return [f"{head}{begins}", *(f"{' ' * hanging}{part}" for part in _wrapped(rest, room))]


def aside(head: str, remarks: str) -> list[str]:
    """A headline and what belongs to it in brackets; on a line of its own where both are too long for one."""
    line = f"{head}   ({remarks})"
    return [line] if columns(line) <= WIDTH or _ESCAPED.search(line) else [head, *fold("  ", remarks, 2)]


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
