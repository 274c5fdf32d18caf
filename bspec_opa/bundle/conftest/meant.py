"""What somebody meant who wrote a path that no input has: the other form of the input, or a word next to it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.contract.__main__ import rendered
from bspec_opa.foundation.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection

INTENT = "intent"
_PATH = re.compile(r"undefined ref: input((?:\.\w+)*)")
_AS_PRINTED = "bspec-opa normalize prints what policies see; or let them see the file itself: --conftest-input file"
_AS_WRITTEN = "no intent has it; a member that may be anything is read with object.get"


def meant(message: str, *, written: bool) -> str:
    """A hint for what OPA says of a path that is in no schema.

    Args:
        message: OPA's, which begins with ``undefined ref: input``.
        written: whether policies see the file as it is written, instead of what ``normalize`` prints.
    """
    found = _PATH.match(message)
    path = found[1].split(".")[1:] if found else []
    if written:
        inside = path[1:] if path[:1] == [INTENT] else []
        switch = "or let policies see what normalize prints: --conftest-input normalized"
        return f"{_asked(inside)} {switch}" if inside else _AS_WRITTEN
    near = _inside(path)
    return f"{_asked(near)} {_AS_PRINTED}" if near else _AS_PRINTED


def _inside(path: list[str]) -> list[str]:
    """The path in the normalized input; empty if nothing is near."""
    intent, whole = _members()
    below = path[:1] == [INTENT]
    name = path[below] if len(path) > below else ""
    for known, head in ((intent, [INTENT]), *(() if below else ((whole, []),))):
        if name and (near := name if name in known else nearest(name, known)):
            return [*head, near, *path[below + 1 :]]
    return []


def _members() -> tuple[Collection[str], Collection[str]]:
    """What the published schema knows in an input's intent, and in the input itself."""
    schema: dict[str, Any] = json.loads(rendered()["input.json"])["properties"]
    return set(schema[INTENT]["properties"]), set(schema)


def _asked(path: list[str]) -> str:
    return f"did you mean {'.'.join(('input', *path))}?"
