"""HTTP to one server and to no other, through ``requests``: nothing from the environment, no redirects, no cookies.

Every exception of ``requests``, ``urllib3``, ``http.client``, ``ssl`` and ``socket`` ends here, and none of them is
kept as a cause: a server could echo a credential into their texts (attack A71).
"""

from __future__ import annotations

import errno
import http.client
import os
import socket
import ssl
import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from bspec_opa.engine.deadline import Deadline, PlainSocket, TlsSocket, resolve, system_resolver
from bspec_opa.engine.reasons import BAD_REPLY, TIMEOUT, TLS, TOO_LARGE, UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from urllib3 import HTTPResponse

    from bspec_opa.engine.address import Address
    from bspec_opa.engine.deadline import AddressInfo, Resolver
    from bspec_opa.foundation.errors import BspecError

FOREIGN = (requests.RequestException, HTTPError, http.client.HTTPException, OSError, ValueError)
PAUSES_S = (0.05, 0.2)
"""Waits before another try, if nothing was sent because nobody listened."""
_STEP = 64 * 1024
_NOBODY = frozenset({errno.ECONNREFUSED, errno.ENOENT, errno.EAGAIN})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server sent: status, media type without parameters in lower case, undecoded body."""

    status: int
    media_type: str
    body: bytes


class Dialler:
    """Opens connections to one address, within the deadline."""

    def __init__(self, address: Address, resolver: Resolver) -> None:
        self.deadline = Deadline()
        self.current: socket.socket | None = None
        self._address = address
        self._resolver = resolver

    def hang_up(self) -> None:
        """Close the current connection, whatever in the libraries still refers to it."""
        if self.current is not None and self.current.fileno() >= 0:
            os.close(self.current.detach())
        self.current = None

    def dial(self) -> PlainSocket:
        """A connected socket.

        Raises:
            OSError: nobody answers, at none of the host's addresses.
        """
        failure = OSError("no address")
        for family, kind, protocol, _, where in self._targets():
            connection = PlainSocket(family, kind, protocol)
            connection.deadline = self.deadline
            try:
                connection.connect(where)
                if family is not socket.AF_UNIX:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as e:
                connection.close()
                failure = e
            else:
                connection.settimeout(self.deadline.remaining())
                self.current = connection
                return connection
        raise failure

    def _targets(self) -> list[AddressInfo]:
        if self._address.scheme != "unix":
            return resolve(self._address.host, self._address.port, self.deadline, self._resolver)
        path = self._address.path
        where = "\0" + path[1:] if path.startswith("@") else path
        return [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", where)]


class _Plain(HTTPConnection):
    def __init__(self, *positional: Any, dialler: Dialler, **named: Any) -> None:
        super().__init__(*positional, **named)
        self._dialler = dialler

    def _new_conn(self) -> socket.socket:
        return _dialled(self, self._dialler)


class _Tls(HTTPSConnection):
    def __init__(self, *positional: Any, dialler: Dialler, **named: Any) -> None:
        super().__init__(*positional, **named)
        self._dialler = dialler

    def _new_conn(self) -> socket.socket:
        return _dialled(self, self._dialler)

    def connect(self) -> None:
        super().connect()
        assert isinstance(self.sock, TlsSocket)  # noqa: S101 - tls_context makes no others
        self.sock.deadline = self._dialler.deadline
        self._dialler.current = self.sock


def _dialled(connection: HTTPConnection, dialler: Dialler) -> socket.socket:
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


class _Adapter(HTTPAdapter):
    """Sends everything through one pool of one connection, whatever ``requests`` would have chosen."""

    def __init__(self, pool: HTTPConnectionPool) -> None:
        super().__init__(max_retries=0)
        self._pool = pool

    def get_connection_with_tls_context(self, *_: Any, **__: Any) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """The pool's TLS context has all that counts; ``requests`` would add its own authorities."""

    def close(self) -> None:
        self._pool.close()
        super().close()


