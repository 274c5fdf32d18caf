"""The shape of ``bspec.catalog/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.binding.importers.interface import PRIVILEGES
from bspec_opa.binding.importers.mcp_tools import OPERATION_PATTERN
from bspec_opa.binding.importers.registry import IMPORTERS
from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, TIME, array, boolean, enum, obj, string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject

CATALOG_SCHEMA_NAME = "bspec.catalog/v1"
STATUSES = ("active", "deprecated", "yanked", "retired")
MODEL_KINDS = ("hf-commit", "oci-digest", "oms-root", "vendor-snapshot")
IMMUTABILITIES = ("content", "provider-asserted")

VERSION = string(maximum=200)
IDENTITY = string(maximum=400)
OPERATION = string(pattern=OPERATION_PATTERN, maximum=200)
REGION = string(pattern="^[a-z0-9][a-z0-9._-]*$", maximum=200)
_PATH = string(minimum=1, maximum=400)
_MANY = 10_000

_RELEASE = obj(
    {
        "status": enum(*STATUSES),
        "document": obj(importer=enum(*sorted(IMPORTERS)), path=_PATH),
        "artifact": obj({"digest": DIGEST}, purl=IDENTITY),
        "operations": array(obj(name=OPERATION, privilege_floor=enum(*PRIVILEGES)), maximum=_MANY),
    },
    version=VERSION,
)
_TOOL = obj(
    {"trusted": boolean()},
    id=IDENTIFIER,
    class_=IDENTIFIER,
    publisher=IDENTIFIER,
    releases=array(_RELEASE, minimum=1, maximum=_MANY),
)
_IDENTITY = obj(
    {
        "digest": DIGEST,
        "region": REGION,
        "bom": DIGEST,
        "signature": DIGEST,
        "status": enum(*STATUSES),
        "aliases": array(IDENTITY, maximum=_MANY),
        "retires_at": TIME,
    },
    provider=IDENTIFIER,
    id=IDENTITY,
    kind=enum(*MODEL_KINDS),
    preview=boolean(),
    immutability=enum(*IMMUTABILITIES),
)
_MODEL = obj(class_=IDENTIFIER, identities=array(_IDENTITY, minimum=1, maximum=_MANY))
_COMPONENT = obj(path=_PATH)


def catalog_schema(component_ids: Iterable[str]) -> JsonObject:
    """The closed schema of a catalog with these components; closed schemas have no maps with free keys."""
    return obj(
        {
            "tools": array(_TOOL, maximum=_MANY),
            "models": array(_MODEL, maximum=_MANY),
            "components": obj(dict.fromkeys(component_ids, _COMPONENT)),
        },
        schema=enum(CATALOG_SCHEMA_NAME),
    )
