from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from materials import PACKAGE, WEIGHTS, catalog, components, intent

from bspec_opa.binding.facts import binding_input, withdrawn
from bspec_opa.binding.resolve import resolve
from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.times import parse_time

if TYPE_CHECKING:
    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

NOW = parse_time("2026-06-01T12:00:00Z")
SNAPSHOT = intent(("regions: [eu]", "regions: [us]"))


def bound() -> Binding:
    return resolve(intent(), [catalog()], components)


def schema_of(member: str) -> JsonObject:
    properties = cast("JsonObject", input_schema()["properties"])
    return cast("JsonObject", properties[member])


def test_the_input_has_the_shape_of_the_contract() -> None:
    found = binding_input(bound(), intent())
    assert violations(schema_of("binding"), [found]) == []
    assert found == {
        "digest": bound().digest,
        "models": [
            {
                "class": "large",
                "provider": "acme",
                "identity": f"acme/large@{WEIGHTS}",
                "kind": "oci-digest",
                "preview": False,
                "immutability": "content",
                "digest": [WEIGHTS],
                "region": ["eu"],
                "bom": [digest_of(b"bom")],
                "signature": [digest_of(b"signature")],
            },
            {
                "class": "small",
                "provider": "other",
                "identity": "small-2",
                "kind": "vendor-snapshot",
                "preview": True,
                "immutability": "provider-asserted",
                "digest": [],
                "region": [],
                "bom": [],
                "signature": [],
            },
        ],
        "tools": [
            {
                "id": "billing_read_api",
                "publisher": "acme",
                "trusted": True,
                "release": "2.4.0",
                "in_range": True,
                "artifact": [{"purl": "pkg:oci/billing@2.4.0", "digest": [PACKAGE]}],
                "contract": {
                    "kind": "mcp-tools",
                    "digest": bound().tools[0].contract.digest,
                    "described": True,
                    "suspicions": [],
                },
                "operations": [
                    {"name": "get_invoice", "privilege_floor": "read"},
                    {"name": "list_invoices", "privilege_floor": "read"},
                ],
            },
            {
                "id": "search",
                "publisher": "example",
                "trusted": False,
                "release": "2026-05",
                "in_range": True,
                "artifact": [],
                "contract": {
                    "kind": "hand-written/names-only",
                    "digest": bound().tools[1].contract.digest,
                    "described": False,
                    "suspicions": [],
                },
                "operations": [
                    {"name": "purge", "privilege_floor": "admin"},
                    {"name": "query", "privilege_floor": "write"},
                ],
            },
        ],
        "components": [c.to_json() for c in bound().components],
    }


def artifact(purl: str, digest: str = "") -> JsonValue:
    """What the input says of a package of the billing tool."""
    stated = f'{{purl: "{purl}"' + (f', digest: "{digest}"' if digest else "") + "}"
    bound = resolve(intent(), [catalog((f'{{purl: pkg:oci/billing@2.4.0, digest: "{PACKAGE}"}}', stated))], components)
    tools = cast("list[JsonObject]", binding_input(bound, intent())["tools"])
    return tools[0]["artifact"]


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_a_package_url_may_hold_the_digest_itself(colon: str) -> None:
    hexadecimal = PACKAGE.removeprefix("sha256:")
    purl = f"pkg:oci/billing@sha256{colon}{hexadecimal}?tag=2.4.0"
    assert artifact(purl) == [{"purl": purl, "digest": [PACKAGE]}]


@pytest.mark.parametrize("version", ["2.4.0", "sha256:" + "0" * 63, "sha256:" + "0" * 65, "sha512:" + "0" * 64])
def test_a_package_url_without_a_whole_digest_fixes_nothing(version: str) -> None:
    purl = f"pkg:oci/billing@{version}"
    assert artifact(purl) == [{"purl": purl, "digest": []}]
    assert artifact(purl, WEIGHTS) == [{"purl": purl, "digest": [WEIGHTS]}]


def test_the_range_is_that_of_the_intent_as_it_is_now() -> None:
    later = intent(('">=2.0,<3"', '">=2.5"'), ("id: search", "id: find"))
    tools = cast("list[JsonObject]", binding_input(bound(), later)["tools"])
    assert [(t["id"], t["in_range"]) for t in tools] == [("billing_read_api", False), ("search", False)]


