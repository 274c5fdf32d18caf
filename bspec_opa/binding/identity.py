"""What is no identity: a name that is empty, unfilled, a range, or that somebody else can point elsewhere."""

from __future__ import annotations

import re

# What templates and their authors leave to be filled in; the words are looked for in documents, not meant here.
_PLACEHOLDER = re.compile(r"\$[{(]|\{\{|<[^<>]*>|%[A-Za-z_]+%|\b(?:TODO|FIXME|CHANGEME|TBD)\b")
_RANGE = re.compile(r"[<>=^~*,|\s]")
_SEPARATORS = re.compile(r"[@:?&=#]")
_SUFFIX = re.compile(r"[-_.]latest\Z", re.IGNORECASE)
_MOVING = frozenset(
    (
        *("latest", "current", "default", "next", "stable", "nightly", "edge", "canary"),
        *("main", "master", "head", "develop", "dev", "trunk", "tip"),
    )
)


def why_no_identity(text: str) -> str | None:
    """Why a model id, release or package URL names nothing for ever, or None if nothing speaks against it.

    Which plain names a provider repoints is a fact about the provider; catalogs list them as ``aliases``.
    """
    if not text.strip():
        return "is empty"
    if _PLACEHOLDER.search(text):
        return "holds a placeholder that nobody filled in"
    for part in _SEPARATORS.split(text):
        if part.lower() in _MOVING or _SUFFIX.search(part):
            return "may point to something else tomorrow" if part == text else f'ends in "{part}", which may move'
    if text.lower().startswith("refs/heads/"):
        return "is a branch"
    return None


def why_no_release(text: str) -> str | None:
    """The same for a release; a range is none either."""
    if text.strip() and _RANGE.search(text) and not _PLACEHOLDER.search(text):
        return "is a range or has white space"
    return why_no_identity(text)
