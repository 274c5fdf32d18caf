from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from intents import Json, edited, example, full, intents, loaded

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.intent.surface import merged

BILLING = (
    '{"components":[{"id":"system-prompt","kind":"prompt"}],"constraints":{"data":{"categories":["pii"],'
    '"max":"confidential","residency":["eu"]},"delegation":[],"limits":{"max_steps":20,"request_seconds":30,'
    '"task_seconds":300},"logging":{"level":"full","redact":["pii"],"retention_days":365},"memory":{"policy":"session"},'
    '"network":{"egress":"allowlist","hosts":["billing.internal"]},"output":{"forbid":[]},"self_modification":false},'
    '"models":{"classes":[{"id":"support-optimized-model-v1","providers":["acme"],"regions":["eu"],"role":"primary"}],'
    '"routing":"single-model"},"promotion":{},"purpose":"Answer customers\' questions about their own invoices.",'
    '"scope":{"in":[{"actions":["explain:line-item","read:invoice"],"id":"explain-invoices",'
    '"statement":"Retrieve invoices and explain line items"}],"out":[{"actions":["write:refund"],"id":"refunds",'
    '"statement":"Issue or promise refunds"}]},"tools":[{"class":"finance","confirmation":"never","data":"confidential",'
    '"id":"billing_read_api","operations":["get_invoice","list_invoices"],"privilege":"read","reversibility":"read-only",'
    '"serves":["explain-invoices"],"version":">=2.0","world":"closed"}]}'
)


def test_the_surface_of_the_billing_agent_byte_for_byte() -> None:
    found = loaded(example())
    assert canonical_bytes(found.surface).decode() == BILLING
    assert found.surface_digest == digest_of(BILLING.encode())


def test_a_default_is_the_reading_with_more_capability() -> None:
    document = edited(lambda d: [d["constraints"].pop(name) for name in ("limits", "self_modification")])
    for name in ("data", "world"):
        del document["tools"][0][name]
    for name in ("providers", "regions"):
        del document["models"]["classes"][0][name]
    surface: Any = loaded(document).surface
    tool, model, constraints = surface["tools"][0], surface["models"]["classes"][0], surface["constraints"]
    assert (tool["data"], tool["confirmation"], tool["world"]) == ("restricted", "never", "open")
    assert (model["providers"], model["regions"]) == (["*"], ["*"])
    assert set(constraints["limits"].values()) == {UNLIMITED}
    assert (constraints["self_modification"], constraints["output"]) == (True, {"forbid": []})


@pytest.mark.parametrize(
    ("privilege", "reversibility"),
    [
        ("none", "read-only"),
        ("read", "read-only"),
        ("write", "irreversible"),
        ("execute", "irreversible"),
        ("admin", "irreversible"),
    ],
)
def test_reversibility_follows_from_the_privilege(privilege: str, reversibility: str) -> None:
    surface: Any = loaded(edited(lambda d: d["tools"][0].update(privilege=privilege))).surface
    assert surface["tools"][0]["reversibility"] == reversibility


@given(intents())
@settings(max_examples=30)
def test_writing_a_default_out_changes_nothing(document: Json) -> None:
    first = loaded(document)
    for written, tool in zip(document["tools"], first.intent.tools, strict=True):
        written |= {"data": tool.data, "confirmation": tool.confirmation, "world": tool.world}
    document["constraints"].setdefault("delegation", [])
    document["constraints"].setdefault("limits", {}).setdefault("max_steps", UNLIMITED)
    assert loaded(document).surface_digest == first.surface_digest


@given(intents())
@settings(max_examples=30)
def test_the_order_of_sets_and_entries_changes_nothing(document: Json) -> None:
    assert loaded(backwards(document)).surface_digest == loaded(document).surface_digest


def backwards(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: backwards(value) for key, value in node.items()}
    return [backwards(item) for item in reversed(node)] if isinstance(node, list) else node


def test_an_overlay_is_in_the_surface_with_what_it_names_alone() -> None:
    def change(document: Json) -> None:
        document["promotion"]["staging"]["constraints"] = {
            "logging": {"redact": ["secrets", "pii"]},
            "delegation": [],
            "data": {},
            "memory": {"x-note": 1},
        }

    surface: Any = loaded(edited(change)).surface
    overlay = {"logging": {"redact": ["pii", "secrets"]}, "delegation": []}
    assert surface["promotion"] == {"staging": {"constraints": overlay}}


def test_merging_replaces_what_the_overlay_names() -> None:
    surface: Any = loaded(full()).surface
    overlay = surface["promotion"]["production"]["constraints"]
    assert merged(surface["constraints"], overlay) == overlay
    assert merged(surface["constraints"], {}) == surface["constraints"]
    limited = merged(surface["constraints"], {"limits": {"max_steps": 1}, "delegation": []})
    assert (limited["limits"], limited["delegation"]) == (surface["constraints"]["limits"] | {"max_steps": 1}, [])


def test_hosts_fall_away_where_an_environment_has_no_egress() -> None:
    surface: Any = loaded(example()).surface
    assert merged(surface["constraints"], {"network": {"egress": "none"}})["network"] == {"egress": "none", "hosts": []}
