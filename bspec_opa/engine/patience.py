"""For many requests: an engine that isn't there is not asked again and again.

A server that hangs costs each intent the whole deadline, and one that is down is down for all of them. So after some
such failures in a row the last one is repeated instead of the question. One alone is forgiven: it may be about one
request, and so is whatever the engine says (a bad reply, an undefined decision).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.engine.interface import Closing
from bspec_opa.engine.reasons import ENDED, TIMEOUT, TLS, UNREACHABLE
from bspec_opa.foundation.errors import EngineError

if TYPE_CHECKING:
    from bspec_opa.engine.interface import Answer, OpenEngine
    from bspec_opa.foundation.canonical import JsonObject

GONE = frozenset({UNREACHABLE.code, TLS.code, ENDED.code, TIMEOUT.code})
"""Failures of the connection or the program itself."""
FAILURES = 3
"""So many in a row are the engine's fault and not the requests'."""


class Patient(Closing):
    """Asks an engine until it is known to be gone.

    Args:
        engine: the caller's; it is not closed here.
    """

    def __init__(self, engine: OpenEngine) -> None:
        self._engine = engine
        self._gone: EngineError | None = None
        self._failed = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """The engine's."""
        return self._engine.notes

    def decide(self, request: JsonObject) -> Answer:
        """As the engine's.

        Raises:
            EngineError: as the engine, or as it did before.
            TrustError: as the engine.
        """
        if self._gone is not None:
            raise self._gone.with_traceback(None)  # or it would grow by a frame each time
        try:
            answer = self._engine.decide(request)
        except EngineError as e:
            self._failed = self._failed + 1 if e.code in GONE else 0
            if self._failed == FAILURES:
                self._gone = e
            raise
        self._failed = 0
        return answer

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
