from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from world import digest

from bspec_opa.approval.view import MARKS, build_view, extensions_of, render_view, view_digest
from bspec_opa.bundle.contract.definitions import CHANGES
from bspec_opa.foundation.digest import digest_json

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

BINDING: JsonObject = {
    "models": [
        {
            "class": "reasoner",
            "provider": "acme",
            "identity": "m-1-20260501",
            "kind": "vendor-snapshot",
            "preview": True,
            "immutability": "provider-asserted",
            "digest": [],
            "region": [],
            "bom": [],
            "signature": [],
        },
        {
            "class": "small",
            "provider": "globex",
            "identity": "globex/small@1",
            "kind": "hf-commit",
            "preview": False,
            "immutability": "content",
            "digest": [digest("weights")],
            "region": ["eu"],
            "bom": [],
            "signature": [],
        },
    ],
    "tools": [
        {
            "id": "billing_read_api",
            "publisher": "acme",
            "trusted": True,
            "release": "2.1.0",
            "artifact": [{"purl": "pkg:npm/billing@2.1.0", "digest": [digest("package")]}],
            "contract": {"kind": "mcp-tools", "digest": digest("contract")},
            "operations": [
                {"name": "get_invoice", "privilege_floor": "read", "hints": {}},
                {"name": "list_invoices", "privilege_floor": "none", "hints": {}},
            ],
        },
        {
            "id": "search",
            "publisher": "globex",
            "trusted": False,
            "release": "2026-05",
            "artifact": [],
            "contract": {"kind": "mcp-tools", "digest": digest("other contract")},
            "operations": [{"name": "query", "privilege_floor": "admin", "hints": {}}],
        },
    ],
    "components": [
        {"id": "guard", "digest": digest("guard")},
        {"id": "prompt", "digest": digest("prompt 2")},
        {"id": "skill", "digest": digest("skill")},
    ],
}
OLD: JsonObject = {
    "models": [],
    "tools": [],
    "components": [
        {"id": "config", "digest": digest("config")},
        {"id": "guard", "digest": digest("guard")},
        {"id": "prompt", "digest": digest("prompt 1")},
    ],
}
COUNTS: JsonObject = {"n": 200, "pass": 198, "fail": 1, "error": 1, "skip": 0}
RUN: JsonObject = {"question": "boundary", "method": "adversarial", "counts": COUNTS, "finished": "later"}
WAIVER: JsonObject = {
    "rule": {"id": "global.tools.unbounded_range", "digest": digest("rule")},
    "findings": [{"path": "/tools/0/version", "msg": "any release"}, {"path": "", "msg": "all"}],
    "reason": "the vendor pins it",
    "requester": "pat",
    "expires": "2026-06-02T00:00:00Z",
}


def view(**changes: Any) -> Any:
    values: dict[str, Any] = {
        "agent": "billing-support",
        "version": "1.4.0",
        "environment": "production",
        "base": "genesis",
        "source": digest("staging line"),
        "intent_digest": digest("intent"),
        "surface_digest": digest("surface"),
        "change": {
            "verdict": "expansion",
            "version_step": "minor",
            "items": [{"verdict": "expansion", "path": "/tools/0", "what": "tool billing_read_api is new"}],
        },
        "binding": BINDING,
        "old_binding": OLD,
        "evidence": [(digest("run"), RUN)],
        "waivers": [(digest("waiver"), WAIVER)],
        "extensions": [{"path": "/x-team", "value": {"slack": "#billing"}}],
    }
    return build_view(**{**values, **changes})


def test_the_view_is_exactly_this() -> None:
    assert view() == {
        "schema": "bspec.view/v1",
        "agent": "billing-support",
        "version": "1.4.0",
        "environment": "production",
        "base": "genesis",
        "source": digest("staging line"),
        "rollback": [],
        "intent": {"digest": digest("intent"), "surface_digest": digest("surface")},
        "change": {
            "verdict": "expansion",
            "items": [{"verdict": "expansion", "path": "/tools/0", "what": "tool billing_read_api is new"}],
        },
        "artifacts": {
            "models": [
                {
                    "class": "reasoner",
                    "provider": "acme",
                    "identity": "m-1-20260501",
                    "kind": "vendor-snapshot",
                    "preview": True,
                    "immutability": "provider-asserted",
                    "digest": [],
                    "region": [],
                },
                {
                    "class": "small",
                    "provider": "globex",
                    "identity": "globex/small@1",
                    "kind": "hf-commit",
                    "preview": False,
                    "immutability": "content",
                    "digest": [digest("weights")],
                    "region": ["eu"],
                },
            ],
            "tools": [
                {
                    "id": "billing_read_api",
                    "publisher": "acme",
                    "trusted": True,
                    "release": "2.1.0",
                    "artifact": [{"purl": "pkg:npm/billing@2.1.0", "digest": [digest("package")]}],
                    "contract": digest("contract"),
                    "operations": [
                        {"name": "get_invoice", "privilege_floor": "read"},
                        {"name": "list_invoices", "privilege_floor": "none"},
                    ],
                },
                {
                    "id": "search",
                    "publisher": "globex",
                    "trusted": False,
                    "release": "2026-05",
                    "artifact": [],
                    "contract": digest("other contract"),
                    "operations": [{"name": "query", "privilege_floor": "admin"}],
                },
            ],
            "components": [
                {"id": "config", "from": digest("config"), "to": ""},
                {"id": "guard", "from": digest("guard"), "to": digest("guard")},
                {"id": "prompt", "from": digest("prompt 1"), "to": digest("prompt 2")},
                {"id": "skill", "from": "", "to": digest("skill")},
            ],
        },
        "evidence": [{"id": digest("run"), "question": "boundary", "method": "adversarial", "counts": COUNTS}],
        "waivers": [
            {
                "id": digest("waiver"),
                "rule": "global.tools.unbounded_range",
                "findings": WAIVER["findings"],
                "reason": "the vendor pins it",
                "requester": "pat",
                "expires": "2026-06-02T00:00:00Z",
            }
        ],
        "extensions": [{"path": "/x-team", "value": {"slack": "#billing"}}],
    }


