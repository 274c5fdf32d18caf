"""Every shipped rule has a page, and what it shows is so: the rule fires on Avoid and is silent on Prefer."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rule_pages import merged, read_page

from bspec_opa.bundle.build.building import repack
from bspec_opa.bundle.read import read_bundle
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.foundation.document.load import load_document
from bspec_opa.gate.request import check_request
from bspec_opa.intent.load import load_intent
from bspec_opa.intent.projection import intent_input, promotion_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bspec_opa.bundle.index import RuleEntry

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "rules"
SHIPPED = read_bundle((ROOT / "bundles" / "default.tar.gz").read_bytes(), "default")
RULES = SHIPPED.index.rules
INTENT: Any = load_document((ROOT / "examples" / "billing" / "v1" / "behavior.intent").read_bytes(), "intent").value


@pytest.fixture(scope="module")
def allowed(opa_path: Path) -> Any:
    """The fixture of the rules' own tests that no rule has anything to say about."""
    command = [str(opa_path), "eval", "--data=policies", "--format=raw", "data.bspec.testing.allowed"]
    return json.loads(subprocess.run(command, env={}, cwd=ROOT, check=True, capture_output=True).stdout)


@pytest.fixture(scope="module")
def engine_for() -> Iterator[Callable[[str], EmbeddedEngine]]:
    """The shipped rules with an organisation's data."""
    with ExitStack() as stack:

        @cache
        def engine(organisation: str) -> EmbeddedEngine:
            bundle = read_bundle(repack(SHIPPED, organisation.encode(), "org"), "pages")
            found = EmbeddedEngine(bundle.wasm, bundle.data, revision=bundle.revision, bundle_digest=bundle.digest)
            return stack.enter_context(found)

        yield engine


def status(
    rule: RuleEntry, snippets: list[tuple[str, Any]], allowed: Any, engine_for: Callable[[str], EmbeddedEngine]
) -> str:
    """What a rule says of the billing agent's intent and the fixture's records, with the snippets merged in."""
    parts: dict[str, Any] = {"intent": INTENT, "org": SHIPPED.organisation}
    for kind, patch in snippets:
        if kind != "input":
            parts[kind] = merged(parts[kind], patch)
    loaded = load_intent(json.dumps(parts["intent"]).encode(), "behavior.intent.json")
    request = allowed | {
        "intent": intent_input(loaded, allowed["now_unix"]),
        "requirements": {
            "declared": [promotion_input(loaded, "production", allowed["now_unix"])],
            "previous": [],
            "previous_risk": [],
        },
    }
    for kind, patch in snippets:
        if kind == "input":
            request = merged(request, patch)
    check_request(request)
    decision: Any = engine_for(json.dumps(parts["org"])).decide(request).decision
    found: str = decision[rule.id.partition(".")[0]][rule.id]["status"]
    return found


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert sorted(p.name for p in PAGES.iterdir()) == sorted(f"{r.id}.md" for r in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.id)
def test_the_page_is_true(rule: RuleEntry, allowed: Any, engine_for: Callable[[str], EmbeddedEngine]) -> None:
    page = read_page(PAGES / f"{rule.id}.md")
    assert len(page.why) > 40
    assert page.avoid
    assert page.prefer
    assert status(rule, page.avoid, allowed, engine_for) == ("deny" if rule.has_deny else "warn")
    assert status(rule, page.prefer, allowed, engine_for) == "pass"


def test_merging() -> None:
    base = {"a": [{"id": 1, "x": 1}, {"id": 2, "x": 2}], "b": [1, 2], "c": {"d": 1}, "e": [{"id": 1}]}
    patch = {"a": [{"id": 2, "x": 3}], "b": [3], "c": {"f": 2}, "e": []}
    assert merged(base, patch) == {
        "a": [{"id": 1, "x": 1}, {"id": 2, "x": 3}],
        "b": [3],
        "c": {"d": 1, "f": 2},
        "e": [],
    }
    with pytest.raises(AssertionError, match="is not there"):
        merged(base, {"a": [{"id": 3}]})
