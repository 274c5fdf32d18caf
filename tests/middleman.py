"""A server between the gate and a real OPA: it hands every question on, and answers with what it makes of the answer.

As long as ``tamper`` is None the gate gets the genuine answer, so that a test can show that it would have allowed.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
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
