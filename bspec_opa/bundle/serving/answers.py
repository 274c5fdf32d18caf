"""Answers requests: bundles, health and metrics, and nothing else."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from bspec_opa.bundle.serving.limits import CHUNK
from bspec_opa.bundle.serving.log import Event
from bspec_opa.bundle.serving.metrics import MEDIA_TYPE, NO_BUNDLE
from bspec_opa.bundle.serving.requests import bundle_name, knows, wanted_wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bspec_opa.bundle.serving.edition import Edition, Shelf
    from bspec_opa.bundle.serving.limits import Limits
    from bspec_opa.bundle.serving.log import Log
    from bspec_opa.bundle.serving.metrics import Metrics
    from bspec_opa.bundle.serving.tokens import Tokens

    Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

GZIP = "application/gzip"
LONG_POLLING = "application/vnd.openpolicyagent.bundles"
"""Tells an OPA that it may wait here: it then asks again at once, and no longer at intervals of its own."""
JSON = "application/json"
METHODS = ("GET", "HEAD")
RETRY_S = "5"
_HEADERS = {"Server": "bspec-opa", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


@dataclass
class Answers:
    """One server's answers.

    Attributes:
        shelf: what is served.
        metrics: what is counted.
        limits: what a client may take.
        log: for bugs.
        clock: Unix seconds.
        tokens: who is let in; None lets everybody in.
    """

    shelf: Shelf
    metrics: Metrics
    limits: Limits
    log: Log
    clock: Callable[[], int]
    tokens: Tokens | None = None
    _polls: int = field(default=0, init=False)

    async def everything(self, request: web.BaseRequest) -> web.StreamResponse:
        """Bundles, health and metrics; health is for everybody."""
        return await self._safely(self._everything, request)

    async def diagnostics(self, request: web.BaseRequest) -> web.StreamResponse:
        """Health and metrics alone, for everybody: on an address that only they reach who may know."""
        return await self._safely(self._diagnostics, request)

    async def _everything(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        name = bundle_name(path)
        known = name if name is not None and self.shelf.knows(name) else NO_BUNDLE
        response = _refusal(request) or (self._health() if path == "/health" else self._stranger(request))
        if response is None and path == "/metrics":
            response = self._metrics()
        if response is None:
            return await self._bundle(request, known)
        return self._counted(response, NO_BUNDLE)

    async def _diagnostics(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        pages = {"/health": self._health, "/metrics": self._metrics}
        return _refusal(request) or (pages[path]() if path in pages else _plain(HTTPStatus.NOT_FOUND))

    def _stranger(self, request: web.BaseRequest) -> web.Response | None:
        given = request.headers.get("Authorization", "")
        if self.tokens is None or self.tokens.admits(given):
            return None
        error = ', error="invalid_token"' if given else ""
        challenge = f'Bearer realm="bspec-opa"{error}'
        return _plain(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": challenge})

    def _health(self) -> web.Response:
        editions = self.shelf.editions.values()
        ready = self.shelf.ready
        text = json.dumps({"ready": ready, "bundles": len(editions), "loaded": sum(e is not None for e in editions)})
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.Response(text=text + "\n", status=status, content_type=JSON, headers=_HEADERS)

    def _metrics(self) -> web.Response:
        return web.Response(body=self.metrics.render(), headers=_HEADERS | {"Content-Type": MEDIA_TYPE})

    async def _bundle(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        if name == NO_BUNDLE:
            return self._counted(_plain(HTTPStatus.NOT_FOUND), NO_BUNDLE)
        etags = ",".join(request.headers.getall("If-None-Match", ()))
        wait = wanted_wait(",".join(request.headers.getall("Prefer", ())))
        if wait and request.method == "GET" and not await self._waited(name, etags, wait):
            busy = _plain(HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": RETRY_S})
            return self._counted(busy, name)
        edition = self.shelf.current(name)
        if edition is None:
            # Known, and never good so far: whoever asks comes again, where a 404 might make him give up.
            return self._counted(_plain(HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": RETRY_S}), name)
        if knows(etags, edition):
            not_modified = web.Response(status=HTTPStatus.NOT_MODIFIED, headers=_HEADERS | {"ETag": edition.etag})
            return self._counted(not_modified, name)
        return await self._send(request, name, edition, LONG_POLLING if wait else GZIP)

    async def _waited(self, name: str, etags: str, wait: float) -> bool:
        """Wait until there is something new for the client; False if too many wait already."""
        edition = self.shelf.current(name)
        if edition is None or not knows(etags, edition):
            return True
        if self._polls >= self.limits.polls:
            return False
        self._polls += 1
        gauge = self.metrics.polls.labels(name)
        try:
            with gauge.track_inprogress():
                await self.shelf.wait(name, lambda e: knows(etags, e), min(wait, self.limits.wait_s))
        finally:
            self._polls -= 1
        return True

    async def _send(self, request: web.BaseRequest, name: str, edition: Edition, media_type: str) -> web.StreamResponse:
        """The archive in parts, each once the client has taken the one before; a client that stops is let go."""
        headers = {"ETag": edition.etag, "Vary": "Prefer", "Bspec-Revision": edition.revision}
        response = web.StreamResponse(headers=_HEADERS | headers | {"Content-Type": media_type})
        response.content_length = len(edition.archive)
        self.metrics.requests.labels(name, str(response.status)).inc()
        archive = memoryview(edition.archive)
        try:
            async with asyncio.timeout(self.limits.send_s):
                await response.prepare(request)
                for start in range(0, len(archive) if request.method == "GET" else 0, CHUNK):
                    await response.write(archive[start : start + CHUNK])
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        return response

    def _counted(self, response: web.Response, name: str) -> web.Response:
        self.metrics.requests.labels(name, str(response.status)).inc()
        return response

    async def _safely(self, handler: Handler, request: web.BaseRequest) -> web.StreamResponse:
        """A bug ends one request, and nothing of it goes to the client."""
        try:
            return await handler(request)
        except ConnectionError:
            raise  # The client has left.
        except Exception as e:  # noqa: BLE001 - the outermost frame of a request
            self.log(Event("failed", self.clock(), message=f"{type(e).__name__}: {e}"))
            return self._counted(_closing(_plain(HTTPStatus.INTERNAL_SERVER_ERROR)), NO_BUNDLE)


def _refusal(request: web.BaseRequest) -> web.Response | None:
    """Whatever is asked for, nobody may write, or send a body."""
    if request.method not in METHODS:
        return _closing(_plain(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": ", ".join(METHODS)}))
    if request.can_read_body:
        return _closing(_plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE))
    return None


def _closing(response: web.Response) -> web.Response:
    """The connection ends with this answer: what else the client sends is never read."""
    response.force_close()
    return response


def _plain(status: HTTPStatus, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=f"{status.phrase}\n", status=status, headers=_HEADERS | (headers or {}))
