"""What every policy engine is to the rest: a request goes in, what was said comes out, with who said it.

An engine judges nothing. It refuses (by raising) whatever disqualifies an answer in transport; reading the
decision is the gate's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self

if TYPE_CHECKING:
    from types import TracebackType

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest

DECISION_PATH = "bspec/gate/decision"
"""The one rule that is ever asked for."""

Kind = Literal["embedded", "rest", "managed"]
Provenance = Literal["measured", "echoed"]


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """Which engine answered, on which policy.

    Attributes:
        kind: what it is.
        version: ``wasmtime-<x>`` of the embedded engine, OPA's own version otherwise.
        revision: of the policy bundle.
        bundle_digest: of the bundle's bytes, where they are known.
        provenance: ``measured`` if the bytes that decided are the ones given to the engine, ``echoed`` if a
            server only says so.
    """

    kind: Kind
    version: str
    revision: str
    bundle_digest: Digest | None
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and by whom.

    Attributes:
        decision: parsed strictly, otherwise unread.
        facts: one item for each engine that decided.
    """

    decision: JsonValue
    facts: tuple[EngineFacts, ...]


class Engine(Protocol):
    """Decides."""

    def decide(self, request: JsonObject) -> Answer:
        """Put one request (``bspec.input/v1``) to the policy.

        Raises:
            EngineError: no usable answer.
            TrustError: the answer comes from another policy revision than expected.
        """
        ...


class OpenEngine(Engine, Protocol):
    """An engine that holds something which has to be given back; all of ours are."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know and what changes no decision, such as a cache that can't be used."""
        ...

    def close(self) -> None:
        """Give everything back; may be called again."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Closing:
    """What every engine of ours does in a ``with`` statement."""

    def close(self) -> None:
        """Give everything back; may be called again."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
