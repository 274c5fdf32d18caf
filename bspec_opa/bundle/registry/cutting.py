"""Cuts connections when time is up: a timeout of a socket starts anew with every byte, and a server may drip (A61)."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cutter:
    """Knows every connection that was opened, whatever TLS is put on top of it.

    Attributes:
        fired: whether time was up.
    """

    def __init__(self) -> None:
        self.fired = False
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()

    def pools(self) -> dict[str, Any]:
        """What ``urllib3`` makes connections with, by scheme."""
        return {
            "http": _pool(HTTPConnectionPool, HTTPConnection, self),
            "https": _pool(HTTPSConnectionPool, HTTPSConnection, self),
        }

    def add(self, connection: socket.socket) -> None:
        """One more: a second handle of it, because TLS takes over the first one."""
        with self._lock:
            self._open.append(connection.dup())
            if self.fired:
                self._cut()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let everything on these connections end after so many seconds."""
        timer = threading.Timer(max(seconds, 0.0), self._fire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def close(self) -> None:
        """Give the handles back."""
        with self._lock:
            while self._open:
                self._open.pop().close()

    def _fire(self) -> None:
        with self._lock:
            self.fired = True
            self._cut()

    def _cut(self) -> None:
        for connection in self._open:
            with suppress(OSError):  # it has ended already
                connection.shutdown(socket.SHUT_RDWR)


def _pool(pool: type[HTTPConnectionPool], connection: type[HTTPConnection], cutter: Cutter) -> type[HTTPConnectionPool]:
    def new_connection(self: Any) -> socket.socket:
        opened: socket.socket = connection._new_conn(self)  # noqa: SLF001 - the one place before TLS
        cutter.add(opened)
        return opened

    watched = type(f"Watched{connection.__name__}", (connection,), {"_new_conn": new_connection})
    return type(f"Watched{pool.__name__}", (pool,), {"ConnectionCls": watched})
