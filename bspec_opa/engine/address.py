"""Where a sidecar listens, and the one path that is asked; both checked before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bspec_opa.engine.reasons import BAD_PATH, BAD_URL

if TYPE_CHECKING:
    from bspec_opa.foundation.errors import BspecError

Scheme = Literal["http", "https", "unix"]

MAX_SOCKET_PATH = 100
"""Bytes; the kernel's own limit is 107 on Linux and 103 on macOS."""
_PORTS: dict[Scheme, int] = {"http": 80, "https": 443}
_WEB = re.compile(r"(https?)://(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::([0-9]{1,5}))?/?")
_UNIX = re.compile(r"unix://(@[A-Za-z0-9._/-]+|/[A-Za-z0-9._/ +,=@~-]+)")
_PATH = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*(/[a-zA-Z_][a-zA-Z0-9_]*)*")
_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]*")
_MAX_PORT = 65_535
_HINT = "write http://host:port, https://host:port or unix:///path/to/socket"


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed engine URL.

    Attributes:
        scheme: as written.
        host: name or IP address without brackets; empty for a socket file.
        port: of the host; 0 for a socket file.
        path: of the socket file; ``@name`` is a socket without a file (Linux). Empty otherwise.
    """

    scheme: Scheme
    host: str
    port: int
    path: str

    @property
    def base(self) -> str:
        """What the HTTP client is told; a socket file is ``http://localhost`` to it."""
        if self.scheme == "unix":
            return "http://localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether nobody but this machine's users lies between us and the server."""
        if self.scheme == "unix" or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"unix://{self.path}" if self.scheme == "unix" else self.base


def parse_address(url: str) -> Address:
    """An engine URL: ``http(s)://host[:port]`` or ``unix:///path``.

    Messages never repeat the URL, since one that is refused may hold a password.

    Raises:
        UsageError: another scheme, a user or password (attack A60), a path, query, fragment or escape.
    """
    scheme = url.partition("://")[0]
    if scheme not in {"http", "https", "unix"}:
        raise _refused("the engine URL has an unknown scheme")
    if scheme == "unix":
        return _unix(url)
    match = _WEB.fullmatch(url)
    if match is None:
        user = "@" in url.partition("://")[2].partition("/")[0]
        raise _refused(
            "the engine URL carries a user or password" if user else "the engine URL is more than a host and a port"
        )
    return _web("https" if scheme == "https" else "http", match[2], match[3])


def _web(scheme: Scheme, host: str, port: str | None) -> Address:
    if host.startswith("["):
        try:
            host = ipaddress.IPv6Address(host[1:-1]).compressed
        except ValueError as e:
            raise _refused("the engine URL has no IPv6 address between its brackets") from e
    number = int(port) if port is not None else _PORTS[scheme]
    if not 0 < number <= _MAX_PORT:
        raise _refused("the engine URL has an impossible port")
    return Address(scheme, host, number, "")


def _unix(url: str) -> Address:
    match = _UNIX.fullmatch(url)
    if match is None:
        raise _refused("the engine URL names no absolute path of a socket")
    if len(match[1]) > MAX_SOCKET_PATH:
        raise _refused(f"the path of the engine's socket is over {MAX_SOCKET_PATH} characters")
    return Address("unix", "", 0, match[1])


def _refused(message: str) -> BspecError:
    return BAD_URL.error(message, hint=_HINT)


def check_decision_path(path: str) -> str:
    """The path of a rule below ``/v1/data/``, such as ``bspec/gate/decision``.

    Raises:
        UsageError: anything that a server could read as another path (attack A26).
    """
    if not _PATH.fullmatch(path):
        raise BAD_PATH.error(f"{path[:80]!r} is no path of a rule", hint="write it like bspec/gate/decision")
    return path


def check_bundle_name(name: str) -> str:
    """The name under which a server has the bundle.

    Raises:
        UsageError: no such name.
    """
    if not _NAME.fullmatch(name):
        raise BAD_PATH.error(f"{name[:80]!r} is no name of a bundle", hint="write it like bspec")
    return name
