"""The entries of a catalog: what tools, models and components exist, as an organisation's curators reviewed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.binding.model import BoundModel
from bspec_opa.foundation.digest import digest_json

if TYPE_CHECKING:
    from bspec_opa.binding.importers.interface import Contract
    from bspec_opa.binding.model import Artifact, Operation
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest

ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Release:
    """One release of a tool; operations are sorted by name."""

    version: str
    status: str
    artifact: Artifact | None
    contract: Contract
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """A server or an API."""

    id: str
    class_: str
    publisher: str
    trusted: bool
    releases: tuple[Release, ...]

    def entry_json(self, release: Release) -> JsonObject:
        """Everything about one release but its life cycle: it changes when what was reviewed changes."""
        return {
            "kind": "tool",
            "id": self.id,
            "class": self.class_,
            "publisher": self.publisher,
            "trusted": self.trusted,
            "release": release.version,
            "artifact": [release.artifact.to_json()] if release.artifact else [],
            "contract": {"kind": release.contract.kind, "digest": release.contract.digest},
            "operations": [o.to_json() for o in release.operations],
        }

    def entry_digest(self, release: Release) -> Digest:
        """Of :meth:`entry_json`."""
        return digest_json(self.entry_json(release))


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """One identity of a model class.

    Attributes:
        class_: the model class that it serves.
        provider: who runs it.
        id: what the provider calls it; never an alias.
        kind: hf-commit, oci-digest, oms-root or vendor-snapshot.
        preview: whether the provider calls it a preview.
        immutability: ``content`` if a digest fixes it, ``provider-asserted`` if only the provider's word does.
        digest: of its content.
        region: where it runs.
        bom: digest of its bill of materials.
        signature: digest of its signature.
        status: active, deprecated, yanked or retired.
        aliases: names that the provider may point elsewhere.
        retires_unix: when the provider stops it.
    """

    class_: str
    provider: str
    id: str
    kind: str
    preview: bool
    immutability: str
    digest: Digest | None
    region: str | None
    bom: Digest | None
    signature: Digest | None
    status: str
    aliases: tuple[str, ...]
    retires_unix: int | None

    def bound(self) -> BoundModel:
        """What a binding keeps of it."""
        return BoundModel(
            class_=self.class_,
            provider=self.provider,
            identity=self.id,
            kind=self.kind,
            preview=self.preview,
            immutability=self.immutability,
            digest=self.digest,
            region=self.region,
            bom=self.bom,
            signature=self.signature,
        )

    def entry_json(self) -> JsonObject:
        """Everything but its life cycle and its aliases."""
        return {"kind": "model", "entry": self.bound().to_json()}

    def entry_digest(self) -> Digest:
        """Of :meth:`entry_json`."""
        return digest_json(self.entry_json())


@dataclass(frozen=True, slots=True)
class Catalog:
    """A loaded catalog.

    Attributes:
        name: what messages call it.
        tools: sorted by id.
        models: identities sorted by class, provider, id and region.
        components: paths by component id.
        digest: of the document and of what it imported.
    """

    name: str
    tools: tuple[ToolEntry, ...]
    models: tuple[ModelIdentity, ...]
    components: tuple[tuple[str, str], ...]
    digest: Digest
