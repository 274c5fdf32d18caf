"""One total deadline over name resolution, connection, handshake, request and reply (attack A61).

Library timeouts start anew with every byte. Here every single operation on the socket gets what is left of the
whole, so that a server which drips is cut off as well as one that hangs.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

AddressInfo = tuple[Any, ...]
"""As :func:`socket.getaddrinfo` gives them: family, kind, protocol, name, address."""
Resolver = Callable[[str, int], Sequence[AddressInfo]]
"""Gives a host's addresses."""


class Deadline:
    """A point in time that moves with each exchange."""

    def __init__(self) -> None:
        self._until = 0.0

    def start(self, seconds: float) -> None:
        """From now on so many seconds are left."""
        self._until = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left.

        Raises:
            TimeoutError: none.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the total deadline has passed")
        return left

    def leaves(self, seconds: float) -> bool:
        """Whether something can still be done after so many seconds."""
        return time.monotonic() + seconds < self._until


class PlainSocket(socket.socket):
    """A socket whose every operation but ``connect`` ends at the deadline.

    Attributes:
        deadline: of every operation.
        patient: whether reading waits.
        surplus: whether bytes had come behind the last reply when it had been read.
    """

    deadline: Deadline
    patient = True
    surplus = False

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """As the base class, within the deadline."""
        self.settimeout(self.deadline.remaining())
        super().sendall(data, flags)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """As the base class, within the deadline."""
        self.settimeout(self.deadline.remaining() if self.patient else 0)
        return super().recv_into(buffer, nbytes, flags)


def reason_of(error: ssl.SSLError) -> str:
    """OpenSSL's reason, such as ``TLSV1_ALERT_UNKNOWN_CA``; empty without one.

    In which form Python has it depends on the versions of both: "tlsv1 alert unknown ca" is the same.
    """
    return (getattr(error, "reason", None) or "").upper().replace(" ", "_")


class TlsSocket(ssl.SSLSocket):
    """The same over TLS. The handshake runs before ``deadline`` is set, under the plain socket's timeout."""

    deadline: Deadline
    patient = True
    surplus = False

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """As the base class, within the deadline.

        A server that wants another certificate says so and hangs up while we still send: TLS 1.3 has no round for it.
        """
        self.settimeout(self.deadline.remaining())
        try:
            return super().send(data, flags)
        except (ssl.SSLEOFError, ConnectionError) as e:
            raise self._last_words() or e from None

    def _last_words(self) -> ssl.SSLError | None:
        """The alert that the server sent before it hung up, if there is one; nothing is waited for."""
        try:
            self.settimeout(0)
            super().recv(1)
        except ssl.SSLError as e:
            return e if "ALERT" in reason_of(e) else None
        except OSError:
            return None
        return None

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        """As the base class, within the deadline."""
        self.settimeout(self.deadline.remaining() if self.patient else 0)
        return super().recv_into(buffer, nbytes, flags)


def system_resolver(host: str, port: int) -> Sequence[AddressInfo]:
    """The addresses of a host by the system's resolver."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def resolve(host: str, port: int, deadline: Deadline, resolver: Resolver) -> list[AddressInfo]:
    """The addresses of a host, waiting no longer than the deadline.

    The system's resolver can't be interrupted: one that hangs is left behind in its own thread.

    Raises:
        TimeoutError: no answer in time.
        OSError: no such host.
    """
    found: list[AddressInfo] = []
    failed: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            found.extend(resolver(host, port))
        except (OSError, UnicodeError) as e:
            failed.append(e)

    thread = threading.Thread(target=ask, name="bspec-opa-resolver", daemon=True)
    thread.start()
    thread.join(deadline.remaining())
    if thread.is_alive():
        raise TimeoutError("name resolution took longer than the deadline")
    if failed or not found:
        raise OSError("no such host") from (failed[0] if failed else None)
    return found
