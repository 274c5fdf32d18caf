from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intents import Json, edited, example, intents, loaded, neighbours

from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.digest import digest_json
from bspec_opa.intent.change import Change, change_of

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonValue


def between(old: Json | None, new: Json, *bindings: Json) -> Change:
    one, other = bindings or (None, None)
    return change_of(None if old is None else loaded(old), loaded(new), old_binding=one, new_binding=other)


def said(change: Change) -> list[tuple[str, str, str]]:
    return [(i.verdict, i.path, i.what) for i in change.items]


def refunds(document: Json) -> None:
    """The paper's expansion (9.5.2): the agent may issue refunds."""
    document["metadata"]["version"] = "1.1.0"
    document["scope"]["in"].append(
        {"id": "issue-refunds", "statement": "Issue refunds for wrong invoices", "actions": ["write:refund"]}
    )
    document["scope"]["out"].clear()
    document["tools"].append(
        {
            "id": "billing_write_api",
            "class": "finance",
            "version": ">=1.0,<2",
            "privilege": "write",
            "operations": ["create_refund"],
            "data": "confidential",
            "confirmation": "always",
            "world": "closed",
            "serves": ["issue-refunds"],
        }
    )
    document["promotion"]["production"]["approvals"].append({"role": "finance-owner", "count": 1})


def test_the_paper_s_oracle_has_exactly_three_expansions_and_no_governance_item() -> None:
    change = between(example(), edited(refunds))
    assert (change.verdict, change.version_step) == ("expansion", "minor")
    assert said(change) == [
        ("expansion", "/scope/in/1/actions/0", "scope action write:refund added"),
        ("expansion", "/scope/out", "out-of-scope entry refunds removed"),
        (
            "expansion",
            "/tools/1",
            (
                "tool billing_write_api added at privilege write, data confidential, world closed, confirmation always, "
                "reversibility irreversible, range >=1.0,<2"
            ),
        ),
    ]


def test_the_way_back_is_a_reduction_that_weakens_a_rule() -> None:
    change = between(edited(refunds), example())
    assert (change.verdict, change.version_step) == ("governance", "lower")
    assert said(change) == [
        (
            "governance",
            "/promotion/production/approvals",
            "production: approvals: role finance-owner goes from 1 to 0",
        ),
        ("reduction", "/scope/in", "scope action write:refund removed"),
        ("reduction", "/scope/out/0/actions/0", "out-of-scope entry refunds: action write:refund added"),
        ("reduction", "/tools", "tool billing_write_api removed"),
    ]


def test_the_first_is_initial() -> None:
    change = between(None, example(), binding(), binding())
    assert (change.verdict, change.version_step) == ("initial", "initial")
    assert {item.verdict for item in change.items} == {"expansion"}
    (tool,) = (i.what for i in change.items if i.path == "/tools/0")
    assert tool.startswith("tool billing_read_api added at privilege read, data confidential, world closed")


def test_nothing_changed() -> None:
    change = between(example(), example(), binding(), binding())
    assert change == Change("cosmetic", "same", (), digest_json([]))


