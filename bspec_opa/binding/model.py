"""The binding: exactly which models, tools and components an intent was resolved to.

In JSON a part that may be missing is a list of none or one, as in the OPA input. What a binding digests to is the
same for everybody: the digest is over the RFC 8785 form, and lists are sorted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import digest_json

if TYPE_CHECKING:
    from bspec_opa.binding.importers.interface import Contract, Hints
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest

BINDING_SCHEMA_NAME = "bspec.binding/v1"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a release: its name, the least privilege that using it takes, and the publisher's hints."""

    name: str
    privilege_floor: str
    hints: Hints

    def to_json(self) -> JsonObject:
        """As in a binding."""
        return {"name": self.name, "privilege_floor": self.privilege_floor, "hints": self.hints.to_json()}


@dataclass(frozen=True, slots=True)
class Artifact:
    """What is installed: a package URL and, where the registry has one, the digest of its bytes."""

    purl: str
    digest: Digest | None

    def to_json(self) -> JsonObject:
        """As in a binding."""
        return {"purl": self.purl, "digest": listed(self.digest)}


@dataclass(frozen=True, slots=True)
class BoundModel:
    """The one identity that serves a model class; members as in :class:`~bspec_opa.binding.entries.ModelIdentity`."""

    class_: str
    provider: str
    identity: str
    kind: str
    preview: bool
    immutability: str
    digest: Digest | None
    region: str | None
    bom: Digest | None
    signature: Digest | None

    def to_json(self) -> JsonObject:
        """As the lock has it."""
        return {
            "class": self.class_,
            "provider": self.provider,
            "identity": self.identity,
            "kind": self.kind,
            "preview": self.preview,
            "immutability": self.immutability,
            "digest": listed(self.digest),
            "region": listed(self.region),
            "bom": listed(self.bom),
            "signature": listed(self.signature),
        }


@dataclass(frozen=True, slots=True)
class BoundTool:
    """One release of a tool.

    Attributes:
        id: as in the intent.
        publisher: who publishes it.
        trusted: whether the publisher's hints were believed.
        release: the exact release.
        range: what the intent asked for when it was resolved.
        artifact: what is installed, if anything is.
        contract: all operations of the release, whether declared or not.
        operations: the declared ones, sorted by name.
    """

    id: str
    publisher: str
    trusted: bool
    release: str
    range: str
    artifact: Artifact | None
    contract: Contract
    operations: tuple[Operation, ...]

    def to_json(self) -> JsonObject:
        """As the lock has it."""
        return {
            "id": self.id,
            "publisher": self.publisher,
            "trusted": self.trusted,
            "release": self.release,
            "range": self.range,
            "artifact": [self.artifact.to_json()] if self.artifact else [],
            "contract": {
                "kind": self.contract.kind,
                "digest": self.contract.digest,
                "document": self.contract.document,
            },
            "operations": [o.to_json() for o in self.operations],
        }


@dataclass(frozen=True, slots=True)
class BoundComponent:
    """A component and the digest of its content."""

    id: str
    digest: Digest

    def to_json(self) -> JsonObject:
        """As the lock has it."""
        return {"id": self.id, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class UsedEntry:
    """The digest of a catalog entry as it was read; ``kind`` is tool or model, ``id`` a tool's id or a model class."""

    kind: str
    id: str
    digest: Digest

    def to_json(self) -> JsonObject:
        """As the lock has it."""
        return {"kind": self.kind, "id": self.id, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class BoundArtifact:
    """Something bound whose content has a digest; ``kind`` is model, tool or component."""

    kind: str
    id: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Binding:
    """Everything that an intent was resolved to.

    Attributes:
        models: sorted by class.
        tools: sorted by id.
        components: sorted by id.
        entries: sorted by kind and id.
    """

    models: tuple[BoundModel, ...]
    tools: tuple[BoundTool, ...]
    components: tuple[BoundComponent, ...]
    entries: tuple[UsedEntry, ...]

    def to_json(self) -> JsonObject:
        """``bspec.binding/v1``, as the lock has it."""
        return {
            "schema": BINDING_SCHEMA_NAME,
            "models": [m.to_json() for m in self.models],
            "tools": [t.to_json() for t in self.tools],
            "components": [c.to_json() for c in self.components],
            "entries": [e.to_json() for e in self.entries],
        }

    @property
    def digest(self) -> Digest:
        """The binding digest that submits, approvals, evidence and lock lines name."""
        return digest_json(self.to_json())

    def artifacts(self) -> tuple[BoundArtifact, ...]:
        """What can be checked by content, for the subjects of a lock line: sorted by kind and id."""
        components = [BoundArtifact("component", c.id, c.digest) for c in self.components]
        models = [BoundArtifact("model", m.class_, m.digest) for m in self.models if m.digest]
        tools = [BoundArtifact("tool", t.id, t.artifact.digest) for t in self.tools if t.artifact and t.artifact.digest]
        return (*components, *models, *tools)


def listed(value: str | None) -> list[JsonValue]:
    """An optional part as a list of none or one."""
    return [] if value is None else [value]
