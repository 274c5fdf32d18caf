"""What a command is run with, handed down so that tests can hand down something else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.workflow.checkout.config import Value


@dataclass(frozen=True, slots=True)
class World:
    """What a command is run with.

    Attributes:
        environ: environment variables.
        now: Unix seconds, read once, and again only where something has gone on since (see :meth:`caught_up` and
            :meth:`later`).
        flags: configuration keys given on the command line.
        pin: what ``--trust-pin`` says.
        clock: reads the time again; without one the time stands still.
    """

    environ: Mapping[str, str]
    now: int
    flags: Mapping[str, Value | None]
    pin: str | None = None
    clock: Callable[[], int] | None = None

    def caught_up(self, ledger: LedgerState) -> World:
        """This world at a time when the ledger was as it is.

        Another process may have appended between the reading of the clock and that of the ledger; its entries are
        not of the future. A clock that is still behind them is wrong (:func:`require_clock` says so).
        """
        return self if self.now >= ledger.last_at else self.later()

    def later(self) -> World:
        """This world as late as it is by now, for what is looked at again: a newer trust root is not of the future."""
        return self if self.clock is None else replace(self, now=max(self.now, self.clock()))
