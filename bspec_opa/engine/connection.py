"""The one connection of a transport: opened within the deadline, kept while both sides agree where replies end.

``requests`` and ``urllib3`` speak HTTP over it, but choose neither the address nor the authorities.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
from typing import TYPE_CHECKING, Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from bspec_opa.engine.deadline import Deadline, PlainSocket, TlsSocket, resolve

if TYPE_CHECKING:
    import ssl

    from bspec_opa.engine.address import Address
    from bspec_opa.engine.deadline import AddressInfo, Resolver


class Dialler:
    """Opens connections to one address, within the deadline."""

    def __init__(self, address: Address, resolver: Resolver) -> None:
        self.deadline = Deadline()
        self.current: PlainSocket | TlsSocket | None = None
        self.owner: HTTPConnection | None = None
        self._address = address
        self._resolver = resolver

    @property
    def surplus(self) -> bool:
        """Whether more than the last reply has come already."""
        return self.current is not None and self.current.surplus

    def hang_up(self) -> None:
        """Close the current connection, whatever in the libraries still refers to it."""
        if self.current is not None and self.current.fileno() >= 0:
            os.close(self.current.detach())
        if self.owner is not None:
            self.owner.close()  # urllib3 puts it back as soon as a body was read, and opens it again when it is closed.
        self.current = self.owner = None

    def dial(self) -> PlainSocket:
        """A connected socket. Every address gets an equal share of the time, so that a dead one leaves some.

        Raises:
            OSError: nobody answers, at none of the host's addresses.
        """
        failure = OSError("no address")
        targets = self._targets()
        for position, (family, kind, protocol, _, where) in enumerate(targets):
            connection = PlainSocket(family, kind, protocol)
            connection.deadline = self.deadline
            try:
                connection.settimeout(self.deadline.remaining() / (len(targets) - position))
                connection.connect(where)
                if family is not socket.AF_UNIX:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(self.deadline.remaining())
            except OSError as e:
                connection.close()
                failure = e
            else:
                self.current = connection
                return connection
        raise failure

    def _targets(self) -> list[AddressInfo]:
        if self._address.scheme != "unix":
            return resolve(self._address.host, self._address.port, self.deadline, self._resolver)
        path = self._address.path
        where = "\0" + path[1:] if path.startswith("@") else path
        return [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", where)]


class _Ear(io.BufferedReader):
    """Hears one reply. When it is closed, it looks once, without waiting, whether more has come than the reply."""

    heard: PlainSocket | TlsSocket

    def close(self) -> None:
        if not self.closed:
            self.heard.surplus = self._more()
        super().close()

    def _more(self) -> bool:
        try:
            self.heard.patient = False
            return bool(self.peek(1))
        except (OSError, ValueError):
            return False  # Nothing has come; a connection that broke is found when it is used again.
        finally:
            self.heard.patient = True


class _Response(http.client.HTTPResponse):
    def __init__(self, connection: socket.socket, *positional: Any, **named: Any) -> None:
        super().__init__(connection, *positional, **named)
        ear = _Ear(self.fp.detach())
        ear.heard = cast("PlainSocket | TlsSocket", connection)
        self.fp = ear


class _Plain(HTTPConnection):
    response_class = _Response

    def __init__(self, *positional: Any, dialler: Dialler, **named: Any) -> None:
        super().__init__(*positional, **named)
        self._dialler = dialler

    def _new_conn(self) -> socket.socket:
        return _dialled(self, self._dialler)


class _Tls(_Plain, HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        assert isinstance(self.sock, TlsSocket)  # noqa: S101 - tls_context makes no others
        self.sock.deadline = self._dialler.deadline
        self._dialler.current = self.sock


def _dialled(connection: HTTPConnection, dialler: Dialler) -> socket.socket:
    dialler.owner = connection
    try:
        return dialler.dial()
    except TimeoutError:
        raise
    except OSError as e:
        raise NewConnectionError(connection, "nobody answers") from e


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class Adapter(HTTPAdapter):
    """Sends everything over one connection, whatever ``requests`` would have chosen.

    It is used without a ``Session``: that would read the body of a redirect, without any limit and decompressed, even
    if redirects are not followed (requests 2.34, ``Session.send``; attack A62).

    Args:
        address: of the server.
        dialler: opens the connection.
        context: for https; holds authorities and client certificate.
    """

    def __init__(self, address: Address, dialler: Dialler, context: ssl.SSLContext | None) -> None:
        super().__init__(max_retries=0)
        self._pool: HTTPConnectionPool = (
            _TlsPool(address.host, address.port, maxsize=1, dialler=dialler, ssl_context=context)
            if address.scheme == "https"
            else _PlainPool(address.host or "localhost", address.port or 80, maxsize=1, dialler=dialler)
        )

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        """The one pool."""
        return self._pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """The pool's TLS context has all that counts; ``requests`` would add its own authorities."""

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()
        super().close()
