"""Where a directory can be made that is ours alone, with a path short enough for a socket."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.engine.address import MAX_SOCKET_PATH
from bspec_opa.engine.reasons import NO_PRIVATE_PLACE

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BELOW = 36
"""Characters of what is made below it: a directory of 26 and a socket of 8, each after a slash."""
FALLBACK = "/tmp"  # noqa: S108 - checked like the others
# OPA's --set gives commas, braces and the like a meaning.
_PATH = re.compile(rf"/[A-Za-z0-9._/+~-]{{0,{MAX_SOCKET_PATH - MAX_BELOW - 1}}}")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def private_place(environ: Mapping[str, str]) -> Path:
    """The first that is fit of ``$XDG_RUNTIME_DIR``, ``$TMPDIR`` and ``/tmp``.

    Fit is a directory where nobody else but root can rename or remove what we make: it belongs to us or to root, and
    others can't write to it or it is sticky.

    Raises:
        EngineError: none is.
    """
    for text in (environ.get("XDG_RUNTIME_DIR", ""), environ.get("TMPDIR", ""), FALLBACK):
        if _PATH.fullmatch(text) and _is_fit(text):
            return Path(text)
    raise NO_PRIVATE_PLACE.error(
        "there is no directory for a private socket",
        hint="set XDG_RUNTIME_DIR to a directory of yours, of mode 0700 and with a short plain path",
    )


def _is_fit(path: str) -> bool:
    try:
        state = os.stat(path)  # noqa: PTH116 - follows links: on macOS /tmp is one
    except OSError:
        return False
    ours = state.st_uid in {0, os.geteuid()}
    safe = bool(state.st_mode & stat.S_ISVTX) or not state.st_mode & _OTHERS_WRITE
    return stat.S_ISDIR(state.st_mode) and ours and safe and os.access(path, os.W_OK | os.X_OK)