VERDICTS: dict[str, tuple[Any, str, str]] = {
    "a label": (lambda d: d["metadata"].update(labels={"a": "b"}, version="1.0.1"), "cosmetic", "patch"),
    "an extension": (lambda d: d.update({"x-a": 1}), "cosmetic", "same"),
    "a stricter rule": (lambda d: d["promotion"]["staging"].update(approval_ttl="P1D"), "cosmetic", "same"),
    "a tool less": (lambda d: d.update(tools=[]), "reduction", "same"),
    "a lower tier and a tool less": (
        lambda d: (d.update(tools=[]), d["risk"].update(tier="low")),
        "governance",
        "same",
    ),
    "all at once": (
        lambda d: (
            d.update(tools=[], purpose="x"),
            d["risk"].update(tier="low"),
            d["metadata"].update(version="2.0.0"),
        ),
        "expansion",
        "major",
    ),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_gravest_item_decides(name: str) -> None:
    edit, verdict, step = VERDICTS[name]
    change = between(example(), edited(edit))
    assert (change.verdict, change.version_step) == (verdict, step)


def test_a_label_is_shown() -> None:
    change = between(example(), edited(lambda d: d["metadata"].update(labels={"a": "b"})))
    assert said(change) == [("cosmetic", "/metadata/labels", "labels changed")]


# Bindings


def binding() -> Json:
    contract = {"kind": "mcp-tools/v1", "digest": "sha256:" + "1" * 64, "document": {}}
    return {
        "models": [
            {
                "class": "support-optimized-model-v1",
                "provider": "acme",
                "identity": "support-1-20260101",
                "kind": "vendor-snapshot",
                "preview": False,
                "immutability": "content",
                "digest": [],
                "region": ["eu"],
            }
        ],
        "tools": [
            {
                "id": "billing_read_api",
                "publisher": "acme",
                "trusted": False,
                "release": "2.1.0",
                "artifact": [{"purl": "pkg:npm/billing@2.1.0", "digest": []}],
                "contract": contract,
                "operations": [{"name": "get_invoice", "privilege_floor": "read"}],
            }
        ],
        "components": [{"id": "system-prompt", "digest": "sha256:" + "2" * 64}],
    }


def rebound(change: Any) -> list[tuple[str, str, str]]:
    return said(between(example(), example(), binding(), edited(change, binding())))


def floor(privilege: str) -> Any:
    return lambda b: b["tools"][0]["operations"][0].update(privilege_floor=privilege)


NEXT_MODEL = "acme support-1-20260601 sha256:" + "4" * 64

REBOUND: dict[str, tuple[Any, list[tuple[str, str, str]]]] = {
    "another contract": (
        lambda b: b["tools"][0]["contract"].update(digest="sha256:" + "3" * 64),
        [("expansion", "/tools/0", "the contract of tool billing_read_api changed")],
    ),
    "another publisher": (
        lambda b: b["tools"][0].update(publisher="globex"),
        [("expansion", "/tools/0", "the publisher of tool billing_read_api changed")],
    ),
    "another release with the same contract": (
        lambda b: b["tools"][0].update(release="2.2.0", artifact=[]),
        [("cosmetic", "/tools/0", 'tool billing_read_api: release "2.1.0" becomes "2.2.0"')],
    ),
    "another artifact of the same release": (
        lambda b: b["tools"][0].update(artifact=[]),
        [
            (
                "expansion",
                "/tools/0",
                "the artifact of tool billing_read_api changed, though its release has the same name",
            )
        ],
    ),
    "another prompt": (
        lambda b: b["components"][0].update(digest="sha256:" + "3" * 64),
        [("expansion", "/components/0", "the content of component system-prompt changed")],
    ),
    "another model identity": (
        lambda b: b["models"][0].update(identity="support-1-20260601", digest=NEXT_MODEL.split()[2:]),
        [
            (
                "cosmetic",
                "/models/classes/0",
                f'model class support-optimized-model-v1: identity "acme support-1-20260101" becomes "{NEXT_MODEL}"',
            )
        ],
    ),
    "a lower floor": (
        floor("none"),
        [
            (
                "expansion",
                "/tools/0",
                "tool billing_read_api: privilege floor of get_invoice lowered from read to none",
            )
        ],
    ),
    "a higher floor": (
        floor("admin"),
        [
            (
                "reduction",
                "/tools/0",
                "tool billing_read_api: privilege floor of get_invoice raised from read to admin",
            )
        ],
    ),
    "an operation that was not bound": (
        lambda b: b["tools"][0]["operations"].append({"name": "purge", "privilege_floor": "none"}),
        [],
    ),
    "trust": (
        lambda b: b["tools"][0].update(trusted=True),
        [("expansion", "/tools/0", "the publisher of tool billing_read_api is trusted")],
    ),
    "another region": (
        lambda b: b["models"][0].update(region=["us"]),
        [("expansion", "/models/classes/0", "model class support-optimized-model-v1: region eu becomes us")],
    ),
    "no region": (
        lambda b: b["models"][0].update(region=[]),
        [("expansion", "/models/classes/0", "model class support-optimized-model-v1: region eu becomes unknown")],
    ),
    "a preview": (
        lambda b: b["models"][0].update(preview=True),
        [("expansion", "/models/classes/0", "model class support-optimized-model-v1 is a preview")],
    ),
    "the provider's word": (
        lambda b: b["models"][0].update(immutability="provider-asserted"),
        [
            (
                "expansion",
                "/models/classes/0",
                "model class support-optimized-model-v1: immutability content becomes provider-asserted",
            )
        ],
    ),
    "the same in another order": (lambda b: b.update(models=b["models"][::-1]), []),
    "something that no intent names": (lambda b: b["tools"].append(b["tools"][0] | {"id": "other"}), []),
    "nothing left": (
        lambda b: b.update(tools=[], components=[], models=[]),
        [
            ("expansion", "/components/0", "the content of component system-prompt changed"),
            ("expansion", "/tools/0", "the contract of tool billing_read_api changed"),
            ("expansion", "/tools/0", "the publisher of tool billing_read_api changed"),
            (
                "cosmetic",
                "/models/classes/0",
                'model class support-optimized-model-v1: identity "acme support-1-20260101" becomes "none"',
            ),
            ("cosmetic", "/tools/0", 'tool billing_read_api: release "2.1.0" becomes "none"'),
        ],
    ),
}


def test_what_was_less_sure_before_is_a_reduction() -> None:
    def less(b: Any) -> None:
        b["tools"][0].update(trusted=True)
        b["models"][0].update(preview=True, immutability="provider-asserted")

    model = "model class support-optimized-model-v1"
    assert said(between(example(), example(), edited(less, binding()), binding())) == [
        ("reduction", "/models/classes/0", f"{model} is no preview any more"),
        ("reduction", "/models/classes/0", f"{model}: immutability provider-asserted becomes content"),
        ("reduction", "/tools/0", "the publisher of tool billing_read_api is no longer trusted"),
    ]


@pytest.mark.parametrize("name", REBOUND)
def test_bindings_are_compared_where_both_intents_declare_it(name: str) -> None:
    edit, expected = REBOUND[name]
    assert rebound(edit) == expected


def test_one_binding_alone_says_nothing() -> None:
    assert said(change_of(loaded(example()), loaded(example()), new_binding=binding())) == []


def test_what_the_surfaces_already_tell_is_not_told_again() -> None:
    new = edited(lambda d: d.update(tools=[], components=[]))
    other = edited(lambda b: b.update(tools=[], components=[]), binding())
    assert said(between(example(), new, binding(), other)) == [
        ("expansion", "/components", "prompt component system-prompt removed"),
        ("reduction", "/tools", "tool billing_read_api removed"),
    ]


# Its forms


def test_as_json() -> None:
    change = between(example(), edited(lambda d: d["risk"].update(tier="low")))
    items: list[JsonValue] = [
        {"verdict": "governance", "path": "/risk/tier", "what": "risk tier lowered from high to low"}
    ]
    assert change.to_json() == {
        "verdict": "governance",
        "version_step": "same",
        "digest": digest_json(items),
        "items": items,
    }


@given(st.data())
@settings(max_examples=30)
def test_it_fits_the_opa_input_and_its_digest_is_of_its_items(data: st.DataObject) -> None:
    old = data.draw(intents())
    change = between(old, data.draw(neighbours(old)))
    plain: Any = change.to_json()
    schema: Any = input_schema()
    part = schema["properties"]["change"] | {"$defs": schema["$defs"]}
    assert violations(part, {k: v for k, v in plain.items() if k != "digest"} | {"base": "genesis"}) == []
    assert change.digest == digest_json(plain["items"])
