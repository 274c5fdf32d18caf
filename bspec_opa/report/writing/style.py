"""Colour, only on a terminal and never the only carrier of meaning."""

from __future__ import annotations

from dataclasses import dataclass

_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "bold": "1", "dim": "2"}


@dataclass(frozen=True, slots=True)
class Style:
    """How text is marked; ``colour`` off leaves it as it is."""

    colour: bool = False

    def mark(self, text: str, *names: str) -> str:
        """The text in these colours."""
        if not self.colour or not text:
            return text
        codes = ";".join(_CODES[n] for n in names)
        return f"\x1b[{codes}m{text}\x1b[0m"


PLAIN = Style()
