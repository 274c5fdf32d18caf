"""A small billing agent for tests: its intent, a catalog, the documents that the catalog names.

    resolve(intent(), [catalog()], components)     # the binding of it all

``changed(text, old, new)`` replaces something that stands in a text exactly once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bspec_opa.binding.catalog import load_catalog
from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.reasons import UNREADABLE
from bspec_opa.intent.load import LoadedIntent, load_intent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.binding.entries import Catalog
    from bspec_opa.foundation.canonical import JsonObject

WEIGHTS = digest_of(b"weights")
PACKAGE = digest_of(b"package")

INTENT = """\
schema: behavior.intent/v1
metadata: {id: billing-support, version: 1.0.0, owner: team:support}
purpose: Answer customers' questions about their own invoices.
risk: {tier: high, exposure: customer}
scope:
  in:
    - {id: explain-invoices, statement: Explain line items, actions: [read:invoice]}
  out:
    - {id: refunds, statement: Issue or promise refunds, actions: [write:refund]}
tools:
  - id: search
    class: knowledge
    version: ==2026-05
    privilege: read
    operations: ["*"]
    serves: [explain-invoices]
  - id: billing_read_api
    class: finance
    version: ">=2.0,<3"
    privilege: read
    operations: [list_invoices, get_invoice]
    serves: [explain-invoices]
models:
  routing: fallback
  classes:
    - {id: large, role: primary, providers: [acme], regions: [eu]}
    - {id: small, role: fallback}
components:
  - {id: system-prompt, kind: prompt}
  - {id: skills, kind: skill}
constraints:
  data: {max: confidential, categories: [], residency: [eu]}
  memory: {policy: session}
  logging: {level: full, retention_days: 365, redact: []}
  network: {egress: none}
promotion:
  staging:
    approvals: [{role: environment-admin, count: 1}]
    evidence:
      - {question: boundary, method: functional, min_cases: 50, min_pass_bp: 9800}
      - {question: privilege, method: functional, min_cases: 50, min_pass_bp: 9800}
      - {question: constraint, method: functional, min_cases: 50, min_pass_bp: 9800}
"""

CATALOG = f"""\
schema: bspec.catalog/v1
tools:
  - id: billing_read_api
    class: finance
    publisher: acme
    trusted: true
    releases:
      - version: 2.4.0
        document: {{importer: mcp-tools, path: documents/billing.json}}
        artifact: {{purl: pkg:oci/billing@2.4.0, digest: "{PACKAGE}"}}
        operations:
          - {{name: export_invoices, privilege_floor: execute}}
      - version: 2.10.0
        status: deprecated
        document: {{importer: mcp-tools, path: documents/billing.json}}
      - version: 1.9.0
        operations: [{{name: list_invoices, privilege_floor: read}}]
  - id: search
    class: knowledge
    publisher: example
    releases:
      - version: 2026-05
        operations:
          - {{name: query, privilege_floor: write}}
          - {{name: purge, privilege_floor: admin}}
models:
  - class: large
    identities:
      - provider: acme
        id: acme/large@{WEIGHTS}
        kind: oci-digest
        preview: false
        immutability: content
        region: eu
        bom: "{digest_of(b"bom")}"
        signature: "{digest_of(b"signature")}"
      - provider: acme
        id: large-2026-01-15
        kind: vendor-snapshot
        preview: false
        immutability: provider-asserted
        region: us
        aliases: [large, large-newest]
        retires_at: "2027-01-01T00:00:00Z"
  - class: small
    identities:
      - {{provider: other, id: small-2, kind: vendor-snapshot, preview: true, immutability: provider-asserted}}
components:
  system-prompt: {{path: prompts/system.md}}
  skills: {{path: skills}}
"""

TOOLS: JsonObject = {
    "tools": [
        {
            "name": "list_invoices",
            "title": "List",
            "description": "Lists invoices.",
            "inputSchema": {"type": "object", "properties": {"customer": {"type": "string"}}},
            "annotations": {"readOnlyHint": True, "openWorldHint": False, "title": "List"},
            "_meta": {"x": 1},
            "icons": [],
        },
        {"name": "get_invoice", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}},
        {"name": "export_invoices", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}},
    ]
}
DOCUMENTS: Mapping[str, bytes] = {"documents/billing.json": json.dumps(TOOLS).encode()}


def changed(text: str, *replacements: tuple[str, str]) -> str:
    """The text with each first part, which must stand there exactly once, replaced by the second."""
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def read_document(path: str) -> bytes:
    """The bytes of one of the documents."""
    if path not in DOCUMENTS:
        raise UNREADABLE.error("can't be read: No such file or directory", at=Location(path))
    return DOCUMENTS[path]


def intent(*replacements: tuple[str, str]) -> LoadedIntent:
    """The loaded intent, changed."""
    return load_intent(changed(INTENT, *replacements).encode(), "behavior.intent")


def catalog(*replacements: tuple[str, str], name: str = "catalog.yaml") -> Catalog:
    """The loaded catalog, changed."""
    return load_catalog(changed(CATALOG, *replacements).encode(), name, read_document)


def components(path: str) -> Digest:
    """Some digest of each component's path."""
    return digest_of(path.encode())
