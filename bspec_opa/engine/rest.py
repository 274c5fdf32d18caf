"""An OPA server over its REST API: https://www.openpolicyagent.org/docs/latest/rest-api/.

The reply is trusted for nothing but being a reply: status, media type, members and provenance are exact, or there
is no answer.
"""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING

from bspec_opa.engine.address import check_bundle_name, check_decision_path, parse_address
from bspec_opa.engine.credentials import Credentials, check_use, exposed, read_token, tls_context
from bspec_opa.engine.deadline import system_resolver
from bspec_opa.engine.interface import DECISION_PATH, Answer, Closing, EngineFacts, Kind
from bspec_opa.engine.reasons import (
    BAD_PROVENANCE,
    BAD_REPLY,
    BAD_STATUS,
    CLOSED,
    WARNING,
)
from bspec_opa.engine.stale import UNNAMED, stale_bundle
from bspec_opa.engine.transport import Transport
from bspec_opa.engine.wire import parse_reply, require_defined, wire_json
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.limits import ENGINE_DEADLINE_S, MAX_REPLY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.engine.deadline import Resolver
    from bspec_opa.engine.transport import Reply
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

OK, BAD_REQUEST, UNAUTHORIZED = 200, 400, 401
QUERY = "strict-builtin-errors=true&provenance=true"
MEMBERS = frozenset({"result", "decision_id", "provenance", "metrics"})
"""Members of a reply; any other means something that we don't know, and ``warning`` is one that we do."""
ERROR_CODES = frozenset(
    {
        "internal_error",
        "evaluation_error",
        "unauthorized",
        "invalid_parameter",
        "invalid_operation",
        "resource_not_found",
        "resource_conflict",
        "undefined_document",
    }
)
"""OPA's own words for what went wrong; nothing else of an error reply is repeated."""
# As OPA writes it. It is recorded, so there must be no room in it for anything else, such as an echoed token (A71).
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}(?:-[a-z]{1,10}(?:\.?[0-9]{1,3})?)?")


