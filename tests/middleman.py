"""A server between the gate and a real OPA: it hands every question on, and answers with what it makes of the answer.

As long as ``tamper`` is None the gate gets the genuine answer, so that a test can show that it would have allowed.
"""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from sidecars import Server, reply

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from sidecars import Visit

    Tamper = Callable[[Visit, bytes], None]


class Middleman(Server):
    """Tampers with the answers of the OPA at ``opa``."""

    def __init__(self, opa: str, context: ssl.SSLContext | None = None) -> None:
        self._opa = urlsplit(opa)
        self.tamper: Tamper | None = None
        super().__init__(self._answer, context)

    def _answer(self, visit: Visit) -> None:
        genuine = self._ask(visit.request)
        if self.tamper is None:
            visit.send(reply(genuine))
        else:
            self.tamper(visit, genuine)

    def _ask(self, request: bytes) -> bytes:
        head, _, body = request.partition(b"\r\n\r\n")
        connection = http.client.HTTPConnection(str(self._opa.hostname), self._opa.port, timeout=60)
        try:
            connection.request("POST", head.split()[1].decode(), body, {"Content-Type": "application/json"})
            found = connection.getresponse()
            genuine: Any = found.read()
            assert found.status == 200, genuine
            return bytes(genuine)
        finally:
            connection.close()


class Relay:
    """Hands bytes on to a server and back, TLS and all, and counts the connections."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.accepted = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{self._target.scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def hang_up(self) -> None:
        """End every connection that there is."""
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self.hang_up()
        for thread in self._threads[1:]:
            thread.join()
        for end in (self._listener, *self._sockets):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                called = socket.create_connection((str(self._target.hostname), self._target.port or 0))
                self.accepted += 1
                self._sockets += [caller, called]
                for ends in ((caller, called), (called, caller)):
                    self._threads.append(threading.Thread(target=self._copy, args=ends))
                    self._threads[-1].start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(65_536):
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)
