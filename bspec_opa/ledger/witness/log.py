"""What a witness says while it runs: one line an event, text or JSON. Never a token, a key or what a client sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    Kind = Literal["cosigned", "misbehaved", "unproven", "renewed", "not-renewed", "stopping", "failed"]
    Log = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        kind: what. ``cosigned``: a larger tree, or the same again. ``misbehaved``: a log has signed two histories.
            ``unproven``: what it signed came without a proof that it goes on from what it signed before. ``renewed``,
            ``not-renewed``: certificate or tokens. ``stopping``: a signal came. ``failed``: nothing could be cosigned,
            because of the witness itself.
        at: when, in Unix seconds.
        origin: which log, or "".
        size: the entries of its tree, or 0.
        file: which file, or "".
        code: the reason's code, or "".
        message: for people, or "".
    """

    kind: Kind
    at: int
    origin: str = ""
    size: int = 0
    file: str = ""
    code: str = ""
    message: str = ""
