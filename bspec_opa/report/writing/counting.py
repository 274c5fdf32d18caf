"""Numbers with their noun."""

from __future__ import annotations


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 line``, ``2 lines``; ``plural`` where an s is not enough."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def by(principal: str, role: str) -> str:
    """Who signed in which role; one word where both are the same."""
    return principal if principal == role else f"{principal} as {role}"
