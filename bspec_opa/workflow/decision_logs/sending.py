"""Sends an event of the decision log to a collector, as OPA's ``decision_logs`` service does: gzipped, in an array."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from bspec_opa.engine.address import parse_address
from bspec_opa.engine.credentials import Credentials, check_use, read_token, tls_context
from bspec_opa.engine.transport import Transport
from bspec_opa.foundation.errors import BspecError, EngineError
from bspec_opa.foundation.limits import KIB
from bspec_opa.workflow.reasons import LOG_SETTINGS, LOG_UNSENT

if TYPE_CHECKING:
    from bspec_opa.workflow.checkout.config import Config

PATH = "/logs"
URL, CA, TOKEN_FILE = "decision_log.url", "decision_log.ca", "decision_log.token_file"
MAX_REPLY_BYTES = 64 * KIB
_OK = range(200, 300)
_HINT = "a decision that can't be logged is not taken; mend it, or unset decision_log.url"


def send_event(url: str, event: bytes, config: Config) -> None:
    """POST one event to ``url`` + ``/logs``, and wait until it was taken.

    Raises:
        UsageError: a URL, CA or token that can't be used.
        StoreError: it was not taken within the deadline.
    """
    try:
        address = parse_address(url)
        credentials = Credentials(ca=config.path(CA), token_file=config.path(TOKEN_FILE))
        check_use(credentials, address)
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        if credentials.token_file is not None:
            headers["Authorization"] = f"Bearer {read_token(credentials.token_file)}"
        context = tls_context(credentials) if address.scheme == "https" else None
    except BspecError as e:
        problem = e.problems[0]
        raise LOG_SETTINGS.error(_ours(problem.message), hint=_ours(problem.hint), at=problem.location) from None
    transport = Transport(
        address, context=context, deadline_s=config.deadline_s, reply_bytes=MAX_REPLY_BYTES, credentials=credentials
    )
    try:
        status = transport.post(PATH, gzip.compress(b"[" + event + b"]", mtime=0), headers).status
    except EngineError as e:
        raise LOG_UNSENT.error(f"no event can be sent: {_ours(e.problems[0].message)}", hint=_HINT) from None
    finally:
        transport.close()
    if status not in _OK:
        raise LOG_UNSENT.error(f"{address} did not take the event: HTTP status {status}", hint=_HINT)


def _ours(text: str) -> str:
    """The engines' words for what is the same here, under the names that it has here."""
    return text.replace("the engine URL", URL).replace("engine.", "decision_log.")
