"""Reading catalogs: whole, or refused with all problems and their lines.

Documents that a catalog names are imported at once, so that resolution reads nothing but components.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from bspec_opa.binding.catalog_models import model_identities
from bspec_opa.binding.catalog_schema import catalog_schema
from bspec_opa.binding.catalog_tools import ToolBuilder
from bspec_opa.binding.entries import Catalog
from bspec_opa.binding.findings import Findings, objects
from bspec_opa.binding.reasons import BAD_CATALOG
from bspec_opa.foundation.closed_schema import escape
from bspec_opa.foundation.digest import digest_json
from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import error_of
from bspec_opa.foundation.shape import shape_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}\Z")


def load_catalog(data: bytes, name: str, read_document: Callable[[str], bytes]) -> Catalog:
    """A catalog with the documents that it names.

    Args:
        data: ``bspec.catalog/v1`` in the YAML subset or JSON.
        name: what messages call the file.
        read_document: gives the bytes of a document by its path, which is relative to the catalog and stays
            below its directory.

    Raises:
        InvalidInputError: all problems of the catalog and of its documents.
    """
    document = load_document(data, name)
    problems = _shape_problems(document)
    if problems:
        raise error_of(problems)
    value = cast("JsonObject", document.value)
    findings = Findings(document)
    catalog = _build(value, name, findings, ToolBuilder(findings, read_document))
    if findings.problems:
        raise error_of(findings.problems)
    return catalog


def catalog_digest(catalogs: Iterable[Catalog]) -> Digest:
    """One digest of all catalogs, whatever their order and file names."""
    digests: list[JsonValue] = [*sorted(c.digest for c in catalogs)]
    return digest_json(digests)


def _shape_problems(document: Document) -> list[Problem]:
    components = document.value.get("components") if isinstance(document.value, dict) else None
    ids = [*components] if isinstance(components, dict) else []
    problems = shape_problems(catalog_schema(ids), document, BAD_CATALOG)
    for bad in ids:
        if not _ID.match(bad):
            at = document.locate(f"/components/{escape(bad)}", key=True)
            problems.append(BAD_CATALOG.problem(f"component id {bad[:60]!r} has another form than [a-z0-9._-]", at=at))
    return problems


def _build(value: JsonObject, name: str, findings: Findings, builder: ToolBuilder) -> Catalog:
    tools = [builder.tool(t, f"/tools/{i}") for i, t in enumerate(objects(value, "tools"))]
    findings.refuse_twins("/tools", [t.id for t in tools], "tool")
    models = model_identities(findings, objects(value, "models"))
    components = cast("dict[str, dict[str, str]]", value.get("components", {}))
    for component, entry in components.items():
        findings.check_path(entry["path"], f"/components/{component}/path")
    imported: list[JsonValue] = [[path, digest] for path, digest in sorted(builder.imported.items())]
    return Catalog(
        name=name,
        tools=tuple(sorted(tools, key=lambda t: t.id)),
        models=tuple(sorted(models, key=lambda m: (m.class_, m.provider, m.id, m.region or ""))),
        components=tuple(sorted((c, e["path"]) for c, e in components.items())),
        digest=digest_json([value, imported]),
    )