class RestEngine(Closing):
    """Decides by asking a server. Threads take turns; the connection is kept.

    Args:
        url: ``http(s)://host[:port]`` or ``unix:///path``.
        revision: the only bundle revision whose answer counts.
        bundle_name: under which the server has the bundle.
        ca: the authorities that may sign the server's certificate, PEM.
        cert: our certificate, PEM.
        key: its private key, PEM without a passphrase; may be in ``cert``.
        token_file: holds a bearer token.
        deadline_s: seconds for one decision, connection included.
        decision_path: the rule to ask for.
        kind: how the answer calls the engine; ``managed`` if the server is our own child.
        exported: what ``bundle export`` calls the bundle, for a remedy.
        resolver: gives a host's addresses.

    Raises:
        UsageError: a URL, name, path or file that can't be used.
    """

    def __init__(
        self,
        url: str,
        *,
        revision: str,
        bundle_name: str = "bspec",
        ca: Path | None = None,
        cert: Path | None = None,
        key: Path | None = None,
        token_file: Path | None = None,
        deadline_s: float = ENGINE_DEADLINE_S,
        decision_path: str = DECISION_PATH,
        kind: Kind = "rest",
        exported: str = UNNAMED,
        resolver: Resolver = system_resolver,
    ) -> None:
        self._address = parse_address(url)
        self._credentials = Credentials(ca, cert, key, token_file)
        check_use(self._credentials, self._address)
        self._revision = revision
        self._bundle_name = check_bundle_name(bundle_name)
        self._path = f"/v1/data/{check_decision_path(decision_path)}?{QUERY}"
        self._kind = kind
        self._exported = exported
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._closed = False
        self._transport = Transport(
            self._address,
            context=tls_context(self._credentials) if self._address.scheme == "https" else None,
            deadline_s=deadline_s,
            reply_bytes=MAX_REPLY_BYTES,
            credentials=self._credentials,
            resolver=resolver,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """A connection that proves nothing of the server; secrets that everybody here may read."""
        told = [
            f"{path} is a secret, and every user of this machine may read it" for path in exposed(self._credentials)
        ]
        if self._address.scheme == "http" and not self._address.local:
            told.append(f"{self._address} is not https: anybody on the way can answer in its place")
        return tuple(told)

    def decide(self, request: JsonObject) -> Answer:
        """Put one request to the server.

        Raises:
            EngineError: no usable answer.
            TrustError: another bundle revision decided.
        """
        body = b'{"input":' + wire_json(request) + b"}"
        headers = {"Content-Type": "application/json"}
        if self._credentials.token_file is not None:
            headers["Authorization"] = f"Bearer {read_token(self._credentials.token_file)}"
        with self._lock:
            if self._closed or os.getpid() != self._process:
                raise CLOSED.error(f"the connection to {self._address} is closed, or of another process")
            reply = self._transport.post(self._path, body, headers)
        return self._read(reply)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._closed = True
            self._transport.close()

    def _read(self, reply: Reply) -> Answer:
        who = str(self._address)
        if reply.status != OK:
            raise self._bad_status(reply)
        if reply.media_type != "application/json":
            raise BAD_REPLY.error(f"{who} answered with something that is not application/json")
        members = parse_reply(reply.body, who)
        if not isinstance(members, dict):
            raise BAD_REPLY.error(f"{who} answered with no JSON object")
        if "warning" in members:
            raise WARNING.error(f"{who} answered with a warning")
        if not members.keys() <= MEMBERS:
            raise BAD_REPLY.error(f"{who} answered with members that are not in OPA's API")
        self._refuse_stale(members.get("provenance"))
        decision = require_defined(members.get("result"), who)
        version = self._check_provenance(members.get("provenance"))
        return Answer(decision, (EngineFacts(self._kind, version, self._revision, None, "echoed"),))

    def _bad_status(self, reply: Reply) -> BspecError:
        code = _opa_code(reply)
        message, hint = f"{self._address} answered with HTTP status {reply.status}{code}", ""
        if reply.status == UNAUTHORIZED:
            why, hint = self._unauthorized()
            message += f": {why}"
        elif reply.status == BAD_REQUEST and self._address.scheme == "http" and not code:
            hint = "perhaps it demands https"  # Go's words for it are no JSON, and other servers have others.
        return BAD_STATUS.error(message, hint=hint)

    def _unauthorized(self) -> tuple[str, str]:
        if self._credentials.token_file is None:
            return "no engine.token_file was given", "give one, or look at the server's system.authz"
        other = " or our certificate (engine.cert)" if self._credentials.cert is not None else ""
        return f"the token in engine.token_file{other} was refused", "look at the server's system.authz"

    def _refuse_stale(self, provenance: JsonValue) -> None:
        """Say first that the bundle is another one: it explains everything that may be wrong besides."""
        bundles = provenance.get("bundles") if isinstance(provenance, dict) else None
        bundle = bundles.get(self._bundle_name) if isinstance(bundles, dict) else None
        revision = bundle.get("revision") if isinstance(bundle, dict) else None
        if isinstance(revision, str) and revision != self._revision:
            what = f"revision of the bundle {self._bundle_name}"
            raise stale_bundle(str(self._address), what, revision, self._revision, exported=self._exported)

    def _check_provenance(self, provenance: JsonValue) -> str:
        """OPA's version, if the reply says that exactly our bundle decided."""
        if isinstance(provenance, dict):
            version = provenance.get("version")
            exact = provenance.get("bundles") == {self._bundle_name: {"revision": self._revision}}
            if exact and isinstance(version, str) and _VERSION.fullmatch(version):
                return version
        raise BAD_PROVENANCE.error(
            f"{self._address} doesn't say that the bundle {self._bundle_name}, and no other, decided",
            hint="load the bundle under that name and nothing beside it, or set engine.bundle_name",
        )


def _opa_code(reply: Reply) -> str:
    """OPA's error code in brackets, if it is one that we know."""
    if reply.media_type != "application/json":
        return ""
    try:
        members = parse_reply(reply.body, "")
    except BspecError:
        return ""
    code = members.get("code") if isinstance(members, dict) else None
    return f" ({code})" if isinstance(code, str) and code in ERROR_CODES else ""
