"""What one client, or all of them together, may take from the server. Times are seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bspec_opa.foundation.limits import KIB

MAX_LINE: Final = 8 * KIB
"""A request line or a header field."""
MAX_HEADERS: Final = 64
"""Header fields of a request."""
CHUNK: Final = 256 * KIB
"""How much of an archive is written before the client has to take it."""
MAX_BUNDLES: Final = 1000
"""Names of one server."""
SPARE_CONNECTIONS: Final = 16
"""Never taken by long polls: for health, metrics and whoever has to fetch."""
SPARE_DESCRIPTORS: Final = 64
"""Of this process, for files and everything else that is no connection."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a server.

    Attributes:
        connections: open at once; one more is closed before it has said anything.
        quiet_s: from opening, or from the last answer, until a whole request head has come.
        handshake_s: for TLS.
        send_s: for taking a whole answer.
        wait_s: the longest long poll; who wants to wait longer is answered then, and asks again.
        stop_s: for answers that are on their way when the server is told to stop.
    """

    connections: int = 1024
    quiet_s: float = 30.0
    handshake_s: float = 10.0
    send_s: float = 120.0
    wait_s: float = 300.0
    stop_s: float = 10.0

    @property
    def polls(self) -> int:
        """How many long polls may be open."""
        return max(1, self.connections - max(SPARE_CONNECTIONS, self.connections // 10))