def test_nothing_is_withdrawn_while_the_catalog_stays() -> None:
    assert withdrawn(bound(), [catalog()], now=NOW) == []


def test_new_releases_and_aliases_withdraw_nothing() -> None:
    now = catalog(("status: deprecated", "status: active"), (", large-newest", ""))
    assert withdrawn(bound(), [now], now=NOW) == []


@pytest.mark.attack("A82")
@pytest.mark.parametrize("status", ["yanked", "retired", "deprecated"])
def test_a_release_or_identity_that_is_not_active_any_more_is_named(status: str) -> None:
    now = catalog(
        ("version: 2.4.0\n", f"version: 2.4.0\n        status: {status}\n"),
        ("id: small-2,", f"id: small-2, status: {status},"),
    )
    found = withdrawn(bound(), [now], now=NOW)
    assert found == [
        {"kind": "tool", "id": "billing_read_api", "release": "2.4.0", "status": status},
        {"kind": "model", "id": "small", "release": "small-2", "status": status},
    ]
    assert violations(schema_of("withdrawn"), [{**f, "path": ""} for f in found]) == []


@pytest.mark.attack("A82")
@pytest.mark.parametrize(
    "change",
    [
        ("privilege_floor: execute", "privilege_floor: admin"),
        ("publisher: acme", "publisher: mallory"),
        ("class: finance", "class: knowledge"),
        ("version: 2.4.0", "version: 2.4.1"),
        ("id: billing_read_api", "id: billing_api"),
        ("pkg:oci/billing@2.4.0", "pkg:oci/billing@2.4.1"),
    ],
)
def test_an_entry_that_is_gone_or_changed_counts_as_retired(change: tuple[str, str]) -> None:
    assert withdrawn(bound(), [catalog(change)], now=NOW) == [
        {"kind": "tool", "id": "billing_read_api", "release": "2.4.0", "status": "retired"}
    ]


@pytest.mark.attack("A82")
def test_a_model_that_is_not_what_it_was_counts_as_retired() -> None:
    changes = [
        ("preview: true", "preview: false"),
        ("provider: other", "provider: another"),
        ("id: small-2", "id: small-3"),
    ]
    for change in changes:
        assert withdrawn(bound(), [catalog(change)], now=NOW) == [
            {"kind": "model", "id": "small", "release": "small-2", "status": "retired"}
        ]


def test_a_changed_entry_that_is_yanked_is_yanked() -> None:
    now = catalog(("version: 2.4.0\n", "version: 2.4.0\n        status: yanked\n"), ("publisher: acme", "publisher: m"))
    assert [w["status"] for w in withdrawn(bound(), [now], now=NOW)] == ["yanked"]


def test_without_catalogs_everything_counts_as_retired() -> None:
    assert [(w["kind"], w["id"], w["status"]) for w in withdrawn(bound(), [], now=NOW)] == [
        ("tool", "billing_read_api", "retired"),
        ("tool", "search", "retired"),
        ("model", "large", "retired"),
        ("model", "small", "retired"),
    ]


def test_another_catalog_cannot_hide_a_withdrawal() -> None:
    yanked = catalog(("version: 2.4.0\n", "version: 2.4.0\n        status: yanked\n"))
    for catalogs in ([yanked, catalog()], [catalog(), yanked]):
        assert [w["status"] for w in withdrawn(bound(), catalogs, now=NOW)] == ["yanked"]


@pytest.mark.parametrize(
    ("now", "status", "expected"),
    [
        ("2026-12-31T23:59:59Z", "active", []),
        ("2027-01-01T00:00:00Z", "active", ["retired"]),
        ("2027-01-01T00:00:00Z", "deprecated", ["retired"]),
        ("2027-01-01T00:00:00Z", "yanked", ["yanked"]),
    ],
)
def test_a_model_is_retired_on_its_day(now: str, status: str, expected: list[str]) -> None:
    binding = resolve(SNAPSHOT, [catalog()], components)
    then = catalog(("region: us", f"region: us\n        status: {status}"))
    assert [w["status"] for w in withdrawn(binding, [then], now=parse_time(now))] == expected
