"""The server: looks at its files again and again, switches what is good, and answers until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from bspec_opa.bundle.serving.answers import Answers
from bspec_opa.bundle.serving.candidates import Candidates
from bspec_opa.bundle.serving.edition import Shelf
from bspec_opa.bundle.serving.listening import Listener
from bspec_opa.bundle.serving.log import Event
from bspec_opa.bundle.serving.metrics import Metrics
from bspec_opa.bundle.serving.secrets import Secrets

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from bspec_opa.bundle.serving.edition import Edition
    from bspec_opa.bundle.serving.log import Log
    from bspec_opa.bundle.serving.settings import Settings


class Server:
    """A server on sockets that somebody else has bound.

    Args:
        settings: what is served.
        log: gets one event for each thing that happens.
        clock: Unix seconds.
    """

    def __init__(self, settings: Settings, *, log: Log, clock: Callable[[], int]) -> None:
        self._settings = settings
        self._log = log
        self._clock = clock
        self._shelf = Shelf(settings.named)
        self._metrics = Metrics(self._shelf)
        self._answers = Answers(self._shelf, self._metrics, settings.limits, log, clock)
        self._candidates = Candidates(
            self._shelf,
            settings.named,
            settings.directory,
            check=settings.check,
            memory=settings.memory,
            log=self._note,
        )
        self._secrets = Secrets(settings.tls, settings.token_file)
        self._stopped = asyncio.Event()
        self._look = asyncio.Event()
        self._listeners: list[Listener] = []

    @property
    def editions(self) -> Mapping[str, Edition | None]:
        """What is current under each name."""
        return self._shelf.editions

    def stop(self) -> None:
        """Accept no more, answer who waits, and come to an end; may be called from a signal's handler."""
        self._stopped.set()
        self._look.set()

    def look(self) -> None:
        """Look at the files now, and not only when the interval is over."""
        self._look.set()

    async def load(self) -> None:
        """Look at everything for the first time.

        Raises:
            UsageError: certificate or tokens can't be used.
        """
        self._answers.tokens = await asyncio.to_thread(self._secrets.first)
        await self._candidates.look()

    async def run(self, bound: socket.socket, diagnostic: socket.socket | None = None) -> None:
        """Answer until :meth:`stop`.

        Args:
            bound: listens for sidecars.
            diagnostic: listens for health and metrics alone, without TLS and tokens.
        """
        limits = self._settings.limits
        main = Listener(bound, self._answers.everything, limits, self._metrics)
        self._listeners = [main]
        self._metrics.connections.set_function(lambda: sum(li.connections for li in self._listeners))
        await main.open(self._secrets.context)
        if diagnostic is not None:
            beside = Listener(diagnostic, self._answers.diagnostics, limits, self._metrics)
            self._listeners.append(beside)
            await beside.open(None)
        try:
            while not self._stopped.is_set():
                await self._pause()
                if not self._stopped.is_set():
                    await self._candidates.look()
                    await self._renew(main)
        finally:
            await self._end()

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.interval_s):
                await self._look.wait()
        if not self._stopped.is_set():
            self._look.clear()

    async def _renew(self, listener: Listener) -> None:
        """Take certificate and tokens that have changed; what can't be used changes nothing."""
        for renewal in await asyncio.to_thread(self._secrets.look):
            self._log(Event(renewal.kind, self._clock(), file=renewal.file, code=renewal.code, message=renewal.message))
        if self._secrets.take_context():
            await listener.open(self._secrets.context)
        self._answers.tokens = self._secrets.tokens

    def _note(self, event: Event) -> None:
        if event.kind == "switched":
            self._metrics.switches.labels(event.bundle).inc()
        elif event.kind in {"refused", "failed"}:
            self._metrics.refused.labels(event.bundle, event.code or event.kind).inc()
        self._log(event)

    async def _end(self) -> None:
        self._log(Event("stopping", self._clock()))
        for listener in self._listeners:
            listener.stop()
        self._shelf.close()
        await asyncio.gather(*(li.close() for li in self._listeners))
