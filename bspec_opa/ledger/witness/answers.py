"""Answers a witness's requests: ``POST /add-checkpoint``, health and metrics, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from bspec_opa.bundle.serving.metrics import MEDIA_TYPE
from bspec_opa.foundation.errors import BspecError
from bspec_opa.ledger.witness.cosignature import sign_cosignature
from bspec_opa.ledger.witness.judging import Judgement, judge
from bspec_opa.ledger.witness.log import Event
from bspec_opa.ledger.witness.request import MAX_REQUEST_BYTES, PATH, SIZE_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bspec_opa.bundle.serving.tokens import Tokens
    from bspec_opa.ledger.checkpoint import Checkpoint, Signer
    from bspec_opa.ledger.witness.log import Log
    from bspec_opa.ledger.witness.metrics import Metrics
    from bspec_opa.ledger.witness.state import WitnessState
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.witnesses import Witness

BODY_S = 10.0
"""Seconds that a client has to send its whole request in."""
_HEADERS = {"Server": "bspec-opa", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass
class Answers:
    """One witness's answers.

    Attributes:
        witness: its name and public key.
        signer: its key.
        logs: the keys of each log that it witnesses, by origin.
        state: what it remembers.
        metrics: what is counted.
        log: gets one event for each thing that happens.
        clock: Unix seconds.
        tokens: who is let in; None lets everybody in.
    """

    witness: Witness
    signer: Signer
    logs: Mapping[str, Sequence[PublicKey]]
    state: WitnessState
    metrics: Metrics
    log: Log
    clock: Callable[[], int]
    tokens: Tokens | None = None
    _one: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """One answer; a bug ends one request, and nothing of it goes to the client."""
        try:
            response = await self._answer(request)
        except ConnectionError:
            raise  # The client has left.
        except Exception as e:  # noqa: BLE001 - the outermost frame of a request
            response = self._failed("", f"{type(e).__name__}: {e}")
        self.metrics.requests.labels(str(response.status)).inc()
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        path = request.raw_path.partition("?")[0]
        pages = {"/health": self._health, "/metrics": self._metrics}
        if path not in {PATH, *pages}:
            return _closing(_plain(HTTPStatus.NOT_FOUND))
        method = "POST" if path == PATH else "GET"
        if request.method != method:
            return _closing(_plain(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": method}))
        if path != "/health" and self._stranger(request):
            return _closing(_plain(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": 'Bearer realm="bspec-opa"'}))
        if path in pages:
            return _closing(pages[path]()) if request.can_read_body else pages[path]()
        body = await _body(request)
        return _closing(_plain(body)) if isinstance(body, HTTPStatus) else await self._judged(body)

    def _stranger(self, request: web.BaseRequest) -> bool:
        return self.tokens is not None and not self.tokens.admits(request.headers.get("Authorization", ""))

    def _health(self) -> web.Response:
        return web.Response(text="ok\n", headers=_HEADERS)

    def _metrics(self) -> web.Response:
        self.metrics.know(self.state.known)
        return web.Response(body=self.metrics.render(), headers=_HEADERS | {"Content-Type": MEDIA_TYPE})

    async def _judged(self, body: bytes) -> web.Response:
        """Compare, keep and cosign, one request after the other: the comparison must hold until it is kept."""
        # A client that leaves must not stop it in the middle, nor let the next one in before it has ended.
        return await asyncio.shield(asyncio.ensure_future(self._in_turn(body)))

    async def _in_turn(self, body: bytes) -> web.Response:
        async with self._one:
            return await asyncio.to_thread(self._decide, body)

    def _decide(self, body: bytes) -> web.Response:
        try:
            judgement = judge(body, self.logs, self.state.known, self.witness)
            if judgement.checkpoint is not None:
                return self._cosign(judgement.checkpoint)
        except BspecError as e:
            return self._failed(e.code, e.problems[0].message)
        return self._refused(judgement)

    def _cosign(self, checkpoint: Checkpoint) -> web.Response:
        at = self.clock()
        line = sign_cosignature(checkpoint, self.witness.name, self.signer, at)
        own = tuple(s for s in checkpoint.signatures if s.name == checkpoint.origin)
        self.state.keep(replace(checkpoint, signatures=(*own, line)))
        self.log(Event("cosigned", at, origin=checkpoint.origin, size=checkpoint.size))
        return web.Response(text=f"{line.line()}\n", content_type="text/plain", headers=_HEADERS)

    def _refused(self, judgement: Judgement) -> web.Response:
        if judgement.misbehaviour:
            self.metrics.misbehaved.labels(judgement.origin).inc()
            message = f"the log has signed {judgement.misbehaviour}"
            self.log(Event("misbehaved", self.clock(), origin=judgement.origin, message=message))
        if judgement.unproven:
            self.metrics.unproven.labels(judgement.origin).inc()
            self.log(Event("unproven", self.clock(), origin=judgement.origin, message=judgement.unproven))
        if judgement.status == HTTPStatus.CONFLICT:
            headers = _HEADERS | {"Content-Type": SIZE_TYPE}
            return web.Response(body=f"{judgement.size}\n".encode(), status=judgement.status, headers=headers)
        return _plain(judgement.status)

    def _failed(self, code: str, message: str) -> web.Response:
        self.log(Event("failed", self.clock(), code=code, message=message))
        return _closing(_plain(HTTPStatus.INTERNAL_SERVER_ERROR))


async def _body(request: web.BaseRequest) -> bytes | HTTPStatus:
    """The request's bytes, or what is answered to one that is too large, encoded or too slow."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if (request.content_length or 0) > MAX_REQUEST_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for block in request.content.iter_any():
                body += block
                if len(body) > MAX_REQUEST_BYTES:
                    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    except TimeoutError:
        return HTTPStatus.REQUEST_TIMEOUT
    return bytes(body)


def _closing(response: web.Response) -> web.Response:
    """The connection ends with this answer: what else the client sends is never read."""
    response.force_close()
    return response


def _plain(status: HTTPStatus, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=f"{status.phrase}\n", status=status, headers=_HEADERS | (headers or {}))
