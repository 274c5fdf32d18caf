"""What lies where in a bundle, and the digests over it; builder and reader share them.

``rules_digest`` covers the authors' Rego and the schemas, ``data_digest`` an organisation's data, ``revision`` both
with the contract and the OPA version. No digest contains itself: ``bspec.build`` is outside both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.bundle.contract.decision import DECISION_CONTRACT
from bspec_opa.foundation.digest import digest_json, digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest

MANIFEST = ".manifest"
SIGNATURES = ".signatures.json"
PATCH = "patch.json"
INDEX = "index.json"
WASM = "policy.wasm"
ORGANISATION_DATA = "bspec/org/data.json"
BUILD_DATA = "bspec/build/data.json"
RULES = "bspec/rules/"
SCHEMAS = ("schemas/build.json", "schemas/input.json", "schemas/org.json")
GATE = "bspec/gate/gate.rego"
SHAPE = "bspec/gate/shape/shape.rego"
GENERATED = (GATE, SHAPE)
ROOT = "bspec"


def rules_digest_of(files: Mapping[str, bytes]) -> Digest:
    """The digest of the authors' Rego and the schemas among a bundle's files."""
    named = sorted(n for n in files if (n.endswith(".rego") and n not in GENERATED) or n in SCHEMAS)
    listed: list[JsonValue] = [[n, digest_of(files[n])] for n in named]
    return digest_json(listed)


@dataclass(frozen=True, slots=True)
class BaseRef:
    """A bundle that another one was composed on."""

    revision: Digest
    digest: Digest

    def to_json(self) -> JsonObject:
        """The member of a bundle's index."""
        return {"revision": self.revision, "digest": self.digest}


def data_digest_of(organisation: JsonObject) -> Digest:
    """The digest of the data document without ``bspec.build``."""
    return digest_json({"bspec": {"org": organisation}})


def revision_of(rules_digest: Digest, data_digest: Digest, opa_version: str) -> Digest:
    """What identifies rules and data together."""
    return digest_json(
        {
            "rules_digest": rules_digest,
            "data_digest": data_digest,
            "contract": DECISION_CONTRACT,
            "opa_version": opa_version,
        }
    )


def manifest(revision: Digest) -> JsonObject:
    """OPA's manifest; without a ``wasm`` entry, so that OPA itself evaluates the Rego."""
    return {"revision": revision, "roots": [ROOT], "rego_version": 1}
