"""A witness's server: answers until it is told to stop, and takes certificates and tokens that were renewed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from bspec_opa.bundle.serving.listening import Listener
from bspec_opa.ledger.witness.log import Event

if TYPE_CHECKING:
    import socket

    from bspec_opa.bundle.serving.limits import Limits
    from bspec_opa.bundle.serving.secrets import Secrets
    from bspec_opa.ledger.witness.answers import Answers

LOOK_S = 1.0
"""Seconds between two looks at certificate and tokens."""


class Server:
    """A server on a socket that somebody else has bound.

    Args:
        answers: what is answered.
        secrets: what it proves itself with, and whom it lets in.
        limits: what clients may take.
    """

    def __init__(self, answers: Answers, secrets: Secrets, limits: Limits) -> None:
        self._answers = answers
        self._secrets = secrets
        self._limits = limits
        self._stopped = asyncio.Event()
        self._listener: Listener | None = None

    def stop(self) -> None:
        """Accept no more, answer who waits, and come to an end; may be called from a signal's handler."""
        self._stopped.set()

    async def open(self, bound: socket.socket) -> None:
        """Begin to answer.

        Raises:
            UsageError: certificate or tokens can't be used.
        """
        answers = self._answers
        answers.tokens = await asyncio.to_thread(self._secrets.first)
        self._listener = Listener(bound, answers.answer, self._limits, answers.metrics)
        await self._listener.open(self._secrets.context)

    async def run(self) -> None:
        """Answer until :meth:`stop`; after :meth:`open`."""
        answers, listener = self._answers, self._listener
        assert listener is not None  # noqa: S101 - the caller has opened it
        try:
            while not self._stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._stopped.wait()
                await self._renew(listener)
        finally:
            answers.log(Event("stopping", answers.clock()))
            listener.stop()
            await listener.close()

    async def _renew(self, listener: Listener) -> None:
        """Take what has changed; what can't be used changes nothing."""
        for renewal in await asyncio.to_thread(self._secrets.look):
            event = Event(
                renewal.kind, self._answers.clock(), file=renewal.file, code=renewal.code, message=renewal.message
            )
            self._answers.log(event)
        if self._secrets.take_context() and not self._stopped.is_set():
            await listener.open(self._secrets.context)
        self._answers.tokens = self._secrets.tokens
