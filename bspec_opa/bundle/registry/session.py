"""The HTTP under the registry client: to named hosts only, bounded, nothing from the environment, redirects by hand.

The ``oras`` package speaks the protocol; what it lets through is decided here. Its own session would follow redirects
with our credentials, take proxies and logins from variables and files, and read replies of any size.
"""

from __future__ import annotations

import re
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from bspec_opa.bundle.registry.cutting import Cutter
from bspec_opa.bundle.registry.reasons import (
    BAD_REPLY,
    ELSEWHERE,
    TOO_LARGE,
    UNREACHABLE,
    UNTRUSTED,
)
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES, MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

CONNECT_S, SILENCE_S, WHOLE_S, TOTAL_S = 10.0, 30.0, 300.0, 600.0
"""Seconds to connect, without a byte, for one exchange, and for all that a command does with a registry."""
MAX_REPLY_BYTES = 4 * MIB
MAX_REDIRECTS = 3
_BLOB = re.compile(r"/blobs/sha256:[0-9a-f]{64}\Z")
_STEP = 64 * 1024
_ERRORS = 500
REFUSALS = frozenset({401, 403})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Session(requests.Session):
    """A session for one registry.

    Args:
        host: the registry.
        scheme: http or https.
        also: other hosts it may send us to; always https.
        clock: seconds that only go forward.

    Attributes:
        refused: the status with which we were last refused, 0 if never.
    """

    def __init__(
        self,
        host: str,
        scheme: str,
        also: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.refused = 0
        self.headers.update({"User-Agent": "bspec-opa", "Accept-Encoding": "identity"})
        self._origin = f"{scheme}://{host}"
        self._allowed = frozenset({self._origin, *(f"https://{h}" for h in also)})
        guard = _Guard(self._require_allowed, clock)
        self.mount("https://", guard)
        self.mount("http://", guard)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """One exchange; a redirect of a download is followed to named hosts, without credentials."""
        address = url if isinstance(url, str) else url.decode()
        self._require_allowed(address)
        response = super().request(method, address, *args, **{**options, "allow_redirects": False})
        for _ in range(MAX_REDIRECTS):
            if response.status_code not in _REDIRECTS:
                self.refused = response.status_code if response.status_code in REFUSALS else self.refused
                return response
            address = urljoin(address, response.headers.get("Location", ""))
            self._require_allowed(address)
            if method not in {"GET", "HEAD"}:
                break
            headers = {k: v for k, v in (options.get("headers") or {}).items() if k.lower() != "authorization"}
            again = {**options, "headers": headers, "allow_redirects": False}
            response = super().request(method, address, *args, **again)
        raise BAD_REPLY.error(f"{self._origin} sends us round and round", hint="look at its configuration")

    def _require_allowed(self, url: str) -> None:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._allowed:
            shown = f"{parts.scheme}://{parts.hostname or ''}"[:120]
            hint = "if that is the registry's own storage or token service, name it with --also-host"
            raise ELSEWHERE.error(f"{self._origin} sends us to {shown}, which was not named", hint=hint)


class _Guard(HTTPAdapter):
    """Reads every reply whole, within its bounds, before anybody looks at it."""

    def __init__(self, allowed: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._cutter = Cutter()
        super().__init__(max_retries=0)
        self._allowed = allowed
        self._clock = clock
        self._total = clock() + TOTAL_S

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As the base class; every connection can be cut."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._cutter.pools()

    def close(self) -> None:
        """As the base class."""
        super().close()
        self._cutter.close()

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Send one request, and read the reply.

        Raises:
            BspecError: it can't be reached, is not trusted, is too slow or says too much.
        """
        url = str(request.url)
        self._allowed(url)
        host = urlsplit(url).netloc
        now = self._clock()
        until = min(now + WHOLE_S, self._total)
        options |= {"stream": True, "timeout": (CONNECT_S, SILENCE_S), "proxies": None}
        try:
            with self._cutter.within(until - now):
                response = super().send(request, **options)
                response._content = self._body(response, url, until)  # noqa: SLF001 - so that nobody reads on without a bound
        except BspecError:
            raise
        except (requests.RequestException, HTTPError, OSError) as e:
            raise (self._late(host, until) if self._cutter.fired else _why(e, host)) from None
        if self._cutter.fired:  # what was cut short may look like an end
            raise self._late(host, until)
        if response.status_code >= _ERRORS:
            raise BAD_REPLY.error(f"{host} answered with HTTP status {response.status_code}", hint="look at its log")
        return response

    def _body(self, response: requests.Response, url: str, until: float) -> bytes:
        limit = MAX_BUNDLE_BYTES if _BLOB.search(urlsplit(url).path) else MAX_REPLY_BYTES
        body = bytearray()
        while block := response.raw.read1(_STEP, decode_content=False):
            body += block
            if len(body) > limit:
                response.close()
                raise TOO_LARGE.error(f"{urlsplit(url).netloc} sent more than {limit} bytes")
            if self._clock() > until:
                response.close()
                raise self._late(urlsplit(url).netloc, until)
        response.close()
        return bytes(body)

    def _late(self, host: str, until: float) -> BspecError:
        if until == self._total:
            return UNREACHABLE.error(f"{host} is too slow: not done within {TOTAL_S:g} s", hint="look at its load")
        return UNREACHABLE.error(f"{host} gave no whole answer within {WHOLE_S:g} s")


def _why(error: Exception, host: str) -> BspecError:
    """Never the library's own text: a server could echo a password into it (attack A71)."""
    causes: list[BaseException] = []
    pending: list[object] = [error]
    while pending:
        item = pending.pop()
        if isinstance(item, BaseException) and item not in causes:
            causes.append(item)
            pending += [*item.args, getattr(item, "reason", None), item.__context__, item.__cause__]
    if any(isinstance(c, ssl.SSLCertVerificationError) for c in causes):
        why = next(c.verify_message for c in causes if isinstance(c, ssl.SSLCertVerificationError))
        return UNTRUSTED.error(f"no trusted connection to {host}: {why}", hint="name its authority with --ca")
    if any(isinstance(c, ssl.SSLError) for c in causes):
        return UNREACHABLE.error(f"{host} does not speak TLS", hint="on this machine --plain-http is for that")
    if any(isinstance(c, TimeoutError | requests.Timeout) for c in causes):
        return UNREACHABLE.error(f"{host} gave no answer within {SILENCE_S:g} s")
    words = next((c.strerror for c in causes if isinstance(c, OSError) and c.errno and c.strerror), "it broke off")
    return UNREACHABLE.error(f"{host} can't be reached: {words}", hint="check host and port")
