"""What the server says while it runs: one line an event, text or JSON. Never a token, a key or what a client sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    Kind = Literal["switched", "refused", "unreadable", "ignored", "renewed", "not-renewed", "stopping", "failed"]
    Log = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        kind: what. ``switched``: another edition is current. ``refused``: a candidate is not good. ``unreadable``: a
            file can't be read, so what was current stays. ``ignored``: a file below ``--dir`` whose path is no name.
            ``renewed``, ``not-renewed``: certificate or tokens. ``stopping``: a signal came. ``failed``: a bug.
        at: when, in Unix seconds.
        bundle: the name, or "".
        file: which file, or "".
        revision: what is current now, or "".
        before: what was current before a switch, or "".
        code: the reason's code, or "".
        message: for people, or "".
    """

    kind: Kind
    at: int
    bundle: str = ""
    file: str = ""
    revision: str = ""
    before: str = ""
    code: str = ""
    message: str = ""
