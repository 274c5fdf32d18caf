"""For many requests: an engine that isn't there is not asked again and again.

A refused connection is refused for the next intent, too, and a server that hangs costs each of them the whole
deadline. So the failure is repeated instead of the question. What the engine says about one request (a bad reply,
an undefined decision) is never held against the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from bspec_opa.engine.reasons import ENDED, TIMEOUT, TLS, UNREACHABLE
from bspec_opa.foundation.errors import EngineError

if TYPE_CHECKING:
    from types import TracebackType

    from bspec_opa.engine.interface import Answer, OpenEngine
    from bspec_opa.foundation.canonical import JsonObject

GONE = frozenset({UNREACHABLE.code, TLS.code, ENDED.code})
"""Failures of the connection or the program itself, whatever was asked."""
TIMEOUTS = 3
"""So many in a row are the engine's fault and not the requests'."""


class Patient:
    """Asks an engine until it is known to be gone.

    Args:
        engine: the caller's; it is not closed here.
    """

    def __init__(self, engine: OpenEngine) -> None:
        self._engine = engine
        self._gone: EngineError | None = None
        self._late = 0

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
            raise self._gone
        try:
            answer = self._engine.decide(request)
        except EngineError as e:
            self._late = self._late + 1 if e.code == TIMEOUT.code else 0
            if e.code in GONE or self._late == TIMEOUTS:
                self._gone = e
            raise
        self._late = 0
        return answer

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
