"""What a request asks for, from its headers and path; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bspec_opa.bundle.serving.names import SUFFIX, is_name

if TYPE_CHECKING:
    from bspec_opa.bundle.serving.edition import Edition

PREFIX = "/bundles/"
_WAIT = re.compile(r'wait\s*=\s*"?([0-9]{1,6})"?')


def bundle_name(raw_path: str) -> str | None:
    """The name that a path asks for, with or without ``.tar.gz``; None for any other path.

    The path is taken as it was sent: nothing is decoded and no ``..`` is resolved, so there is one way to write
    it.
    """
    path = raw_path.partition("?")[0]
    name = path.removeprefix(PREFIX).removesuffix(SUFFIX)
    return name if path.startswith(PREFIX) and is_name(name) else None


def wanted_wait(prefer: str) -> int | None:
    """How many seconds a client wants to wait for news; None if it wants an answer at once.

    RFC 7240 separates preferences by commas. OPA separates them by semicolons, and writes
    ``modes=snapshot,delta;wait=30``.
    """
    for part in re.split("[,;]", prefer):
        match = _WAIT.fullmatch(part.strip())
        if match:
            return int(match[1])
    return None


def knows(if_none_match: str, edition: Edition) -> bool:
    """Whether a client has this edition already (RFC 9110, section 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or edition.etag in tags