def test_the_digest_is_over_the_whole_view() -> None:
    assert view_digest(view()) == digest_json(view())


@pytest.mark.attack("A87")
@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "staging"},
        {"base": digest("line")},
        {"binding": {**BINDING, "models": []}},
        {"old_binding": None},
        {"evidence": []},
        {"evidence": [(digest("run"), {**RUN, "counts": {**COUNTS, "fail": 0, "pass": 199}})]},
        {"waivers": []},
        {"extensions": []},
        {"change": {"verdict": "cosmetic", "items": []}},
    ],
    ids="".join,
)
def test_another_view_has_another_digest(changes: dict[str, Any]) -> None:
    assert view_digest(view(**changes)) != view_digest(view())


def test_neither_order_nor_age_changes_the_view() -> None:
    more = [(digest("run"), {**RUN, "finished": "earlier"}), (digest("run 2"), RUN)]
    assert view(evidence=more) == view(evidence=more[::-1])
    assert view(evidence=more[:1]) == view()


def test_extensions_are_found_wherever_they_are() -> None:
    document: JsonObject = {
        "x-team": {"x-inner": 1},
        "metadata": {"id": "a", "x-a/b": None},
        "tools": [{"id": "t"}, {"id": "u", "x-cost": [1]}],
    }
    assert extensions_of(document) == [
        {"path": "/metadata/x-a~1b", "value": None},
        {"path": "/tools/1/x-cost", "value": [1]},
        {"path": "/x-team", "value": {"x-inner": 1}},
    ]


def test_the_text_shows_all_of_the_view() -> None:
    assert render_view(view()).splitlines() == [
        "billing-support 1.4.0 to production",
        f"  intent   {digest('intent')}",
        f"  surface  {digest('surface')}",
        "  base     genesis",
        f"  source   {digest('staging line')}",
        "change: expansion",
        "  + /tools/0  tool billing_read_api is new",
        "models",
        "  reasoner: acme m-1-20260501, vendor-snapshot, region unknown, immutability provider-asserted, preview",
        f"  small: globex globex/small@1, hf-commit, region eu, immutability content, digest {digest('weights')}",
        "tools",
        f"  billing_read_api 2.1.0 of acme (trusted), contract {digest('contract')}",
        f"    artifact pkg:npm/billing@2.1.0 {digest('package')}",
        "    get_invoice: privilege floor read",
        "    list_invoices: privilege floor none",
        f"  search 2026-05 of globex (not trusted), contract {digest('other contract')}",
        "    query: privilege floor admin",
        "components",
        f"  - config: was {digest('config')}",
        f"    guard: {digest('guard')}, as before",
        f"  ~ prompt: {digest('prompt 1')} becomes {digest('prompt 2')}",
        f"  + skill: {digest('skill')}",
        "evidence",
        f"  boundary adversarial: 198 of 200 passed, 1 failed, 1 errors, 0 skipped ({digest('run')})",
        "waivers",
        f"  global.tools.unbounded_range: the vendor pins it ({digest('waiver')})",
        "    until 2026-06-02T00:00:00Z, asked for by pat",
        "    /tools/0/version  any release",
        "    /  all",
        "extensions",
        '  /x-team: {"slack":"#billing"}',
    ]


def test_nothing_is_said_to_be_nothing() -> None:
    empty = view(binding=None, old_binding=None, evidence=[], waivers=[], extensions=[])
    assert render_view(empty).splitlines()[-6:] == [
        "models: none",
        "tools: none",
        "components: none",
        "evidence: none",
        "waivers: none",
        "extensions: none",
    ]


def test_every_verdict_has_its_mark() -> None:
    assert set(MARKS) == set(CHANGES)
    items = [{"verdict": v, "path": "", "what": v} for v in CHANGES]
    lines = render_view(view(change={"verdict": "expansion", "items": items})).splitlines()
    assert lines[6:11] == [
        "  + /  initial",
        "  ~ /  cosmetic",
        "  - /  reduction",
        "  ! /  governance",
        "  + /  expansion",
    ]


@pytest.mark.attack("A72")
def test_hidden_characters_are_shown_not_obeyed() -> None:
    hostile = "a\n::set-env\x1b[2K\u202eb\u200bc\u2028d\U000e0041\x85"
    text = render_view(view(agent=hostile, extensions=[{"path": "/x-" + hostile, "value": hostile}]))
    assert text.splitlines()[0].startswith(
        "a\\u{a}::set-env\\u{1b}[2K\\u{202e}b\\u{200b}c\\u{2028}d\\u{e0041}\\u{85} 1.4.0"
    )
    assert len(text.splitlines()) == len(render_view(view()).splitlines())
    assert all(c == "\n" or c.isprintable() for c in text)
