"""A server that decides on another bundle than the accepted one: which it has, and which is wanted."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from bspec_opa.engine.reasons import STALE_BUNDLE
from bspec_opa.foundation.digest import PREFIX, is_digest

if TYPE_CHECKING:
    from bspec_opa.foundation.errors import BspecError

UNNAMED = "NAME"
"""Stands in the remedy for a bundle whose name the caller doesn't know."""
_DIGITS = len(PREFIX) + 12


def stale_bundle(who: str, what: str, found: str, wanted: str, *, exported: str = UNNAMED) -> BspecError:
    """The error for a server with another bundle.

    Args:
        who: the server.
        what: of the bundle differs.
        found: the server's value. It is told only if it is a digest, and only its beginning: a server could write
            an echoed token in its place (attack A71).
        wanted: the accepted bundle's value.
        exported: what ``bundle export`` calls the accepted bundle.
    """
    has = f"it has {_short(found)}" if is_digest(found) else "what it has is no digest"
    return STALE_BUNDLE.error(
        f"{who} decides on another {what} than the accepted one: {has}, wanted is {_short(wanted)}",
        hint=f"bspec-opa bundle export {shlex.quote(exported)} -o FILE writes it; let the server load that",
    )


def _short(value: str) -> str:
    return f"{value[:_DIGITS]}…" if is_digest(value) else value
