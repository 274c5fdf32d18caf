"""Connections that can be cut off from outside, whatever is being read from them at the time (attack A61).

A library's time limit starts anew with every byte. A server that drips the head of its reply, or says ``100 Continue``
again and again, is never silent, and nobody above the library has a turn before the head is whole.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import PoolManager


class Cutter:
    """Knows every connection of a pool manager.

    Args:
        manager: makes the connections from now on; none may be open yet.
    """

    def __init__(self, manager: PoolManager) -> None:
        self._handles: list[socket.socket] = []
        manager.pool_classes_by_scheme = _pools(self)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Cut every connection off when a block takes longer; what was reading then meets the end of the stream."""
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def close(self) -> None:
        """Let go of the connections; their pool closes them."""
        while self._handles:
            self._handles.pop().close()

    def knows(self, opened: socket.socket) -> socket.socket:
        """Keep a handle of a new connection, which stays good when TLS takes over the socket."""
        self._handles.append(opened.dup())
        return opened

    def _cut(self) -> None:
        for handle in list(self._handles):
            with suppress(OSError):  # it has ended already
                handle.shutdown(socket.SHUT_RDWR)


def _pools(cutter: Cutter) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's own pools, whose connections are known before the first byte, a handshake's included."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return cutter.knows(super()._new_conn())

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return cutter.knows(super()._new_conn())

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
