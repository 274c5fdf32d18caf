"""What this user has seen before, kept outside the checkout: older than remembered is a trust failure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bspec_opa.foundation.errors import TrustError
from bspec_opa.foundation.reasons import UNWRITABLE
from bspec_opa.ledger.memory import Memory, state_directory
from bspec_opa.ledger.reasons import ROLLED_BACK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bspec_opa.ledger.interface import LedgerState, Rooted
    from bspec_opa.ledger.memory import Remembered
    from bspec_opa.workflow.checkout.anchor import Anchor

T = TypeVar("T")
NOWHERE = Path("/nonexistent")


def _key(anchor: Anchor) -> str:
    """What is remembered together: one domain under one pin. Another pin is another anchor, so another memory."""
    return f"{anchor.root.domain} {anchor.roots[0].digest}"


def open_memory(environ: Mapping[str, str]) -> Memory | None:
    """The memory in the user's state directory; None where the user has no home."""
    directory = memory_directory(environ)
    return Memory(directory) if directory else None


def memory_directory(environ: Mapping[str, str]) -> Path | None:
    """The user's state directory; None where the user has no home."""
    home = Path(environ.get("HOME", ""))
    directory = state_directory(environ, home if home.is_absolute() else NOWHERE)
    return None if directory.is_relative_to(NOWHERE) else directory


def check_memory(anchor: Anchor, ledger: Rooted, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Compare with what is remembered; nothing is written. Returns a note where nothing is remembered.

    Raises:
        TrustError: the trust root or the ledger is older than, or other than, what was seen before.
    """
    root, memory = anchor.root, open_memory(environ)
    known = memory.check(_key(anchor), root.version, root.digest, ledger) if memory else None
    return () if known else ("no memory of earlier heads: an older ledger or root could not be told",)


def remember(anchor: Anchor, ledger: LedgerState, environ: Mapping[str, str]) -> None:
    """Remember this root and tree head.

    Raises:
        TrustError: it is older than what is remembered.
        StoreError: the state directory can't be written, or there is none.
    """
    root, memory = anchor.root, open_memory(environ)
    if memory is None:
        raise UNWRITABLE.error("no place to remember the ledger in", hint="set HOME or BSPEC_OPA_STATE_DIR")
    memory.remember(_key(anchor), root.version, root.digest, ledger)


def check_current(
    anchor: Anchor, ledger: LedgerState, read: Callable[[], LedgerState], environ: Mapping[str, str]
) -> tuple[LedgerState, tuple[str, ...]]:
    """As :func:`check_memory`, on the ledger as it is by then; returns that ledger and the notes.

    Another process may have appended and remembered between the reading of the ledger and that of the memory. So a
    ledger that is behind the memory is read once more before it counts as rolled back.

    Args:
        anchor: the trust root.
        ledger: as it was read.
        read: reads it again.
        environ: says where the memory is.

    Raises:
        TrustError: as :func:`check_memory`.
    """
    return _once_more(ledger, read, lambda state: check_memory(anchor, state, environ))


def remember_current(
    anchor: Anchor, ledger: LedgerState, read: Callable[[], LedgerState], environ: Mapping[str, str]
) -> LedgerState:
    """As :func:`remember`, on the ledger as it is by then (see :func:`check_current`); returns that ledger.

    Raises:
        TrustError: as :func:`remember`.
        StoreError: as :func:`remember`.
    """
    return _once_more(ledger, read, lambda state: remember(anchor, state, environ))[0]


def _once_more(
    ledger: LedgerState, read: Callable[[], LedgerState], action: Callable[[LedgerState], T]
) -> tuple[LedgerState, T]:
    try:
        return ledger, action(ledger)
    except TrustError as e:
        if e.code != ROLLED_BACK.code:
            raise
    again = read()
    return again, action(again)


def recall(anchor: Anchor, environ: Mapping[str, str]) -> Remembered | None:
    """What this user has seen of a domain under a pin; None if nothing, or where nothing can be remembered.

    Raises:
        TrustError: the memory is damaged.
    """
    memory = open_memory(environ)
    return memory.recall(_key(anchor)) if memory else None
