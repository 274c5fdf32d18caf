"""Where the server listens."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from bspec_opa.bundle.serving.reasons import BAD_ADDRESS

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})")
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class ListenAt:
    """A host and a port; port 0 is any that is free."""

    host: str
    port: int

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen(text: str) -> ListenAt:
    """``HOST:PORT`` or ``[IPv6]:PORT``.

    Raises:
        UsageError: another form.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > MAX_PORT:
        raise BAD_ADDRESS.error(f"{text[:80]!r} is not HOST:PORT", hint="write 127.0.0.1:8282 or [::1]:8282")
    return ListenAt(match["six"] or match["host"], int(match["port"]))
