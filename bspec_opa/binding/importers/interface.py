"""What an importer makes of a foreign document: a contract, the canonical description of a tool's operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from bspec_opa.foundation.digest import digest_json

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest

NAMES_ONLY = "/names-only"
"""Ends the kind of a contract that doesn't describe what at least one operation takes."""
PRIVILEGES = ("none", "read", "write", "execute", "admin")
"""From least to most."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What a publisher says about an operation; the defaults are those of the MCP specification.

    Attributes:
        read_only: it changes nothing.
        destructive: it may destroy, if it changes something.
        idempotent: to repeat it changes nothing further.
        open_world: it reaches parties outside.
    """

    read_only: bool = False
    destructive: bool = True
    idempotent: bool = False
    open_world: bool = True

    def to_json(self) -> JsonObject:
        """With the protocol's names."""
        return {
            "readOnlyHint": self.read_only,
            "destructiveHint": self.destructive,
            "idempotentHint": self.idempotent,
            "openWorldHint": self.open_world,
        }

    @classmethod
    def of(cls, value: JsonObject) -> Hints:
        """From the form of :meth:`to_json`, whose members may be missing."""
        known = cast("dict[str, bool]", value)
        return cls(
            known.get("readOnlyHint", False),
            known.get("destructiveHint", True),
            known.get("idempotentHint", False),
            known.get("openWorldHint", True),
        )


@dataclass(frozen=True, slots=True)
class Contract:
    """The description of all operations of one release.

    Attributes:
        kind: the importer's name, with ``/names-only`` if a description of inputs is missing.
        document: ``{"tools": [{name, description, annotations, inputSchema?, outputSchema?}]}``, sorted by name.
    """

    kind: str
    document: JsonObject

    @property
    def digest(self) -> Digest:
        """Of the document."""
        return digest_json(self.document)

    @property
    def hints(self) -> dict[str, Hints]:
        """By operation."""
        tools = cast("list[JsonObject]", self.document["tools"])
        return {str(t["name"]): Hints.of(cast("JsonObject", t["annotations"])) for t in tools}


class Importer(Protocol):
    """Reads one foreign format. It is pure; the caller reads and parses the file."""

    name: str

    def contract(self, value: JsonValue) -> Contract:
        """The contract in a parsed document; a contract's own document gives the same contract again.

        Raises:
            InvalidInputError: it is not of this format, incomplete, empty or ambiguous.
        """
        ...


def default_floor(hints: Hints, *, trusted: bool) -> str:
    """The least privilege that using an operation takes: hints lower it only for a trusted publisher."""
    return "read" if hints.read_only and trusted else "write"
