"""A socket that is listened on: how many connections may be open, TLS, and a certificate that changes meanwhile."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from bspec_opa.bundle.serving.limits import MAX_HEADERS, MAX_LINE
from bspec_opa.bundle.serving.reasons import BAD_ADDRESS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from prometheus_client import Counter

    from bspec_opa.bundle.serving.limits import Limits

    Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

BACKLOG = 256
_QUIET = logging.getLogger("bspec_opa.serving")
_QUIET.setLevel(logging.CRITICAL + 1)
"""aiohttp's: what a client sends is nothing that we write down."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        UsageError: there is no such address here, or it is taken.
    """
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, ValueError) as e:
        why = getattr(e, "strerror", None) or "is no address"
        raise BAD_ADDRESS.error(f"can't listen on {host}:{port}: {why}", hint="choose another --listen") from e


class Counts(Protocol):
    """What a listener counts; other servers than that of bundles listen in the same way."""

    @property
    def turned_away(self) -> Counter:
        """Connections too many."""


class _TurnedAway(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It ends before anything was said."""
        transport.close()


class Listener:
    """Serves one handler on one socket.

    Args:
        bound: the socket; closed with the listener.
        handler: gives answers. It is cancelled when its client leaves.
        limits: how many connections, and how slow.
        metrics: where connections are counted.
    """

    def __init__(self, bound: socket.socket, handler: Handler, limits: Limits, metrics: Counts) -> None:
        self._socket = bound
        self._limits = limits
        self._metrics = metrics
        self._server: asyncio.Server | None = None
        self._web = web.Server(
            handler,
            handler_cancellation=True,
            keepalive_timeout=limits.quiet_s,
            lingering_time=0,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
            auto_decompress=False,
            access_log=None,
            logger=_QUIET,
        )

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._web.connections)

    async def open(self, context: ssl.SSLContext | None) -> None:
        """Accept connections; called again, new ones with another context, and none is missed or lost."""
        before = self._server
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol,
            sock=self._socket.dup(),
            backlog=BACKLOG,
            ssl=context,
            ssl_handshake_timeout=None if context is None else self._limits.handshake_s,
        )
        if before is not None:
            before.close()

    def stop(self) -> None:
        """Accept no more, and close what is idle."""
        if self._server is not None:
            self._server.close()
        self._socket.close()
        self._web.pre_shutdown()

    async def close(self) -> None:
        """Wait for answers that are on their way, and close everything."""
        await self._web.shutdown(self._limits.stop_s)

    def _protocol(self) -> asyncio.Protocol:
        if self.connections >= self._limits.connections:
            self._metrics.turned_away.inc()
            return _TurnedAway()
        return self._web()