class Transport:
    """POSTs to one server; for one thread at a time.

    Args:
        address: of the server.
        context: for https; holds authorities and client certificate.
        deadline_s: seconds for one exchange, repetitions included.
        reply_bytes: the longest reply.
        resolver: gives a host's addresses.
        pause: waits.
    """

    def __init__(
        self,
        address: Address,
        *,
        context: ssl.SSLContext | None,
        deadline_s: float,
        reply_bytes: int,
        resolver: Resolver = system_resolver,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = address
        self._deadline_s = deadline_s
        self._reply_bytes = reply_bytes
        self._pause = pause
        self._dialler = Dialler(address, resolver)
        self._session = _session(address, _Adapter(_pool(address, self._dialler, context)))

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send a body and read the whole reply.

        Raises:
            EngineError: unreachable, broken, too slow, too large, untrusted.
        """
        self._dialler.deadline.start(self._deadline_s)
        request = requests.Request("POST", self._address.base + path, data=body, headers=dict(headers))
        pauses = iter(PAUSES_S)
        while True:
            try:
                return self._exchange(request)
            except FOREIGN as e:
                self._dialler.hang_up()
                pause = next(pauses, None) if _nobody_listens(e) else None
                if pause is None:
                    raise self._why(e) from None
            self._pause(pause)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _exchange(self, request: requests.Request) -> Reply:
        prepared = self._session.prepare_request(request)
        response = self._session.send(prepared, stream=True, allow_redirects=False, timeout=None)
        raw: HTTPResponse = response.raw
        try:
            body = self._body(raw)
        except BaseException:
            raw.close()
            raise
        raw.release_conn()
        media_type = raw.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Reply(raw.status, media_type, body)

    def _body(self, raw: HTTPResponse) -> bytes:
        if raw.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise BAD_REPLY.error(f"{self._address} sent a compressed reply that nobody asked for")
        body = bytearray()
        while block := raw.read(_STEP, decode_content=False):
            body += block
            if len(body) > self._reply_bytes:
                raise TOO_LARGE.error(f"{self._address} sent more than {self._reply_bytes} bytes")
        return bytes(body)

    def _why(self, error: Exception) -> BspecError:
        causes = list(_causes(error))
        if any(isinstance(e, TimeoutError) for e in causes):
            return TIMEOUT.error(f"{self._address} gave no whole answer within {self._deadline_s:g} s")
        broken = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
        for e in causes:
            if isinstance(e, ssl.SSLError) and not isinstance(e, broken):
                return TLS.error(f"no trusted connection to {self._address}: {_tls_words(e)}")
        if any(isinstance(e, NewConnectionError) for e in causes):
            words = next((os.strerror(n) for n in map(_errno, causes) if n), "no such host")
            return UNREACHABLE.error(f"{self._address} can't be reached: {words}", hint="start OPA there")
        return UNREACHABLE.error(f"the connection to {self._address} broke in the middle")


def _pool(address: Address, dialler: Dialler, context: ssl.SSLContext | None) -> HTTPConnectionPool:
    if address.scheme != "https":
        return _PlainPool(address.host or "localhost", address.port or 80, maxsize=1, dialler=dialler)
    return _TlsPool(address.host, address.port, maxsize=1, dialler=dialler, ssl_context=context)


def _session(address: Address, adapter: _Adapter) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    session.headers.update({"User-Agent": "bspec-opa", "Accept": "application/json", "Accept-Encoding": "identity"})
    session.adapters.clear()
    session.mount(address.base, adapter)
    return session


def _nobody_listens(error: Exception) -> bool:
    """Whether nothing was sent because there was nobody to send it to."""
    causes = list(_causes(error))
    return any(isinstance(e, NewConnectionError) for e in causes) and any(_errno(e) in _NOBODY for e in causes)


def _errno(error: BaseException) -> int:
    """The system's number for an error, 0 if it has none; name resolution has numbers of its own."""
    return (error.errno or 0) if isinstance(error, OSError) and not isinstance(error, socket.gaierror) else 0


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it wraps, however its library wraps."""
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        if isinstance(item, BaseException) and id(item) not in seen:
            seen.add(id(item))
            yield item
            pending += [*item.args, getattr(item, "reason", None), item.__context__, item.__cause__]


def _tls_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return {62: "the certificate is for another host", 64: "the certificate is for another address"}.get(
            error.verify_code, "the certificate is not signed by a known authority, or not valid now"
        )
    return (error.reason or "handshake failed").replace("_", " ").lower()
