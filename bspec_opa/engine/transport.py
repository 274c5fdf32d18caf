"""HTTP to one server and to no other, through ``requests``: nothing from the environment, no redirects, no cookies.

Every exception of ``requests``, ``urllib3``, ``http.client``, ``ssl`` and ``socket`` ends here, and none of them is
kept as a cause: a server could echo a credential into their texts (attack A71).

What is tried again, and what never
    Only a connection that could not be opened because nobody listens (refused, no such socket file, or its queue of
    callers is full) is tried again, at most ``len(PAUSES_S)`` times and within the deadline: not one byte of the
    request has left, so it was surely not evaluated. A kept connection is looked at before it is used; if the server
    has closed it or has sent anything unasked, another one is opened before the request is sent, which is no
    repetition either.

    As soon as the first byte of a request was handed to the system nothing is tried again: a connection that ends
    without a reply looks the same whether the server never read the request, or evaluated it and died. A handshake
    that failed is not tried again because it would fail again.

What is kept
    A connection is used again only after a whole reply with status 200 behind which nothing more had come. After
    anything else client and server may disagree about where the next reply begins.
"""

from __future__ import annotations

import errno
import http.client
import os
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from bspec_opa.engine.connection import Adapter, Dialler
from bspec_opa.engine.credentials import Credentials
from bspec_opa.engine.deadline import system_resolver
from bspec_opa.engine.reasons import BAD_REPLY, TIMEOUT, TOO_LARGE, UNREACHABLE
from bspec_opa.engine.tls_failure import tls_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from urllib3 import HTTPResponse

    from bspec_opa.engine.address import Address
    from bspec_opa.engine.deadline import Resolver
    from bspec_opa.foundation.errors import BspecError

FOREIGN = (requests.RequestException, HTTPError, http.client.HTTPException, OSError, ValueError)
PAUSES_S = (0.05, 0.2)
"""Waits before another try, if nothing was sent because nobody listened."""
HEADERS = {"User-Agent": "bspec-opa", "Accept": "application/json", "Accept-Encoding": "identity"}
_OK = 200
_STEP = 64 * 1024
_NOBODY = frozenset({errno.ECONNREFUSED, errno.ENOENT, errno.EAGAIN})
_NO_FILES = Credentials()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server sent: status, media type without parameters in lower case, undecoded body."""

    status: int
    media_type: str
    body: bytes


class Transport:
    """POSTs to one server; for one thread at a time.

    Args:
        address: of the server.
        context: for https; holds authorities and client certificate.
        deadline_s: seconds for one exchange, repetitions included.
        reply_bytes: the longest reply.
        credentials: which of them ``context`` was made of, for messages.
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
        credentials: Credentials = _NO_FILES,
        resolver: Resolver = system_resolver,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = address
        self._deadline_s = deadline_s
        self._reply_bytes = reply_bytes
        self._credentials = credentials
        self._pause = pause
        self._dialler = Dialler(address, resolver)
        self._adapter = Adapter(address, self._dialler, context)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send a body and read the whole reply.

        Raises:
            EngineError: unreachable, broken, too slow, too large, untrusted.
        """
        self._dialler.deadline.start(self._deadline_s)
        request = requests.Request("POST", self._address.base + path, data=body, headers={**HEADERS, **headers})
        prepared = request.prepare()
        pauses = iter(PAUSES_S)
        while True:
            try:
                return self._exchange(prepared)
            except FOREIGN as e:
                self._dialler.hang_up()
                pause = next(pauses, None) if _nobody_listens(e) else None
                if pause is None or not self._dialler.deadline.leaves(pause):
                    raise self._why(e) from None
            self._pause(pause)

    def close(self) -> None:
        """Close the connection."""
        self._adapter.close()

    def _exchange(self, prepared: requests.PreparedRequest) -> Reply:
        raw: HTTPResponse = self._adapter.send(prepared, stream=True, timeout=None).raw
        keep = False
        try:
            body = self._body(raw)
            if self._dialler.surplus:
                raise BAD_REPLY.error(f"{self._address} sent more than its reply")
            keep = raw.status == _OK
        finally:
            if not keep:
                raw.close()
                self._dialler.hang_up()
        media_type = raw.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Reply(raw.status, media_type, body)

    def _body(self, raw: HTTPResponse) -> bytes:
        if raw.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise BAD_REPLY.error(f"{self._address} sent a compressed reply that nobody asked for")
        if "Content-Length" in raw.headers and "Transfer-Encoding" in raw.headers:  # RFC 9112, section 6.3
            raise BAD_REPLY.error(f"{self._address} says in two ways how long its reply is")
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
                return tls_failure(e, self._address, self._credentials)
        if any(isinstance(e, NewConnectionError) for e in causes):
            words = next((os.strerror(n) for n in map(_errno, causes) if n), "no such host")
            return UNREACHABLE.error(f"{self._address} can't be reached: {words}", hint="start OPA there")
        hint = f"look at the server's log{self._guess()}"
        return UNREACHABLE.error(f"the connection to {self._address} broke in the middle", hint=hint)

    def _guess(self) -> str:
        """Why a server may hang up that has given no reason, or whose reason was lost with the connection."""
        if self._address.scheme == "unix":
            return ""
        if self._address.scheme == "http":
            return "; perhaps it demands https"
        if self._credentials.cert is not None:
            return "; perhaps it refuses our certificate (engine.cert)"
        return "; perhaps it demands a client certificate (engine.cert)"


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
